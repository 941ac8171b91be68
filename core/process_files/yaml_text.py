"""YAML as process files use it: strict to read, always the same to write. Pure: bytes and values, no database.

What is read is the plain core of YAML: mappings, lists, texts, numbers, true, false, null. Words such as No, on or
2026-01-31 are texts, field names are always texts, and anchors, tags and several documents are refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

LARGEST_BYTES: Final = 200_000
MOST_NODES: Final = 20_000
DEEPEST: Final = 24
ONE_LINE: Final = 88

_NULL: Final = re.compile(r"~|null|Null|NULL|\Z")
_BOOL: Final = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class BadText(ValueError):
    """The file is not what this product reads. `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Parsed:
    """The content of a file, and the line on which each part of it stands."""

    value: Any
    lines: Mapping[Path, int]

    def line_of(self, field: str) -> int:
        """The line of the field that a message names, such as `inputs[2].mapping.bands[1]`; as near as it is found.

        An entry of a list may also be named by its key: `stages.demo.probability`.
        """
        here: Any = self.value
        path: Path = ()
        for step in re.findall(r"[^.\[\]]+", field):
            found = _step(here, step)
            if found is None:
                break
            here, path = here[found], (*path, found)
        return self.lines.get(path, 1)


def _step(here: Any, step: str) -> str | int | None:
    if isinstance(here, dict):
        return step if step in here else None
    if not isinstance(here, list):
        return None
    if step.isdecimal():
        return int(step) if int(step) < len(here) else None
    return next((place for place, one in enumerate(here) if isinstance(one, dict) and one.get("key") == step), None)


def read(data: bytes) -> Parsed:
    """The one document of a file. Raises `BadText` with the line and the remedy."""
    if len(data) > LARGEST_BYTES:
        raise BadText(f"The file has {len(data):,} bytes; at most {LARGEST_BYTES:,} are read. Split it.", 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadText("The file is not UTF-8. Save it as UTF-8.", line) from error
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadText(_no_yaml(error), mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise BadText(f"The character #x{int(error.character):04x} is not allowed. Remove it.", line) from error


def _no_yaml(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "unreadable").split())
    remedy = "Indent with spaces, never with tabs." if "\\t" in problem else "Check the indentation and the quotes."
    return f"This is not YAML: {problem}. {remedy}"


class _Builder:
    """Builds plain values out of the parser's events, and keeps the line of each."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.lines: dict[Path, int] = {}

    def document(self) -> Parsed:
        self._next()  # the start of the stream
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise BadText("The file is empty. A process file starts with kind, key and name.", 1)
        value = self._value(self._next(), ())
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise BadText("The file holds several documents. Put each into a file of its own.", _line(after))
        return Parsed(value, self.lines)

    def _next(self) -> Any:
        return next(self.events)

    def _value(self, event: Any, path: Path) -> Any:
        self.lines[path] = _line(event)
        self._refuse(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._mapping(path)

    def _refuse(self, event: Any, path: Path) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise BadText("Anchors and aliases are not read. Write the value out in full.", _line(event))
        if event.tag is not None:
            raise BadText(f"The tag {event.tag} is not read. Remove it.", _line(event))
        if len(path) > DEEPEST or len(self.lines) > MOST_NODES:
            raise BadText(f"More than {DEEPEST} levels or {MOST_NODES:,} values. Split the file.", _line(event))

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._field_name(event, path)
            if name in found:
                first = self.lines[(*path, name)]
                raise BadText(f"{name}: stands twice, first on line {first}. Remove one of them.", _line(event))
            found[name] = self._value(self._next(), (*path, name))
            self.lines[(*path, name)] = _line(event)
        return found

    def _field_name(self, event: Any, path: Path) -> str:
        self._refuse(event, path)
        if not isinstance(event, yaml.ScalarEvent):
            raise BadText("A field's name must be a text. Remove the question mark or the brackets.", _line(event))
        if not event.value or (event.value == "<<" and event.style is None):
            raise BadText("A field needs a name of its own. Write each field out in full.", _line(event))
        return _storable(event)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _storable(event: yaml.ScalarEvent) -> str:
    value = str(event.value)
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
        raise BadText("The text holds a character that cannot be stored. Remove the escape.", _line(event))
    return value


def _scalar(event: yaml.ScalarEvent) -> Any:
    value = _storable(event)
    if event.style is not None:
        return value
    if _NULL.fullmatch(value):
        return None
    if _BOOL.fullmatch(value):
        return value.lower() == "true"
    if _INT.fullmatch(value):
        return int(value)
    if _NO_NUMBER.fullmatch(value):
        raise BadText(f"{value} is no number to reckon with. Give a finite one, or null.", _line(event))
    if not _FLOAT.fullmatch(value):
        return value
    number = float(value)
    if not isfinite(number):
        raise BadText(f"{value} is too large.", _line(event))
    return number


class _Writer(yaml.SafeDumper):
    """Quotes whatever this or any other reader could take for something else than the text that it is."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002, RUF100 -- PyYAML's own signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002, RUF100 -- PyYAML's own signature
        return True


_Writer.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def write(document: Mapping[str, Any], order: tuple[str, ...]) -> str:
    """The document as text: the same content always gives the same bytes.

    Fields stand in the given order, others behind them by name. Entries of lists that have fields of their own stand
    in a block; short leaves stand on one line.
    """
    rank = {name: place for place, name in enumerate(order)}
    node = _mapping_node(document, rank, top=True)
    return _serialize(node)


def _serialize(node: yaml.Node) -> str:
    return str(yaml.serialize(node, Dumper=_Writer, allow_unicode=True, width=2**30, indent=2))


def _node(value: Any, rank: Mapping[str, int]) -> yaml.Node:
    if isinstance(value, Mapping):
        return _mapping_node(value, rank)
    if isinstance(value, list | tuple):
        return _list_node(value, rank)
    return _leaf(value)


def _mapping_node(value: Mapping[str, Any], rank: Mapping[str, int], *, top: bool = False) -> yaml.Node:
    names = sorted(value, key=lambda name: (rank.get(name, len(rank)), name.casefold(), name))
    pairs = [(_leaf(name), _node(value[name], rank)) for name in names]
    node = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    return node if top else _one_line(node)


def _list_node(value: list[Any] | tuple[Any, ...], rank: Mapping[str, int]) -> yaml.Node:
    children = [_node(one, rank) for one in value]
    has_blocks = any(isinstance(child, yaml.MappingNode) for child in children)
    for child in children:
        if isinstance(child, yaml.MappingNode) and child.value:
            child.flow_style = False
    node = yaml.SequenceNode("tag:yaml.org,2002:seq", children, flow_style=False)
    return node if has_blocks else _one_line(node)


def _one_line(node: yaml.CollectionNode) -> yaml.Node:
    """The node on one line where everything in it fits there, else in a block."""
    children: list[yaml.Node] = [child for _, child in node.value] if isinstance(node, yaml.MappingNode) else node.value
    if any(isinstance(child, yaml.CollectionNode) and not child.flow_style for child in children):
        return node
    node.flow_style = True
    text = _serialize(node)
    if text.count("\n") > 1 or len(text) > ONE_LINE:
        node.flow_style = False
    return node


def _leaf(value: Any) -> yaml.ScalarNode:
    if value is None:
        return yaml.ScalarNode("tag:yaml.org,2002:null", "null")
    if isinstance(value, bool):
        return yaml.ScalarNode("tag:yaml.org,2002:bool", "true" if value else "false")
    if isinstance(value, int):
        return yaml.ScalarNode("tag:yaml.org,2002:int", str(value))
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    escaped = not text.replace("\n", "").isprintable()
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"' if escaped else "|" if _many_lines(text) else None)


def _number(value: float) -> yaml.ScalarNode:
    if value.is_integer() and abs(value) < 1e15:
        return yaml.ScalarNode("tag:yaml.org,2002:int", str(int(value)))
    mantissa, e, exponent = repr(value).partition("e")
    text = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}" if e else mantissa
    return yaml.ScalarNode("tag:yaml.org,2002:float", text)


def _many_lines(text: str) -> bool:
    """Whether the text reads well, and safely, as a block of lines."""
    lines = text.split("\n")
    plain = all(line == line.rstrip() and line.isprintable() for line in lines)
    return len(lines) > 1 and plain and bool(lines[0]) and not lines[0].startswith(" ")
