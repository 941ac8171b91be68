"""Plays that go over to somebody else, stop, or go on by another variant or version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts.queries.people import active_person
from core import audit
from core.actors import Actor
from core.models import ProcessVersion
from core.trees import tree_key
from journeys.actions.plays.engine import lock_run, settle
from journeys.actions.plays.starting import PlayRefused
from journeys.actions.plays.steps import close_tasks_of
from journeys.choices import TaskState
from journeys.models import PlaybookRun, RunStep, Task
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_due import AHEAD, ALREADY, JUDGED_BY, LEFT_OUT, OPEN, RUNNING, STOPPED
from journeys.rules.playbooks import Variant


@dataclass(frozen=True)
class Moved:
    """How many plays went over to another version; `left` were not running any more or on it already."""

    moved: int
    left: int


@transaction.atomic
def reassign_play(
    *, run_id: int, to_person_id: int, actor: Actor, now: datetime, reason: str = "", step_id: int | None = None
) -> PlaybookRun:
    """Gives a play to another person mid-run: its open steps that were its owner's, with their tasks.

    What is done stays with who did it, and notes, due days and branches stay. With `step_id` only that step goes.
    Raises `HasLeft` for somebody who is given nothing more.
    """
    active_person(to_person_id)
    run = lock_run(run_id)
    steps = RunStep.objects.filter(run=run, state=OPEN)
    if step_id is not None:
        steps = steps.filter(pk=step_id)
    else:
        steps = steps.filter(assignee_id=run.owner_id) if run.owner_id else steps
    ids = list(steps.values_list("pk", flat=True))
    before = run.owner_id
    RunStep.objects.filter(pk__in=ids).update(assignee_id=to_person_id)
    tasks = RunStep.objects.filter(pk__in=ids).values("task_id")
    Task.objects.filter(pk__in=tasks, state=TaskState.OPEN).update(assignee_id=to_person_id, covered_for=None)
    if step_id is None:
        run.owner_id, run.trace = to_person_id, {**run.trace, "owner_set": True}
        run.save(update_fields=["owner_id", "trace"])
    audit.record(
        actor=actor, at=now, verb="reassigned play", subject=run, before={"owner_id": before},
        after={"owner_id": to_person_id, "steps": len(ids)}, reason=reason.strip(),
    )  # fmt: skip
    return run


@transaction.atomic
def stop_play(*, run_id: int, reason: str, actor: Actor, today: date, now: datetime) -> PlaybookRun:
    """Ends a play before its time, with the reason; its open tasks are put away. Stopped twice is stopped once."""
    if not reason.strip():
        raise ValueError("Say why the play is stopped: its outcome is read with the reason.")
    run = lock_run(run_id)
    if run.state != RUNNING:
        return run
    run.state, run.ended_on, run.ended_by, run.end_reason = STOPPED, today, actor.label, reason.strip()
    run.save(update_fields=["state", "ended_on", "ended_by", "end_reason"])
    close_tasks_of(RunStep.objects.filter(run=run, state=OPEN).values_list("pk", flat=True), actor=actor, now=now)
    audit.record(actor=actor, at=now, verb="stopped play", subject=run, reason=run.end_reason)
    return run


@transaction.atomic
def switch_variant(
    *, run_id: int, variant: str, actor: Actor, today: date, now: datetime, reason: str = ""
) -> PlaybookRun:
    """Goes on by another variant of the same version: what is done stays, the rest is that of the new variant."""
    run = lock_run(run_id)
    book = playbook_of(run.version)
    target = book.variant(variant)
    if target is None or run.state != RUNNING:
        raise PlayRefused([f"{run.version} has no variant '{variant}'." if target is None else "This play has ended."])
    if run.variant == variant:
        return run
    before, run.variant = run.variant, variant
    run.save(update_fields=["variant"])
    _follow_document([run], {run.pk: target}, today=today, now=now, actor=actor)
    audit.record(
        actor=actor, at=now, verb="switched variant", subject=run, before={"variant": before},
        after={"variant": variant}, reason=reason.strip(),
    )  # fmt: skip
    return run


@transaction.atomic
def move_plays(
    *, version: ProcessVersion, run_ids: Sequence[int], actor: Actor, today: date, now: datetime, reason: str = ""
) -> Moved:
    """Running plays go on by a published version of their playbook. What is done stays, due days are counted anew.

    A play keeps its variant where the version has it, else it gets the one of its account's segment. One audit row
    per call. Raises `PlayRefused` for a version that was never live.
    """
    if version.kind != KIND or version.published_at is None:
        raise PlayRefused([f"{version} was never live. Publish it first."])
    book = playbook_of(version)
    asked = PlaybookRun.objects.filter(pk__in=run_ids, playbook=version.key, state=RUNNING).exclude(version=version)
    runs = list(asked.order_by("pk").select_for_update(no_key=True, of=("self",)).select_related("account"))
    targets: dict[int, Variant] = {}
    rule = tree_key(book.outcome.rule) if book.outcome is not None else ""
    for run in runs:
        target = book.variant(run.variant) or book.variant_for(run.account.segment)
        if target is not None:
            targets[run.pk] = target
            if run.outcome == ALREADY and run.trace.get(JUDGED_BY) != rule:
                run.outcome, run.outcome_on = "", None  # the version asks for something else
            run.version_id, run.variant = version.pk, target.key
    runs = [run for run in runs if run.pk in targets]
    PlaybookRun.objects.bulk_update(runs, ["version_id", "variant", "outcome", "outcome_on"], batch_size=1000)
    _follow_document(runs, targets, today=today, now=now, actor=actor)
    if runs:
        audit.record(
            actor=actor,
            at=now,
            verb="moved plays",
            subject=version,
            reason=reason.strip(),
            after={"plays": len(runs), "runs": [run.pk for run in runs]},
        )
    return Moved(len(runs), len(set(run_ids)) - len(runs))


def _follow_document(
    runs: Sequence[PlaybookRun], targets: dict[int, Variant], *, today: date, now: datetime, actor: Actor
) -> None:
    """Makes the steps that are not over those of the new document, then moves the plays on."""
    gone: list[RunStep] = []
    again: list[RunStep] = []
    fresh: list[RunStep] = []
    kept: list[RunStep] = []
    by_run: dict[int, dict[str, RunStep]] = {run.pk: {} for run in runs}
    for step in RunStep.objects.filter(run_id__in=by_run).order_by("run_id", "position"):
        by_run[step.run_id][step.key] = step
    for run in runs:
        wanted = {step.key: step for step in targets[run.pk].steps}
        for key, row in by_run[run.pk].items():
            if key not in wanted and row.state in {AHEAD, OPEN}:
                gone.append(row)
            elif key in wanted:
                row.position, row.title = wanted[key].place + 1, wanted[key].title
                # A step that an earlier version had left out is judged anew; what a person did stays.
                (again if row.state in {OPEN, AHEAD, LEFT_OUT} else kept).append(row)
        fresh += [
            RunStep(tenant_id=run.tenant_id, run=run, key=step.key, title=step.title, position=step.place + 1)
            for step in targets[run.pk].steps
            if step.key not in by_run[run.pk]
        ]
    close_tasks_of([row.pk for row in gone], actor=actor, now=now)
    for row in gone:
        row.state, row.done_on, row.note = LEFT_OUT, today, "Not part of the version that the play went over to."
    for row in again:
        row.state, row.due_on, row.done_on, row.note = AHEAD, None, None, ""
    fields = ["state", "due_on", "done_on", "note", "position", "title"]
    RunStep.objects.bulk_update([*gone, *again, *kept], fields, batch_size=1000)
    RunStep.objects.bulk_create(fresh, batch_size=1000)
    settle([run.pk for run in runs], today=today, now=now, actor=actor)
    # A branch that no longer holds: the task of a step that was open goes with it.
    close_tasks_of([row.pk for row in RunStep.objects.filter(run_id__in=by_run, state__in=[AHEAD, LEFT_OUT],
                    task__state=TaskState.OPEN)], actor=actor, now=now)  # fmt: skip
