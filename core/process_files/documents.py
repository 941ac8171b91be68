"""A process version as a document of its own: kind, key, name and what the kind defines. No ids, dates or numbers."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from core import registry
from core.models import ProcessVersion
from core.process_files.yaml_text import BadText, Parsed, read, write

HEAD: Final = ("kind", "key", "name")
LONGEST_KEY: Final = 80
LONGEST_NAME: Final = 120
_FIELD: Final = re.compile(r"`?([A-Za-z_][\w-]*(?:\[[^\]]+\]|\.[\w-]+)*)`?(?=[:\s,])")
_QUOTED: Final = re.compile(r"`([\w.\[\]-]+)`")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, where, and what to do about it."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BadFiles(ValueError):
    """Files that cannot be used; nothing of them was taken."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """A process as a file says it. `definition` is what would be stored; `text` is the file as it would be written."""

    kind: str
    key: str
    name: str
    definition: dict[str, Any]
    file: str = ""
    is_draft: bool = False
    parsed: Parsed = field(default_factory=lambda: Parsed({}, {}), repr=False, compare=False)

    @property
    def text(self) -> str:
        return to_text(self.kind, self.key, self.name, self.definition)

    def problem(self, message: str) -> Problem:
        """The message with the line of the field that it names."""
        return Problem(self.file, line_of(message, self.parsed), message)


def to_text(kind: str, key: str, name: str, definition: dict[str, Any]) -> str:
    """The file of a process. The same content gives the same bytes, in every workspace."""
    body = {field: value for field, value in definition.items() if field not in HEAD or not _headed(kind)}
    return write({"kind": kind, "key": key, "name": name, **body}, (*HEAD, *_fields(kind)))


def text_of(version: ProcessVersion) -> str:
    """The file of a version."""
    return to_text(version.kind, version.key, version.name, version.definition)


def _headed(kind: str) -> bool:
    return registry.process_kind(kind).headed


def _fields(kind: str) -> tuple[str, ...]:
    return registry.process_kind(kind).fields


def from_bytes(data: bytes, file: str, *, is_draft: bool = False) -> Document:
    """The process that a file says. Raises `BadFiles` with file, line and remedy."""
    try:
        parsed = read(data)
    except BadText as error:
        raise BadFiles([Problem(file, error.line, str(error))]) from error
    try:
        kind, key, name = _head(parsed.value)
        body = {field: value for field, value in parsed.value.items() if field not in HEAD}
        definition = {"kind": kind, "key": key, "name": name, **body} if _headed(kind) else body
        registry.process_kind(kind).parse(definition)
    except ValueError as error:
        raise BadFiles([Problem(file, line_of(str(error), parsed), str(error))]) from error
    return Document(kind, key, name, definition, file, is_draft, parsed)


def _head(value: Any) -> tuple[str, str, str]:
    if not isinstance(value, dict):
        raise ValueError("A process file is a block of fields: kind, key, name and what the kind defines.")  # noqa: TRY004 -- one kind of error for a file, whatever is wrong with it
    known = {one.kind for one in registry.process_kinds()}
    kind = value.get("kind")
    if kind not in known:
        given = f"'{kind}' is unknown" if kind is not None else "missing"
        raise ValueError(f"kind: {given}. Write one of {', '.join(sorted(known))}.")
    key = value.get("key")
    if (
        not isinstance(key, str)
        or not key
        or key != key.strip()
        or not key.isprintable()
        or "/" in key
        or len(key) > LONGEST_KEY
    ):
        raise ValueError(
            f"key: give the process a short name of its own, at most {LONGEST_KEY} characters and without '/'."
        )
    name = value.get("name", key.replace("_", " ").capitalize())
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(f"name: a text of at most {LONGEST_NAME} characters, as people read it.")
    return str(kind), key, name.strip()


def line_of(message: str, parsed: Parsed) -> int:
    """The line of the field that a message starts with, or else names between backticks; line 1 when none is found."""
    named = [found.group(1)] if (found := _FIELD.match(message)) else []
    for name in [*named, *_QUOTED.findall(message)]:
        line = parsed.line_of(name)
        if line > 1:
            return line
    return 1
