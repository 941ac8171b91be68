"""A validation report as it is shown: as a page of its own and as a PDF."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.utils.timezone import localtime

from accounts.choices import Segment
from core import formatting as f
from core.models import ProcessVersion
from health.choices import Verdict
from health.models import Calibration, ValidationReport
from health.queries.proof_panel import AgainstLive, alarm_changes
from health.queries.validation import calibration_of, reports_of

VERDICT_WORDS: Final = {
    Verdict.PREDICTIVE: "Predictive",
    Verdict.NOT_PREDICTIVE: "Not predictive",
    Verdict.NOT_ENOUGH_DATA: "Not enough data",
}
VERDICT_TONES: Final = {Verdict.PREDICTIVE: "ok", Verdict.NOT_PREDICTIVE: "risk", Verdict.NOT_ENOUGH_DATA: ""}
BAND_WORDS: Final = {"red": "At risk", "yellow": "Watch", "green": "Healthy"}


@dataclass(frozen=True)
class AucBar:
    """An AUC beside others. `low` and `high` None: a plain baseline without an interval."""

    label: str
    auc: float | None
    low: float | None
    high: float | None
    tone: str = "other"


@dataclass(frozen=True)
class LeadRow:
    lead_days: int
    report_id: int
    verdict: str
    auc: float | None
    low: float | None
    high: float | None
    n: int
    events: int
    precision: float | None
    recall: float | None
    lift: float | None
    is_this: bool


@dataclass(frozen=True)
class ProofPage:
    """Everything that the report says. `figures` are as they were stored; nothing here is worked out anew."""

    report: ValidationReport
    version: ProcessVersion
    figures: dict[str, Any]
    verdict: str
    tone: str
    sentence: str
    period: str
    method: list[str]
    bars: list[AucBar]
    leads: list[LeadRow]
    segments: list[dict[str, Any]]
    bands: list[dict[str, Any]]
    lineage: list[str]
    notes: list[str]
    calibration: Calibration | None
    is_current: bool
    weights: list[tuple[str, float]] = field(default_factory=list)
    alarm: list[AgainstLive] = field(default_factory=list)


def proof_page(report_id: int) -> ProofPage | None:
    """A stored report, or None."""
    report = ValidationReport.objects.select_related("model_version").filter(pk=report_id).first()
    return page_of(report) if report else None


def page_of(report: ValidationReport) -> ProofPage:
    """The report with its siblings of the same run."""
    version, figures = report.model_version, report.figures
    leads = reports_of(version)
    if leads.get(report.lead_days) is None or leads[report.lead_days].pk != report.pk:
        leads = {report.lead_days: report}
    verdict = Verdict(report.verdict)
    return ProofPage(
        report=report,
        version=version,
        figures=figures,
        verdict=VERDICT_WORDS[verdict],
        tone=VERDICT_TONES[verdict],
        sentence=_sentence(report),
        period=_period(report),
        method=_method(report),
        bars=_bars(report),
        leads=[_lead(one, report) for one in leads.values()],
        segments=[one | {"label": _segment(one["segment"])} for one in figures["segments"]],
        bands=[one | {"label": BAND_WORDS[one["band"]]} for one in figures["bands"]],
        lineage=[_ancestor(one) for one in figures["lineage"]],
        notes=[one["message"] for one in figures["flags"]],
        calibration=calibration_of(version),
        is_current=figures["content_hash"] == version.content_hash,
        weights=_weights(figures),
        alarm=alarm_changes(figures.get("live")),
    )


def _sentence(report: ValidationReport) -> str:
    """The finding, for somebody who reads one line."""
    if report.verdict == Verdict.NOT_ENOUGH_DATA:
        least = report.figures["minimum"]
        return (
            f"Only {report.n} outcomes with {report.events} losses had a score {report.lead_days} days before; "
            f"{least['outcomes']} with {least['losses']} losses are needed to say anything."
        )
    told = (
        f"Of a lost and a kept account, the score put the lost one lower {f.percent(report.auc, 0)} of the time, "
        f"{report.lead_days} days before the outcome "
        f"({f.percent(report.auc_low, 0)} to {f.percent(report.auc_high, 0)})."
    )
    if report.verdict == Verdict.NOT_PREDICTIVE:
        return f"{told} A coin reaches 50\u00a0%, which lies inside the interval or above it."
    return told


def _period(report: ValidationReport) -> str:
    if report.from_day is None:
        return "no outcomes"
    return f"{f.day(report.from_day)} to {f.day(date.fromordinal(report.until_day.toordinal() - 1))}"


def _method(report: ValidationReport) -> list[str]:
    found = report.figures
    how, split = found["method"], found["split"]
    had = (
        f"{f.number(found['outcomes'])} outcomes of {_period(report)}; {f.number(report.n)} had a score, "
        f"{f.number(report.events)} of them were lost (churned, or contracted by more than a tenth)."
    )
    lines = [
        had,
        f"Each account is judged as it stood {report.lead_days} days before its outcome. Nothing later is used.",
    ]
    if split["train_until"]:
        taught = f" {f.number(split['train_n'])} outcomes before that day taught the model." if split["train_n"] else ""
        lines.append(f"Out of time: only outcomes from {f.day(date.fromisoformat(split['train_until']))} on.{taught}")
    if found["reconstructed"]:
        lines.append(
            f"Reconstructed: {f.number(found['reconstructed_n'])} of the scores were not stored then but worked out "
            "now, from facts dated by then. A fact that arrived late but is dated early is in them."
        )
    if stored := found["stored_by_version"]:
        told = ", ".join(f"{f.number(n)} by v{number}" for number, n in stored.items())
        lines.append(f"Scores that were stored by the lead date: {told}.")
    lines.append(
        f"AUC: the chance that a kept account scored higher than a lost one; 0.5 is a coin. Its "
        f"{f.percent(how['level'], 0)} interval is from {f.number(how['draws'])} bootstrap samples of whole accounts "
        f"(seed {how['seed']}), so a second run gives the same figures."
    )
    return lines


def _bars(report: ValidationReport) -> list[AucBar]:
    found = report.figures
    number = found["version"]["number"]
    bars = [AucBar(f"This version, v{number}", report.auc, report.auc_low, report.auc_high, "this")]
    if live := found.get("live"):
        bars.append(AucBar(f"Live v{live['number']}", live["auc"], live["auc_low"], live["auc_high"], "live"))
    base = found["baselines"]
    bars.append(AucBar("All inputs alike", base["equal_weights"]["auc"], None, None))
    best = base["best_single_input"]
    inputs = {one["key"]: one for one in found["inputs"]}
    if best["input"]:
        one = inputs[best["input"]]
        bars.append(AucBar(f"{one['label']} alone", best["auc"], None, None))
    return bars


def _lead(one: ValidationReport, shown: ValidationReport) -> LeadRow:
    red = one.figures["red"]
    return LeadRow(
        one.lead_days, one.pk, VERDICT_WORDS[Verdict(one.verdict)], one.auc, one.auc_low, one.auc_high, one.n,
        one.events, red["precision"], red["recall"], one.figures["lift_worst_decile"], one.pk == shown.pk,
    )  # fmt: skip


def _weights(figures: dict[str, Any]) -> list[tuple[str, float]]:
    labels = {one["key"]: one["label"] for one in figures["inputs"]}
    return [(labels.get(key, key), share) for key, share in figures["weights"].items()]


def _segment(key: str) -> str:
    return str(Segment(key).label) if key in Segment.values else key


def _ancestor(one: dict[str, Any]) -> str:
    """A version before this one. Days are those of the workspace, as everywhere on the page."""
    words = [f"v{one['number']}"]
    if one["origin"] == "calibrated":
        words.append(f"calibrated on outcomes before {f.day(date.fromisoformat(one['trained_until']))}")
    else:
        words.append("weights by judgement")
    if one["based_on"]:
        words.append(f"begun from v{one['based_on']}")
    if one["published_at"]:
        at = localtime(datetime.fromisoformat(one["published_at"]))
        words.append(f"published {f.day(at.date())} by {one['published_by']}")
        if one["reason"]:
            words.append(f"“{one['reason']}”")
    if one["waived_by"]:
        words.append(f"gate waived by {one['waived_by']}")
    return ", ".join(words)
