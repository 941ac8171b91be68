"""What an import would do, or did."""

from dataclasses import asdict, dataclass, field
from typing import Any

from accounts.importing.stage import Change, Finding


@dataclass(frozen=True)
class Refusal:
    """One reason why rows were refused, with an example."""

    code: str
    count: int
    line: int
    example: str


@dataclass(frozen=True)
class Report:
    """read = created + updated + unchanged + rejected, always. A dry run tells what would be."""

    kind: str
    read: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rejects_file: str | None
    warnings: list[Finding]
    refusals: list[Refusal]
    changes: list[Change] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)
    dry_run: bool = False
    sheet: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that scripts read; the first eight keys are a promise."""
        return asdict(self)
