"""Reads of renewals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, DateField, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import TruncMonth

from core.models import ProcessVersion, Tenant
from core.queries import published_version
from core.tenancy import require_tenant_id
from journeys.choices import ForecastCategory, TaskState
from journeys.models import Task
from renewals.choices import RenewalState, StepKind
from renewals.models import Renewal, RenewalStep
from renewals.rules import FINAL_WEEK_DAYS, OnTime, Timeline, parse_timeline

TIMELINE_KIND: Final = "renewal_timeline"
TIMELINE_KEY: Final = "standard"
# What of the amount is counted as expected. Fixed until the tenant's own rates are measured.
EXPECTED_PERCENT: Final[dict[str, int]] = {
    ForecastCategory.WON: 100,
    ForecastCategory.COMMIT: 90,
    ForecastCategory.BEST_CASE: 70,
    ForecastCategory.NOT_YET: 70,
    ForecastCategory.AT_RISK: 30,
    ForecastCategory.LOST: 0,
}


@dataclass(frozen=True)
class NextRenewal:
    """The earliest open renewal of an account."""

    id: int
    account_id: int
    due_on: date
    amount_minor: int
    forecast: str
    forecast_label: str
    basis: str


@dataclass(frozen=True)
class DueSummary:
    """What is up for renewal in a window, late ones included. low = committed only, high = all that is not lost."""

    count: int
    amount_minor: int
    expected_minor: int
    low_minor: int
    high_minor: int
    late: int


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


@dataclass(frozen=True)
class MonthTotal:
    """Open renewals due in a month."""

    month: date
    count: int
    amount_minor: int


STATE_WORDS: Final = {
    "done": "Done",
    "done_late": "Done late",
    "late": "Late",
    "next": "Next",
    "ahead": "Ahead",
    "skipped": "Skipped",
    "end": "End",
}


def live_timeline() -> tuple[ProcessVersion, Timeline] | None:
    """The published timeline, or None in a workspace without one."""
    version = published_version(TIMELINE_KIND, TIMELINE_KEY)
    return None if version is None else (version, parse_timeline(version.definition))


def open_renewals(owner_id: int | None = None) -> QuerySet[Renewal]:
    """Open renewals, of one owner or of all, the earliest first."""
    renewals = Renewal.objects.filter(state=RenewalState.OPEN).order_by("due_on", "pk")
    return renewals if owner_id is None else renewals.filter(owner_id=owner_id)


def next_renewals(account_ids: Iterable[int]) -> dict[int, NextRenewal]:
    """The earliest open renewal of each of these accounts; accounts without one are left out. One query."""
    rows = (
        Renewal.objects.filter(state=RenewalState.OPEN, account_id__in=list(account_ids))
        .order_by("account_id", "due_on", "pk")
        .distinct("account_id")
    )
    return {
        row.account_id: NextRenewal(
            id=row.pk,
            account_id=row.account_id,
            due_on=row.due_on,
            amount_minor=row.amount_minor,
            forecast=row.forecast,
            forecast_label=row.get_forecast_display(),
            basis=row.basis,
        )
        for row in rows
    }


def renewals_due_summary(owner_id: int | None, today: date, days: int = 90) -> DueSummary:
    """Open renewals due within so many days of today, late ones included. One query."""
    rows = list(
        open_renewals(owner_id)
        .filter(due_on__lt=date.fromordinal(today.toordinal() + days + 1))
        .order_by()
        .values("forecast")
        .annotate(n=Count("pk"), amount=Sum("amount_minor"), late=Count("pk", filter=Q(due_on__lt=today)))
    )
    return DueSummary(
        count=sum(row["n"] for row in rows),
        amount_minor=sum(row["amount"] for row in rows),
        expected_minor=sum(row["amount"] * EXPECTED_PERCENT[row["forecast"]] // 100 for row in rows),
        low_minor=sum(row["amount"] for row in rows if row["forecast"] == ForecastCategory.COMMIT),
        high_minor=sum(row["amount"] for row in rows if row["forecast"] != ForecastCategory.LOST),
        late=sum(row["late"] for row in rows),
    )


def renewals_by_month(owner_id: int | None = None) -> list[MonthTotal]:
    """Open renewals by the month they are due, the earliest first. One query."""
    rows = (
        open_renewals(owner_id)
        .order_by()
        .annotate(month=TruncMonth("due_on"))
        .values("month")
        .annotate(n=Count("pk"), amount=Sum("amount_minor"))
        .order_by("month")
    )
    return [MonthTotal(month=row["month"], count=row["n"], amount_minor=row["amount"]) for row in rows]


_ON_TIME: Final = """
SELECT count(*) FILTER (WHERE counted),
       count(*) FILTER (WHERE counted AND state = 'won'),
       count(*) FILTER (WHERE counted AND state = 'lost'),
       count(*) FILTER (WHERE counted AND state = 'open'),
       count(*) FILTER (WHERE counted AND state = 'won' AND decided_on <= due_on),
       count(*) FILTER (WHERE counted AND state = 'won' AND decided_on <= due_on AND decided_on >= due_on - %(week)s),
       count(*) FILTER (WHERE NOT counted)
FROM (
    SELECT state, due_on, (decided_at AT TIME ZONE %(zone)s)::date AS decided_on,
           NOT (is_automatic AND basis = 'anniversary') AS counted
    FROM renewals_renewal
    WHERE tenant_id = %(tenant)s AND due_on >= %(start)s AND due_on < %(end)s AND state <> 'dropped'
      AND (%(owner)s::bigint IS NULL OR owner_id = %(owner)s)
) AS renewal
"""


def on_time_rate(*, start: date, end: date, zone: str, owner_id: int | None = None) -> OnTime:
    """The on-time rate of renewals due in the half-open period, by business dates of the workspace's zone.

    Contracts without an end that simply ran on are no decisions: they are counted apart. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ON_TIME,
            {
                "tenant": require_tenant_id(),
                "start": start,
                "end": end,
                "zone": zone,
                "owner": owner_id,
                "week": FINAL_WEEK_DAYS,
            },
        )
        return OnTime(*cursor.fetchone())


def renewal_detail(renewal_id: int) -> Renewal | None:
    """The renewal with account, contract and owner, or None."""
    return Renewal.objects.select_related("account", "contract", "owner").filter(pk=renewal_id).first()


def renewals_of_account(account_id: int) -> QuerySet[Renewal]:
    """Every renewal of an account, the latest due date first."""
    return Renewal.objects.filter(account_id=account_id).select_related("contract").order_by("-due_on", "-pk")


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


def days_to_renewal(as_of: date) -> Any:
    """An expression on accounts: days from the date to the earliest open renewal, negative when it is late."""
    return Func(
        _earliest("due_on"),
        Value(as_of, output_field=DateField()),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


def renewal_amount(_as_of: date) -> Any:
    """An expression on accounts: the amount of the earliest open renewal."""
    return _earliest("amount_minor")


def _earliest(column: str) -> Subquery:
    rows = Renewal.objects.filter(account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), state=RenewalState.OPEN)
    return Subquery(rows.order_by("due_on", "pk").values(column)[:1])


_WITHOUT_RENEWAL: Final = """
SELECT count(*) FROM accounts_contract c
JOIN accounts_account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
JOIN LATERAL (
    SELECT sum(l.arr_minor) FILTER (
               WHERE l.starts_on <= %(today)s AND (l.ends_on IS NULL OR l.ends_on > %(today)s)) AS arr,
           COALESCE(c.ends_on, CASE WHEN bool_and(l.ends_on IS NOT NULL) THEN max(l.ends_on) END) AS ends_on
    FROM accounts_contractline l
    WHERE l.tenant_id = c.tenant_id AND l.contract_id = c.id AND l.kind = 'recurring'
) AS line ON line.arr > 0 AND (line.ends_on IS NULL OR line.ends_on > %(today)s)
WHERE c.tenant_id = %(tenant)s AND a.status <> 'churned' AND c.starts_on < %(today)s
  AND c.created_at < %(settled)s
  AND NOT EXISTS (
    SELECT FROM renewals_renewal r WHERE r.tenant_id = c.tenant_id AND r.contract_id = c.id
      AND (r.state = 'open' OR (r.state <> 'dropped' AND r.due_on > %(today)s)))
"""


def active_contracts_without_renewal(tenant: Tenant, now: datetime) -> int:
    """How many active contracts have neither an open renewal nor a decision about their due date.

    What came in less than two hours ago may still wait for the hourly sweep.
    """
    values = {"tenant": tenant.pk, "today": tenant.today(now), "settled": now - timedelta(hours=2)}
    return _count(_WITHOUT_RENEWAL, values)


def steps_with_a_wrong_task(tenant: Tenant, _now: datetime) -> int:
    """How many steps point at a task that is not the one of their renewal and offset."""
    return _count(
        "SELECT count(*) FROM renewals_renewalstep s "
        "JOIN journeys_task t ON t.tenant_id = s.tenant_id AND t.id = s.task_id "
        "WHERE s.tenant_id = %(tenant)s AND t.origin_key <> 'renewal:' || s.renewal_id || ':' || s.offset_days",
        {"tenant": tenant.pk},
    )


def open_tasks_of_closed_renewals(tenant: Tenant, _now: datetime) -> int:
    """How many tasks wait for a renewal that is decided."""
    return _count(
        "SELECT count(*) FROM journeys_task t "
        "JOIN renewals_renewal r ON r.tenant_id = t.tenant_id AND r.id = t.subject_id AND r.state <> 'open' "
        "WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'renewal' AND t.state = 'open'",
        {"tenant": tenant.pk},
    )


def _count(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])
