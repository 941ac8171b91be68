"""What the panel beside the editor says of a version's proof: intervals, precision and recall, the gate, segments."""

from dataclasses import dataclass, field
from typing import Any

from accounts.choices import Segment
from core.models import ProcessVersion
from health.models import Calibration, ValidationReport
from health.queries.validation import Gate, calibration_of, gate, main_report, reports_of


@dataclass(frozen=True)
class Interval:
    """An AUC with its interval; a baseline has none."""

    label: str
    auc: float
    low: float | None
    high: float | None
    css: str = ""


@dataclass(frozen=True)
class LeadPoint:
    lead_days: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class AgainstLive:
    """What red does as an alarm, on the outcomes that this version and the live one both scored. Shares of 0 to 1."""

    label: str
    this: float | None
    live: float | None

    @property
    def change(self) -> str:
        """In points of a percent; empty where one of the two had no red or no loss."""
        return points(self.this, self.live)


@dataclass(frozen=True)
class SegmentLine:
    name: str
    lost: int
    auc: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ProofPanel:
    """`report` None: nothing was tested yet on what the version says now."""

    version: ProcessVersion
    gate: Gate
    report: ValidationReport | None
    calibration: Calibration | None
    intervals: list[Interval] = field(default_factory=list)
    against_live: str = ""
    alarm: list[AgainstLive] = field(default_factory=list)
    leads: list[LeadPoint] = field(default_factory=list)
    segments: list[SegmentLine] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    refused: str = ""

    @property
    def standing(self) -> str:
        """Passed, Not passed, Not enough data, or Waived: the words of a gate."""
        if self.version.waived_by and not self.gate.passed:
            return "Waived"
        if self.gate.passed:
            return "Gate passed"
        return "Not enough data" if self.gate.verdict == "not_enough_data" else "Gate not passed"


def proof_panel(version: ProcessVersion) -> ProofPanel:
    """The newest reports on what the version says, in a fixed number of queries."""
    report = main_report(version)
    reports = reports_of(version)
    taught = calibration_of(version) or Calibration.objects.filter(source=version).order_by("-made_at").first()
    shared: dict[str, Any] = {"version": version, "gate": gate(version), "report": report, "calibration": taught}
    flags = taught.figures.get("flags", []) if taught else []
    refused = taught.figures.get("reason", "") if taught and taught.draft_id is None else ""
    if report is None:
        return ProofPanel(**shared, flags=[str(one["message"]) for one in flags], refused=refused)
    found = report.figures
    return ProofPanel(
        **shared,
        intervals=_intervals(version, report),
        against_live=_against(found.get("live")),
        alarm=alarm_changes(found.get("live")),
        leads=[
            LeadPoint(lead, one.figures["red"]["precision"], one.figures["red"]["recall"])
            for lead, one in reports.items()
            if one.events
        ],
        segments=[_segment(one) for one in found.get("segments", [])],
        flags=list(dict.fromkeys(str(one["message"]) for one in [*found.get("flags", []), *flags])),
        refused=refused,
    )


def alarm_changes(live: dict[str, Any] | None) -> list[AgainstLive]:
    """Precision and recall of red, this version against live; none where they were not compared."""
    if not live or not live.get("n") or "red_of_this" not in live:
        return []
    this, its = live["red_of_this"], live["red"]
    return [
        AgainstLive(label, this[key], its[key]) for label, key in (("Precision", "precision"), ("Recall", "recall"))
    ]


def points(this: float | None, live: float | None) -> str:
    """`+4 pts`, from two shares."""
    if this is None or live is None:
        return ""
    step = int(100 * this + 0.5) - int(100 * live + 0.5)  # halves go up, as shown beside
    return f"{'+' if step > 0 else '−' if step < 0 else '±'}{abs(step)} pts"


def _intervals(version: ProcessVersion, report: ValidationReport) -> list[Interval]:
    found = report.figures
    out = []
    if report.auc is not None:
        state = "Draft" if version.is_draft else "Live" if version.state == "published" else "Version"
        out.append(Interval(f"{state} v{version.number}", report.auc, report.auc_low, report.auc_high, "first"))
    live = found.get("live") or {}
    if live.get("auc") is not None:
        out.append(Interval(f"Live v{live.get('number')}", live["auc"], live["auc_low"], live["auc_high"], "second"))
    single = found.get("baselines", {}).get("best_single_input", {})
    if single.get("auc") is not None:
        labels = {one["key"]: one for one in found.get("inputs", [])}
        one = labels.get(single["input"], {})
        name = f"{one.get('label', single['input'])} only"
        out.append(Interval(name, single["auc"], one.get("auc_low"), one.get("auc_high")))
    equal = found.get("baselines", {}).get("equal_weights", {})
    if equal.get("auc") is not None:
        out.append(Interval("Equal weights", equal["auc"], None, None))
    return out


def _against(live: dict[str, Any] | None) -> str:
    """The difference to the live version, honestly worded."""
    if not live or live.get("auc") is None or live.get("auc_of_this") is None:
        return ""
    step = live["auc_of_this"] - live["auc"]
    sign = "+" if step >= 0 else "−"
    words = (
        "Not shown to be better, shown to be no worse." if step >= -0.02 else "Worse than live on the same outcomes."
    )
    if live.get("auc_high") is not None and live["auc_of_this"] > live["auc_high"]:
        words = "Better than live: above its whole interval."
    return f"This version minus live: {sign}{abs(step):.2f} on the same {live['n']:,} outcomes. {words}"


def _segment(one: dict[str, Any]) -> SegmentLine:
    name = one["segment"]
    label = str(Segment(name).label) if name in Segment.values else name
    return SegmentLine(label, one["events"], one["auc"], one["auc_low"], one["auc_high"])
