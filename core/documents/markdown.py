"""Documents as Markdown: plain enough for any reader, the same bytes for the same document."""

import re
from collections.abc import Iterator

from core.documents.blocks import Block, Bullets, Heading, Steps, Table
from core.documents.building import Written

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def as_markdown(document: Written) -> str:
    """The whole document, ending with a line break."""
    head = [f"# {_text(document.title)}", _text(document.kicker)]
    head.append("\n".join(f"- **{_text(label)}:** {_text(value)}" for label, value in document.facts))
    body = ["\n".join(_lines(block)) for block in document.blocks]
    return "\n\n".join(part for part in [*head, *body, f"---\n\n{_text(document.foot)}"] if part) + "\n"


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {_text(block.text)}"
    elif isinstance(block, Bullets):
        yield from (f"- {_text(item)}" for item in block.items)
    elif isinstance(block, Steps):
        for number, step in enumerate(block.steps, start=1):
            yield f"{number}. **{_text(step.title)}**"
            yield from (f"   - {_text(line)}" for line in step.lines)
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield f"**{_text(block.text)}**" if block.strong else _text(block.text)


def _table(block: Table) -> Iterator[str]:
    if block.caption:
        yield f"{_text(block.caption)}:\n"
    yield f"| {' | '.join(map(_text, block.head))} |"
    yield f"|{'|'.join('---:' if place in block.numbers else '---' for place in range(len(block.head)))}|"
    yield from (f"| {' | '.join(_text(cell) or ' ' for cell in row)} |" for row in block.rows)


def _text(text: str) -> str:
    """The text as it is, on one line: nothing in it is taken for markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
