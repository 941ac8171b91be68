"""Reads of renewals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from core.models import ProcessVersion
from core.queries import published_version
from core.tenancy import require_tenant_id
from journeys.choices import ForecastCategory, TaskKind, TaskState
from journeys.models import Task
from renewals.choices import RenewalState
from renewals.models import Renewal
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
class MonthTotal:
    """Open renewals due in a month."""

    month: date
    count: int
    amount_minor: int


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


# The one definition of the rate, for every statement that reads it. `r` is the renewal, %(zone)s the workspace's zone.
# Contracts without an end that simply ran on are no decisions.
IS_COUNTED: Final = "r.state <> 'dropped' AND NOT (r.is_automatic AND r.basis = 'anniversary')"
IS_ON_TIME: Final = "r.state = 'won' AND (r.decided_at AT TIME ZONE %(zone)s)::date <= r.due_on"
RATE_DAYS: Final = 365
_ON_TIME: Final = f"""
SELECT count(*) FILTER (WHERE counted),
       count(*) FILTER (WHERE counted AND state = 'won'),
       count(*) FILTER (WHERE counted AND state = 'lost'),
       count(*) FILTER (WHERE counted AND state = 'open'),
       count(*) FILTER (WHERE counted AND on_time),
       count(*) FILTER (WHERE counted AND on_time AND decided_on >= due_on - %(week)s),
       count(*) FILTER (WHERE NOT counted)
FROM (
    SELECT r.state, r.due_on, (r.decided_at AT TIME ZONE %(zone)s)::date AS decided_on,
           {IS_COUNTED} AS counted, {IS_ON_TIME} AS on_time
    FROM renewals_renewal r
    WHERE tenant_id = %(tenant)s AND due_on >= %(start)s AND due_on < %(end)s AND state <> 'dropped'
      AND (%(owner)s::bigint IS NULL OR owner_id = %(owner)s)
) AS renewal
"""  # noqa: S608 -- only the two conditions above enter


def rate_window(today: date) -> tuple[date, date]:
    """The half-open period of the rates: the twelve months that end with today."""
    end = today + timedelta(days=1)
    return end - timedelta(days=RATE_DAYS), end


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


def late_steps(owner_id: int | None, today: date) -> int:
    """How many renewal steps are past their day, of one owner's renewals or of all. One query."""
    late = Task.objects.filter(kind=TaskKind.RENEWAL, state=TaskState.OPEN, due_on__lt=today, subject_kind="renewal")
    if owner_id is not None:
        late = late.filter(subject_id__in=open_renewals(owner_id).order_by().values("pk"))
    return late.count()
