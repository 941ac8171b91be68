"""Which kind a file is, and which column is which field: guessed from names, confirmed by values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import Field, ImportKind
from accounts.importing.maps import ImportMap
from accounts.rules.dates import DateOrder, parse_moment
from accounts.rules.headers import normal_header, slug
from accounts.rules.numbers import Decimals, Unreadable, decimal_evidence, is_blank, parse_number
from accounts.rules.words import parse_boolean

Use = Literal["field", "measure", "extra", "ignored"]
SURE: Final = 0.98
NAMED: Final = 0.9
LIKELY: Final = 0.7
ENOUGH_VALUES: Final = 0.7
_NOISE: Final = frozenset({"usd", "eur", "gbp", "chf", "in", "the", "of", "no", "nr", "list", "txt", "date"})


@dataclass(frozen=True)
class ColumnPlan:
    """What happens to one column of the file. `target` is a field's name or a measure's key.

    `unread` is the field that it is called like, where its values could not be read as such and nothing else fills it.
    """

    index: int
    header: str
    use: Use
    target: str = ""
    confidence: float = 0.0
    why: str = ""
    samples: tuple[str, ...] = ()
    unread: str = ""


@dataclass(frozen=True)
class Plan:
    """How a file is read: its kind and the use of every column."""

    kind: ImportKind
    columns: tuple[ColumnPlan, ...]

    @property
    def mapped(self) -> frozenset[str]:
        return frozenset(column.target for column in self.columns if column.use == "field")

    def column_of(self, field: str) -> ColumnPlan | None:
        return next((c for c in self.columns if c.use == "field" and c.target == field), None)


def recognise(
    kinds: Sequence[ImportKind], headers: Sequence[str], samples: Sequence[Sequence[str]], file_name: str
) -> ImportKind:
    """The kind that explains the columns best; raises `ImportRefused` when none does."""
    scored = [(_fit(kind, headers, samples, file_name), -kind.order, kind) for kind in kinds]
    best = max(scored, key=lambda found: found[:2], default=None)
    if best is None or best[0] <= 0:
        known = ", ".join(sorted(kind.key for kind in kinds))
        raise ImportRefused(
            "unknown_kind",
            f"The columns ({', '.join(headers)[:300]}) fit no kind of data. Say which it is: {known}. "
            "The first row must hold the names of the columns.",
        )
    return best[2]


def make_plan(
    kind: ImportKind,
    headers: Sequence[str],
    samples: Sequence[Sequence[str]],
    import_map: ImportMap,
    *,
    strict: bool = True,
) -> Plan:
    """The use of every column: a person's map first, then what names and values say."""
    _check_map(kind, headers, import_map)
    columns = [_sampled(place, header, samples) for place, header in enumerate(headers)]
    decided = {header: field for field, header in _resolved(import_map, headers).items()}
    taken = set(decided.values()) | set(import_map.defaults)
    left_out = {
        name for name in headers if _named(name, import_map.ignored | import_map.attributes | set(import_map.measures))
    }
    free = [c for c in columns if c.header not in decided and c.header not in left_out]
    guessed = _guess(kind, free, taken - (set(import_map.defaults) - set(decided.values())), import_map.values)
    filled = set(import_map.defaults) | set(decided.values()) | {name for name, _ in guessed.values()}
    open_fields = [field for field in kind.fields if field.name not in filled]
    lost = {c.header: _unread(open_fields, c, import_map.values) for c in free if c.header not in guessed}
    used = (_use(kind, column, decided, guessed, import_map) for column in columns)
    plan = Plan(kind, tuple(replace(column, unread=lost.get(column.header, "")) for column in used))
    if strict:
        _require(plan, import_map)
    return plan


def with_field_names(kind: ImportKind, import_map: ImportMap) -> ImportMap:
    """The map with the kind's own names: a person may write `date` for the field `day`, or `Close date`."""

    def name_of(written: str) -> str:
        if any(field.name == written for field in kind.fields):
            return written
        wanted = normal_header(written)
        for field in kind.fields:
            if wanted in (normal_header(field.name), normal_header(field.label), *field.aliases):
                return field.name
        return written

    return replace(
        import_map,
        columns={name_of(name): header for name, header in import_map.columns.items()},
        defaults={name_of(name): value for name, value in import_map.defaults.items()},
        values={name_of(name): words for name, words in import_map.values.items()},
        date_format={name_of(name) if name else "": words for name, words in import_map.date_format.items()},
        decimal={name_of(name) if name else "": words for name, words in import_map.decimal.items()},
    )


def values_fit(field: Field, values: Sequence[str], meant: Mapping[str, str], likeness: float) -> bool:
    """Whether enough sample values can be read as the field's type. No values at all speak neither way.

    `meant` says what words of the file stand for; `likeness`, how far the header names the field.
    """
    present = [value for value in values if not is_blank(value)]
    lost = unreadable(field, present, meant)
    if field.at_once and likeness >= NAMED:
        return not present or len(lost) < len(present)
    return len(present) - len(lost) >= ENOUGH_VALUES * len(present)


def unreadable(field: Field, values: Sequence[str], meant: Mapping[str, str]) -> list[str]:
    """Which of the values of a column are none of the field's type."""
    check = _check(field, values)
    return [value for value in values if check is not None and not check(meant.get(value, value))]


def _unread(fields: Sequence[Field], column: ColumnPlan, values: Mapping[str, Mapping[str, str]]) -> str:
    """The field that the column is called like, though its values say that it is none."""
    called = [(likeness(field, column.header), field) for field in fields]
    lost = [
        (score, field.name)
        for score, field in called
        if score >= NAMED and not values_fit(field, column.samples, values.get(field.name, {}), score)
    ]
    return max(lost)[1] if lost else ""


def _check(field: Field, values: Sequence[str]) -> Callable[[str], bool] | None:
    if field.type in {"date", "datetime"}:
        return _reads_as_date
    if field.type in {"number", "integer", "money"}:
        return lambda value: _reads_as_number(value, decimal_evidence(values).decide())
    if field.type == "boolean":
        return _reads_as_boolean
    if field.type == "choice" and not field.open_choice:
        words = {word.casefold() for word in field.choices or {}} | set((field.choices or {}).values())
        return lambda value: normal_header(value) in words or value.strip().casefold() in words
    return None


def _reads_as_date(value: str) -> bool:
    for order in (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST):
        try:
            parse_moment(value, order)
        except Unreadable:
            continue
        return True
    return False


def _reads_as_number(value: str, decimals: Decimals) -> bool:
    try:
        parse_number(value, decimals)
    except Unreadable:
        return False
    return True


def _reads_as_boolean(value: str) -> bool:
    try:
        parse_boolean(value)
    except Unreadable:
        return False
    return True


def _sampled(place: int, header: str, samples: Sequence[Sequence[str]]) -> ColumnPlan:
    seen: dict[str, None] = {}
    for row in samples:
        if place < len(row) and row[place].strip():
            seen.setdefault(row[place].strip()[:120])
        if len(seen) >= 200:
            break
    return ColumnPlan(place, header, "ignored", samples=tuple(seen))


def likeness(field: Field, header: str) -> float:
    """How far a header names a field: 0 … 1."""
    wanted = normal_header(header)
    names = (normal_header(field.name), normal_header(field.label), *field.aliases)
    if wanted in names:
        return SURE + 0.02 * (1 - names.index(wanted) / len(names))
    words = [word for word in wanted.split() if word not in _NOISE]
    bare = " ".join(words)
    if bare and bare in names:
        return 0.9
    best = 0.0
    for name in names:
        parts = name.split()
        if len(parts) > 1 and set(parts) <= set(wanted.split()):
            best = max(best, LIKELY + 0.1 * len(parts) / len(wanted.split()))
    return best


def _guess(
    kind: ImportKind, columns: Sequence[ColumnPlan], taken: set[str], values: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, float]]:
    """Header → (field, confidence): the best pairs first, each header and each field once."""
    pairs = [
        (likeness(field, column.header), -place, -column.index, column, field)
        for place, field in enumerate(kind.fields)
        if field.name not in taken
        for column in columns
    ]
    found: dict[str, tuple[str, float]] = {}
    used: set[str] = set()
    for score, _, _, column, field in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        if score < LIKELY or column.header in found or field.name in used:
            continue
        if values_fit(field, column.samples, values.get(field.name, {}), score):
            found[column.header] = (field.name, round(score, 2))
            used.add(field.name)
    return found


def _use(
    kind: ImportKind,
    column: ColumnPlan,
    decided: dict[str, str],
    guessed: dict[str, tuple[str, float]],
    import_map: ImportMap,
) -> ColumnPlan:
    def planned(use: Use, target: str, confidence: float, why: str) -> ColumnPlan:
        return ColumnPlan(column.index, column.header, use, target, confidence, why, column.samples)

    if column.header in decided:
        return planned("field", decided[column.header], 1.0, "your choice")
    measure = _named(column.header, import_map.measures)
    if measure:
        return planned("measure", slug(import_map.measures[measure]), 1.0, "your choice")
    if _named(column.header, import_map.ignored):
        return planned("ignored", "", 1.0, "your choice")
    if kind.keeps_extra and _named(column.header, import_map.attributes):
        return planned("extra", slug(column.header), 1.0, "your choice")
    if column.header in guessed:
        target, confidence = guessed[column.header]
        return planned("field", target, confidence, "by its name" if confidence >= SURE else "name looks alike")
    if kind.spreads_extra:
        return planned("measure", slug(column.header), 0.8, "a measure of its own")
    if kind.keeps_extra:
        return planned("extra", slug(column.header), 0.8, "kept with the row as printed")
    return planned("ignored", "", 0.8, "left out: no field for it")


def _fit(kind: ImportKind, headers: Sequence[str], samples: Sequence[Sequence[str]], file_name: str) -> float:
    columns = [_sampled(place, header, samples) for place, header in enumerate(headers)]
    found = dict(_guess(kind, columns, set(), {}).values())
    if any(field.required and field.name not in found for field in kind.fields):
        return 0.0
    if any(not found.keys() & set(group) for group in kind.needs_one_of):
        return 0.0
    signed = sum(found.get(name, 0.0) for name in kind.signature)
    words = {word for header in headers for word in normal_header(header).split()}
    signed += 0.5 * bool(words & set(kind.header_words))
    if kind.signature and not signed:
        return 0.0
    stem = normal_header(file_name)
    hinted = 1.5 if any(hint in stem for hint in kind.hints) else 0.0
    return sum(found.values()) / max(len(headers), 1) + signed + hinted


def _named(header: str, names: Iterable[str]) -> str:
    """The name in `names` that means this header, whatever its case and spacing."""
    wanted = normal_header(header)
    for name in names:
        if name == header or normal_header(name) == wanted:
            return str(name)
    return ""


def _resolved(import_map: ImportMap, headers: Sequence[str]) -> dict[str, str]:
    """Field → header as the file prints it."""
    found = {}
    for field, written in import_map.columns.items():
        header = next((name for name in headers if name == written), "") or _named(written, set(headers))
        if not header:
            raise ImportRefused(
                "missing_column",
                f"The map says that “{field}” is in column “{written}”, but the file has no such column. "
                f"It has: {', '.join(headers)[:400]}.",
            )
        found[field] = header
    return found


def _check_map(kind: ImportKind, headers: Sequence[str], import_map: ImportMap) -> None:
    known = {field.name for field in kind.fields}
    for place, names in (
        ("columns", import_map.columns),
        ("defaults", import_map.defaults),
        ("values", import_map.values),
        ("date_format", import_map.date_format),
        ("decimal", import_map.decimal),
    ):
        for name in names:
            if name and name not in known and not (place in {"decimal", "date_format"} and _named(name, set(headers))):
                raise ImportRefused(
                    "bad_map", f"`{place}` names “{name}”, but {kind.key} have: {', '.join(sorted(known))}."
                )
    for header in (*import_map.measures, *import_map.ignored, *import_map.attributes):
        if not _named(header, set(headers)):
            raise ImportRefused("missing_column", f"The map names column “{header}”, but the file has no such column.")


def _require(plan: Plan, import_map: ImportMap) -> None:
    have = plan.mapped | set(import_map.defaults)
    missing = [field for field in plan.kind.fields if field.required and field.name not in have]
    missing += [plan.kind.field(group[0]) for group in plan.kind.needs_one_of if not have & set(group)]
    if missing:
        field = missing[0]
        headers = ", ".join(column.header for column in plan.columns)[:400]
        raise ImportRefused(
            "missing_column",
            f"No column was found for {field.label.lower()} (“{field.name}”). The file has: {headers}. "
            f"Map one of them: `columns: {{{field.name}: HEADER}}`.",
        )
