"""Every metric with its definition, its two sums, and the rows that add up to it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import MovementKind
from accounts.queries.revenue import MetricReport, MetricRow, metric_report, metric_rows
from accounts.rules.revenue import CONTRACTS, MetricValue, Shape, Unit
from core import clock
from core.formatting import money, number, percent
from core.http import WorkspaceRequest
from core.keeping import kept
from core.permissions import Permission, requires
from revops.dashboards.addresses import page_address
from revops.dashboards.definitions import OPERATIONS
from revops.dashboards.forms import PeriodForm
from revops.dashboards.queries.book import Book, book

ROWS = 100
_KEYS = {one.key for one in CONTRACTS}


@dataclass(frozen=True)
class MetricLine:
    """A metric as the page shows it."""

    key: str
    name: str
    definition: str
    numerator: str
    denominator: str
    variant: str
    version: int
    value: str
    parts: str
    reason: str


@dataclass(frozen=True)
class DrillRow:
    account_id: int
    name: str
    start: str
    end: str
    numerator: str
    denominator: str


@requires(Permission.VIEW_MONEY)
@require_GET
def metrics(request: WorkspaceRequest) -> HttpResponse:
    """The contracts over a period; with `?metric=` the rows behind one of them."""
    today = request.tenant.today(clock.now())
    form = PeriodForm(request.GET)
    start, end = form.period(today)
    everybody = book(None)
    currency = request.tenant.currency
    report: MetricReport = kept(f"metrics:{start}:{end}", lambda: metric_report(start, end), size=everybody.accounts)
    chosen = request.GET.get("metric", "")
    context: dict[str, Any] = {
        "form": PeriodForm(initial={"start": start, "end": end}),
        "start": start,
        "end": end,
        "periods": _periods(today),
        "lines": [_line(value, currency) for value in report.metrics],
        "operations": [(one, page_address(one.place)) for one in OPERATIONS],
        "movements": [(str(MovementKind(kind).label), amount) for kind, amount in report.movements.items()],
        "moved": sum(report.movements.values()),
        "cohort": report.cohort,
        "ledger_until": report.ledger_until,
        "currency": currency,
        "is_empty": everybody.accounts == 0 and not report.cohort.end_minor and not report.cohort.start_minor,
        "today": today,
    }
    if chosen in _KEYS:
        context |= _drill(chosen, report, start, end, currency, everybody)
    return render(request, "dashboards/metrics.html", context)


def _periods(today: date) -> list[tuple[str, date, date]]:
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    before = (quarter - timedelta(days=1)).replace(day=1)
    before = date(before.year, (before.month - 1) // 3 * 3 + 1, 1)
    return [
        ("12 months", today - timedelta(days=365), today),
        ("This quarter", quarter, today),
        ("Last quarter", before, quarter),
        ("Last calendar year", date(today.year - 1, 1, 1), date(today.year, 1, 1)),
    ]


def _line(value: MetricValue, currency: str) -> MetricLine:
    one = value.contract
    return MetricLine(
        key=one.key,
        name=one.name,
        definition=one.definition,
        numerator=one.numerator,
        denominator=one.denominator,
        variant=one.variant,
        version=one.version,
        value=_shown(value, currency),
        parts=_parts(value, currency),
        reason=value.reason,
    )


def _shown(value: MetricValue, currency: str) -> str:
    if value.value is None:
        return "n/a"
    if value.contract.shape is Shape.TOTAL:
        return _size(int(value.value), value.contract.unit, currency)
    return percent(Decimal(value.value))


def _parts(value: MetricValue, currency: str) -> str:
    top = _size(value.numerator, value.contract.unit, currency)
    if value.denominator is None:
        return ""
    return f"{top} of {_size(value.denominator, value.contract.unit, currency)}"


def _size(amount: int, unit: Unit, currency: str) -> str:
    return money(amount, currency) if unit is Unit.MONEY else number(amount)


def _drill(key: str, report: MetricReport, start: date, end: date, currency: str, everybody: Book) -> dict[str, Any]:
    rows: list[MetricRow] = kept(
        f"metric_rows:{key}:{start}:{end}",
        lambda: metric_rows(key, start, end, limit=ROWS + 1),
        size=everybody.accounts,
    )
    value = report[key]
    unit = value.contract.unit
    shown = rows[:ROWS]
    rest_top = value.numerator - sum(row.numerator for row in shown)
    rest_base = (value.denominator or 0) - sum(row.denominator for row in shown)
    return {
        "chosen": _line(value, currency),
        "rows": [
            DrillRow(
                row.account_id,
                row.account_name,
                money(row.arr_start_minor, currency),
                money(row.arr_end_minor, currency),
                _size(row.numerator, unit, currency),
                _size(row.denominator, unit, currency),
            )
            for row in shown
        ],
        "has_more": len(rows) > ROWS,
        "rest": (_size(rest_top, unit, currency), _size(rest_base, unit, currency)),
        "total": (
            _size(value.numerator, unit, currency),
            _size(value.denominator or 0, unit, currency) if value.denominator is not None else "",
        ),
    }
