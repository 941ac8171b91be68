"""From staged rows to signals: one per row and measure, compared and written set-based."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import Field
from accounts.importing.recognise import ColumnPlan
from accounts.importing.stage import Stage
from accounts.importing.staging import copy_pages, distinct_texts
from accounts.rules.headers import normal_header
from accounts.rules.numbers import Decimals, Unreadable, is_blank, parse_number

CATEGORIES_MAX: Final = 1000
CATEGORY_LENGTH: Final = 80
MOSTLY: Final = 0.9
_PLAIN: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
NOTHING: Final = "no_value"


@dataclass
class _Seen:
    """What the distinct texts of a column look like."""

    numbers: int = 0
    others: int = 0
    plain: bool = True
    longest: int = 0

    def add(self, text: str, decimals: Decimals) -> None:
        if is_blank(text):
            self.plain = False
            return
        if _PLAIN.fullmatch(text):
            self.numbers += 1
            return
        self.plain = False
        try:
            parse_number(text, decimals)
        except Unreadable:
            self.others += 1
            self.longest = max(self.longest, len(text))
        else:
            self.numbers += 1

    @property
    def is_number(self) -> bool:
        return bool(self.numbers) and self.numbers >= MOSTLY * (self.numbers + self.others)


@dataclass(frozen=True)
class _Measure:
    """One column that becomes signals. `plain`: its texts cast to numbers as they are."""

    column: ColumnPlan
    key: str
    kind: str
    plain: bool
    id: int = 0

    @property
    def cell(self) -> str:
        return f"m{self.column.index}"


def write_usage(stage: Stage) -> None:
    """Usage counts: only number columns are measures; words describe the row and are left out."""
    _write(stage, source="usage", with_categories=False)


def write_signals(stage: Stage) -> None:
    """Signals: number columns and category columns alike."""
    _write(stage, source="signal", with_categories=True)


def _write(stage: Stage, *, source: str, with_categories: bool) -> None:
    if not stage.count("r.state IS NULL"):
        return
    measures = _measures(stage, with_categories=with_categories)
    if not measures:
        raise ImportRefused(
            "no_measure",
            "No column of the file holds an observed value. Map one: `columns: {HEADER: {measure: active_users}}`.",
        )
    for measure in measures:
        _look_up(stage, measure)
    measures = [_with_id(stage, measure, source) for measure in measures]
    stage.execute("DROP TABLE IF EXISTS import_signal")
    selects = " UNION ALL ".join(_select(stage, measure) for measure in measures)
    stage.execute(f"CREATE TEMP TABLE import_signal ON COMMIT DROP AS {selects}")
    stage.execute("ANALYZE import_signal")
    _compare(stage, measures)
    if stage.writes:
        _save(stage)


def _measures(stage: Stage, *, with_categories: bool) -> list[_Measure]:
    known = dict(stage.rows("SELECT key, kind FROM accounts_measure WHERE tenant_id = %(tenant)s"))
    found: dict[str, _Measure] = {}
    left_out: list[str] = []
    for column in stage.plan.columns:
        if column.use != "measure":
            continue
        seen = _look(stage, column)
        kind = known.get(column.target) or ("number" if seen.is_number else "category")
        fits = kind == "number" if not with_categories else kind == "number" or seen.longest <= CATEGORY_LENGTH
        if not (seen.numbers or seen.others) or not fits or _is_identifier(column):
            left_out.append(column.header)
            continue
        if column.target in found:
            raise ImportRefused("bad_map", f"Two columns become the measure “{column.target}”. Leave one out.")
        found[column.target] = _Measure(column, column.target, str(kind), seen.plain)
    if left_out:
        stage.choices.append({"code": "left_out", "value": ", ".join(left_out)})
    return list(found.values())


def _is_identifier(column: ColumnPlan) -> bool:
    return column.confidence < 1 and normal_header(column.header).endswith((" id", " uuid"))


def _look(stage: Stage, column: ColumnPlan) -> _Seen:
    """Learns the decimal sign first, then what the texts are."""
    cell = f"m{column.index}"
    wanted = Field(column.target, column.header, "number")
    stage.reading.learn(wanted, column.header, distinct_texts("import_row", cell, "state IS NULL"))
    evidence = stage.reading.decimals.get(column.header)
    decimals = Decimals.POINT
    if evidence is not None:
        decimals = stage.reading.decimal(column.header, wanted)
    chosen = Decimals.POINT if decimals is Decimals.UNDECIDED else decimals
    seen = _Seen()
    for count, text in enumerate(distinct_texts("import_row", cell, "state IS NULL")):
        seen.add(text, chosen)
        if count > CATEGORIES_MAX and not seen.is_number:
            seen.longest = CATEGORY_LENGTH + 1
            break
    return seen


def _look_up(stage: Stage, measure: _Measure) -> None:
    """Reads the texts of a number column that are not plain; refuses rows with unreadable ones."""
    if measure.kind != "number" or measure.plain:
        return
    wanted = Field(measure.key, measure.column.header, "number")
    parse = stage.reading.parser(wanted, measure.column.header)
    table = f"import_values_{measure.column.index}"

    def lines() -> Iterator[list[Any]]:
        for text in distinct_texts("import_row", measure.cell, "state IS NULL"):
            try:
                yield [text, parse(text), None]
            except Unreadable as error:
                yield [text, None, str(error)]

    stage.execute(f"DROP TABLE IF EXISTS {table}")
    stage.execute(f"CREATE TEMP TABLE {table} (raw text, value double precision, why text) ON COMMIT DROP")
    copy_pages(table, lines())
    stage.execute(
        "UPDATE import_row AS r SET state = 'reject', refusal = 'bad_number', detail = %(header)s || ': ' || v.why "
        f"FROM {table} AS v WHERE r.state IS NULL AND v.raw = r.{measure.cell} AND v.why IS NOT NULL",
        header=measure.column.header,
    )


def _with_id(stage: Stage, measure: _Measure, source: str) -> _Measure:
    find = "SELECT id FROM accounts_measure WHERE tenant_id = %(tenant)s AND key = %(key)s"
    found = stage.scalar(find, key=measure.key)
    if found is None and stage.writes:
        stage.execute(
            "INSERT INTO accounts_measure (tenant_id, key, name, kind, source, unit) "
            "VALUES (%(tenant)s, %(key)s, %(name)s, %(kind)s, %(source)s, '')",
            key=measure.key,
            name=normal_header(measure.key).capitalize()[:120],
            kind=measure.kind,
            source=source,
        )
        found = stage.scalar(find, key=measure.key)
    number = int(found) if found is not None else -1 - measure.column.index
    return _Measure(measure.column, measure.key, measure.kind, measure.plain, number)


def _select(stage: Stage, measure: _Measure) -> str:
    """The signals of one measure. `#N/A` and empty cells are no signals."""
    feature = "COALESCE(left(r.feature, 80), '')" if stage.has("feature") else "''::text"
    join, condition = "", f"r.{measure.cell} IS NOT NULL"
    if measure.kind == "category":
        value, category = "NULL::double precision", f"left(r.{measure.cell}, {CATEGORY_LENGTH})"
    elif measure.plain:
        value, category = f"r.{measure.cell}::double precision", feature
    else:
        join = f"JOIN import_values_{measure.column.index} AS v ON v.raw = r.{measure.cell}"
        value, category, condition = "v.value", feature, "v.value IS NOT NULL"
    by_feature = "left(concat_ws('|', r.account_id, r.day, r.feature), 120)" if stage.has("feature") else "''::text"
    row_key = f"COALESCE(r.row_id, {by_feature})"
    return (
        f"SELECT r.line, r.account_id, {measure.id}::bigint AS measure_id, r.day, {row_key} AS row_key, "
        f"{value} AS value, {category} AS category FROM import_row AS r {join} WHERE r.state IS NULL AND {condition}"
    )


def _compare(stage: Stage, measures: list[_Measure]) -> None:
    """A row is new when none of its signals is there, the same when all are there with the same values."""
    empty = " AND ".join(
        f"r.{measure.cell} IS NULL" if measure.kind == "category" or measure.plain else _without_value(measure)
        for measure in measures
    )
    stage.reject(empty, code=NOTHING, message="'the row holds no value'")
    anything = "EXISTS (SELECT FROM accounts_signal WHERE tenant_id = %(tenant)s AND measure_id = ANY(%(ids)s))"
    if stage.scalar(f"SELECT {anything}", ids=[measure.id for measure in measures]):
        stage.execute(
            "UPDATE import_row AS r SET state = CASE WHEN c.same = c.n THEN 'same' WHEN c.old > 0 THEN 'update' "
            "ELSE 'create' END FROM (SELECT s.line, count(*) AS n, count(t.account_id) AS old, "
            "count(*) FILTER (WHERE t.account_id = s.account_id AND t.day = s.day AND t.category = s.category "
            "AND t.value IS NOT DISTINCT FROM s.value) AS same FROM import_signal AS s "
            "LEFT JOIN accounts_signal AS t ON t.tenant_id = %(tenant)s AND t.measure_id = s.measure_id "
            "AND t.row_key = s.row_key AND (s.row_key <> '' OR (t.account_id = s.account_id AND t.day = s.day)) "
            "GROUP BY s.line) AS c WHERE r.state IS NULL AND c.line = r.line"
            if _keyed(stage)
            else "UPDATE import_row AS r SET state = CASE WHEN c.same = c.n THEN 'same' WHEN c.old > 0 THEN 'update' "
            "ELSE 'create' END FROM (SELECT s.line, count(*) AS n, count(t.account_id) AS old, "
            "count(*) FILTER (WHERE t.category = s.category AND t.value IS NOT DISTINCT FROM s.value) AS same "
            "FROM import_signal AS s LEFT JOIN accounts_signal AS t ON t.tenant_id = %(tenant)s "
            "AND t.account_id = s.account_id AND t.measure_id = s.measure_id AND t.day = s.day "
            "AND t.row_key = s.row_key GROUP BY s.line) AS c WHERE r.state IS NULL AND c.line = r.line"
        )


def _without_value(measure: _Measure) -> str:
    """The cell is empty, or says so in words (`n/a`)."""
    found = (
        f"SELECT FROM import_values_{measure.column.index} AS v WHERE v.raw = r.{measure.cell} AND v.value IS NOT NULL"
    )
    return f"NOT EXISTS ({found})"


def _keyed(stage: Stage) -> bool:
    return stage.has("row_id") or stage.has("feature")


def _save(stage: Stage) -> None:
    counts = dict(stage.rows("SELECT state, count(*) FROM import_row GROUP BY state"))
    if counts.get("same") or counts.get("update"):
        stage.execute("DELETE FROM import_signal AS s USING import_row AS r WHERE r.line = s.line AND r.state = 'same'")
    if counts.get("update") and _keyed(stage):
        stage.execute(
            "DELETE FROM accounts_signal AS t USING import_signal AS s WHERE s.row_key <> '' "
            "AND t.tenant_id = %(tenant)s AND t.measure_id = s.measure_id AND t.row_key = s.row_key "
            "AND (t.account_id, t.day) IS DISTINCT FROM (s.account_id, s.day)"
        )
    stage.execute(
        "INSERT INTO accounts_signal (tenant_id, account_id, measure_id, day, row_key, value, category) "
        "SELECT %(tenant)s, s.account_id, s.measure_id, s.day, s.row_key, s.value, s.category FROM import_signal AS s "
        "ORDER BY s.account_id, s.measure_id, s.day "
        "ON CONFLICT (tenant_id, account_id, measure_id, day, row_key) "
        "DO UPDATE SET value = EXCLUDED.value, category = EXCLUDED.category"
    )
