"""How much of the work is written down, and who would have to be asked about the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core import registry
from core.choices import VersionState
from core.documents.building import is_documented
from core.models import ProcessOwner, ProcessVersion
from core.processes.owners import gaps_of, owners, problems_of

SHOWS: Final = ("all", "ownerless", "undocumented", "gaps")


@dataclass(frozen=True)
class Row:
    """A live process: whether it is told as a document, who answers for it, and what its design lacks."""

    version: ProcessVersion
    label: str
    documented: bool
    owner: ProcessOwner | None
    problems: tuple[str, ...]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """The live processes, counted; `rows` are those of the figure that was asked for."""

    total: int
    documented: int
    ownerless: int
    rows: tuple[Row, ...]
    with_gaps: int = 0

    @property
    def undocumented(self) -> int:
        return self.total - self.documented

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing is live."""
        return self.documented / self.total if self.total else None


def coverage(show: str = "all") -> Coverage:
    """Processes documented of all that are live. Two queries."""
    labels, known = {kind.kind: kind.label for kind in registry.process_kinds()}, owners()
    live = ProcessVersion.objects.filter(state=VersionState.PUBLISHED, kind__in=labels)
    rows = [
        Row(
            one,
            labels[one.kind],
            is_documented(one),
            known.get((one.kind, one.key)),
            _problems(one, known),
            gaps_of(one),
        )
        for one in sorted(live, key=lambda one: (labels[one.kind], one.name.casefold(), one.key))
    ]
    return Coverage(
        total=len(rows),
        documented=sum(row.documented for row in rows),
        ownerless=sum(bool(row.problems) for row in rows),
        rows=tuple(_chosen(rows, show)),
        with_gaps=sum(bool(row.gaps) for row in rows),
    )


def _problems(version: ProcessVersion, known: dict[tuple[str, str], ProcessOwner]) -> tuple[str, ...]:
    return problems_of(known.get((version.kind, version.key)))


def _chosen(rows: Sequence[Row], show: str) -> list[Row]:
    if show == "ownerless":
        return [row for row in rows if row.problems]
    if show == "gaps":
        return [row for row in rows if row.gaps]
    if show == "undocumented":
        return [row for row in rows if not row.documented]
    return list(rows)
