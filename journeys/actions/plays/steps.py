"""What is done with the steps of a play, at the play itself or at the task of a step."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from accounts.models import Person
from core import audit
from core.actors import Actor
from core.tenancy import require_tenant_id
from journeys.actions.plays.engine import lock_runs, settle, write_tasks
from journeys.choices import TaskKind, TaskState
from journeys.models import PlaybookRun, RunStep, Task
from journeys.queries.plays.reading import playbook_of, playbooks_of
from journeys.rules.play_due import AHEAD, DONE, FINISHED, LEFT_OUT, OPEN, RUNNING, SKIPPED, STOPPED, waiting_for

PLAY: Final = "play"
# Steps follow the tasks that stand for them: what was done, skipped or put away at any door, and who has it now.
_OVER: Final = """
UPDATE journeys_runstep AS s SET
    state = CASE t.state WHEN 'done' THEN 'done' ELSE 'skipped' END, done_on = %(today)s, done_by = t.closed_by,
    done_by_person_id = %(person)s,
    note = CASE WHEN s.note <> '' THEN s.note WHEN t.state = 'done' THEN '' WHEN t.state = 'skipped'
        THEN COALESCE(NULLIF(%(reason)s, ''), 'Its task was skipped.') ELSE 'Its task was closed by a rule.' END
FROM journeys_task t
JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.id = t.subject_id AND r.state = 'running'
WHERE s.tenant_id = %(tenant)s AND t.tenant_id = %(tenant)s AND s.task_id = t.id AND s.run_id = r.id
  AND t.subject_kind = 'play' AND t.id = ANY(%(tasks)s::bigint[]) AND t.state <> 'open' AND s.state = 'open'
RETURNING s.run_id
"""
_SAME: Final = """
UPDATE journeys_runstep AS s SET assignee_id = t.assignee_id, due_on = t.due_on
FROM journeys_task t
WHERE s.tenant_id = %(tenant)s AND t.tenant_id = %(tenant)s AND s.task_id = t.id AND t.id = ANY(%(tasks)s::bigint[])
  AND s.state = 'open' AND t.state = 'open'
  AND (s.assignee_id, s.due_on) IS DISTINCT FROM (t.assignee_id, t.due_on)
"""


class StepIsOver(ValueError):
    """The step is done, skipped or left out already, or its play has ended."""


@transaction.atomic
def finish_step(
    *,
    step_id: int,
    actor: Actor,
    person_id: int | None,
    today: date,
    now: datetime,
    note: str = "",
    unaided: bool | None = None,
) -> RunStep:
    """The step is done; `note` says what shows it. Its task is done with it, and what waited for it is opened.

    A step that is still ahead may be done early. Done twice is done once. Raises `StepIsOver`.
    """
    run, step = _locked(step_id)
    if step.state == DONE:
        return _noted(step, note, unaided)
    _must_go_on(run, step)
    step.state, step.done_on, step.done_by, step.done_by_person_id = DONE, today, actor.label, person_id
    step.note, step.unaided = note.strip(), unaided
    step.save(update_fields=["state", "done_on", "done_by", "done_by_person_id", "note", "unaided"])
    _close_task(step, TaskState.DONE, actor, now)
    audit.record(actor=actor, at=now, verb="finished step", subject=step, after={"run": run.pk, "note": step.note})
    settle([run.pk], today=today, now=now, actor=actor)
    return step


@transaction.atomic
def skip_step(
    *, step_id: int, reason: str, actor: Actor, today: date, now: datetime, person_id: int | None = None
) -> RunStep:
    """The step is passed over, with the reason. What waited for it counts from today. Raises `StepIsOver`."""
    if not reason.strip():
        raise ValueError("Say why the step is skipped: the next reader of the play will ask.")
    run, step = _locked(step_id)
    if step.state == SKIPPED:
        return step
    _must_go_on(run, step)
    step.state, step.done_on, step.done_by, step.done_by_person_id = SKIPPED, today, actor.label, person_id
    step.note = reason.strip()
    step.save(update_fields=["state", "done_on", "done_by", "done_by_person_id", "note"])
    _close_task(step, TaskState.SKIPPED, actor, now)
    audit.record(actor=actor, at=now, verb="skipped step", subject=step, after={"run": run.pk}, reason=step.note)
    settle([run.pk], today=today, now=now, actor=actor)
    return step


@transaction.atomic
def reopen_step(*, step_id: int, actor: Actor, today: date, now: datetime) -> RunStep:
    """Takes back done, skipped or left out. Steps that were opened by it, and are not done, wait for it again.

    An open step stays as it is; a play that ended by its last step runs again. Raises `StepIsOver` for a stopped one.
    """
    run, step = _locked(step_id)
    if step.state in {OPEN, AHEAD}:
        return step
    if run.state == STOPPED:
        raise StepIsOver("This play was stopped. Start a new one instead.")
    before = step.state
    variant = playbook_of(run.version).variant(run.variant)
    spec = variant.step(step.key) if variant is not None else None
    if spec is None or _take_back([step], actor=actor, today=today, now=now):
        raise StepIsOver(f"The step '{step.title}' is not part of {run.version} any more.")
    if not _open_task(step):
        write_tasks([(step.pk, spec)], days={}, now=now)
    audit.record(actor=actor, at=now, verb="reopened step", subject=step, before={"state": before})
    step.refresh_from_db()
    return step


@transaction.atomic
def follow_tasks(*, task_ids: Iterable[int], actor: Actor, today: date, now: datetime, reason: str = "") -> int:
    """Makes plays say what the tasks of their steps say, whatever door changed them. Other tasks are passed over.

    A task of a stopped play stays put away. Set-based; run again it writes nothing. Returns the number of steps that
    were over by it.
    """
    ids = sorted(set(task_ids))
    params: dict[str, Any] = {
        "tenant": require_tenant_id(), "tasks": ids, "today": today, "reason": reason.strip(),
        "person": person_of(actor),
    }  # fmt: skip
    hold_plays_of(ids)
    with connection.cursor() as cursor:
        cursor.execute(_OVER, params)
        runs = [row[0] for row in cursor.fetchall()]
        cursor.execute(_SAME, params)
    _follow_reopened(ids, actor=actor, today=today, now=now)
    stopped = PlaybookRun.objects.filter(state=STOPPED).values("pk")
    left = Task.objects.filter(pk__in=ids, subject_kind=PLAY, state=TaskState.OPEN, subject_id__in=stopped)
    left.update(state=TaskState.OBSOLETE, closed_at=now, closed_by=actor.label)
    if runs:
        settle(runs, today=today, now=now, actor=actor)
    return len(runs)


def hold_plays_of(task_ids: Iterable[int]) -> None:
    """Holds the plays of tasks until the end of the transaction, before any of their steps or tasks is held.

    Everybody takes the play first, then its steps, then its tasks, and several plays by their number: so nobody waits
    in a circle, and whoever finishes the last step but one is seen by whoever finishes the last.
    """
    of_plays = Task.objects.filter(pk__in=list(task_ids), subject_kind=PLAY)
    lock_runs(of_plays.order_by().values("subject_id"))


def _follow_reopened(task_ids: Sequence[int], *, actor: Actor, today: date, now: datetime) -> None:
    """Steps whose tasks were opened again, such as by the undo of a bulk act. A bounded number of statements.

    Raises `StepIsOver` where it is about one task whose step the play no longer has; of several such a task is put
    away again.
    """
    undone = RunStep.objects.filter(task_id__in=task_ids, task__state=TaskState.OPEN, state__in=[DONE, SKIPPED])
    steps = list(undone.exclude(run__state=STOPPED).select_related("run").order_by("pk"))
    if not steps:
        return
    gone = _take_back(steps, actor=actor, today=today, now=now)
    if gone and len(task_ids) == 1:
        raise StepIsOver(f"The step '{gone[0].title}' is not part of the version of its play any more.")
    Task.objects.filter(pk__in=[step.task_id for step in gone]).update(
        state=TaskState.OBSOLETE, closed_at=now, closed_by=actor.label
    )
    lost = {step.pk for step in gone}
    audit.record(
        actor=actor, at=now, verb="reopened steps", subject_type="journeys.runstep",
        after={"steps": [step.pk for step in steps if step.pk not in lost]},
    )  # fmt: skip


def follow_task(task: Task, *, actor: Actor, now: datetime, today: date | None = None, reason: str = "") -> None:
    """As `follow_tasks`, for one task that may belong to anything. Costs nothing where it is not a play's.

    Raises `StepIsOver` for a task that was opened again although its play was stopped.
    """
    if task.kind == TaskKind.PLAY and task.subject_kind == PLAY:
        play = PlaybookRun.objects.filter(pk=task.subject_id or 0, state=STOPPED)
        if task.state == TaskState.OPEN and play.exists():
            raise StepIsOver("The play of this task was stopped. Start a new one instead.")
        day = today or task.tenant.today(now)
        follow_tasks(task_ids=[task.pk], actor=actor, today=day, now=now, reason=reason)


def close_tasks_of(step_ids: Iterable[int], *, actor: Actor, now: datetime) -> None:
    """The tasks of steps that are no longer to be done are put away."""
    steps = RunStep.objects.filter(pk__in=list(step_ids)).values("task_id")
    Task.objects.filter(pk__in=steps, state=TaskState.OPEN).update(
        state=TaskState.OBSOLETE, closed_at=now, closed_by=actor.label
    )


def _take_back(steps: Sequence[RunStep], *, actor: Actor, today: date, now: datetime) -> list[RunStep]:
    """Steps that were over are open again, what counts from them waits again, and plays that had ended run again.

    The plays are held. Returns those that stay as they are: no part of their play's version any more.
    """
    books = playbooks_of({step.run.version_id for step in steps})
    gone: list[RunStep] = []
    back: list[RunStep] = []
    waiting: dict[int, set[str]] = {}
    for step in steps:
        variant = books[step.run.version_id][1].variant(step.run.variant)
        if variant is None or variant.step(step.key) is None:
            gone.append(step)
            continue
        step.state, step.due_on = OPEN, step.due_on or today
        step.done_on, step.done_by, step.done_by_person_id, step.unaided, step.note = None, "", None, None, ""
        waiting.setdefault(step.run_id, set()).update(waiting_for(variant, step.key))
        back.append(step)
    fields = ["state", "due_on", "done_on", "done_by", "done_by_person_id", "unaided", "note"]
    RunStep.objects.bulk_update(back, fields, batch_size=1000)
    opened = {step.pk for step in back}
    rows = RunStep.objects.filter(run_id__in=waiting, state__in=[OPEN, LEFT_OUT, AHEAD]).values_list(
        "pk", "run_id", "key"
    )
    later = [pk for pk, run_id, key in rows if key in waiting[run_id] and pk not in opened]
    close_tasks_of(later, actor=actor, now=now)
    RunStep.objects.filter(pk__in=later).update(state=AHEAD, due_on=None, done_on=None, note="")
    PlaybookRun.objects.filter(pk__in=waiting, state=FINISHED).update(state=RUNNING, ended_on=None, ended_by="")
    return gone


def _locked(step_id: int) -> tuple[PlaybookRun, RunStep]:
    """The play first, then its step: whoever changes a play waits for who is at it."""
    run_id = RunStep.objects.values_list("run_id", flat=True).get(pk=step_id)
    run = PlaybookRun.objects.select_for_update(no_key=True, of=("self",)).select_related("version").get(pk=run_id)
    return run, RunStep.objects.get(pk=step_id)


def _must_go_on(run: PlaybookRun, step: RunStep) -> None:
    if run.state != RUNNING:
        raise StepIsOver(f"This play is {run.state}. Reopen a step of it, or start a new one.")
    if step.state not in {OPEN, AHEAD}:
        raise StepIsOver(f"This step is {step.state.replace('_', ' ')} already. Reopen it first.")


def _noted(step: RunStep, note: str, unaided: bool | None) -> RunStep:  # noqa: FBT001 -- private, one caller
    """What is said later about a step that is done, such as by who finished its task first."""
    if note.strip() or unaided is not None:
        step.note = note.strip() or step.note
        step.unaided = step.unaided if unaided is None else unaided
        step.save(update_fields=["note", "unaided"])
    return step


def _close_task(step: RunStep, state: TaskState, actor: Actor, now: datetime) -> None:
    Task.objects.filter(run_steps=step, state=TaskState.OPEN).update(
        state=state, closed_at=now, closed_by=actor.label, snoozed_until=None, snooze_reason=""
    )


def _open_task(step: RunStep) -> bool:
    """Opens the step's task again; False where it never had one."""
    if step.task_id is None:
        return False
    Task.objects.filter(pk=step.task_id).exclude(state=TaskState.OPEN).update(
        state=TaskState.OPEN, closed_at=None, closed_by=""
    )
    return True


def person_of(actor: Actor) -> int | None:
    """The person that a member is, where they are linked."""
    if actor.membership_id is None:
        return None
    return Person.objects.filter(membership_id=actor.membership_id).values_list("pk", flat=True).first()
