"""Wins whose deal turns out to be of another account, or of another kind, than it was won with."""

from datetime import date, datetime
from typing import Final

from django.db import transaction

from accounts.actions.accounts import become_customers
from accounts.choices import AccountStatus
from accounts.models import Account
from core.actors import Actor
from journeys.actions.handoffs import open_for_won
from journeys.actions.handoffs.calling_off import let_hand_over_anew
from journeys.actions.handoffs.opening import LOOK_BACK
from journeys.actions.leaving import Win, take_back_buyers, take_back_wins
from journeys.choices import OpportunityKind
from journeys.models import Handoff

OTHER_ACCOUNT: Final = "The opportunity has another account."
OTHER_KIND: Final = "The opportunity is of another kind."


@transaction.atomic
def move_win(*, was: Win, is_now: Win, won_on: date | None, actor: Actor, today: date, now: datetime) -> None:
    """What the win of a deal brought about is taken back where it was, and comes about where it is now.

    To be called once the deal says where it is. A hand-off that nobody has accepted is called off at the earlier
    account, one that was accepted stays there; the account of now gets its own. Between new business and expansion of
    one account the hand-off stays as it is: both change hands. A win of long ago is history: it makes a prospect a
    customer, but brings nobody back who has churned, and opens a hand-off only where one was still open.
    """
    is_new = won_on is not None and won_on >= today - LOOK_BACK
    mine = Handoff.objects.filter(opportunity_id=was.deal_id, state__in=("waiting", "returned"))
    hands_over = is_new or mine.exists()
    if was.account_id != is_now.account_id:
        take_back_wins(wins=[was], reason=OTHER_ACCOUNT, actor=actor, now=now)
        let_hand_over_anew(opportunity_ids=[was.deal_id])
    elif is_now.kind == OpportunityKind.RENEWAL:
        take_back_wins(wins=[was], reason=OTHER_KIND, actor=actor, now=now)
    else:
        take_back_buyers(wins=[was], reason=OTHER_KIND, actor=actor, now=now)
    if is_now.account_id is not None and is_now.kind == OpportunityKind.NEW:
        buyers = Account.objects.filter(pk=is_now.account_id)
        buyers = buyers if is_new else buyers.exclude(status=AccountStatus.CHURNED)
        ids = list(buyers.values_list("pk", flat=True))
        become_customers(account_ids=ids, since=won_on or today, actor=actor, now=now)
    if hands_over:
        open_for_won(opportunity_ids=[is_now.deal_id], actor=actor, today=today, now=now)
