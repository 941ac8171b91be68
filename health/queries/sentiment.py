"""Sentiment against outcomes: whether what customers said went with what they did, from the last validation report."""

from dataclasses import dataclass
from typing import Any, Final

from health.models import ValidationReport
from health.queries.live import live_models, model_of
from health.queries.validation import MAIN_LEAD
from health.rules import Input
from health.rules.minimums import NEEDED, enough

SAID: Final = frozenset({"nps", "csat", "ces", "satisfaction", "sentiment", "survey", "detractors", "feedback"})
THIRDS: Final = {"low": "Low, under 33", "middle": "Middle", "high": "High, from 67"}
NOTE: Final = (
    "Correlation, not cause: unhappy customers may leave because of what made them unhappy. "
    "Accounts that answered nothing are not in these figures."
)


@dataclass(frozen=True)
class Said:
    """One input of sentiment. `finding` is a sentence; with too few outcomes there are counts and no claim."""

    label: str
    measures: str
    n: int
    events: int
    finding: str
    is_shown: bool
    auc: float | None
    low: float | None
    high: float | None
    odds: dict[str, Any] | None
    thirds: list[dict[str, Any]]


@dataclass(frozen=True)
class SentimentPage:
    """`report` None: the live models were not validated yet, or read nothing that customers say."""

    report: ValidationReport | None
    inputs: list[Said]
    note: str = NOTE


def sentiment_page() -> SentimentPage:
    """From the newest report on a live model at the main lead time. Reads one row; works nothing out anew."""
    live = [one.version_id for one in live_models()]
    reports = ValidationReport.objects.filter(model_version__in=live, lead_days=MAIN_LEAD)
    report = reports.select_related("model_version").order_by("-made_at", "-pk").first()
    if report is None:
        return SentimentPage(None, [])
    said = {one.key: one for one in model_of(report.model_version).inputs if _is_said(one)}
    inputs = [_said(one, said[one["key"]], report) for one in report.figures["inputs"] if one["key"] in said]
    return SentimentPage(report, inputs)


def _is_said(one: Input) -> bool:
    words = {part for reading in one.readings for part in reading.measure.replace(".", "_").split("_")}
    return bool(SAID & (words | {one.key}))


def _said(found: dict[str, Any], one: Input, report: ValidationReport) -> Said:
    is_enough = enough(found["n"], found["events"])
    return Said(
        label=found["label"],
        measures=", ".join(dict.fromkeys(reading.measure for reading in one.readings)),
        n=found["n"],
        events=found["events"],
        finding=_finding(found, is_enough=is_enough),
        is_shown=is_enough,
        auc=found["auc"],
        low=found["auc_low"],
        high=found["auc_high"],
        odds=found["adjusted"],
        thirds=[third | {"label": THIRDS[third["third"]]} for third in found["thirds"]],
    )


def _finding(found: dict[str, Any], *, is_enough: bool) -> str:
    if not is_enough:
        return f"Too few: {found['n']} outcomes with {found['events']} losses had an answer; {NEEDED} are needed."
    odds = found["adjusted"]
    if odds and odds["low"] > 1:
        return (
            f"Accounts with a low answer had {odds['odds_ratio']:.1f} times the odds of being lost of those with a "
            f"high one ({odds['low']:.1f} to {odds['high']:.1f}), among accounts of the same segment and size."
        )
    if found["auc_low"] is not None and found["auc_low"] > 0.5:
        return "The lower the answer, the more were lost; adjusted for segment and size it may still be chance."
    return "No connection shown: the interval contains what chance would give."
