"""Documents in words, and what differs between two of them. Pure: documents in, sentences out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

_NAMING: Final = ("key", "name", "title")

Verb = Literal["changed", "added", "removed", "moved"]


@dataclass(frozen=True)
class Line:
    """One statement of a document: `label` says about what, `value` says what.

    `path` finds the same statement in another version: `inputs.usage.weight`. Statements with the same `part` belong
    to one thing (`Product usage`), which comes and goes as a whole; `short` is the label inside of it (`weight`).
    The part's place in the document is what stands in `path` before the last dot, unless `part_path` says otherwise.
    `tail` is the end of the value that is said once in a change where both have it: `14 → 7 days after the start`.
    `meaning` is compared instead of the value where its words hang on places: `7 days after step 2`.
    `quiet` ones speak only where they change: the name of a thing whose own statement names it when it comes or goes.
    """

    path: str
    label: str
    value: str
    part: str = ""
    short: str = ""
    part_path: str = ""
    tail: str = ""
    meaning: str = ""
    quiet: bool = False

    @property
    def belongs_to(self) -> str:
        """The path of the part; empty for a statement about the document itself."""
        return (self.part_path or self.path.rpartition(".")[0]) if self.part else ""


@dataclass(frozen=True)
class Change:
    """One difference in the language of the work. `text` is the whole sentence; `old` and `new` are its ends."""

    verb: Verb
    path: str
    label: str
    old: str
    new: str

    @property
    def text(self) -> str:
        if self.verb == "added":
            return f"{self.label} added: {self.new}" if self.new else f"{self.label} added"
        if self.verb == "removed":
            return f"{self.label} removed: {self.old}" if self.old else f"{self.label} removed"
        return f"{self.label} {self.old or 'nothing'} → {self.new or 'nothing'}"


def compare(old: Sequence[Line], new: Sequence[Line]) -> list[Change]:
    """What differs, in the order of the new document; what was removed comes last. Equal documents give nothing."""
    before, after = {line.path: line for line in old}, {line.path: line for line in new}
    parts_before = {line.belongs_to for line in old}
    parts_after = {line.belongs_to for line in new}
    changes: list[Change] = []
    for line in new:
        was = before.get(line.path)
        if was is None:
            came = _one_sided(line, new, parts_before)
            changes += [Change("added", path, label, "", value) for path, label, value in came]
        elif (was.meaning or was.value) != (line.meaning or line.value):
            changes.append(Change("changed", line.path, line.label, _without_tail(was, line), line.value))
    for line in old:
        if line.path not in after:
            gone = _one_sided(line, old, parts_after)
            changes += [Change("removed", path, label, value, "") for path, label, value in gone]
    return [*changes, *_moves(old, new)]


def _one_sided(line: Line, lines: Sequence[Line], parts_beyond: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Path, label and value of what only one document says: the statement, or its part as a whole, once."""
    if line.quiet:
        return
    if line.belongs_to in parts_beyond or not line.part:
        yield line.path, line.label, line.value
    elif _opens(line, lines):
        yield line.belongs_to, line.part, _whole(line, lines)


def _without_tail(was: Line, line: Line) -> str:
    same = line.tail and was.tail == line.tail and was.value != line.value
    return was.value.removesuffix(line.tail).rstrip() if same else was.value


def _opens(line: Line, lines: Sequence[Line]) -> bool:
    return next(one for one in lines if one.belongs_to == line.belongs_to and not one.quiet) is line


def _whole(line: Line, lines: Sequence[Line]) -> str:
    mine = [one for one in lines if one.belongs_to == line.belongs_to and not one.quiet]
    return ", ".join(f"{one.short or one.label} {one.value}" for one in mine)


def _moves(old: Sequence[Line], new: Sequence[Line]) -> Iterator[Change]:
    """Parts that both have, in another order: said once for the document, with both orders."""
    was, now = _order(old), _order(new)
    kept_before = [path for path in was if path in now]
    kept_after = [path for path in now if path in was]
    if kept_before != kept_after:
        yield Change(
            "moved",
            "",
            "order",
            ", ".join(was[path] for path in kept_before),
            ", ".join(now[path] for path in kept_after),
        )


def _order(lines: Sequence[Line]) -> dict[str, str]:
    order: dict[str, str] = {}
    for line in lines:
        if line.part:
            order.setdefault(line.belongs_to, line.part)
    return order


def plain_lines(document: Mapping[str, Any]) -> list[Line]:
    """Any document as statements named after its fields, for kinds that have no words of their own.

    Entries of a list are found again by their key, name or title, else by their place.
    """
    return list(_walk(document, "", "", ""))


def _walk(value: Any, path: str, label: str, part: str) -> Iterator[Line]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            words = str(key).replace("_", " ")
            yield from _walk(inner, _join(path, str(key)), f"{label} {words}".strip(), part)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value, start=1):
            name = next((str(one[field]) for field in _NAMING if isinstance(one, Mapping) and field in one), str(place))
            here = f"{part}, {name}" if part else f"{label} {name}".strip()
            yield from _walk_part(one, _join(path, name), here)
    else:
        yield Line(path, f"{label} of {part}" if part else label, said(value), part=part, short=label)


def _walk_part(value: Any, path: str, part: str) -> Iterator[Line]:
    if not isinstance(value, Mapping):
        yield Line(path, part, said(value))
        return
    for line in _walk(value, path, "", part):
        yield line if line.part_path else _within(line, path)


def _within(line: Line, path: str) -> Line:
    return Line(line.path, line.label, line.value, part=line.part, short=line.short, part_path=path)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def said(value: Any) -> str:
    """A plain value for a reader: no trailing zeros, yes and no, lists with commas."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        return ", ".join(said(one) for one in value) or "none"
    return str(value)
