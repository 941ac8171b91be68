"""The list of open renewals, page by page."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Q

from health.queries.scores import CurrentScore, current_scores
from journeys.choices import TaskState
from journeys.models import Task
from renewals.models import Renewal
from renewals.queries.renewals import open_renewals

PAGE: Final = 50


@dataclass(frozen=True)
class RenewalRow:
    """A renewal with the score of its account and the open step that comes first."""

    renewal: Renewal
    score: CurrentScore | None
    step: Task | None


@dataclass(frozen=True)
class RenewalPage:
    """Rows by due date. `after` names the row that the next page follows, or is empty at the end."""

    rows: list[RenewalRow]
    after: str


def renewal_page(owner_id: int | None, *, month: date | None, after: str, today: date) -> RenewalPage:
    """One page of open renewals, the earliest due first. Three queries. A cursor that means nothing gives page one."""
    found = open_renewals(owner_id).select_related("account", "owner")
    if month is not None:
        found = found.filter(due_on__gte=month, due_on__lt=_next_month(month))
    place = _place(after)
    if place is not None:
        found = found.filter(Q(due_on__gt=place[0]) | Q(due_on=place[0], pk__gt=place[1]))
    renewals = list(found[: PAGE + 1])
    shown = renewals[:PAGE]
    scores = current_scores({renewal.account_id for renewal in shown}, on=today)
    steps: dict[int, Task] = {}
    for task in Task.objects.filter(
        subject_kind="renewal", subject_id__in=[renewal.pk for renewal in shown], state=TaskState.OPEN
    ).order_by("due_on", "pk"):
        steps.setdefault(task.subject_id or 0, task)
    return RenewalPage(
        rows=[RenewalRow(row, scores.get(row.account_id), steps.get(row.pk)) for row in shown],
        after=f"{shown[-1].due_on}.{shown[-1].pk}" if len(renewals) > PAGE else "",
    )


def _place(after: str) -> tuple[date, int] | None:
    day, _, number = after.partition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
