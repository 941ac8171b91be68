"""The planted truth: what makes a fictional customer leave or grow, in numbers that a good score must find again."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Driver:
    """A cause: how often it strikes a contract term, and how much it adds to the log-odds of losing the renewal."""

    key: str
    label: str
    shown_by: str
    frequency: float
    coefficient: float
    lead_days: tuple[int, int]

    def as_json(self, rank: int) -> dict[str, Any]:
        return {
            "key": self.key,
            "label": self.label,
            "shown_by": self.shown_by,
            "frequency": self.frequency,
            "coefficient": self.coefficient,
            "begins_days_before_the_end": list(self.lead_days),
            "rank": rank,
        }


CHURN_INTERCEPT: Final = -4.4
# Strongest first, and far enough apart that a thousand outcomes tell the order. All of them show ninety days before
# the end: a score can find no cause that nobody could see by then.
# The decline is measured from 0 to 1 (share of usage lost), the others are there or not.
USAGE_DECLINE: Final = Driver(
    "usage_decline", "Usage falls and stays low", "active_users", frequency=0.22, coefficient=6.2, lead_days=(135, 180)
)
SPONSOR_LEFT: Final = Driver(
    "sponsor_left",
    "The executive sponsor leaves",
    "contact left_on",
    frequency=0.17,
    coefficient=3.3,
    lead_days=(105, 175),
)
TICKET_SPIKE: Final = Driver(
    "ticket_spike",
    "Many tickets, little satisfaction",
    "tickets, csat",
    frequency=0.18,
    coefficient=2.4,
    lead_days=(120, 180),
)
NO_CONTACT: Final = Driver(
    "no_contact",
    "Nobody has spoken with them",
    "days since last activity",
    frequency=0.18,
    coefficient=1.6,
    lead_days=(180, 180),
)
DRIVERS: Final = (USAGE_DECLINE, SPONSOR_LEFT, TICKET_SPIKE, NO_CONTACT)
# Rare, as a contraction counts as a loss and knows of no other cause than the decline.
CONTRACTION_WITH_DECLINE: Final = 0.12
CONTRACTION_WITHOUT: Final = 0.004

PRESSURE_FREQUENCY: Final = 0.22
EXPANSION_WITH_PRESSURE: Final = 0.72
EXPANSION_WITHOUT: Final = 0.07

# Observed like the others, and worth nothing: drawn without looking at anything else.
NOISE_MEASURES: Final = ("newsletter_opens", "webinar_signups")


def parameters() -> dict[str, float]:
    """The numbers as the SQL names them."""
    return {
        "b0": CHURN_INTERCEPT,
        "b_decline": USAGE_DECLINE.coefficient,
        "b_sponsor": SPONSOR_LEFT.coefficient,
        "b_spike": TICKET_SPIKE.coefficient,
        "b_silent": NO_CONTACT.coefficient,
        "f_decline": USAGE_DECLINE.frequency,
        "f_sponsor": SPONSOR_LEFT.frequency,
        "f_spike": TICKET_SPIKE.frequency,
        "f_silent": NO_CONTACT.frequency,
        "f_pressure": PRESSURE_FREQUENCY,
        "p_contraction_decline": CONTRACTION_WITH_DECLINE,
        "p_contraction": CONTRACTION_WITHOUT,
        "p_expansion_pressure": EXPANSION_WITH_PRESSURE,
        "p_expansion": EXPANSION_WITHOUT,
    }


def as_json() -> dict[str, Any]:
    """The rules of this world, for whoever checks what a model has learned."""
    return {
        "churn": {
            "form": "logit(P(churn at the end of a term)) = intercept + sum(coefficient × driver)",
            "intercept": CHURN_INTERCEPT,
            "drivers": [driver.as_json(rank) for rank, driver in enumerate(DRIVERS, start=1)],
            "order_of_importance": [driver.key for driver in DRIVERS],
        },
        "expansion": {
            "driver": "seat_pressure",
            "shown_by": "active_users close to seats",
            "frequency": PRESSURE_FREQUENCY,
            "probability_with": EXPANSION_WITH_PRESSURE,
            "probability_without": EXPANSION_WITHOUT,
        },
        "contraction": {"with_usage_decline": CONTRACTION_WITH_DECLINE, "without": CONTRACTION_WITHOUT},
        "noise_measures": list(NOISE_MEASURES),
    }
