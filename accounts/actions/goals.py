"""What customers want to reach, in figures that both sides agreed on."""

import math
from datetime import date, datetime

from django.db import transaction

from accounts.models import Goal
from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.changes import mark_changed


class GoalRefused(ValueError):
    """It is no goal yet. `field` names what is missing or cannot be; the message says the remedy."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def record_goal(
    *,
    account_id: int,
    metric: str,
    unit: str,
    target: float | None,
    actor: Actor,
    now: datetime,
    baseline: float | None = None,
    target_on: date | None = None,
    source: str = "",
) -> Goal:
    """A goal with its measure. Raises `GoalRefused` without metric, unit or target, `DoesNotExist` for a stranger,
    `AccountMerged` for an account that has gone into another one.

    A wish without a figure is no goal: nobody could say later whether it was reached.
    """
    account = living_account(account_id)
    title, measured = metric.strip()[:200], unit.strip()[:40]
    if not title:
        raise GoalRefused("metric", "Name what is measured, such as Time to dispatch.")
    if not measured:
        raise GoalRefused("unit", "Give the unit, such as minutes or %.")
    if target is None or not math.isfinite(target):
        raise GoalRefused("target", "Give the target as a number.")
    if baseline is not None and not math.isfinite(baseline):
        raise GoalRefused("baseline", "Give the baseline as a number, or leave it out.")
    if baseline == target:
        raise GoalRefused("target", "The target is where they are today. Give the figure that they want to reach.")
    goal = Goal.objects.create(
        account=account,
        title=title,
        unit=measured,
        baseline=baseline,
        target=target,
        actual=baseline,
        actual_on=None,
        target_on=target_on,
        source=source.strip()[:120],
    )
    mark_changed([account.pk])
    audit.record(
        actor=actor,
        at=now,
        verb="recorded goal",
        subject=goal,
        after={"account_id": account.pk, "unit": measured, "baseline": baseline, "target": target},
    )
    return goal
