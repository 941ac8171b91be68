"""The renewal clock over a whole workspace, in a fixed number of statements."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.models import Tenant
from journeys.actions import task_sweeps
from renewals.actions import sweep_sql
from renewals.actions.churning import churn_lost
from renewals.queries import live_timeline

# A contract that starts within so many days of the end of another one may be its renewal.
FOLLOWS_WITHIN_DAYS: Final = 31
_NAMED: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class RenewalSweep:
    """What a sweep wrote. All zero: nothing was due."""

    renewals_opened: int = 0
    renewals_decided: int = 0
    renewals_updated: int = 0
    tasks_created: int = 0
    tasks_moved: int = 0
    tasks_closed: int = 0
    accounts_churned: int = 0

    @property
    def wrote(self) -> bool:
        return any(asdict(self).values())


@transaction.atomic
def sweep_renewals(*, tenant: Tenant, actor: Actor, today: date, now: datetime) -> RenewalSweep:
    """Brings renewals and their tasks to where contracts, decisions and the date say they belong.

    A pure function of that state: a second run writes nothing, a run after an outage writes what the missed ones
    would have written, and of two at once the second waits and then writes nothing. Without a published timeline
    renewals are kept and no tasks are made.
    """
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "today": today,
        "now": now,
        "zone": tenant.timezone,
        "near": FOLLOWS_WITHIN_DAYS,
    }
    _one_at_a_time(tenant.pk)
    churned = churn_lost(actor=actor, today=today, now=now)
    with _joined_as_sets():
        sweep = replace(_sweep(values, actor, now), accounts_churned=churned)
    if sweep.wrote:
        audit.record(actor=actor, at=now, verb="swept renewals", subject_type="renewals.renewal", after=asdict(sweep))
    return sweep


def _sweep(values: Mapping[str, Any], actor: Actor, now: datetime) -> RenewalSweep:
    for statement in (sweep_sql.FORGET, sweep_sql.CARRYING, sweep_sql.MEASURE):
        _run(statement, values)
    decided = _run(sweep_sql.DECIDE, values)
    if decided:
        mark_changed(_ids(sweep_sql.OUTCOMES, values))
    given = 0
    if _holds(sweep_sql.OWNERS_DIFFER, values):
        given = _tasks(task_sweeps.assign_tasks, sweep_sql.HAND_OVER, values, actor, now, "A new owner.")
    updated, moved = _count_two(sweep_sql.REFRESH, values)
    opened = _run(sweep_sql.OPEN, values)
    tasks_moved = 0
    if moved:
        tasks_moved = _tasks(task_sweeps.move_tasks, sweep_sql.PLACES, values, actor, now, "A due date has moved.")
    return RenewalSweep(
        renewals_opened=opened,
        renewals_decided=decided,
        renewals_updated=updated + given,
        tasks_created=_plan_steps(values, actor, now, changed=bool(opened or moved)),
        tasks_moved=tasks_moved,
        tasks_closed=_tasks(
            task_sweeps.close_tasks, sweep_sql.LEFT_OVER, values, actor, now, "The renewal is no longer open."
        ),
    )


@contextmanager
def _joined_as_sets() -> Iterator[None]:
    """Whole-workspace joins never loop row by row, not even over tables that nobody has analysed since an import."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def close_tasks_of_decided(*, tenant_id: int, actor: Actor, now: datetime, reason: str) -> int:
    """Closes the open tasks of renewals that are no longer open; returns their number."""
    return _tasks(task_sweeps.close_tasks, sweep_sql.LEFT_OVER, {"tenant": tenant_id}, actor, now, reason)


def _one_at_a_time(tenant_id: int) -> None:
    """Two sweeps of one workspace stand in line until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('renewals.sweep'), %s::int)", [tenant_id % 2**31])


def _plan_steps(values: Mapping[str, Any], actor: Actor, now: datetime, *, changed: bool) -> int:
    """Makes the tasks that are lacking; `changed` says that a renewal was opened or moved just now."""
    live = live_timeline()
    if live is None:
        return 0
    version, timeline = live
    published = version.published_at or version.created_at
    steps = {
        **values,
        "offsets": list(timeline.offsets),
        "titles": [step.title for step in timeline.steps],
        "details": [f"Done when: {step.done_when}" if step.done_when else "" for step in timeline.steps],
        "priorities": [step.priority for step in timeline.steps],
        "weekend": timeline.weekend.value,
        "catch_up": timeline.catch_up_title,
        "version": version.pk,
        "published": published.date(),
    }
    if not changed and not _holds(sweep_sql.UNPLANNED, steps):
        return 0
    created = _tasks(task_sweeps.insert_tasks, sweep_sql.PLAN, steps, actor, now, f"Timeline {version}.")
    if created:
        _run(sweep_sql.STEPS, steps)
    return created


def _run(sql: str, values: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        return int(cursor.rowcount)


def _holds(sql: str, values: Mapping[str, Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        return bool(cursor.fetchone()[0])


def _ids(sql: str, values: Mapping[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        return [row[0] for row in cursor.fetchall()]


def _count_two(sql: str, values: Mapping[str, Any]) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        first, second = cursor.fetchone()
        return int(first), int(second)


def _tasks(verb: Any, sql: str, values: Mapping[str, Any], actor: Actor, now: datetime, reason: str) -> int:
    """Runs one of the task sweeps, whose parameters are positional, with a statement whose parameters are named."""
    names = _NAMED.findall(sql)
    return int(
        verb(select=_NAMED.sub("%s", sql), params=[values[name] for name in names], actor=actor, now=now, reason=reason)
    )
