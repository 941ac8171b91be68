"""What is proven of a model version: its newest reports, and the gate that stands before publishing."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from core.choices import VersionState
from core.models import ProcessVersion
from health.choices import Verdict
from health.models import Calibration, ValidationReport
from health.queries.live import KIND

MAIN_LEAD: Final = 90
LEADS: Final = (30, 60, 90, 180)
NOT_WORSE_BY: Final = 0.02
LEAST_COVERAGE: Final = 0.8
LEAST_OUTCOMES: Final = 50
LEAST_LOSSES: Final = 15
SIX_MONTHS: Final = 182
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
    """The gate of a version, from its newest report at the main lead time (else at the nearest other one)."""
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
    """The report by which the version is judged."""
    found = reports_of(version)
    return min(found.values(), key=lambda one: (abs(one.lead_days - MAIN_LEAD), one.lead_days), default=None)


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
    ahead = versions.filter(key=key, state__in=[VersionState.DRAFT, VersionState.PUBLISHED])
    return ahead.order_by("-number").first()


def trained_until(version: ProcessVersion) -> date | None:
    """The day before which outcomes taught this version or one that it was drafted from; they cannot test it."""
    numbers = [version.number]
    by_number = dict(
        ProcessVersion.objects.filter(kind=version.kind, key=version.key).values_list("number", "based_on")
    )
    while (earlier := by_number.get(numbers[-1])) is not None and earlier not in numbers:
        numbers.append(earlier)
    taught = Calibration.objects.filter(
        draft__kind=version.kind, draft__key=version.key, draft__number__in=numbers
    ).order_by("-train_until")
    return taught.values_list("train_until", flat=True).first()


def calibration_of(version: ProcessVersion) -> Calibration | None:
    """The calibration that proposed this version, if one did."""
    return Calibration.objects.filter(draft=version).order_by("-made_at").first()


def _none_yet(version: ProcessVersion) -> str:
    if ValidationReport.objects.filter(model_version=version).exists():
        return "the draft was changed after its last report"
    return "no report yet"


def _lines(report: ValidationReport) -> tuple[GateLine, ...]:
    found = report.figures
    enough = report.verdict != Verdict.NOT_ENOUGH_DATA
    share = found.get("scored_share")
    days = found.get("test_days", 0)
    return (
        GateLine(
            f"At least {LEAST_OUTCOMES} outcomes with {LEAST_LOSSES} losses tested",
            f"{report.n} with {report.events}",
            ok=enough,
        ),
        GateLine("Tested outcomes span at least six months", f"{days} days" if days else "none", ok=days >= SIX_MONTHS),
        GateLine(
            "Lower bound of the AUC above 0.5",
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
    if not live or live.get("auc") is None or live.get("auc_of_this") is None:
        return GateLine(text, "nothing to compare with", ok=True)
    step = live["auc_of_this"] - live["auc"]
    return GateLine(text, f"{step:+.2f}".replace("-", "−"), ok=step >= -NOT_WORSE_BY)


def _bands(found: dict[str, Any]) -> str:
    rates = [
        f"{BANDS[one['band']]} {one['loss_rate']:.0%}" for one in found.get("bands", []) if one["loss_rate"] is not None
    ]
    return f"lost of {', '.join(rates)}" if rates else "none tested"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
