"""Rows into the temporary table `import_row`: copied as text, then typed column by column.

`import_raw` takes the cells as printed, through COPY, while the file is being read. Each distinct text of a typed
column is then parsed once by the pure rules, and one statement joins text and values into `import_row`.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from accounts.importing.cells import TYPED, Reading, read_value
from accounts.importing.kinds import REFERENCES, SQL_TYPES, Field
from accounts.importing.reading import Row
from accounts.importing.recognise import ColumnPlan, Plan

Progress = Callable[[int, int, str], None]
CHUNK: Final = 64 * 1024
REPORT_EVERY: Final = 20_000
FETCH: Final = 20_000
NULL_WORDS: Final = "'', '#N/A'"


@dataclass
class Staged:
    """What was read: the number of records, and the columns that were staged with the field that each becomes."""

    read: int
    columns: list[tuple[ColumnPlan, Field]]


class _CopyStream:
    """The rows as a file for COPY: text is made as it is asked for, so nothing piles up."""

    def __init__(self, lines: Iterator[list[Any]]) -> None:
        self.lines = lines
        self.buffer = io.StringIO()
        self.writer = csv.writer(self.buffer, lineterminator="\n")
        self.error: BaseException | None = None

    def read(self, size: int = CHUNK) -> str:
        while self.buffer.tell() < size:
            try:
                line = next(self.lines, None)
            except BaseException as error:
                self.error = error
                raise
            if line is None:
                break
            self.writer.writerow(line)
        text = self.buffer.getvalue()
        self.buffer.seek(0)
        self.buffer.truncate()
        return text


def copy_in(table: str, lines: Iterator[list[Any]]) -> None:
    """COPY into a temporary table. Empty text becomes NULL."""
    with connection.cursor() as cursor:
        stream = _CopyStream(lines)
        try:
            cursor.copy_expert(f"COPY {table} FROM STDIN WITH (FORMAT csv)", stream, CHUNK)
        finally:
            if stream.error is not None:  # a cancel or a refusal; the driver would only say that reading failed
                raise stream.error


def copy_pages(table: str, lines: Iterator[list[Any]]) -> None:
    """As `copy_in` for lines that are themselves read from the database: a COPY holds the connection while it runs."""
    while page := list(itertools.islice(lines, FETCH)):
        copy_in(table, iter(page))


def stage(plan: Plan, rows: Iterator[Row], reading: Reading, *, size: int, progress: Progress) -> Staged:
    """Fills `import_row` from the file. Raises `ImportRefused` when a column must be asked about."""
    used = [column for column in plan.columns if column.use != "ignored"]
    with connection.cursor() as cursor:
        cells = "".join(f", c{column.index} text" for column in used)
        cursor.execute(f"CREATE TEMP TABLE import_raw (line bigint, reason text, detail text{cells}) ON COMMIT DROP")
    counter = _Counter(rows, [column.index for column in used], size, progress)
    copy_in("import_raw", iter(counter))
    progress(counter.read, counter.read, "Reading values")
    fields = [(column, _field_of(plan, column)) for column in used]
    _look_up(fields, reading)
    _make_rows(plan, fields, reading)
    return Staged(counter.read, fields)


class _Counter:
    """Turns records into lines for COPY, counts them and reports progress."""

    def __init__(self, rows: Iterator[Row], indexes: list[int], size: int, progress: Progress) -> None:
        self.rows, self.indexes, self.size, self.progress = rows, indexes, size, progress
        self.read = 0

    def __iter__(self) -> Iterator[list[Any]]:
        nothing: list[Any] = [None] * len(self.indexes)
        indexes = self.indexes
        for row in self.rows:
            self.read += 1
            if self.read % REPORT_EVERY == 0:
                self.progress(self.read, max(self.size, self.read), "Reading rows")
            line, cells, problem = row
            if problem is None:
                yield [line, None, None, *[cells[index] for index in indexes]]
            else:
                yield [line, *problem, *nothing]


def _field_of(plan: Plan, column: ColumnPlan) -> Field:
    """The field of a column; measures and further columns are texts until their values say more."""
    if column.use == "field":
        return plan.kind.field(column.target)
    return Field(column.target, column.header, "text")


def _look_up(fields: list[tuple[ColumnPlan, Field]], reading: Reading) -> None:
    """One temporary table per typed column: text → value or reason why there is none."""
    typed = [(column, wanted) for column, wanted in fields if wanted.type in TYPED]
    for column, wanted in typed:
        reading.learn(wanted, column.header, _distinct(column.index))
    for column, wanted in typed:
        table = f"import_values_{column.index}"
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.execute(f"CREATE TEMP TABLE {table} (raw text, value text, why text, code text) ON COMMIT DROP")
        parse = reading.parser(wanted, column.header)
        meant = reading.import_map.values.get(wanted.name, {})
        texts = ((text, meant.get(text, text)) for text in _distinct(column.index))
        copy_pages(table, ([printed, *read_value(parse, text)] for printed, text in texts))
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {table}")


def distinct_texts(table: str, cell: str, condition: str) -> Iterator[str]:
    """The distinct texts of a column, streamed: a file of a million different stamps does not fill the memory.

    They are collected once; asking again reads the same list.
    """
    texts = f"import_texts_{cell}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{texts}"])
        if cursor.fetchone()[0] is None:
            cursor.execute(
                f"CREATE TEMP TABLE {texts} ON COMMIT DROP AS SELECT row_number() OVER () AS n, raw FROM ("
                f"SELECT DISTINCT btrim({cell}) AS raw FROM {table} WHERE {condition}) AS d "
                f"WHERE raw NOT IN ({NULL_WORDS})"
            )
            if cursor.rowcount > FETCH:
                cursor.execute(f"CREATE INDEX ON {texts} (n)")
        last = 0
        while True:
            cursor.execute(f"SELECT n, raw FROM {texts} WHERE n > %s ORDER BY n LIMIT {FETCH}", [last])
            found = cursor.fetchall()
            if not found:
                return
            last = found[-1][0]
            for _, raw in found:
                yield raw


def _distinct(index: int) -> Iterator[str]:
    return distinct_texts("import_raw", f"c{index}", "reason IS NULL")


def text_sql(column: ColumnPlan) -> str:
    """The trimmed text of a cell, NULL when it is empty or `#N/A`. `NA` stays what it is."""
    cell = f"btrim(w.c{column.index})"
    return f"CASE WHEN {cell} NOT IN ({NULL_WORDS}) THEN {cell} END"


def _make_rows(plan: Plan, fields: list[tuple[ColumnPlan, Field]], reading: Reading) -> None:
    """`import_row` in one statement: values, the extra columns as JSON, and the first reason to refuse the row."""
    by_name = {wanted.name: (column, wanted) for column, wanted in fields if column.use == "field"}
    parameters: dict[str, Any] = {}
    selected = ["w.line", f"{_first_reason(plan, by_name, reading)} AS problem", "NULL::bigint AS target_id"]
    for wanted in plan.kind.fields:
        sql = _value_sql(wanted, by_name.get(wanted.name), reading, parameters)
        selected.append(f"({sql})::{SQL_TYPES[wanted.type]} AS {wanted.name}")
        if wanted.type in REFERENCES:
            selected.append(f"NULL::bigint AS {wanted.name}_id")
    measures = [column for column, _ in fields if column.use == "measure"]
    selected += [f"{text_sql(column)} AS m{column.index}" for column in measures]
    selected.append(f"{_extra_sql(fields)} AS extra")
    joins = " ".join(
        f"LEFT JOIN import_values_{column.index} AS v{column.index} ON v{column.index}.raw = btrim(w.c{column.index})"
        for column, wanted in fields
        if wanted.type in TYPED
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE import_row ON COMMIT DROP AS SELECT q.*, "
            "CASE WHEN q.problem IS NOT NULL THEN 'reject' END AS state, q.problem[1] AS refusal, "
            "q.problem[2] AS detail "
            f"FROM (SELECT {', '.join(selected)} FROM import_raw AS w {joins}) AS q",
            parameters,
        )
        cursor.execute("ALTER TABLE import_row DROP COLUMN problem")
        cursor.execute("DROP TABLE import_raw")
        cursor.execute("ANALYZE import_row")


def _value_sql(
    wanted: Field, mapped: tuple[ColumnPlan, Field] | None, reading: Reading, parameters: dict[str, Any]
) -> str:
    default = reading.import_map.defaults.get(wanted.name)
    if mapped is None:
        sql = "NULL"
    elif wanted.type in TYPED:
        sql = f"v{mapped[0].index}.value"
    else:
        sql = text_sql(mapped[0])
        meant = reading.import_map.values.get(wanted.name)
        if meant:
            parameters[f"values_{wanted.name}"] = json.dumps(meant)
            sql = f"COALESCE(%(values_{wanted.name})s::jsonb ->> ({sql}), {sql})"
        if wanted.max_length and wanted.cuts:
            sql = f"left({sql}, {wanted.max_length})"
    if default is None:
        return sql
    parameters[f"default_{wanted.name}"] = _default(wanted, default, reading)
    return f"COALESCE({sql}, %(default_{wanted.name})s)"


def _default(wanted: Field, written: str, reading: Reading) -> str | None:
    """A default from the map, read like a cell of that field."""
    if wanted.type not in TYPED:
        return written
    header = f"default of {wanted.name}"
    reading.learn(wanted, header, [written])
    return reading.parser(wanted, header)(written)


def _first_reason(plan: Plan, by_name: dict[str, tuple[ColumnPlan, Field]], reading: Reading) -> str:
    """ARRAY[code, words] of the first thing that is wrong with a row, or NULL."""
    cases = ["WHEN w.reason IS NOT NULL THEN ARRAY[w.reason, w.detail]"]
    for wanted in plan.kind.fields:
        if wanted.name not in by_name:
            continue
        column = by_name[wanted.name][0]
        label = _quoted(f"{column.header}: ")
        if wanted.type in TYPED:
            cases.append(
                f"WHEN v{column.index}.why IS NOT NULL THEN ARRAY[COALESCE(v{column.index}.code, 'bad_{wanted.type}'), "
                f"{label} || v{column.index}.why]"
            )
        elif wanted.max_length and not wanted.cuts:
            size = f"length({text_sql(column)})"
            cases.append(
                f"WHEN {size} > {wanted.max_length} THEN ARRAY['too_long', {label} || "
                f"'it has ' || {size} || ' characters, {wanted.max_length} fit']"
            )
        if wanted.required and wanted.name not in reading.import_map.defaults:
            value = f"v{column.index}.value" if wanted.type in TYPED else text_sql(column)
            cases.append(f"WHEN ({value}) IS NULL THEN ARRAY['missing_{wanted.name}', {label} || 'the cell is empty']")
    return f"CASE {' '.join(cases)} END"


def _extra_sql(fields: list[tuple[ColumnPlan, Field]]) -> str:
    """The further columns as one JSON object of texts, empty cells left out."""
    extras = [column for column, _ in fields if column.use == "extra"]
    if not extras:
        return "'{}'::jsonb"
    parts = []
    for start in range(0, len(extras), 40):
        pairs = ", ".join(f"{_quoted(c.target)}, {text_sql(c)}" for c in extras[start : start + 40])
        parts.append(f"jsonb_build_object({pairs})")
    return f"jsonb_strip_nulls({' || '.join(parts)})"


def _quoted(text: str) -> str:
    """An SQL literal; also safe as part of a statement with parameters."""
    escaped = text.replace("'", "''").replace("\\", "\\\\").replace("%", "%%")
    return f"E'{escaped}'"
