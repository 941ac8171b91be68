"""Documents as PDF. Loads what makes PDFs, so import it only where one is asked for."""

from datetime import datetime

from core.documents.blocks import Block, Bullets, Heading, Steps, Table
from core.documents.building import Written
from core.pdf import Paper


def as_pdf(document: Written, *, made_at: datetime) -> bytes:
    """The document on A4."""
    paper = Paper(document.foot)
    paper.set_creation_date(made_at)
    paper.set_title(document.title)
    paper.line_of(document.kicker, size=8.5, soft=True)
    paper.line_of(document.title, size=18, bold=True, gap=2)
    paper.line_of(" · ".join(f"{label}: {value}" for label, value in document.facts), size=9, soft=True, gap=3)
    for block in document.blocks:
        _draw(paper, block)
    return bytes(paper.output())


def _draw(paper: Paper, block: Block) -> None:
    if isinstance(block, Heading):
        if block.level == 2:
            paper.head(block.text)
        else:
            paper.line_of(block.text, size=10, bold=True, gap=1)
    elif isinstance(block, Bullets):
        for item in block.items:
            paper.line_of(f"•  {item}")
    elif isinstance(block, Steps):
        for number, step in enumerate(block.steps, start=1):
            paper.line_of(f"{number}.  {step.title}", bold=True, gap=0.5)
            for line in step.lines:
                paper.line_of(line, soft=True, gap=0.5, indent=6)
            paper.ln(1.5)
    elif isinstance(block, Table):
        _table(paper, block)
    else:
        paper.line_of(block.text, bold=block.strong, gap=2)


def _table(paper: Paper, block: Table) -> None:
    if not block.rows:
        return
    if block.caption:
        paper.line_of(block.caption, size=8.5, soft=True)
    longest = [max(len(cell) for cell in column) for column in zip(block.head, *block.rows, strict=True)]
    widths = tuple(min(max(length, 8), 48) for length in longest)
    paper.rows(
        list(block.head),
        [list(row) for row in block.rows],
        widths,
        aligns=tuple("RIGHT" if place in block.numbers else "LEFT" for place in range(len(block.head))),
    )
    paper.ln(2)
