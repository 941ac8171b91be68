"""Leaving: accounts that are in no stage of the journey any more, and wins that turn out to be none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import connection, transaction

from accounts.actions.accounts import take_back_customers
from accounts.choices import AccountStatus
from accounts.models import Account
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id
from journeys.actions.handoffs.calling_off import call_off_of_accounts, call_off_of_deals
from journeys.actions.plays.ending import end_plays_of
from journeys.choices import OpportunityKind, StageKind
from journeys.models import FirstValue, Opportunity

_LEAVE: Final = """
UPDATE journeys_stagevisit AS stay SET left_on = GREATEST(stay.entered_on, %s)
FROM journeys_lifecyclestage AS stage
WHERE stay.tenant_id = %s AND stay.account_id = ANY(%s) AND stay.left_on IS NULL
  AND stage.tenant_id = stay.tenant_id AND stage.id = stay.stage_id
RETURNING stay.account_id, stage.key"""


@dataclass(frozen=True)
class Win:
    """A deal that stood in Won, with the account that it was won at: a file may name another one since."""

    deal_id: int
    account_id: int | None
    kind: str


@transaction.atomic
def leave_journey(*, account_ids: Collection[int], reason: str, actor: Actor, today: date, now: datetime) -> int:
    """Ends the stays of the accounts: they are in no stage any more, and every stay is kept. Returns how many left.

    What waits to be handed over of them is called off, and plays that run for them are stopped. Those who are in no
    stage already are passed over; a later move into a stage starts a new stay. Raises `ValueError` without a reason.
    """
    why = reason.strip()
    if not why:
        raise ValueError("Say why they leave: it is what is learnt from it.")
    # Not against new rows that name them: whoever works on a play of theirs meanwhile makes tasks.
    held = Account.objects.select_for_update(no_key=True).filter(pk__in=set(account_ids), merged_into=None)
    held = held.order_by("pk")
    accounts = {one.pk: one for one in held}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, [today, require_tenant_id(), list(accounts)])
        left: dict[int, str] = dict(cursor.fetchall())
    if not left:
        return 0
    audit.record_many(
        actor=actor,
        at=now,
        verb="left the journey",
        rows=[
            # By this mark, and by no words, it is known who comes back when it is in business again.
            (
                accounts[pk],
                {"stage": left[pk]},
                {"stage": None, "churned": accounts[pk].status == AccountStatus.CHURNED},
            )
            for pk in sorted(left)
        ],
        reason=why,
    )
    told = f"Left the journey: {why}"
    call_off_of_accounts(account_ids=list(left), reason=told, actor=actor, now=now)
    end_plays_of(account_ids=list(left), reason=told, actor=actor, today=today, now=now)
    mark_changed(left)
    return len(left)


@transaction.atomic
def take_back_wins(*, wins: Sequence[Win], reason: str, actor: Actor, now: datetime) -> None:
    """Undoes what the wins of these deals brought about, once they are in another stage. Any number at once.

    What waits to be handed over is called off. An account that became a customer by such a deal, and by nothing else,
    is again what it was before, and a clock of first value that nothing has stopped goes with it.
    """
    call_off_of_deals(opportunity_ids=[one.deal_id for one in wins], reason=reason, actor=actor, now=now)
    take_back_buyers(wins=wins, reason=reason, actor=actor, now=now)


@transaction.atomic
def take_back_buyers(*, wins: Sequence[Win], reason: str, actor: Actor, now: datetime) -> None:
    """The part of `take_back_wins` that is about the accounts: the hand-offs stay."""
    new = Opportunity.objects.filter(kind=OpportunityKind.NEW)
    bought = {one.account_id for one in wins if one.account_id and one.kind == OpportunityKind.NEW}
    others = new.filter(account_id__in=bought, stage__kind=StageKind.WON).values_list("account_id", flat=True)
    back = take_back_customers(account_ids=bought - set(others), reason=reason, actor=actor, now=now)
    FirstValue.objects.filter(account_id__in=back, reached_on=None).delete()
