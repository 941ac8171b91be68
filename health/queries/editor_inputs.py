"""The inputs of a score model as rows and fields of the editor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.choices import Segment
from health.queries.wording import in_words, source_name, unit_of
from health.rules import Aggregate, Input, ScoreModel
from health.rules.editing import Document, input_of, plain, scale_of, tables_of


@dataclass(frozen=True)
class Field:
    """One field of the form: its name says what it changes. `value` is what was typed where that was refused."""

    name: str
    value: str
    error: str = ""

    @property
    def id(self) -> str:
        return "f-" + self.name.replace(":", "-")


@dataclass(frozen=True)
class BandRow:
    number: int
    low: str
    upto: Field
    points: Field
    name: str = ""
    is_last: bool = False


@dataclass(frozen=True)
class TableView:
    """One mapping of an input. `kind`: linear, bands, categories or learn."""

    number: int
    title: str
    kind: str
    unit: str
    better: str
    rows: list[BandRow] = field(default_factory=list)
    worst: Field | None = None
    best: Field | None = None
    window: Field | None = None
    baseline: Field | None = None
    aggregate: Field | None = None
    segments: Field | None = None
    tenure_from: Field | None = None
    tenure_to: Field | None = None

    @property
    def is_threshold(self) -> bool:
        return self.segments is not None


@dataclass(frozen=True)
class InputRow:
    """An input as it stands in the shown version, beside the live one. Weights in percent as written."""

    key: str
    label: str
    reads: str
    points: list[str]
    if_missing: str
    weight: Field
    share: float
    live_share: float | None
    group: str
    is_open: bool
    name: Field
    missing: Field
    carry: Field | None
    group_field: Field
    tables: list[TableView] = field(default_factory=list)

    @property
    def difference(self) -> float | None:
        return None if self.live_share is None else round(self.share - self.live_share, 1)


@dataclass
class Form:
    """The document as fields, with what was typed and refused in its place."""

    typed: Mapping[str, str]
    problems: Mapping[str, str]

    def field(self, name: str, value: Any) -> Field:
        text = "" if value is None else f"{plain(value):g}" if isinstance(value, int | float) else str(value)
        return Field(name, self.typed.get(name, text) if self.problems else text, self.problems.get(name, ""))


def input_rows(
    document: Document, model: ScoreModel, live: ScoreModel | None, opened: str, form: Form
) -> list[InputRow]:
    shares = {one.key: one.weight * 100 for one in live.inputs} if live else {}
    rows = []
    for one in model.inputs:
        block = input_of(document, one.key)
        missing = block.get("missing", "exclude")
        carries = isinstance(missing, dict)
        is_open = one.key == opened
        rows.append(
            InputRow(
                key=one.key,
                label=one.label,
                reads=_reads(one),
                points=[],
                if_missing=in_words(one),
                weight=form.field(f"weight:{one.key}", float(block["weight"])),
                share=float(block["weight"]),
                live_share=round(shares[one.key], 1) if one.key in shares else None,
                group=str(block.get("group", "")),
                is_open=is_open,
                name=form.field(f"name:{one.key}", one.label),
                missing=form.field(f"missing:{one.key}", "carry_forward_days" if carries else missing),
                carry=form.field(f"carry:{one.key}", next(iter(missing.values()))) if carries else None,
                group_field=form.field(f"group:{one.key}", block.get("group", "")),
                tables=_tables(block, one, form) if is_open else [],
            )
        )
    return rows


def _reads(one: Input) -> str:
    return ", else ".join(dict.fromkeys(f"{source_name(r)} {in_words(r)}" for r in one.readings))


def _tables(block: Document, one: Input, form: Form) -> list[TableView]:
    return [_table(number, table, block, one, form) for number, table in enumerate(tables_of(block))]


def _table(number: int, table: Document, block: Document, one: Input, form: Form) -> TableView:
    kind, content = next(iter(table["mapping"].items()))
    scale = scale_of(table, block)
    where = f"{one.key}:{number}"
    aggregate = table.get("aggregate", block.get("aggregate", "mean"))
    is_threshold = number > 0 and table is not block.get("otherwise")
    reads_itself = not is_threshold
    months = table.get("tenure_months") or [None, None]
    return TableView(
        number=number,
        title=_title(number, table, block, one),
        kind=kind,
        unit="%" if scale == 100 else _unit(one, number),
        better=_better(kind, content),
        rows=_rows(where, kind, content, scale, form),
        worst=form.field(f"worst:{where}", content["worst"] * scale) if kind == "linear" else None,
        best=form.field(f"best:{where}", content["best"] * scale) if kind == "linear" else None,
        window=form.field(f"window:{where}", table.get("window_days", 30)) if reads_itself else None,
        baseline=(
            form.field(f"baseline:{where}", table.get("baseline_days", 2 * table.get("window_days", 30)))
            if reads_itself and aggregate == Aggregate.TREND
            else None
        ),
        aggregate=form.field(f"aggregate:{where}", aggregate) if reads_itself else None,
        segments=form.field(f"segments:{where}", ", ".join(table.get("segments", []))) if is_threshold else None,
        tenure_from=form.field(f"tenure_from:{where}", months[0]) if is_threshold else None,
        tenure_to=form.field(f"tenure_to:{where}", months[1]) if is_threshold else None,
    )


def _unit(one: Input, number: int) -> str:
    return unit_of(one.readings[min(number, len(one.readings) - 1)])


def _title(number: int, table: Document, block: Document, one: Input) -> str:
    if number == 0:
        return "All accounts" if block.get("thresholds") else _reads_of(table, block)
    if table is block.get("otherwise"):
        return f"If nothing is known of that: {_reads_of(table, block)}"
    named = [str(Segment(part).label) if part in Segment.values else part for part in table.get("segments", [])]
    months = table.get("tenure_months")
    if months:
        named.append(f"month {months[0]} on" if months[1] is None else f"months {months[0]} to under {months[1]}")
    return ", ".join(named) or "Nobody yet: name a segment or a tenure"


def _reads_of(table: Document, block: Document) -> str:
    measure = table.get("measure", block.get("measure"))
    names = measure if isinstance(measure, list) else [measure]
    return ", else ".join(str(name).replace("_", " ").replace(".", ", ") for name in names)


def _better(kind: str, content: Any) -> str:
    if kind == "linear":
        return "lower is better" if content["worst"] > content["best"] else "higher is better"
    if kind == "bands" and len(content) > 1:
        points = [step[1] for step in content]
        if points == sorted(points):
            return "higher is better"
        return "lower is better" if points == sorted(points, reverse=True) else "best in between"
    return ""


def _rows(where: str, kind: str, content: Any, scale: int, form: Form) -> list[BandRow]:
    if kind == "categories":
        return [
            BandRow(
                at,
                "",
                Field("", ""),
                form.field(f"category:{where}:{at}", points),
                name=str(name),
                is_last=at == len(content) - 1,
            )
            for at, (name, points) in enumerate(sorted(content.items()))
        ]
    if kind != "bands":
        return []
    rows, low = [], "any"
    for at, (upto, points) in enumerate(content):
        is_last = at == len(content) - 1
        edge = form.field(f"upto:{where}:{at}", None if is_last else upto * scale)
        rows.append(BandRow(at, low, edge, form.field(f"points:{where}:{at}", points), is_last=is_last))
        low = edge.value
    return rows
