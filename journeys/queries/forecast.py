"""The forecast: open deals by category and month, weighted by the stages' probabilities, and per owner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from journeys.choices import ForecastCategory
from journeys.queries.board import Filters, filtered, open_deals
from journeys.rules.periods import Period, month_of, quarter_of

MONTHS: Final = 6
SHOWN: Final = (
    ForecastCategory.COMMIT, ForecastCategory.BEST_CASE, ForecastCategory.AT_RISK, ForecastCategory.NOT_YET,
)  # fmt: skip
LATER: Final = "later"
LATE: Final = "late"
UNDATED: Final = "undated"


@dataclass(frozen=True)
class Cell:
    """Deals of a category that close in a month (or of a row as a whole).

    `weighted` is the amount times the probability in per cent: it is divided once, when it is shown, so that sums are
    those of the board.
    """

    count: int = 0
    amount_minor: int = 0
    weighted: int = 0

    @property
    def weighted_minor(self) -> int:
        """The amount by the stages' probabilities."""
        return self.weighted // 100

    def plus(self, other: "Cell") -> "Cell":
        return Cell(
            self.count + other.count,
            self.amount_minor + other.amount_minor,
            self.weighted + other.weighted,
        )


@dataclass(frozen=True)
class Row:
    """A category or an owner, month by month, and in all."""

    name: str
    cells: Sequence[Cell]
    total: Cell


@dataclass(frozen=True)
class Forecast:
    """Columns are the overdue, six months from this one, later, and those without a date."""

    columns: Sequence[str]
    rows: Sequence[Row]
    owners: Sequence[Row]
    total: Row
    won: Cell
    quarter: Period


def forecast(filters: Filters, today: date) -> Forecast:
    """Open deals by the category of their stage and the month of their close date. Two statements."""
    months = [month_of(today, ahead) for ahead in range(MONTHS)]
    columns = [LATE, *(month.name for month in months), LATER, UNDATED]
    by: dict[str, dict[str, Cell]] = {}
    people: dict[int | None, dict[str, Cell]] = {}
    names: dict[int | None, str] = {}
    for row in _open_rows(filters, today):
        column = _column(row["month"], months)
        cell = Cell(row["n"], int(row["amount"]), int(row["weighted"]))
        _add(by.setdefault(row["stage__forecast"], {}), column, cell)
        _add(people.setdefault(row["owner_id"], {}), column, cell)
        names[row["owner_id"]] = row["owner__name"] or "No owner"
    quarter = quarter_of(today)
    rows = [_row(str(one.label), by.get(one.value, {}), columns) for one in SHOWN]
    owners = [_row(names[owner_id], cells, columns) for owner_id, cells in people.items()]
    owners.sort(key=lambda one: (-one.total.weighted, one.name))
    total = _row("All", {name: _sum([cells.get(name, Cell()) for cells in by.values()]) for name in columns}, columns)
    return Forecast(_heads(columns), rows, owners, total, _won(filters, quarter), quarter)


def _add(cells: dict[str, Cell], column: str, cell: Cell) -> None:
    cells[column] = cells.get(column, Cell()).plus(cell)


def _open_rows(filters: Filters, today: date) -> Iterable[Mapping[str, Any]]:
    return (
        open_deals(filters, today)
        .annotate(month=TruncMonth("close_on"))
        .order_by()
        .values("stage__forecast", "owner_id", "owner__name", "month")
        .annotate(
            n=Count("pk"),
            amount=Coalesce(Sum("amount_minor"), 0),
            weighted=Coalesce(Sum(F("amount_minor") * F("stage__probability")), 0),
        )
    )


def _won(filters: Filters, quarter: Period) -> Cell:
    row = filtered(filters).aggregate(
        n=Count("pk", filter=_in(quarter)), amount=Coalesce(Sum("amount_minor", filter=_in(quarter)), 0)
    )
    return Cell(row["n"], row["amount"], row["amount"] * 100)


def _in(quarter: Period) -> Q:
    return Q(stage__kind="won", closed_on__gte=quarter.start, closed_on__lt=quarter.end)


def _column(month: date | None, months: Sequence[Period]) -> str:
    if month is None:
        return UNDATED
    if months[0].start is not None and month < months[0].start:
        return LATE
    return next((one.name for one in months if one.start == month), LATER)


def _heads(columns: Sequence[str]) -> list[str]:
    words = {LATE: "Before", LATER: "Later", UNDATED: "No date"}
    return [words.get(name, name) for name in columns]


def _row(name: str, cells: dict[str, Cell], columns: Sequence[str]) -> Row:
    filled = [cells.get(column, Cell()) for column in columns]
    return Row(name, filled, _sum(filled))


def _sum(cells: Sequence[Cell]) -> Cell:
    total = Cell()
    for cell in cells:
        total = total.plus(cell)
    return total
