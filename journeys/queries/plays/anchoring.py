"""Running plays whose day was looked up and has moved since."""

from collections import defaultdict
from datetime import date
from typing import Final

from django.db.models import Q

from accounts.models import Account
from core.models import ProcessVersion
from journeys.choices import StageKind
from journeys.models import Opportunity, PlaybookRun
from journeys.queries.plays.facts import anchors_of, meeting
from journeys.queries.plays.reading import KIND
from journeys.rules.play_due import ANCHOR, LOOKED_UP, RUNNING

FOLLOWED: Final = ("renewal_due", "close")
_DUE: Final = {"fact": "renewals.is_due", "op": "eq", "value": True}
# Nobody can give a day where a play starts in one of these ways: it was looked up, also before that was kept.
_BY_ITSELF: Final = Q(trigger__in=["date", "stage", "signal", "alert"]) | Q(origin_key__startswith="job:")


def moved_anchors(today: date) -> dict[int, date]:
    """The running plays whose day is no longer one of the account, with the day that they would get now.

    A renewal that is decided, and a deal that was followed by another one, keep their day, and so does the play.
    One statement per kind of day, and one per former day of a renewal.
    """
    versions = ProcessVersion.objects.filter(kind=KIND, definition__anchor__in=FOLLOWED)
    kinds = dict(versions.values_list("pk", "definition__anchor"))
    found: dict[str, list[tuple[int, int, date]]] = defaultdict(list)
    runs = PlaybookRun.objects.filter(_BY_ITSELF | Q(**{f"trace__{ANCHOR}": LOOKED_UP}), state=RUNNING)
    for pk, account_id, version_id, day in runs.filter(version_id__in=kinds).values_list(
        "pk", "account_id", "version_id", "anchor_on"
    ):
        found[kinds[version_id]].append((pk, account_id, day))
    moved: dict[int, date] = {}
    for of, rows in found.items():
        now = anchors_of([account_id for _, account_id, _ in rows], of, today)
        others = [(pk, account_id, day) for pk, account_id, day in rows if now.get(account_id) not in {None, day}]
        stands = _renewals_of(others) if of == "renewal_due" else _closes_of(others)
        for pk, account_id, day in others:
            new = now[account_id]
            if new is not None and (account_id, day) not in stands:
                moved[pk] = new
    return moved


def _renewals_of(rows: list[tuple[int, int, date]]) -> set[tuple[int, date]]:
    by_day: dict[date, list[int]] = defaultdict(list)
    for _, account_id, day in rows:
        by_day[day].append(account_id)
    return {(account_id, day) for day, ids in by_day.items() for account_id in meeting(ids, _DUE, day)}


def _closes_of(rows: list[tuple[int, int, date]]) -> set[tuple[int, date]]:
    if not rows:
        return set()
    ids = {account_id for _, account_id, _ in rows}
    won = Opportunity.objects.filter(account_id__in=ids, stage__kind=StageKind.WON)
    days = [*won.values_list("account_id", "closed_on")]
    days += Account.objects.filter(pk__in=ids).values_list("pk", "customer_since")
    return {(account_id, day) for account_id, day in days if day is not None}
