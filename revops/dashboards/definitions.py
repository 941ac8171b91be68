"""Metrics of work rather than money, defined once: what the trend and the metrics page show and scripts may quote."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Definition:
    """`numerator` and `denominator` in words; `place` is the page (URL name) with the rows."""

    key: str
    name: str
    text: str
    numerator: str
    denominator: str
    variant: str
    place: str
    version: int = 1


OPERATIONS: Final = (
    Definition(
        "on_time",
        "Renewed on time",
        "Renewals won on or before the end of their due date, in the workspace's time zone. The due date decides the "
        "period, never the day of signing. Contracts without an end that simply ran on are no decisions: they are left "
        "out here and counted on the renewals page. Under 5 it says too few.",
        "renewals due in the period and won by the end of their due date",
        "renewals due in the period and won",
        "won renewals only; late and lost ones stand beside it",
        "renewals:list",
    ),
    Definition(
        "qbrs_held",
        "QBRs held",
        "Business reviews held, of those that the cadence asked for. Reviews that the customer cancelled stay in the "
        "base and are counted apart.",
        "reviews due in the period and held",
        "reviews due in the period",
        "required set as the cadence made it",
        "qbr:list",
    ),
    Definition(
        "health",
        "Health, ARR-weighted",
        "The mean of the current scores, each account weighing as much as its ARR. Accounts without a score are left "
        "out and counted.",
        "sum of score times ARR over scored accounts",
        "ARR of scored accounts",
        "current scores, from the roll-up",
        "dashboards:portfolio",
    ),
    Definition(
        "escalations",
        "Open escalations",
        "Escalations open now. Last year's figure counts those that were open on that day.",
        "open escalations",
        "",
        "point in time",
        "escalations:list",
    ),
)
