"""Reads of tasks."""

from datetime import date

from django.db.models import Q, QuerySet

from journeys.choices import TaskState
from journeys.models import Task


def open_tasks(today: date) -> QuerySet[Task]:
    """Open tasks that are not snoozed beyond today, the most urgent first."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=today)
    return Task.objects.filter(awake, state=TaskState.OPEN).order_by("due_on", "-priority", "pk")


def open_tasks_of(person_id: int, today: date) -> QuerySet[Task]:
    """What waits for one person, with the account of each task."""
    return open_tasks(today).filter(assignee_id=person_id).select_related("account")


def snoozed_tasks_of(person_id: int, today: date) -> QuerySet[Task]:
    """What the person has put off, the first to return first."""
    return (
        Task.objects.filter(assignee_id=person_id, state=TaskState.OPEN, snoozed_until__gt=today)
        .select_related("account")
        .order_by("snoozed_until", "due_on", "pk")
    )


def tasks_of_account(account_id: int) -> QuerySet[Task]:
    """Every open task of an account, snoozed ones too, by due date."""
    return (
        Task.objects.filter(account_id=account_id, state=TaskState.OPEN)
        .select_related("assignee")
        .order_by("due_on", "-priority", "pk")
    )


def tasks_of_subject(subject_kind: str, subject_id: int) -> QuerySet[Task]:
    """Every task that serves a renewal, a QBR or an escalation, in the order of their dates."""
    return (
        Task.objects.filter(subject_kind=subject_kind, subject_id=subject_id)
        .select_related("assignee", "process_version")
        .order_by("due_on", "pk")
    )


def next_task_of(task: Task, today: date) -> Task | None:
    """What the same person has to do next on the same account, if anything."""
    if task.account_id is None:
        return None
    return (
        open_tasks(today).filter(account_id=task.account_id, assignee_id=task.assignee_id).exclude(pk=task.pk).first()
    )
