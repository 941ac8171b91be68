"""The sales pipeline of the demo: gates by MEDDIC, and the words that deals and answers are made of."""

from datetime import datetime
from typing import Any, Final

from core.actors import Actor
from core.models import ProcessVersion
from core.versioning import draft, publish
from journeys.rules.pipelines import DEFAULT_PIPELINE

ABOUTS: Final = (
    "District roll-out", "Customer service", "Field teams", "Two more sites", "Finance and controlling",
    "Self-service portal", "Call centre", "Partner access", "Reporting for the board", "Second region",
)  # fmt: skip
ABOUTS_PLANTS: Final = (
    "Yard planning", "Store operations", "Cold chain", "Ground handling", "2 sites, scheduling", "Warehouse crews",
    "Line maintenance", "Returns desk", "Shift planning", "Supplier portal",
)  # fmt: skip
LOST: Final = (
    "No budget", "No budget", "Price", "Chose a competitor", "No decision", "No decision", "Missing feature",
    "Bad timing",
)  # fmt: skip
PAINS: Final = (
    "“We plan the week in six spreadsheets and nobody trusts any of them.”",
    "“Every second delivery is rescheduled by phone.”",
    "“When Petra is on holiday, we are blind.”",
    "“We learn of a missed slot from the customer.”",
    "“Closing the month takes nine working days.”",
)
METRICS: Final = (
    "Rescheduled deliveries: 48 % today, under 20 % by summer",
    "Time to plan a week: 11 hours today, 3 hours after roll-out",
    "Days to close the month: 9 today, 4 wanted",
    "First-contact resolution: 61 % today, 75 % in two quarters",
    "Idle crew hours: 14 % today, 8 % in a year",
)
CRITERIA: Final = (
    "Fits into their ERP, hosted in the EU, live before the summer peak",
    "Price per site, single sign-on, references in the industry",
    "Works offline in the field, three languages, support until 20:00",
)


def _is_true(fact: str) -> dict[str, Any]:
    return {"fact": fact, "op": "eq", "value": True}


GATED: Final[dict[str, dict[str, list[dict[str, Any]]]]] = {
    "discovery": {
        "exit": [
            {"key": "need_confirmed", "name": "Account named", "rule": _is_true("opportunity.account_known")},
        ]
    },
    "demo": {
        "exit": [
            {"key": "pain_named", "name": "Pain named in the customer's words", "answer": "meddic.pain"},
            {"key": "metric_named", "name": "Metric with baseline and target", "answer": "meddic.metrics"},
            {"key": "champion_named", "name": "Champion named", "answer": "meddic.champion"},
        ]
    },
    "proposal": {
        "entry": [
            {"key": "buyer_known", "name": "Economic buyer", "answer": "meddic.economic_buyer"},
            {"key": "process_known", "name": "Decision process", "answer": "meddic.decision_process",
             "help": "Steps and dates, at least two"},
        ]
    },
    "negotiation": {
        "entry": [
            {"key": "amount_known", "name": "Amount filled in", "rule": _is_true("opportunity.amount_known")},
            {"key": "criteria_known", "name": "Decision criteria", "answer": "meddic.decision_criteria"},
        ]
    },
    "closed_won": {
        "entry": [
            {"key": "meddic_complete", "name": "MEDDIC complete", "framework": "meddic"},
            {"key": "order_signed", "name": "Signed order received", "evidence": True,
             "help": "Where it is filed, and who signed"},
        ]
    },
}  # fmt: skip


def parameters() -> dict[str, Any]:
    """What the statements of the seed name."""
    return {
        "deal_abouts": list(ABOUTS),
        "deal_abouts_plants": list(ABOUTS_PLANTS),
        "deal_lost": list(LOST),
        "deal_pains": list(PAINS),
        "deal_metrics": list(METRICS),
        "deal_criteria": list(CRITERIA),
    }


def publish_gates(*, actor: Actor, now: datetime) -> None:
    """The default pipeline with gates by MEDDIC goes live as its next version. Once only."""
    definition = {
        "frameworks": ["meddic"],
        "stages": [{**stage, **GATED.get(stage["key"], {})} for stage in DEFAULT_PIPELINE["stages"]],
    }
    live = ProcessVersion.objects.get(kind="pipeline", key="sales", state="published")
    if live.definition == definition:
        return
    version = draft(kind="pipeline", key="sales", name=live.name, definition=definition, actor=actor, now=now)
    publish(version=version, actor=actor, now=now, reason="Deals go on by what the customer told us, not by hope.")
