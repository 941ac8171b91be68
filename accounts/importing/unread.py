"""Columns called like a field whose values are none of it: said aloud, for what they hold is lost to the field."""

from collections.abc import Mapping, Sequence
from typing import Final

from accounts.importing.kinds import Field
from accounts.importing.recognise import ColumnPlan, unreadable
from accounts.importing.stage import Stage

_SHOWN: Final = 5
_MOST: Final = 1_000
_KEPT: Final[Mapping[str, str]] = {
    "extra": "The column is kept with the rows as printed",
    "measure": "The column is a measure of its own",
    "ignored": "The column is left out",
}


def warn_unread(stage: Stage) -> None:
    """Warns of every column that is no field for what its cells say, and of words that refuse rows. Writes nothing."""
    for column in stage.plan.columns:
        if column.unread:
            _warn_column(stage, column, stage.kind.field(column.unread))
        elif column.use == "field" and stage.kind.field(column.target).at_once:
            _warn_words(stage, column, stage.kind.field(column.target))


def _warn_column(stage: Stage, column: ColumnPlan, field: Field) -> None:
    cell = {"extra": "r.extra ->> %(target)s", "measure": f"r.m{column.index}"}.get(column.use)
    if cell is None:  # its cells were not read beyond the sample
        rows, found = stage.count("true"), [(value, 0) for value in column.samples]
    else:
        rows = stage.count(f"{cell} IS NOT NULL", target=column.target)
        found = stage.rows(
            f"SELECT {cell}, count(*) FROM import_row AS r WHERE {cell} IS NOT NULL "
            f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST}",
            target=column.target,
        )
    lost = set(unreadable(field, [value for value, _ in found], stage.reading.import_map.values.get(field.name, {})))
    shown = _listed([(value, count) for value, count in found if value in lost])
    stage.warn(
        "column_unread",
        rows,
        f"“{column.header}” is called like the field {field.label} and cannot be read as one: {shown}. "
        f"{_KEPT[column.use]}, {field.label} stays as it is. {_sentences(field.unread, _remedy(field, found))} "
        f"{_otherwise(stage, column)}",
    )


def _warn_words(stage: Stage, column: ColumnPlan, field: Field) -> None:
    found = stage.rows(
        "SELECT substring(r.detail FROM '“(.*)” is none of'), count(*) FROM import_row AS r "
        "WHERE r.refusal = 'bad_choice' AND starts_with(r.detail, %(label)s) GROUP BY 1 ORDER BY 2 DESC, 1",
        label=f"{column.header}: ",
    )
    rows = sum(count for _, count in found)
    stage.warn(
        "unknown_words",
        rows,
        f"{rows:,} rows have a {field.label} that is not known and are refused: {_listed(found)}. "
        f"{_remedy(field, found)} {_otherwise(stage, column)}",
    )


def _listed(found: Sequence[tuple[str, int]]) -> str:
    """`“Partner” (8), “Services” (4) and 2 others`."""
    named = ", ".join(f"“{value[:40]}” ({count:,})" if count else f"“{value[:40]}”" for value, count in found[:_SHOWN])
    more = len(found) - _SHOWN
    return f"{named} and {more:,} others" if more > 0 else named


def _remedy(field: Field, found: Sequence[tuple[str, int]]) -> str:
    if field.type in {"choice", "boolean"}:
        words = ", ".join(sorted(set((field.choices or {"yes": "yes", "no": "no"}).values())))
        first = found[0][0][:40] if found else "PRINTED"
        return f'Say what each means: `values: {{{field.name}: {{"{first}": WORD}}}}` with WORD one of {words}.'
    if field.type in {"date", "datetime"}:
        return f'Say how they are written: `date_format: {{{field.name}: "%d/%m/%Y"}}`.'
    return "Write plain numbers, without words or signs of a currency; convert what is in another one."


def _otherwise(stage: Stage, column: ColumnPlan) -> str:
    use = "attribute" if stage.kind.keeps_extra else "ignore"
    return f'If the column is something else: `columns: {{"{column.header}": {{{use}: true}}}}`.'


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
