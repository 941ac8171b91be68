"""A score model as SQL: passes over the fact tables, then values, sub-scores, score, coverage and band per account."""

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from health.engine.sources import (
    AS_OF,
    SIGNALS,
    SOURCES,
    Expression,
    Pass,
    Source,
    Table,
    aggregate,
    category_value,
)
from health.rules import Aggregate, Bands, Categories, Input, Linear, Missing, Reading, ScoreModel
from health.rules.model import Mapping

# Values and sub-scores are rounded where they are made, so that the order in which rows are added up, which no
# statement promises, can never make a full run and an incremental one differ.
DECIMALS: Final = 6
STATES: Final = ("contracts.arr", "contracts.days_to_end", "contracts.auto_renew")


@dataclass(frozen=True)
class Plan:
    """What the statement is put together from. `ctes` and `judged` use `{only_account}` where accounts are limited."""

    model: ScoreModel
    ctes: tuple[tuple[str, str], ...]
    judged: str
    params: dict[str, Any]
    unknown_measures: tuple[str, ...]


@dataclass
class _Build:
    model: ScoreModel
    measures: Map[str, int]
    passes: dict[str, Pass] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)  # contract lines: SQL → column

    def pass_over(self, table: Table, days: int) -> Pass:
        found = self.passes.setdefault(table.name, Pass(f"p_{table.alias}", table))
        found.days = max(found.days, days)
        return found


def compile_model(model: ScoreModel, *, measures: Map[str, int], taken_segments: Sequence[str] = ()) -> Plan:
    """The plan for a model in a workspace whose measures have these ids.

    `taken_segments` have models of their own, and are left to them by the model for all. A measure that the
    workspace does not know has no values; it is named in `unknown_measures`.
    """
    build = _Build(model, measures)
    rows = [_input_columns(build, index, one) for index, one in enumerate(model.inputs)]
    ctes = [(here.name, _pass_sql(here)) for here in build.passes.values()]
    if build.lines:
        ctes.append(("p_l", _lines_sql(build)))
    joins = "".join(f"\n        LEFT JOIN {name} ON {name}.account_id = a.id" for name, _ in ctes)
    readings = ",\n            ".join(column for row in rows for column in row.facts)
    facts = (
        "SELECT a.id AS account_id, COALESCE(a.owner_id, 0) AS owner_id, a.segment, {arr} AS arr_minor,\n"
        f"            {readings}\n"
        f"        FROM accounts_account a{joins}\n"
        f"        WHERE a.tenant_id = %(tenant)s AND {{eligible}}{_segment(build, taken_segments)}{{only_a}}\n"
        "        OFFSET 0"
    )
    return Plan(model, tuple(ctes), _judged(model, rows, facts), build.params, tuple(dict.fromkeys(build.unknown)))


@dataclass(frozen=True)
class _Columns:
    """The columns of one input on the four levels of the statement."""

    facts: tuple[str, ...]
    value: str
    reading: str
    day: str
    fresh: str
    sub: str


def _input_columns(build: _Build, index: int, one: Input) -> _Columns:
    facts, values, days, fresh = [], [], [], []
    for number, reading in enumerate(one.readings):
        name = f"r{index}_{number}"
        found = _read(build, reading, reading.window_days, name)
        facts += [f"round(({found.value}) * 1e{DECIMALS}) / 1e{DECIMALS} AS {name}", f"{found.day} AS {name}d"]
        values.append(name)
        days.append(f"{name}d")
        fresh.append(f"{name} IS NOT NULL")
    if one.missing is Missing.CARRY:
        for number, reading in enumerate(one.readings):
            name = f"r{index}_{number}c"
            found = _read(build, reading, reading.window_days + one.carry_days, f"{name}_")
            facts += [f"round(({found.value}) * 1e{DECIMALS}) / 1e{DECIMALS} AS {name}", f"{found.day} AS {name}d"]
            values.append(name)
            days.append(f"{name}d")
    which = len(one.readings)
    reading_cases = " ".join(f"WHEN {name} IS NOT NULL THEN {at % which}" for at, name in enumerate(values))
    day_cases = " ".join(f"WHEN {name} IS NOT NULL THEN {day}" for name, day in zip(values, days, strict=True))
    latest = days[0] if len(days) == 1 else f"GREATEST({', '.join(days)})"
    return _Columns(
        facts=tuple(facts),
        value=f"COALESCE({', '.join(values)}) AS v{index}",
        reading=f"(CASE {reading_cases} END)::smallint AS k{index}",
        day=f"{AS_OF} - CASE {day_cases} ELSE {latest} END AS d{index}",
        fresh=f"({' OR '.join(fresh)}) AS f{index}",
        sub=f"{_sub_score(index, one)} AS s{index}",
    )


def _read(build: _Build, reading: Reading, window: int, name: str) -> Expression:
    if (source := SOURCES.get(reading.measure)) is not None:
        return _read_built_in(build, source, reading, window)
    measure_id = build.measures.get(reading.measure)
    if measure_id is None:
        build.unknown.append(reading.measure)
        return Expression("NULL::float8", "NULL::date")
    here = build.pass_over(SIGNALS, _look_back(reading, window))
    here.measures[measure_id] = max(here.measures.get(measure_id, 0), _look_back(reading, window))
    value = "s.value"
    if isinstance(reading.mapping, Categories):
        value = category_value(reading, name)
        build.params |= {f"{name}_{at}": label for at, (label, _) in enumerate(reading.mapping.points)}
    return aggregate(reading, here, value, _is(measure_id), window)


def _read_built_in(build: _Build, source: Source, reading: Reading, window: int) -> Expression:
    if source.key in STATES:
        return _read_contract(build, source, reading, window)
    assert source.table is not None  # noqa: S101 -- only states have no table
    here = build.pass_over(source.table, _look_back(reading, window))
    silence = ""
    if source.silence_counts:
        table = source.table
        # Ordered as the index is, so that the first row is found without walking through other workspaces' rows.
        silence = (
            f"(SELECT true FROM {table.name} {table.alias} WHERE {table.alias}.tenant_id = %(tenant)s "
            f"AND {table.until()} ORDER BY {table.alias}.tenant_id, {table.alias}.account_id LIMIT 1)"
        )
    return aggregate(reading, here, source.value, source.where, window, silence=silence)


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


def _lines_sql(build: _Build) -> str:
    furthest = max(
        (r.window_days for one in build.model.inputs for r in one.readings if r.measure == "contracts.arr"), default=0
    )
    columns = ", ".join(f"{sql} AS {name}" for sql, name in build.lines.items())
    return (
        f"SELECT l.account_id, {columns} FROM accounts_contractline l "
        f"WHERE l.tenant_id = %(tenant)s AND l.kind = 'recurring' AND l.starts_on <= {AS_OF} "
        f"AND (l.ends_on IS NULL OR l.ends_on > {AS_OF} - {furthest}){{only_l}} GROUP BY l.account_id"
    )


def _pass_sql(here: Pass) -> str:
    alias = here.table.alias
    columns = ", ".join(f"{_without_bounds(sql, here)} AS {name}" for sql, name in here.columns.items())
    if here.measures:
        # Each measure as far back as its own readings look, so that a short window never pays for a long one.
        bounds = " OR ".join(f"{_is(one)} AND {here.table.since(days)}" for one, days in sorted(here.measures.items()))
    else:
        bounds = here.table.since(here.days)
    return (
        f"SELECT {alias}.account_id, {columns} FROM {here.table.name} {alias} "
        f"WHERE {alias}.tenant_id = %(tenant)s AND ({bounds}) AND {here.table.until()}{{only_{alias}}} "
        f"GROUP BY {alias}.account_id"
    )


def _without_bounds(sql: str, here: Pass) -> str:
    """A condition that every row of the pass keeps is not asked again row by row."""
    if not here.measures:
        known = [here.table.since(here.days)]
    else:
        for one, days in here.measures.items():
            sql = sql.replace(f"{_is(one)} AND {here.table.since(days)}", _is(one))
        known = [_is(one) for one in here.measures] if len(here.measures) == 1 else []
    for condition in known:
        sql = sql.replace(f"{condition} AND ", "").replace(f" AND {condition}", "")
        sql = sql.replace(f"FILTER (WHERE {condition})", "")
    return sql


def _is(measure_id: int) -> str:
    return f"s.measure_id = {int(measure_id)}"


def _segment(build: _Build, taken: Sequence[str]) -> str:
    """Which accounts the model is for, beside being a customer."""
    applies = build.model.applies_to
    if applies != "all":
        build.params["applies_to"] = applies
        return " AND a.segment = %(applies_to)s"
    if taken:
        build.params["taken"] = list(taken)
        return " AND a.segment <> ALL(%(taken)s)"
    return ""


def _judged(model: ScoreModel, rows: Sequence[_Columns], facts: str) -> str:
    """From readings to score, level by level. OFFSET 0 keeps Postgres from working out a level once per use."""
    level_values = ", ".join(f"{r.value}, {r.reading}, {r.day}, {r.fresh}" for r in rows)
    level_subs = ", ".join(r.sub for r in rows)
    weights = [_number(one.weight) for one in model.inputs]
    total = " + ".join(f"CASE WHEN s{i} IS NULL THEN 0 ELSE {w} END" for i, w in enumerate(weights))
    points = " + ".join(f"COALESCE({w} * s{i}, 0)" for i, w in enumerate(weights))
    covered = " + ".join(f"CASE WHEN f{i} THEN {w} ELSE 0 END" for i, w in enumerate(weights))
    size = range(len(rows))
    arrays = ", ".join(
        f"ARRAY[{', '.join(f'{letter}{i}' for i in size)}]::{kind}[] AS {name}"
        for letter, kind, name in (
            ("v", "float8", "vals"),
            ("s", "float8", "subs"),
            ("d", "integer", "ages"),
            ("k", "smallint", "readings"),
        )
    )
    enough = f"CASE WHEN coverage + 1e-9 >= {_number(model.min_coverage)} THEN raw_score END"
    band = (
        f"CASE WHEN score IS NULL THEN 'none' WHEN score < {_number(model.yellow)} THEN 'red' "
        f"WHEN score < {_number(model.green)} THEN 'yellow' ELSE 'green' END"
    )
    keep = "account_id, owner_id, segment, arr_minor"
    return f"""SELECT {keep}, score, {band} AS band, coverage, vals, subs, ages, readings
    FROM (SELECT {keep}, {enough} AS score, coverage, vals, subs, ages, readings
    FROM (SELECT {keep}, round((({points}) / NULLIF({total}, 0)) * 1e{DECIMALS}) / 1e{DECIMALS} AS raw_score,
        round(({covered})::float8 * 1e{DECIMALS}) / 1e{DECIMALS} AS coverage, {arrays}
    FROM (SELECT *, {level_subs}
    FROM (SELECT {keep}, {level_values}
    FROM (
        {facts}
    ) AS facts OFFSET 0) AS observed OFFSET 0) AS mapped OFFSET 0) AS weighed OFFSET 0) AS covered"""


def _sub_score(index: int, one: Input) -> str:
    cases = " ".join(
        f"WHEN k{index} = {number} THEN {_mapping(reading.mapping, f'v{index}')}"
        for number, reading in enumerate(one.readings)
    )
    otherwise = {Missing.NEUTRAL: "50::float8", Missing.WORST: "0::float8"}.get(one.missing, "NULL::float8")
    return f"round((CASE {cases} ELSE {otherwise} END) * 1e{DECIMALS}) / 1e{DECIMALS}"


def _mapping(mapping: Mapping, value: str) -> str:
    if isinstance(mapping, Linear):
        worst, span = _number(mapping.worst), _number(mapping.best - mapping.worst)
        return f"LEAST(GREATEST(100 * ({value} - {worst}) / {span}, 0), 100)"
    if isinstance(mapping, Bands):
        steps = [f"WHEN {value} < {_number(edge)} THEN {_number(points)}" for edge, points in mapping.steps[:-1]]
        last = _number(mapping.steps[-1][1])
        return f"CASE {' '.join(steps)} ELSE {last} END" if steps else last
    steps = [f"WHEN {value} = {at} THEN {_number(points)}" for at, (_, points) in enumerate(mapping.points)]
    return f"CASE {' '.join(steps)} END"


def _number(value: float) -> str:
    return f"({float(value)!r}::float8)"
