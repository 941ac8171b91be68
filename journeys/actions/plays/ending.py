"""Plays whose account is gone are over, as many as there are at once."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from accounts.choices import AccountStatus
from core import audit
from core.actors import Actor
from journeys.actions.plays.steps import close_tasks_of
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.checks import of_former
from journeys.rules.play_due import FORMER, OPEN, RUNNING, STOPPED

HAS_CHURNED: Final = "The account has churned."


@transaction.atomic
def end_plays_of(*, account_ids: Collection[int], reason: str, actor: Actor, today: date, now: datetime) -> int:
    """Stops what runs for these accounts, with the reason; open tasks are put away. Returns the number of plays.

    What was started for an account that had churned, to win it back, goes on while it is churned.
    """
    runs = PlaybookRun.objects.filter(account_id__in=account_ids, state=RUNNING)
    runs = runs.exclude(trace__has_key=FORMER, account__status=AccountStatus.CHURNED)
    return _end(runs, reason, actor, today, now)


@transaction.atomic
def end_plays_of_former(*, actor: Actor, today: date, now: datetime) -> int:
    """The same for all who have churned, on whatever path. A play that was started for one of them since goes on."""
    return _end(of_former(), HAS_CHURNED, actor, today, now)


def _end(runs: QuerySet[PlaybookRun], reason: str, actor: Actor, today: date, now: datetime) -> int:
    # Locked by state: one that somebody ends meanwhile is no row any more, and keeps the reason that they gave.
    ids = list(runs.order_by("pk").values_list("pk", flat=True))
    still = PlaybookRun.objects.filter(pk__in=ids, state=RUNNING).order_by("pk").select_for_update(no_key=True)
    held = list(still) if ids else []
    if not held:
        return 0
    mine = PlaybookRun.objects.filter(pk__in=[one.pk for one in held])
    mine.update(state=STOPPED, ended_on=today, ended_by=actor.label, end_reason=reason)
    steps = RunStep.objects.filter(run__in=held, state=OPEN)
    close_tasks_of(steps.values_list("pk", flat=True), actor=actor, now=now)
    rows = [(one, {"state": RUNNING}, {"state": STOPPED}) for one in held]
    audit.record_many(actor=actor, at=now, verb="stopped play", rows=rows, reason=reason)
    return len(held)
