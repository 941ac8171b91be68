"""What can be done with one task. Statements over many tasks stand in `journeys.actions.task_sweeps`."""

from datetime import date, datetime

from django.db import transaction

from accounts.queries.living import living_account
from accounts.queries.people import active_person
from core import audit
from core.actors import Actor
from journeys.actions.plays.steps import StepIsOver, follow_task, hold_plays_of
from journeys.choices import TaskKind, TaskState
from journeys.models import Task
from journeys.rules.snoozing import REPLY_WITHIN, SnoozeRefused, check_snooze


class TaskIsClosed(ValueError):
    """Somebody, or a rule, has closed the task in the meantime."""


class TaskIsAnswered(TaskIsClosed):
    """It cannot be ticked off: somebody waits for an answer, which is given on a page of its own."""


def _locked(task_id: int) -> Task:
    """The task, and before it the play that it is a step of: everybody takes them in this order."""
    hold_plays_of([task_id])
    return Task.objects.select_for_update().get(pk=task_id)


@transaction.atomic
def create_task(
    *,
    actor: Actor,
    now: datetime,
    title: str,
    due_on: date,
    kind: str = TaskKind.TODO,
    account_id: int | None = None,
    assignee_id: int | None = None,
    detail: str = "",
    priority: int = 0,
    origin_key: str = "",
    subject_kind: str = "",
    subject_id: int | None = None,
    process_version_id: int | None = None,
) -> Task:
    """An open task. With an `origin_key` the task of that key: a new one, or the one that is there, as it is."""
    if account_id is not None:
        living_account(account_id)
    values = {
        "title": title[:200],
        "due_on": due_on,
        "kind": kind,
        "account_id": account_id,
        "assignee_id": assignee_id,
        "detail": detail,
        "priority": priority,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "process_version_id": process_version_id,
        "created_at": now,
    }
    if origin_key:
        task, created = Task.objects.get_or_create(origin_key=origin_key, defaults=values)
        if not created:
            return task
    else:
        task = Task.objects.create(**values)
    audit.record(actor=actor, at=now, verb="created task", subject=task, after={"due_on": due_on, "kind": kind})
    return task


@transaction.atomic
def finish_task(*, task_id: int, actor: Actor, now: datetime) -> Task:
    """The task is done. Done twice is done once; a task that a rule has closed stays as it is (`TaskIsClosed`)."""
    task = _locked(task_id)
    if task.state == TaskState.DONE:
        return task
    if task.state != TaskState.OPEN:
        raise TaskIsClosed(f"This task is closed already: {task.get_state_display().lower()}.")
    if task.subject_kind == "handoff":
        raise TaskIsAnswered("Open the hand-off and answer it there: the other team waits.")
    task.state, task.closed_at, task.closed_by = TaskState.DONE, now, actor.label
    task.save(update_fields=["state", "closed_at", "closed_by"])
    audit.record(actor=actor, at=now, verb="finished task", subject=task)
    follow_task(task, actor=actor, now=now)
    return task


@transaction.atomic
def reopen_task(*, task_id: int, actor: Actor, now: datetime) -> Task:
    """Takes back done or skipped and ends a snooze. An open task without a snooze stays as it is."""
    task = _locked(task_id)
    if task.state == TaskState.OBSOLETE:
        raise TaskIsClosed("A rule has closed this task: what it served is over.")
    before = {"state": task.state, "snoozed_until": task.snoozed_until}
    if before == {"state": TaskState.OPEN, "snoozed_until": None}:
        return task
    task.state, task.closed_at, task.closed_by = TaskState.OPEN, None, ""
    task.snoozed_until, task.snooze_reason, task.awaits_reply_since = None, "", None
    task.save(update_fields=["state", "closed_at", "closed_by", "snoozed_until", "snooze_reason", "awaits_reply_since"])
    audit.record(actor=actor, at=now, verb="reopened task", subject=task, before=before)
    try:
        follow_task(task, actor=actor, now=now)
    except StepIsOver as refusal:
        raise TaskIsClosed(str(refusal)) from refusal
    return task


@transaction.atomic
def snooze_task(*, task_id: int, until: date, reason: str, actor: Actor, now: datetime, today: date) -> Task:
    """Hides an open task until a day. Raises `SnoozeRefused` or `TaskIsClosed`; the due date stays."""
    check_snooze(until=until, today=today, reason=reason)
    return _put_off(_locked(task_id), until, reason.strip()[:200], None, actor=actor, now=now)


@transaction.atomic
def snooze_until_reply(*, task_id: int, actor: Actor, now: datetime, today: date) -> Task:
    """Hides an open task until the customer is heard of, or for 30 days. Raises `SnoozeRefused` without a customer."""
    task = _locked(task_id)
    if task.account_id is None:
        raise SnoozeRefused("This task belongs to no account: nobody can reply. Choose a day.")
    return _put_off(task, today + REPLY_WITHIN, "Until they reply", now, actor=actor, now=now)


def _put_off(
    task: Task, until: date, reason: str, awaits_reply_since: datetime | None, *, actor: Actor, now: datetime
) -> Task:
    if task.state != TaskState.OPEN:
        raise TaskIsClosed(f"This task is closed already: {task.get_state_display().lower()}.")
    before = {"snoozed_until": task.snoozed_until}
    task.snoozed_until, task.snooze_reason, task.awaits_reply_since = until, reason, awaits_reply_since
    task.save(update_fields=["snoozed_until", "snooze_reason", "awaits_reply_since"])
    audit.record(
        actor=actor,
        at=now,
        verb="snoozed task",
        subject=task,
        before=before,
        after={"snoozed_until": until},
        reason=task.snooze_reason,
    )
    return task


@transaction.atomic
def reassign_task(*, task_id: int, assignee_id: int | None, actor: Actor, now: datetime, reason: str = "") -> Task:
    """Gives the task to another person, or to nobody. Whoever stood in for somebody does so no longer.

    Raises `HasLeft` for somebody who is given nothing more.
    """
    task = _locked(task_id)
    if task.assignee_id == assignee_id:
        return task
    if assignee_id is not None:
        active_person(assignee_id)
    before = {"assignee_id": task.assignee_id}
    task.assignee_id, task.covered_for_id = assignee_id, None
    task.save(update_fields=["assignee_id", "covered_for"])
    audit.record(
        actor=actor,
        at=now,
        verb="reassigned task",
        subject=task,
        before=before,
        after={"assignee_id": assignee_id},
        reason=reason,
    )
    follow_task(task, actor=actor, now=now)
    return task
