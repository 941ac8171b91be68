"""A score model as SQL: scans of the fact tables, then values, sub-scores, score, coverage and band."""

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from health.engine.levels import DECIMALS, Columns, sub_score
from health.engine.scans import FactScan, Scan, is_measure, scan_of
from health.engine.sources import (
    AS_OF,
    SIGNALS,
    SOURCES,
    Expression,
    FactColumn,
    FactColumns,
    Pass,
    Source,
    Table,
    aggregate,
    category_value,
)
from health.rules import Aggregate, Categories, Input, Learn, Missing, Reading, ScoreModel

STATES: Final = ("contracts.arr", "contracts.days_to_end", "contracts.auto_renew")


@dataclass(frozen=True)
class Plan:
    """What the statements are put together from. `segment`: which accounts the model is for, as a condition on `a`.

    `silences`: tables whose rows anywhere in the workspace make "none" mean 0; the columns name them `{known_…}`.
    """

    model: ScoreModel
    scans: tuple[Scan | FactScan, ...]
    rows: tuple[Columns, ...]
    segment: str
    silences: tuple[Table, ...]
    params: dict[str, Any]
    unknown_measures: tuple[str, ...]


@dataclass
class _Build:
    model: ScoreModel
    measures: Map[str, int]
    facts: Map[str, FactColumn]
    passes: dict[str, Pass] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)  # contract lines: SQL → column
    silences: dict[str, Table] = field(default_factory=dict)

    def pass_over(self, table: Table, days: int) -> Pass:
        found = self.passes.setdefault(table.name, Pass(f"p_{table.alias}", table))
        found.days = max(found.days, days)
        return found


def compile_model(
    model: ScoreModel,
    *,
    measures: Map[str, int],
    facts: FactColumns | None = None,
    taken_segments: Sequence[str] = (),
    all_taken: bool = False,
) -> Plan:
    """The plan for a model in a workspace whose measures have these ids.

    `taken_segments` are left to models that stand before it, and with `all_taken` everybody is. A measure that the
    workspace does not know has no values; it is named in `unknown_measures`.
    """
    build = _Build(model, measures, facts.columns if facts else {})
    rows = tuple(_input_columns(build, index, one) for index, one in enumerate(model.inputs))
    scans: list[Scan | FactScan] = [scan_of(here) for here in build.passes.values()]
    if build.lines:
        scans.append(_lines_scan(build))
    if facts:
        scans.append(FactScan(facts.sql))
        build.params |= facts.params
    segment = " AND false" if all_taken else _segment(build, taken_segments)
    return Plan(
        model=model,
        scans=tuple(scans),
        rows=rows,
        segment=segment,
        silences=tuple(build.silences.values()),
        params=build.params,
        unknown_measures=tuple(dict.fromkeys(build.unknown)),
    )


def _input_columns(build: _Build, index: int, one: Input) -> Columns:
    facts, values, days, fresh = [], [], [], []
    for carried in (0, one.carry_days) if one.missing is Missing.CARRY else (0,):
        for number, reading in enumerate(one.readings):
            name = f"r{index}_{number}{'c' if carried else ''}"
            found = _read(build, reading, reading.window_days + carried, name)
            if condition := _condition(build, reading, name):
                found = Expression(*(f"CASE WHEN {condition} THEN {sql} END" for sql in (found.value, found.day)))
            facts += [f"round(({found.value}) * 1e{DECIMALS}) / 1e{DECIMALS} AS {name}", f"{found.day} AS {name}d"]
            values.append(name)
            days.append(f"{name}d")
            fresh += [] if carried else [f"{name} IS NOT NULL"]
    which = len(one.readings)
    reading_cases = " ".join(f"WHEN {name} IS NOT NULL THEN {at % which}" for at, name in enumerate(values))
    day_cases = " ".join(f"WHEN {name} IS NOT NULL THEN {day}" for name, day in zip(values, days, strict=True))
    latest = days[0] if len(days) == 1 else f"GREATEST({', '.join(days)})"
    return Columns(
        facts=tuple(facts),
        value=f"COALESCE({', '.join(values)}) AS v{index}",
        reading=f"(CASE {reading_cases} END)::smallint AS k{index}",
        day=f"as_of - CASE {day_cases} ELSE {latest} END AS d{index}",
        fresh=f"({' OR '.join(fresh)}) AS f{index}",
        sub=f"{sub_score(index, one)} AS s{index}",
    )


def _condition(build: _Build, reading: Reading, name: str) -> str:
    """Whom a row of thresholds is for, as SQL over the account."""
    clauses = []
    if reading.segments:
        build.params[f"{name}_who"] = list(reading.segments)
        clauses.append(f"a.segment = ANY(%({name}_who)s)")
    if reading.tenure is not None:
        first, until = reading.tenure
        clauses.append(f"{_months_later(first)} <= {AS_OF}")
        if until is not None:
            clauses.append(f"{_months_later(until)} > {AS_OF}")
    return " AND ".join(clauses)


def _months_later(months: int) -> str:
    return f"(a.customer_since + interval '{int(months)} months')::date"


def _read(build: _Build, reading: Reading, window: int, name: str) -> Expression:
    if (source := SOURCES.get(reading.measure)) is not None:
        return _read_built_in(build, source, reading, window)
    if (fact := build.facts.get(reading.measure)) is not None:
        return _read_fact(build, fact, reading, name)
    measure_id = build.measures.get(reading.measure)
    if measure_id is None:
        build.unknown.append(reading.measure)
        return Expression("NULL::float8", "NULL::date")
    here = build.pass_over(SIGNALS, _look_back(reading, window))
    here.measures[measure_id] = max(here.measures.get(measure_id, 0), _look_back(reading, window))
    value = "s.value"
    if isinstance(reading.mapping, Categories) or (isinstance(reading.mapping, Learn) and reading.mapping.names):
        names = reading.mapping.names
        value = category_value(names, name)
        build.params |= {f"{name}_{at}": label for at, label in enumerate(names)}
    return aggregate(reading, here, value, is_measure(measure_id), window)


def _read_built_in(build: _Build, source: Source, reading: Reading, window: int) -> Expression:
    if source.key in STATES:
        return _read_contract(build, source, reading, window)
    assert source.table is not None  # noqa: S101 -- only states have no table
    here = build.pass_over(source.table, _look_back(reading, window))
    silence = ""
    if source.silence_counts:
        build.silences[source.table.alias] = source.table
        silence = f"{{known_{source.table.alias}}}"
    return aggregate(reading, here, source.value, source.where, window, silence=silence)


def _read_fact(build: _Build, fact: FactColumn, reading: Reading, name: str) -> Expression:
    """A registered fact as of the day. One that is known for now only is missing before `facts_day`."""
    column = f"p_f.{fact.name}"
    if fact.type == "money":
        value = f"{column}::float8 / %(minor_units)s"
    elif fact.type == "boolean":
        value = f"{column}::int::float8"
    elif fact.type == "date":
        value = f"({AS_OF} - {column}::date)::float8"
    elif fact.type == "number":
        value = f"{column}::float8"
    else:
        names = reading.mapping.names if isinstance(reading.mapping, Categories | Learn) else ()
        build.params |= {f"{name}_{at}": label for at, label in enumerate(names)}
        cases = " ".join(f"WHEN %({name}_{at})s THEN {at}" for at in range(len(names)))
        value = f"(CASE {column}::text {cases} END)::float8" if names else "NULL::float8"
    if fact.now_only:
        value = f"CASE WHEN {AS_OF} >= %(facts_day)s::date THEN {value} END"
    return Expression(value, f"CASE WHEN {value} IS NOT NULL THEN {AS_OF} END")


def _look_back(reading: Reading, window: int) -> int:
    return window + reading.baseline_days if reading.aggregate is Aggregate.TREND else window


def _read_contract(build: _Build, source: Source, reading: Reading, window: int) -> Expression:
    """The state of the account's contracts on the as-of day; `trend` compares ARR with `window_days` before."""

    def column(sql: str) -> str:
        return "p_l." + build.lines.setdefault(sql, f"c{len(build.lines)}")

    def arr(days_back: int) -> str:
        day = f"({AS_OF} - {days_back})" if days_back else AS_OF
        return column(
            f"sum(l.arr_minor) FILTER (WHERE l.starts_on <= {day} AND (l.ends_on IS NULL OR l.ends_on > {day}))"
        )

    if source.key == "contracts.arr":
        if reading.aggregate is Aggregate.TREND:
            now, then = f"COALESCE({arr(0)}, 0)::float8", f"NULLIF({arr(window)}, 0)::float8"
            return Expression(f"{now} / {then} - 1", f"CASE WHEN {arr(0)} IS NOT NULL THEN {AS_OF} END")
        return Expression(f"{arr(0)}::float8 / %(minor_units)s", f"CASE WHEN {arr(0)} IS NOT NULL THEN {AS_OF} END")
    running = f"c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.starts_on <= {AS_OF} AND c.ends_on > {AS_OF}"
    what = f"min(c.ends_on) - {AS_OF}" if source.key == "contracts.days_to_end" else "bool_and(c.auto_renew)::int"
    value = f"(SELECT ({what})::float8 FROM accounts_contract c WHERE {running})"
    return Expression(value, AS_OF)


def _lines_scan(build: _Build) -> Scan:
    furthest = max(
        (r.window_days for one in build.model.inputs for r in one.readings if r.measure == "contracts.arr"), default=0
    )
    return Scan(
        name="p_l",
        table="accounts_contractline",
        alias="l",
        columns=tuple(build.lines.items()),
        ranges=(f"(l.ends_on IS NULL OR l.ends_on > {AS_OF} - {furthest})",),
        bound=f"l.kind = 'recurring' AND l.starts_on <= {AS_OF}",
    )


def _segment(build: _Build, taken: Sequence[str]) -> str:
    """Which accounts the model is for, beside being a customer."""
    clause = ""
    if build.model.segments:
        build.params["applies_to"] = list(build.model.segments)
        clause += " AND a.segment = ANY(%(applies_to)s)"
    if taken:
        build.params["taken"] = list(taken)
        clause += " AND a.segment <> ALL(%(taken)s)"
    return clause
