"""What is proven of a model version: its newest reports, and the gate that stands before publishing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from core.choices import VersionState
from core.models import AuditEntry, ProcessVersion
from health.choices import Verdict
from health.models import Calibration, ValidationReport
from health.queries.live import KIND
from health.rules.minimums import LEAST_OUTCOMES, NEEDED, SIX_MONTHS

MAIN_LEAD: Final = 90
LEADS: Final = (30, 60, 90, 180)
NOT_WORSE_BY: Final = 0.02
LEAST_COVERAGE: Final = 0.8
LEAST_LEAD: Final = 30
BANDS: Final = {"red": "at risk", "yellow": "watch", "green": "healthy"}


@dataclass(frozen=True)
class GateLine:
    """One condition, the value found, and whether it holds."""

    text: str
    value: str
    ok: bool


@dataclass(frozen=True)
class Gate:
    """Whether a version has proven itself. Without a report of this very content it has not, and `lines` say so."""

    passed: bool
    lines: tuple[GateLine, ...]
    report_id: int | None
    verdict: str = ""


def gate(version: ProcessVersion) -> Gate:
    """The gate of a version, from its newest report 90 days ahead, else at the nearest lead of 30 days or more."""
    report = main_report(version)
    if report is None:
        line = GateLine("Validated on this workspace's own outcomes", _none_yet(version), ok=False)
        return Gate(passed=False, lines=(line,), report_id=None)
    lines = _lines(report)
    return Gate(all(line.ok for line in lines), lines, report.pk, report.verdict)


def closed_lines(version: ProcessVersion) -> list[str]:
    """What stands against publishing a version; empty when its gate is passed."""
    return [f"{line.text}: {line.value}." for line in gate(version).lines if not line.ok]


def reports_of(version: ProcessVersion) -> dict[int, ValidationReport]:
    """The newest report per lead time on what the version says now; reports on an earlier wording do not count."""
    found: dict[int, ValidationReport] = {}
    for report in ValidationReport.objects.filter(model_version=version).order_by("-made_at", "-pk")[:200]:
        if report.figures.get("content_hash") == version.content_hash:
            found.setdefault(report.lead_days, report)
    return dict(sorted(found.items()))


def main_report(version: ProcessVersion) -> ValidationReport | None:
    """The report by which the version is judged. On what was known less than 30 days before, none is."""
    found = {lead: report for lead, report in reports_of(version).items() if lead >= LEAST_LEAD}
    return found[nearest_lead(list(found))] if found else None


def nearest_lead(leads: Sequence[int]) -> int:
    """The lead time that speaks for a version: 90 days where there is a choice."""
    return min(leads, key=lambda lead: (abs(lead - MAIN_LEAD), lead))


def chosen_version(key: str | None) -> ProcessVersion | None:
    """The newest draft under a key where one is ahead of the live version, else the live one.

    Without a key: the live model that is for everybody, else the first live one.
    """
    versions = ProcessVersion.objects.filter(kind=KIND)
    if key is None:
        live = list(versions.filter(state=VersionState.PUBLISHED).order_by("key"))
        return next(
            (one for one in live if one.definition.get("applies_to", "all") == "all"), live[0] if live else None
        )
    ahead = versions.filter(key=key, state__in=[*VersionState.drafts(), VersionState.PUBLISHED])
    return ahead.order_by("-number").first()


def trained_until(version: ProcessVersion) -> date | None:
    """The day before which outcomes may have taught what this version says; they cannot test it.

    A proposal that nobody edited was taught by its own calibrations and those of what it was made of. What people wrote
    may hold a proposal, saved by the page, a file or the API, whatever it says it is based on: there, every proposal
    counts that was made under the key before the content was last saved.
    """
    found = list(
        Calibration.objects.filter(draft__kind=version.kind, draft__key=version.key)
        .select_related("source")
        .defer("source__definition")
    )
    return _taught(version.content_hash, _saved_at(version), found)


def _taught(said: str, saved_at: datetime, found: list[Calibration]) -> date | None:
    own = [one for one in found if one.figures.get("draft_hash") == said]
    if not own:
        return max((one.train_until for one in found if one.made_at <= saved_at), default=None)
    days = [one.train_until for one in own]
    left = [one for one in found if one not in own]
    before = [_taught(one.source.content_hash, _saved_at(one.source), left) for one in own if left]
    return max([*days, *(day for day in before if day is not None)])


def _saved_at(version: ProcessVersion) -> datetime:
    """When the content was last written."""
    edits = AuditEntry.objects.filter(
        subject_type=version._meta.label_lower, subject_id=version.pk, verb="edited draft"
    )
    last = edits.order_by("-at").values_list("at", flat=True).first()
    return max(last, version.created_at) if last else version.created_at


def calibration_of(version: ProcessVersion) -> Calibration | None:
    """The calibration that proposed this version, if one did."""
    return Calibration.objects.filter(draft=version).order_by("-made_at").first()


def _none_yet(version: ProcessVersion) -> str:
    if ValidationReport.objects.filter(model_version=version).exists():
        if reports_of(version):
            return f"only at a lead of less than {LEAST_LEAD} days"
        return "the draft was changed after its last report"
    return "no report yet"


def _lines(report: ValidationReport) -> tuple[GateLine, ...]:
    found = report.figures
    enough = report.verdict != Verdict.NOT_ENOUGH_DATA
    share = found.get("scored_share")
    days = found.get("test_days", 0)
    return (
        GateLine(
            f"Of the outcomes, at least {NEEDED} tested",
            f"{report.n} with {report.events} and {report.n - report.events}",
            ok=enough,
        ),
        GateLine("Tested outcomes span at least six months", f"{days} days" if days else "none", ok=days >= SIX_MONTHS),
        GateLine(
            f"Lower bound of the AUC above 0.5, {report.lead_days} days ahead",
            _number(report.auc_low),
            ok=report.verdict == Verdict.PREDICTIVE,
        ),
        _against_live(found),
        GateLine("Bands in order", _bands(found), ok=enough and bool(found.get("monotone"))),
        GateLine(
            f"At least {LEAST_COVERAGE:.0%} of the outcomes had a score",
            "none" if share is None else f"{share:.0%}",
            ok=share is not None and share >= LEAST_COVERAGE,
        ),
    )


def _against_live(found: dict[str, Any]) -> GateLine:
    text = f"Not worse than live by more than {NOT_WORSE_BY}"
    live = found.get("live")
    if not live:
        number = found.get("live_number")
        return GateLine(text, f"not tested beside v{number}" if number else "no live version", ok=not number)
    if live.get("auc") is None or live.get("auc_of_this") is None:
        # A live version that scores next to nothing of what happened cannot be better.
        few = live.get("scored", live["n"])
        return GateLine(text, f"live scored {few} of them", ok=few < LEAST_OUTCOMES)
    step = live["auc_of_this"] - live["auc"]
    return GateLine(text, f"{step:+.2f}".replace("-", "−"), ok=step >= -NOT_WORSE_BY)


def _bands(found: dict[str, Any]) -> str:
    rates = [
        f"{BANDS[one['band']]} {one['loss_rate']:.0%}" for one in found.get("bands", []) if one["loss_rate"] is not None
    ]
    return f"lost of {', '.join(rates)}" if rates else "none tested"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
