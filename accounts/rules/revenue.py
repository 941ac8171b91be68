"""Revenue metrics as contracts: what each means, and how numerator and denominator become a value.

The value is always exact (`Decimal`) or absent with a reason: an empty denominator is neither 0 nor 100 %.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """What numerator and denominator count."""

    MONEY = "money"
    ACCOUNTS = "accounts"


class Shape(StrEnum):
    """How the value comes from the two sums."""

    RATIO = "ratio"
    TOTAL = "total"


@dataclass(frozen=True)
class MetricContract:
    """A metric, defined once. `numerator` and `denominator` are said in words here; the SQL stands in the query."""

    key: str
    name: str
    definition: str
    numerator: str
    denominator: str
    variant: str
    unit: Unit = Unit.MONEY
    shape: Shape = Shape.RATIO
    good: str = "up"
    version: int = 1
    empty: str = "No account had ARR at the start of the period."


@dataclass(frozen=True)
class MetricValue:
    """A metric as it came out. `value` is None exactly when `reason` says why."""

    contract: MetricContract
    value: Decimal | None
    numerator: int
    denominator: int | None
    reason: str = ""


_START: Final = "ARR at the start of the accounts with ARR > 0 then"
_COHORT: Final = "cohort locked at the start, account level, base: accounts with ARR > 0 at the start"
_SNAPSHOT: Final = "snapshot: start against end, whoever the accounts are; negative = growth"

CONTRACTS: Final[tuple[MetricContract, ...]] = (
    MetricContract(
        key="grr_cohort",
        name="Gross revenue retention",
        definition="How much of the ARR at the start is still there at the end, growth left out. Never above 100 %.",
        numerator="for each of these accounts, the smaller of its ARR at the end and at the start",
        denominator=_START,
        variant=_COHORT,
    ),
    MetricContract(
        key="nrr_cohort",
        name="Net revenue retention",
        definition="What the accounts with ARR at the start pay at the end, growth included, new customers left out.",
        numerator="ARR at the end of these accounts",
        denominator=_START,
        variant=_COHORT,
    ),
    MetricContract(
        key="nrr_cohort_including_zero_base",
        name="Net revenue retention, trials in the base",
        definition="As net revenue retention, but accounts that were active at the start without paying (trials) "
        "count as base: what they pay at the end is in the numerator, and they add nothing to the denominator.",
        numerator="ARR at the end of all accounts with an active line at the start, at any price",
        denominator=_START,
        variant="cohort locked at the start, account level, base: accounts with an active line, ARR = 0 included",
    ),
    MetricContract(
        key="grr_movement",
        name="Gross revenue retention by movements",
        definition="1 less every churn and contraction in the period. An account that dips and recovers counts as a "
        "loss here and not in the cohort variant.",
        numerator="ARR at the start less the churn and contraction that the ledger shows for these accounts",
        denominator=_START,
        variant="movements inside the period, account level, base: accounts with ARR > 0 at the start",
    ),
    MetricContract(
        key="gross_arr_churn",
        name="Gross ARR churn",
        definition="The share of the ARR at the start that was lost, growth left out: 1 less gross retention.",
        numerator="churn and contraction of these accounts, start against end",
        denominator=_START,
        variant=_COHORT,
        good="down",
    ),
    MetricContract(
        key="net_arr_churn_including_reactivation",
        name="Net ARR churn, returning customers counted",
        definition="Losses less expansion less the ARR of customers who came back, over the ARR at the start. "
        "Negative means growth.",
        numerator="churn and contraction less expansion and less the ARR at the end of accounts that had paid "
        "before, not at the start, and again at the end",
        denominator=_START,
        variant="cohort locked at the start, account level, reactivation counted (as ChartMogul does)",
        good="down",
    ),
    MetricContract(
        key="logo_churn",
        name="Customer churn",
        definition="The share of the paying accounts at the start that pay nothing at the end.",
        numerator="accounts with ARR > 0 at the start and none at the end",
        denominator="accounts with ARR > 0 at the start",
        variant="cohort locked at the start",
        unit=Unit.ACCOUNTS,
        good="down",
    ),
    MetricContract(
        key="snapshot_account_churn",
        name="Snapshot customer churn",
        definition="(accounts at the start − accounts at the end) / accounts at the start. New customers hide lost "
        "ones, so it says how the book grew, not who left. A source text also divides lost by gained accounts; "
        "that contradicts its own example and is not offered.",
        numerator="accounts with ARR > 0 at the start less those at the end",
        denominator="accounts with ARR > 0 at the start",
        variant=_SNAPSHOT,
        unit=Unit.ACCOUNTS,
        good="down",
    ),
    MetricContract(
        key="snapshot_revenue_churn",
        name="Snapshot revenue churn",
        definition="(ARR at the start − ARR at the end) / ARR at the start.",
        numerator="ARR of all accounts at the start less that at the end",
        denominator="ARR of all accounts at the start",
        variant=_SNAPSHOT,
        good="down",
    ),
    MetricContract(
        key="expansion_share",
        name="Expansion share of growth",
        definition="Expansion as a share of all ARR gained: of expansion and ARR from zero.",
        numerator="expansion of accounts with ARR at the start",
        denominator="expansion, and ARR at the end of accounts without ARR at the start",
        variant="start against end, account level",
        empty="No ARR was gained in the period.",
    ),
    MetricContract(
        key="arr_start",
        name="ARR at the start",
        definition="Recurring lines active at the start (start ≤ day < end), annualised. Trials and one-offs are out.",
        numerator="ARR of all accounts at the start",
        denominator="",
        variant="point in time",
        shape=Shape.TOTAL,
    ),
    MetricContract(
        key="arr_end",
        name="ARR at the end",
        definition="Recurring lines active at the end (start ≤ day < end), annualised. Trials and one-offs are out.",
        numerator="ARR of all accounts at the end",
        denominator="",
        variant="point in time",
        shape=Shape.TOTAL,
    ),
)


def contract(key: str) -> MetricContract:
    """The contract of that key; `KeyError` when there is none."""
    for one in CONTRACTS:
        if one.key == key:
            return one
    raise KeyError(key)


def evaluate(one: MetricContract, *, numerator: int, denominator: int | None, missing: str = "") -> MetricValue:
    """The value of a metric from its two sums; `missing` says why it cannot be known at all."""
    if one.shape is Shape.TOTAL:
        return MetricValue(one, Decimal(numerator), numerator, None)
    if not denominator or missing:
        return MetricValue(one, None, numerator, denominator, one.empty if not denominator else missing)
    return MetricValue(one, Decimal(numerator) / Decimal(denominator), numerator, denominator)
