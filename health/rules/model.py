"""What a score model is: frozen values, read from a document by `health.rules.document`."""

from dataclasses import dataclass
from enum import StrEnum

from health.rules.mappings import Mapping as Mapping
from health.rules.mappings import mapping_of as mapping_of


class Aggregate(StrEnum):
    """What one number is made of the observations in the window."""

    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    LAST = "last"
    COUNT = "count"
    DISTINCT_DAYS = "distinct_days"
    TREND = "trend"
    DAYS_SINCE = "days_since"


class Missing(StrEnum):
    """What counts when nothing was observed."""

    EXCLUDE = "exclude"
    NEUTRAL = "neutral"
    WORST = "worst"
    CARRY = "carry_forward_days"


@dataclass(frozen=True)
class Reading:
    """One way to get a value: a measure, the window it is looked at through, and what its value is worth.

    A row of thresholds is a reading with a condition: it answers only for accounts of its `segments` (empty: any)
    whose tenure in full months lies in `tenure`, half-open and open upwards without a second number.
    """

    measure: str
    window_days: int
    baseline_days: int
    aggregate: Aggregate
    mapping: Mapping
    segments: tuple[str, ...] = ()
    tenure: tuple[int, int | None] | None = None

    @property
    def is_conditional(self) -> bool:
        return bool(self.segments) or self.tenure is not None


@dataclass(frozen=True)
class Input:
    """A weighted part of the score. The first reading that applies and has a value answers.

    `weight` is the share of 1 that the input has when everything is known, also in a model with groups.
    """

    key: str
    label: str
    weight: float
    readings: tuple[Reading, ...]
    missing: Missing
    carry_days: int = 0
    group: str = ""
    direction: str = ""


@dataclass(frozen=True)
class Group:
    """Inputs that make one number of their own first. `weight` is its share of 1, the sum of its inputs' weights."""

    key: str
    label: str
    weight: float


@dataclass(frozen=True)
class Limit:
    """An exception: a cap (`score` at most, while the input's points are below `edge`) or a floor (`score` at least,
    while they are at or above it). An input without points limits nothing.
    """

    input: str
    edge: float
    score: float
    is_cap: bool


@dataclass(frozen=True)
class ScoreModel:
    """A model as published. `yellow` and `green` are the lower edges of the half-open bands above red.

    `applies_to` says whom it is for in words; `segments` are their keys, empty for everybody. Of several models for
    an account the first in `order` has it. `weight_sum` is what the weights added up to before they became shares.
    """

    key: str
    name: str
    applies_to: str
    yellow: float
    green: float
    min_coverage: float
    inputs: tuple[Input, ...]
    groups: tuple[Group, ...] = ()
    limits: tuple[Limit, ...] = ()
    segments: tuple[str, ...] = ()
    order: int | None = None
    weight_sum: float = 100.0

    @property
    def place(self) -> tuple[float, bool, str]:
        """Where it stands among the models: as stated, else those of a segment before those for all."""
        return (self.order if self.order is not None else 100, not self.segments, self.key)
