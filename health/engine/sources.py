"""Where values come from. Every measure, built in or observed, is rows of (account, day, value) in a table.

Sources of one table share one pass over it. A reading turns into columns of that pass (aggregates with FILTER) and
two expressions over them: its value, and the last day that it rests on.

Names in the SQL: `%(as_of)s` the last day that counts, `%(zone)s` the workspace's time zone, `%(minor_units)s` how many
of them make a unit of its currency, `%(tenant)s`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from health.rules import Aggregate, Reading, ScoreModel

AS_OF: Final = "%(as_of)s::date"
NUMBER_OF_DAY: Final = "DATE '2000-01-01'"


def midnight(days_back: int) -> str:
    """The instant at which the business day so many days before the as-of day begins."""
    return f"(({AS_OF} - {days_back})::timestamp AT TIME ZONE %(zone)s)"


@dataclass(frozen=True)
class Table:
    """A table of facts. `since(n)` limits rows to the last n days, `until` to the as-of day; both can use an index."""

    name: str
    alias: str
    day: str
    is_instant: bool

    def since(self, days: int) -> str:
        if self.is_instant:
            return f"{self.day} >= {midnight(days - 1)}"
        return f"{self.day} > {AS_OF} - {days}"

    def until(self, days_back: int = 0) -> str:
        if self.is_instant:
            return f"{self.day} < {midnight(days_back - 1)}"
        return f"{self.day} <= {AS_OF} - {days_back}" if days_back else f"{self.day} <= {AS_OF}"

    @property
    def business_day(self) -> str:
        return f"({self.day} AT TIME ZONE %(zone)s)::date" if self.is_instant else self.day


SIGNALS: Final = Table("accounts_signal", "s", "s.day", is_instant=False)
TICKETS: Final = Table("accounts_ticket", "t", "t.opened_at", is_instant=True)
ACTIVITIES: Final = Table("accounts_activity", "y", "y.occurred_at", is_instant=True)


@dataclass(frozen=True)
class Source:
    """A built-in measure. `silence_counts`: where the workspace has such rows at all, an account without any has 0."""

    key: str
    label: str
    unit: str
    table: Table | None
    value: str = "1"
    where: str = ""
    silence_counts: bool = False


_BY_DAY_END: Final = f"(t.closed_at IS NULL OR t.closed_at < {midnight(-1)})"

SOURCES: Final[dict[str, Source]] = {
    source.key: source
    for source in (
        Source("tickets.opened", "Tickets opened", "tickets", TICKETS, silence_counts=True),
        Source(
            "tickets.escalated", "Escalated tickets", "tickets", TICKETS, where="t.is_escalated", silence_counts=True
        ),
        Source(
            "tickets.open",
            "Tickets still open",
            "tickets",
            TICKETS,
            where=f"(t.closed_at IS NULL OR t.closed_at >= {midnight(-1)})",
            silence_counts=True,
        ),
        Source("tickets.satisfaction", "Ticket satisfaction", "", TICKETS, "t.satisfaction", _BY_DAY_END),
        Source("tickets.first_response", "First response", "min", TICKETS, "t.first_response_minutes", _BY_DAY_END),
        Source("tickets.resolution", "Resolution time", "h", TICKETS, "t.resolution_hours", _BY_DAY_END),
        Source(
            "activities.contact",
            "Contact",
            "contacts",
            ACTIVITIES,
            where="y.kind IN ('call', 'meeting', 'email')",
            silence_counts=True,
        ),
        Source(
            "activities.meeting", "Meetings", "meetings", ACTIVITIES, where="y.kind = 'meeting'", silence_counts=True
        ),
        Source("contracts.arr", "ARR", "", None),
        Source("contracts.days_to_end", "Days to contract end", "d", None),
        Source("contracts.auto_renew", "Renews by itself", "", None),
    )
}


@dataclass
class Pass:
    """One pass over one table: the columns that readings asked for, and how far back it must look."""

    name: str
    table: Table
    days: int = 0
    columns: dict[str, str] = field(default_factory=dict)  # SQL → column name
    measures: dict[int, int] = field(default_factory=dict)  # signals only: measure → days to look back

    def column(self, sql: str) -> str:
        return f"{self.name}.{self.columns.setdefault(sql, f'c{len(self.columns)}')}"


@dataclass(frozen=True)
class Expression:
    """A reading in terms of pass columns: value (NULL where nothing was observed) and last day."""

    value: str
    day: str


@dataclass(frozen=True)
class FactColumn:
    """A registered fact as a column of the facts' SELECT. `now_only`: what it was on a past day is not known."""

    name: str
    type: str
    now_only: bool


@dataclass(frozen=True)
class FactColumns:
    """Registered facts that a model reads, by measure. `sql` is one SELECT over accounts with an `id`."""

    sql: str
    params: dict[str, Any]
    columns: dict[str, FactColumn]


def measure_keys(models: Iterable[ScoreModel]) -> set[str]:
    """The measures that are not built in: observed as signals, or registered facts."""
    return {
        reading.measure
        for model in models
        for one in model.inputs
        for reading in one.readings
        if reading.measure not in SOURCES
    }


def aggregate(
    reading: Reading,
    here: Pass,
    value: str,
    where: str,
    window: int,
    *,
    silence: str = "",
) -> Expression:
    """The reading as columns of the pass. `silence` is a condition under which no rows mean 0 and not unknown."""
    recent = [clause for clause in (where, here.table.since(window)) if clause]
    seen = here.column(f"max({here.table.business_day}) {_filter([*recent, *_known(value)])}")
    kind = reading.aggregate
    if kind is Aggregate.TREND:
        return _trend(reading, here, value, where)
    if kind is Aggregate.DAYS_SINCE:
        days = f"({AS_OF} - {seen})::float8"
        return Expression(f"COALESCE({days}, CASE WHEN {silence} THEN {window}::float8 END)" if silence else days, seen)
    known = _known(value) if kind is Aggregate.LAST else []  # the other aggregates pass NULL by
    column = here.column(f"{_column_sql(kind, here, value)} {_filter([*recent, *known])}")
    if kind is Aggregate.LAST:
        return Expression(f"({column})[2]", seen)
    if kind in {Aggregate.COUNT, Aggregate.DISTINCT_DAYS} and not silence:
        return Expression(f"NULLIF({column}, 0)::float8", seen)
    if silence and kind in {Aggregate.COUNT, Aggregate.DISTINCT_DAYS, Aggregate.SUM}:
        return Expression(f"CASE WHEN {silence} THEN COALESCE({column}, 0)::float8 END", seen)
    return Expression(f"{column}::float8", seen)


def _column_sql(kind: Aggregate, here: Pass, value: str) -> str:
    day = here.table.business_day
    return {
        Aggregate.SUM: f"sum({value})",
        Aggregate.MEAN: f"avg({value})",
        Aggregate.MAX: f"max({value})",
        Aggregate.COUNT: f"count({value})",
        # The greatest (day, value) pair carries the value of the last day; no sort, and no tie left to chance.
        Aggregate.LAST: f"max(ARRAY[({day} - {NUMBER_OF_DAY})::float8, {value}])",
        Aggregate.DISTINCT_DAYS: f"count(DISTINCT CASE WHEN {value} > 0 THEN {day} END)",
    }[kind]


def _trend(reading: Reading, here: Pass, value: str, where: str) -> Expression:
    """Daily mean of the window against the daily mean of the baseline before it, as a fraction of the latter."""
    window, baseline = reading.window_days, reading.baseline_days
    whole = [clause for clause in (where, here.table.since(window + baseline)) if clause]
    earlier = [*whole, here.table.until(window)]
    recent = here.column(f"sum({value}) {_filter([*([where] if where else []), here.table.since(window)])}")
    base = here.column(f"sum({value}) {_filter(earlier)}")
    first = here.column(f"min({here.table.business_day}) {_filter(whole)}")
    seen = here.column(f"max({here.table.business_day}) {_filter(whole)}")
    days = f"({AS_OF} - {window} - {first} + 1)"
    ratio = f"(COALESCE({recent}, 0)::float8 / {window}) / ({base}::float8 / {days}) - 1"
    return Expression(f"CASE WHEN {days} >= 7 AND {base} > 0 THEN {ratio} END", seen)


def _known(value: str) -> list[str]:
    return [] if value == "1" else [f"{value} IS NOT NULL"]


def _filter(clauses: list[str]) -> str:
    return f"FILTER (WHERE {' AND '.join(clauses)})" if clauses else ""


def category_value(names: Sequence[str], place: str) -> str:
    """Signals of categories: the name's place in the list. Names are parameters, never part of the text."""
    cases = " ".join(f"WHEN s.category = %({place}_{index})s THEN {index}" for index in range(len(names)))
    return f"(CASE {cases} END)::float8"
