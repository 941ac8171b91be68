"""What a document is made of. Pure: no markup, no dates of today, nothing of a page; renderers give it a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Heading:
    """A title inside the document; level 2 under the document's own, 3 below that."""

    text: str
    level: Literal[2, 3] = 2

    kind = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Plain text. `strong` for the one sentence that counts."""

    text: str
    strong: bool = False

    kind = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """Entries without an order."""

    items: tuple[str, ...]

    kind = "bullets"


@dataclass(frozen=True)
class Step:
    """One thing to do: what it is called, and lines that say how, who and until when."""

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Steps:
    """Things to do in this order, numbered from one."""

    steps: tuple[Step, ...]

    kind = "steps"


@dataclass(frozen=True)
class Table:
    """Rows under a head; `caption` says what they show. Columns in `numbers` (from 0) stand on the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: tuple[int, ...] = ()

    kind = "table"


Block = Heading | Paragraph | Bullets | Steps | Table


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", numbers: Sequence[int] = ()) -> Table:
    """A table out of plain lists."""
    return Table(tuple(head), tuple(tuple(row) for row in rows), caption, tuple(numbers))
