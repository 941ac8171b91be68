"""Reads of imports for their pages."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet

from accounts.choices import ImportState
from accounts.importing.engine import Request, inspect, known_kinds
from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import ImportKind
from accounts.models import ImportBatch
from core.choices import JobState

ASK_AGAIN_SHARE: Final = 0.1
STEPS: Final = ("Upload", "Map", "Dry run", "Import")
_STEP_OF: Final = {
    ImportState.UPLOADED: 2,
    ImportState.FAILED: 2,
    ImportState.CANCELLED: 2,
    ImportState.CHECKING: 3,
    ImportState.CHECKED: 3,
    ImportState.APPLYING: 4,
    ImportState.APPLIED: 5,
}


def imports_latest_first() -> QuerySet[ImportBatch]:
    """All imports of the workspace, the latest first, with their jobs."""
    return ImportBatch.objects.select_related("job").order_by("-created_at", "-pk")


def state_of(batch: ImportBatch) -> ImportState:
    """The state as a person should see it: a job that was stopped before it began leaves the batch where it was."""
    state = ImportState(batch.state)
    if state in {ImportState.CHECKING, ImportState.APPLYING} and batch.job is not None and batch.job.is_over:
        if batch.job.state == JobState.CANCELLED:
            return ImportState.CANCELLED
        if batch.job.state == JobState.FAILED:
            return ImportState.FAILED
    return state


@dataclass(frozen=True)
class ColumnChoice:
    """One column on the mapping page: its use now, and what it may be used for."""

    index: int
    header: str
    samples: tuple[str, ...]
    value: str
    confidence: float
    why: str
    options: list[tuple[str, str]]

    @property
    def is_unsure(self) -> bool:
        return self.value.startswith("field:") and self.confidence < 0.9


@dataclass(frozen=True)
class MappingPage:
    """What the mapping step shows; `problem` says what keeps the file from being read this way."""

    kind: ImportKind
    columns: list[ColumnChoice] = field(default_factory=list)
    problem: str = ""

    @property
    def decided(self) -> int:
        return sum(not column.is_unsure for column in self.columns)


def kind_choices() -> list[tuple[str, str]]:
    """All kinds for a select."""
    return [(kind.key, kind.label) for kind in known_kinds()]


def field_choices(key: str) -> list[tuple[str, str]]:
    """The fields of a kind for a select; none for a kind that is not known."""
    return [(one.name, one.label) for kind in known_kinds() if kind.key == key for one in kind.fields]


def mapping_page(request: Request) -> MappingPage:
    """The columns of the file with their guessed or chosen use. Reads only the beginning of the file."""
    kind = next(kind for kind in known_kinds() if kind.key == request.kind)
    try:
        _, plan, _ = inspect(request, strict=False)
    except ImportRefused as refusal:
        return MappingPage(kind, problem=refusal.message)
    options = _options(kind)
    columns = [
        ColumnChoice(
            index=column.index,
            header=column.header,
            samples=column.samples[:3],
            value=f"field:{column.target}" if column.use == "field" else column.use,
            confidence=column.confidence,
            why=column.why,
            options=options,
        )
        for column in plan.columns
    ]
    return MappingPage(kind, columns)


def _options(kind: ImportKind) -> list[tuple[str, str]]:
    found = [(f"field:{one.name}", one.label + (" (needed)" if one.required else "")) for one in kind.fields]
    if kind.spreads_extra:
        found.append(("measure", "A measure of its own"))
    if kind.keeps_extra:
        found.append(("extra", "Keep as an attribute"))
    return [*found, ("ignored", "Leave out")]


def steps_of(state: ImportState) -> list[dict[str, Any]]:
    """The four steps with done and current marked."""
    at = _STEP_OF[state]
    return [
        {"number": number, "name": name, "done": number < at, "current": number == at}
        for number, name in enumerate(STEPS, start=1)
    ]


_READINGS: Final = {
    "day_first": "day first",
    "month_first": "month first",
    "point": "the point is decimal",
    "comma": "the comma is decimal",
    "first_day_without": "the first day without service",
    "last_day": "the last day of service",
}
_REASONS: Final = {
    "duplicate_key": "Same key twice in the file",
    "unknown_account": "Account is not known",
    "ambiguous_account": "Several accounts of this name",
    "unknown_contract": "Contract is not known",
    "wrong_cell_count": "Too many or too few cells",
    "open_quote": "Quote is not closed",
    "broken_quote": "Quote inside a cell",
    "nul_character": "NUL character in a cell",
    "unreadable_characters": "Characters cannot be read",
    "too_long": "Text is too long",
    "no_value": "Row holds no value",
    "ends_before_start": "Ends before it starts",
    "other_currency": "Another currency",
}


def report_words(report: dict[str, Any]) -> dict[str, Any]:
    """What the result page says in words: reasons, how values were read, how many rows are written."""
    for refusal in report.get("refusals", []):
        refusal["words"] = _REASONS.get(refusal["code"]) or _reason(refusal["code"])
    readings = [
        {"name": choice.get("column", "Left out"), "words": _READINGS.get(choice["value"], choice["value"])}
        for choice in report.get("choices", [])
        if "value" in choice
    ]
    rejected, read = report.get("rejected", 0), report.get("read", 0)
    return {
        "readings": readings,
        "will_write": report.get("created", 0) + report.get("updated", 0),
        "must_confirm": rejected > ASK_AGAIN_SHARE * read,
    }


def _reason(code: str) -> str:
    first, _, rest = code.partition("_")
    words = {"bad": "cannot be read", "missing": "is missing"}
    if first in words:
        return f"{rest.replace('_', ' ').capitalize()} {words[first]}"
    return code.replace("_", " ").capitalize()
