"""The way to a renewal, step by step."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from journeys.choices import TaskState
from journeys.models import Task
from renewals.choices import StepKind
from renewals.models import Renewal, RenewalStep
from renewals.queries.renewals import open_renewals
from renewals.rules import CATCH_UP


@dataclass(frozen=True)
class StripStep:
    """A mark on the renewal strip. `state`: done, done_late, late, next, ahead, skipped or end."""

    offset_days: int
    label: str
    on: date
    state: str
    state_label: str
    title: str
    task_id: int | None


@dataclass(frozen=True)
class Strip:
    """The steps of one renewal in the order of their days, and the date they lead to."""

    renewal: Renewal
    steps: tuple[StripStep, ...]
    notice_on: date | None
    today: date

    @property
    def days_left(self) -> int:
        return (self.renewal.due_on - self.today).days

    @property
    def start(self) -> date:
        """Where the drawing begins: at the first step, or today when that is earlier."""
        return min([self.today, *(step.on for step in self.steps)])

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The steps as the drawing and the list of the phone take them; the end is drawn by itself."""
        return [
            {
                "on": step.on,
                "title": step.label if step.offset_days == CATCH_UP else f"{step.label} d",
                "text": step.state_label,
                "state": step.state,
            }
            for step in self.steps
            if step.state not in {"end", "skipped"}
        ]


STATE_WORDS: Final = {
    "done": "Done",
    "done_late": "Done late",
    "late": "Late",
    "next": "Next",
    "ahead": "Ahead",
    "skipped": "Skipped",
    "end": "End",
}


def renewal_strip(account_id: int, today: date) -> Strip | None:
    """The strip of the account's earliest open renewal, or None without one. Two queries."""
    renewal = open_renewals().filter(account_id=account_id).select_related("contract", "account", "owner").first()
    return None if renewal is None else strip_of(renewal, today)


def strip_of(renewal: Renewal, today: date) -> Strip:
    """The steps of a renewal with their states. One query."""
    rows = RenewalStep.objects.filter(renewal_id=renewal.pk).select_related("task").order_by("task__due_on", "pk")
    steps: list[StripStep] = []
    found_next = False
    for row in rows:
        state = _step_state(row.task, today, is_next=not found_next)
        found_next = found_next or row.task.state == TaskState.OPEN
        label = "Catch-up" if row.kind == StepKind.CATCH_UP else str(row.offset_days)
        steps.append(
            StripStep(
                offset_days=row.offset_days,
                label=label,
                on=row.task.due_on,
                state=state,
                state_label=STATE_WORDS[state],
                title=row.task.title,
                task_id=row.task.pk,
            )
        )
    steps.append(StripStep(0, "End", renewal.due_on, "end", STATE_WORDS["end"], "Due date", None))
    notice = renewal.contract.notice_days
    notice_on = None if notice is None else date.fromordinal(renewal.due_on.toordinal() - notice)
    return Strip(renewal=renewal, steps=tuple(steps), notice_on=notice_on, today=today)


def _step_state(task: Task, today: date, *, is_next: bool) -> str:
    if task.state == TaskState.DONE:
        late = task.closed_at is not None and task.closed_at.date() > task.due_on
        return "done_late" if late else "done"
    if task.state != TaskState.OPEN:
        return "skipped"
    if task.due_on < today:
        return "late"
    return "next" if is_next else "ahead"
