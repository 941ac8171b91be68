"""What moves plays on: steps whose day is known are opened with their tasks, and a play without steps left is over.

Everything goes through `settle`, whatever came before: a start, a step that was finished or skipped at any door, a
change of version, or the day on which a branch is read. Run again over the same state it writes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from core.actors import Actor
from core.tenancy import require_tenant_id
from core.trees import leaves
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.facts import currency_of, entries, entry_words, meeting, values_of
from journeys.queries.plays.reading import calendar_of, playbooks_of
from journeys.rules.calendar import PlacedDay
from journeys.rules.play_due import LEFT_OUT, OPEN, Calendar, Standing, must_wait, ready
from journeys.rules.playbooks import Playbook, Step

# Who does a step. Of several people with a role each account has its own, so that work is spread and stays put.
_ASSIGN: Final = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::bigint[], %(roles)s::text[]) AS q(step_id, role)),
holder AS (
    SELECT m.role, p.id, row_number() OVER (PARTITION BY m.role ORDER BY p.id) - 1 AS place,
           count(*) OVER (PARTITION BY m.role) AS total
    FROM accounts_person p
    JOIN core_membership m ON m.tenant_id = p.tenant_id AND m.id = p.membership_id AND m.is_active
    WHERE p.tenant_id = %(tenant)s AND p.is_active
),
meant AS (
    SELECT s.id, s.due_on, s.assignee_id AS had_id, CASE q.role
        WHEN 'account_owner' THEN COALESCE(r.owner_id, a.owner_id)
        WHEN 'account_deputy' THEN COALESCE(a.deputy_id, r.owner_id, a.owner_id)
        WHEN 'sales_owner' THEN COALESCE(o.owner_id, (
            SELECT d.owner_id FROM journeys_opportunity d
            WHERE d.tenant_id = %(tenant)s AND d.account_id = a.id AND d.owner_id IS NOT NULL
            ORDER BY d.id DESC LIMIT 1), r.owner_id, a.owner_id)
        ELSE COALESCE(h.id, r.owner_id, a.owner_id) END AS person_id
    FROM asked q
    JOIN journeys_runstep s ON s.tenant_id = %(tenant)s AND s.id = q.step_id
    JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.id = s.run_id
    JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = r.account_id
    LEFT JOIN journeys_opportunity o ON o.tenant_id = %(tenant)s AND o.id = r.opportunity_id
    LEFT JOIN holder h ON h.role = CASE q.role WHEN 'support' THEN 'support_agent' ELSE q.role END
        AND h.place = a.id %% h.total
)
UPDATE journeys_runstep AS s SET assignee_id = COALESCE(meant.had_id, (
    SELECT x.deputy_id FROM journeys_absence x
    WHERE x.tenant_id = %(tenant)s AND x.person_id = meant.person_id AND x.ended_at IS NULL
      AND x.from_on <= meant.due_on AND x.until_on > meant.due_on
    ORDER BY x.from_on, x.id LIMIT 1), meant.person_id)
FROM meant WHERE s.tenant_id = %(tenant)s AND s.id = meant.id
RETURNING s.id, CASE WHEN meant.had_id IS NULL AND s.assignee_id IS DISTINCT FROM meant.person_id
    THEN meant.person_id END
"""
_TASKS: Final = """
INSERT INTO journeys_task (tenant_id, state, created_at, snooze_reason, closed_by, account_id, kind, title, detail,
    due_on, priority, assignee_id, covered_for_id, process_version_id, origin_key, subject_kind, subject_id)
SELECT %(tenant)s, 'open', %(now)s, '', '', r.account_id, 'play', s.title, q.detail, s.due_on, 5, s.assignee_id,
    q.covered_id, r.version_id,
    'play:' || r.id || ':' || s.key, 'play', r.id
FROM unnest(%(ids)s::bigint[], %(details)s::text[], %(covered)s::bigint[]) AS q(step_id, detail, covered_id)
JOIN journeys_runstep s ON s.tenant_id = %(tenant)s AND s.id = q.step_id
JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.id = s.run_id
ON CONFLICT (tenant_id, origin_key) WHERE NOT (origin_key = '') DO UPDATE SET
    state = 'open', closed_at = NULL, closed_by = '', title = EXCLUDED.title, detail = EXCLUDED.detail,
    due_on = EXCLUDED.due_on, assignee_id = EXCLUDED.assignee_id,
    covered_for_id = COALESCE(EXCLUDED.covered_for_id, journeys_task.covered_for_id),
    process_version_id = EXCLUDED.process_version_id
"""
_LINK: Final = """
UPDATE journeys_runstep AS s SET task_id = t.id
FROM journeys_task t
WHERE s.tenant_id = %(tenant)s AND s.id = ANY(%(ids)s::bigint[]) AND t.tenant_id = %(tenant)s
  AND t.subject_kind = 'play' AND t.subject_id = s.run_id
  AND t.origin_key = 'play:' || s.run_id || ':' || s.key AND s.task_id IS DISTINCT FROM t.id
"""
_OPEN: Final = """
UPDATE journeys_runstep AS s SET state = 'open', due_on = q.due_on
FROM unnest(%(ids)s::bigint[], %(dues)s::date[]) AS q(step_id, due_on)
WHERE s.tenant_id = %(tenant)s AND s.id = q.step_id AND s.state = 'ahead'
"""
_LEAVE_OUT: Final = """
UPDATE journeys_runstep AS s SET state = 'left_out', done_on = %(today)s, due_on = NULL, note = q.note
FROM unnest(%(ids)s::bigint[], %(notes)s::text[]) AS q(step_id, note)
WHERE s.tenant_id = %(tenant)s AND s.id = q.step_id AND s.state = 'ahead'
"""
# A step ahead with a day: it waits for the day on which its branch is read.
_PLAN: Final = """
UPDATE journeys_runstep AS s SET due_on = q.due_on
FROM unnest(%(ids)s::bigint[], %(dues)s::date[]) AS q(step_id, due_on)
WHERE s.tenant_id = %(tenant)s AND s.id = q.step_id AND s.state = 'ahead' AND s.due_on IS DISTINCT FROM q.due_on
"""
_END: Final = """
UPDATE journeys_playbookrun AS r SET state = 'finished', ended_on = %(today)s, ended_by = %(by)s
WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s::bigint[]) AND r.state = 'running' AND NOT EXISTS (
    SELECT FROM journeys_runstep s WHERE s.tenant_id = %(tenant)s AND s.run_id = r.id AND s.state IN ('ahead', 'open'))
RETURNING r.id
"""


@dataclass(frozen=True)
class Settled:
    """Rows written."""

    opened: int = 0
    left_out: int = 0
    finished: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(self.opened + other.opened, self.left_out + other.left_out, self.finished + other.finished)


@dataclass
class _Row:
    """A step of a running play, as it stands while the play is being moved on."""

    id: int
    state: str
    over_on: date | None


@dataclass
class _Play:
    """One running play: what it is pinned to, and its steps by key."""

    id: int
    account_id: int
    version_id: int
    variant: str
    anchor_on: date
    started_on: date
    steps: dict[str, _Row] = field(default_factory=dict)


@dataclass(frozen=True)
class _Opening:
    row: _Row
    play: _Play
    step: Step
    day: PlacedDay


def settle(run_ids: Iterable[int], *, today: date, now: datetime, actor: Actor) -> Settled:
    """Opens what can be opened, leaves out what a branch excludes, and ends plays that have nothing left.

    A step with a branch whose day is still far stays ahead, with that day: its branch is read when the day comes near.
    For the running ones among the plays. A constant number of statements per round, and as many rounds as branches
    follow each other. To be called inside a transaction.
    """
    ids = sorted(set(run_ids))
    plays = _plays(ids)
    books = playbooks_of(play.version_id for play in plays)
    calendars = {key: calendar_of(book) for key, (_, book) in books.items()}
    opened: list[_Opening] = []
    waiting: dict[int, date] = {}
    left_out = 0
    while round_ := _due(plays, {key: book for key, (_, book) in books.items()}, calendars, waiting, today):
        outside = _outside(round_, today)
        left_out += len(outside)
        _leave_out(round_, outside, today)
        opened += _mark_open([one for one in round_ if one.row.id not in outside])
    if waiting:
        _run(_PLAN, ids=list(waiting), dues=list(waiting.values()))
    write_tasks([(one.row.id, one.step) for one in opened], days={one.row.id: one.day for one in opened}, now=now)
    ended = _run(_END, runs=ids, today=today, by=actor.label)
    return Settled(len(opened), left_out, len(ended))


def write_tasks(steps: Collection[tuple[int, Step]], *, days: dict[int, PlacedDay], now: datetime) -> None:
    """Gives open steps a task, and the person who does them where nobody was asked yet.

    While that person is away on the due day the deputy does it. A task that is there already is opened again.
    """
    if not steps:
        return
    ids = [step_id for step_id, _ in steps]
    covered: dict[int, int | None] = dict(_run(_ASSIGN, ids=ids, roles=[step.owner for _, step in steps]))
    details = [task_detail(step, days.get(step_id)) for step_id, step in steps]
    _run(_TASKS, ids=ids, details=details, covered=[covered.get(step_id) for step_id in ids], now=now)
    _run(_LINK, ids=ids)


def task_detail(step: Step, day: PlacedDay | None) -> str:
    """What the task of a step says."""
    lines = [f"Done when: {step.done_when}" if step.done_when else "", step.goal]
    if day is not None and day.why:
        lines.append(f"The due day was {day.why}.")
    return "\n".join(line for line in lines if line)


def _plays(run_ids: list[int]) -> list[_Play]:
    """The running ones with their steps. One statement."""
    found: dict[int, _Play] = {}
    rows = RunStep.objects.filter(run_id__in=run_ids, run__state="running").order_by("run_id", "position")
    for row in rows.values_list(
        "run_id", "run__account_id", "run__version_id", "run__variant", "run__anchor_on", "run__started_on",
        "id", "key", "state", "done_on",
    ):  # fmt: skip
        play = found.setdefault(row[0], _Play(*row[:6]))
        play.steps[row[7]] = _Row(row[6], row[8], row[9])
    return list(found.values())


def _due(
    plays: list[_Play],
    books: dict[int, Playbook],
    calendars: dict[int, Calendar],
    waiting: dict[int, date],
    today: date,
) -> list[_Opening]:
    """What opens now or is left out; into `waiting` goes what is to be looked at later, with its day."""
    found = []
    for one in _ready(plays, books, calendars):
        if must_wait(one.step, one.day.day, today):
            waiting[one.row.id] = one.day.day
        else:
            found.append(one)
    return found


def _ready(plays: list[_Play], books: dict[int, Playbook], calendars: dict[int, Calendar]) -> Iterator[_Opening]:
    for play in plays:
        variant = books[play.version_id].variant(play.variant)
        if variant is None:
            continue
        stand = {key: Standing(row.state, row.over_on) for key, row in play.steps.items()}
        for step, day in ready(
            variant, stand, anchor_on=play.anchor_on, started_on=play.started_on, calendar=calendars[play.version_id]
        ):
            yield _Opening(play.steps[step.key], play, step, day)


def _outside(openings: list[_Opening], today: date) -> dict[int, str]:
    """The steps whose branch does not hold now, with the words of why. Two statements per step with a branch."""
    asked: dict[tuple[int, str, str], list[_Opening]] = defaultdict(list)
    for one in openings:
        if one.step.only_if is not None:
            asked[(one.play.version_id, one.play.variant, one.step.key)].append(one)
    notes: dict[int, str] = {}
    for group in asked.values():
        tree = dict(group[0].step.only_if or {})
        accounts = {one.play.account_id for one in group}
        inside = meeting(accounts, tree, today)
        values = values_of(accounts - inside, [str(leaf["fact"]) for leaf in leaves(tree)], today)
        currency = currency_of(tree)
        for one in group:
            if one.play.account_id not in inside:
                seen = entries(tree, values.get(one.play.account_id, {}))
                missed = [entry_words(entry, currency) for entry in seen if entry["met"] is not True]
                notes[one.row.id] = f"Left out: {'; '.join(missed or ['Its condition held'])}."
    return notes


def _leave_out(openings: list[_Opening], notes: dict[int, str], today: date) -> None:
    for one in openings:
        if one.row.id in notes:
            one.row.state, one.row.over_on = LEFT_OUT, today
    if notes:
        _run(_LEAVE_OUT, ids=list(notes), notes=list(notes.values()), today=today)


def _mark_open(openings: list[_Opening]) -> list[_Opening]:
    for one in openings:
        one.row.state = OPEN
    if openings:
        _run(_OPEN, ids=[one.row.id for one in openings], dues=[one.day.day for one in openings])
    return openings


def _run(sql: str, **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": require_tenant_id(), **params})
        return list(cursor.fetchall()) if cursor.description else []


def lock_run(run_id: int) -> PlaybookRun:
    """The play, held until the end of the transaction. Raises `DoesNotExist`."""
    return PlaybookRun.objects.select_for_update(no_key=True).get(pk=run_id)


def lock_runs(run_ids: Iterable[int] | QuerySet[Any, Any]) -> list[int]:
    """The plays, held until the end of the transaction, by their number: whoever holds several takes turns so."""
    held = PlaybookRun.objects.filter(pk__in=run_ids).order_by("pk").select_for_update(no_key=True)
    return list(held.values_list("pk", flat=True))
