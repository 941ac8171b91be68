"""Running plays that follow the day they count from: the renewal that was moved, the close that was corrected."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.db import connection

from core.formatting import day as day_words
from core.tenancy import require_tenant_id
from journeys.actions.plays.engine import lock_runs, task_detail
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.anchoring import moved_anchors
from journeys.queries.plays.reading import calendar_of, playbooks_of
from journeys.rules.play_due import AHEAD, ANCHOR_MOVES, OPEN, RUNNING, due_day
from journeys.rules.playbooks import ANCHORS

CHUNK: Final = 500
# A play that its date started has started for the day that it moves to as well: it is not started for it again.
_RUNS: Final = """
UPDATE journeys_playbookrun r SET anchor_on = q.day,
    origin_key = CASE WHEN r.trigger = 'date' AND r.origin_key LIKE '%%:' || r.anchor_on AND NOT EXISTS (
            SELECT FROM journeys_playbookrun o WHERE o.tenant_id = %(tenant)s
              AND o.origin_key = left(r.origin_key, -10) || q.day)
        THEN left(r.origin_key, -10) || q.day ELSE r.origin_key END,
    trace = jsonb_set(r.trace, ARRAY[%(moves)s], COALESCE(r.trace -> %(moves)s, '[]') || jsonb_build_array(
        jsonb_build_object('from', r.anchor_on, 'to', q.day, 'on', %(today)s::date)))
FROM unnest(%(ids)s::bigint[], %(days)s::date[]) AS q(run_id, day)
WHERE r.tenant_id = %(tenant)s AND r.id = q.run_id
"""
_STEPS: Final = """
WITH moved AS (
    SELECT s.id, s.task_id, s.due_on AS old_on, q.day, q.detail
    FROM unnest(%(ids)s::bigint[], %(days)s::date[], %(details)s::text[]) AS q(step_id, day, detail)
    JOIN journeys_runstep s ON s.tenant_id = %(tenant)s AND s.id = q.step_id
), tasks AS (
    UPDATE journeys_task t SET due_on = m.day, detail = m.detail
    FROM moved m
    WHERE t.tenant_id = %(tenant)s AND t.id = m.task_id AND t.state = 'open' AND t.due_on IS NOT DISTINCT FROM m.old_on
)
UPDATE journeys_runstep s SET due_on = m.day FROM moved m WHERE s.tenant_id = %(tenant)s AND s.id = m.id
"""


def follow_anchors(*, today: date) -> int:
    """Plays whose renewal or close has moved count from the new day: their open steps with the tasks, and those ahead.

    What is done stays, and so does a task that somebody gave another day. Run again it writes nothing. Returns the
    number of plays. To be called inside a transaction.
    """
    moved = moved_anchors(today)
    ids = sorted(moved)
    for low in range(0, len(ids), CHUNK):
        _move({pk: moved[pk] for pk in lock_runs(ids[low : low + CHUNK])}, today)
    return len(ids)


def _move(days: dict[int, date], today: date) -> None:
    runs = list(PlaybookRun.objects.filter(pk__in=days, state=RUNNING))
    steps = _steps(runs, days)
    common: dict[str, Any] = {"tenant": require_tenant_id(), "today": today, "moves": ANCHOR_MOVES}
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, {
            **common, "ids": [pk for pk, _, _ in steps], "days": [day for _, day, _ in steps],
            "details": [detail for _, _, detail in steps],
        })  # fmt: skip
        cursor.execute(_RUNS, {**common, "ids": [run.pk for run in runs], "days": [days[run.pk] for run in runs]})


def _steps(runs: Sequence[PlaybookRun], days: dict[int, date]) -> list[tuple[int, date, str]]:
    """The steps that count from the anchor and have a day, with their new one and what their task says.

    Open ones, and those ahead that wait for the day on which their branch is read.
    """
    books = {pk: book for pk, (_, book) in playbooks_of(run.version_id for run in runs).items()}
    calendars = {pk: calendar_of(book) for pk, book in books.items()}
    by_id = {run.pk: run for run in runs}
    found = []
    dated = RunStep.objects.filter(run_id__in=by_id, state__in=[OPEN, AHEAD], due_on__isnull=False)
    for row in dated:
        run = by_id[row.run_id]
        variant = books[run.version_id].variant(run.variant)
        step = variant.step(row.key) if variant is not None else None
        if step is None or step.due is None or step.due.source != "anchor":
            continue
        new = due_day(step.due, days[run.pk], run.started_on, calendars[run.version_id])
        name = ANCHORS[books[run.version_id].anchor]
        moved = f"It counts from {name}, which moved from {day_words(run.anchor_on)} to {day_words(days[run.pk])}."
        found.append((row.pk, new.day, f"{task_detail(step, new)}\n{moved}"))
    return found
