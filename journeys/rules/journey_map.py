"""What the journey map says: figures of every stage, the biggest drop-off, and how tall a stage is drawn. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Any, Final

from journeys.rules.rates import Rate
from journeys.rules.survival import curve_of_counts

FEWEST: Final = 20  # fewer are counted, and get no rate
COHORT_DAYS: Final = 365
PEER_DAYS: Final = 730


@dataclass(frozen=True)
class Part:
    """Some accounts and what they are worth."""

    accounts: int = 0
    minor: int = 0

    def __add__(self, other: "Part") -> "Part":
        return Part(self.accounts + other.accounts, self.minor + other.minor)


@dataclass(frozen=True)
class StageFigures:
    """A stage of the map. `entered` are the accounts of the cohort: each once, however often it came by.

    They add up: entered = went_on + lost + stuck + in_time + back. `now` and `stuck_now` are who stands there today.
    `median` and `p90` count those still inside; `limit` is the number of days after which one is stuck.
    """

    key: str
    entered: Part = field(default_factory=Part)
    went_on: Part = field(default_factory=Part)
    lost: Part = field(default_factory=Part)
    stuck: Part = field(default_factory=Part)
    in_time: Part = field(default_factory=Part)
    back: Part = field(default_factory=Part)
    now: Part = field(default_factory=Part)
    stuck_now: Part = field(default_factory=Part)
    median: float | None = None
    p90: float | None = None
    stays: int = 0
    inside: int = 0
    peers: int = 0
    peers_p90: int | None = None
    expected: int | None = None
    limit: int | None = None

    @property
    def missing(self) -> Part:
        """Everyone of the cohort who has not gone on."""
        return self.lost + self.stuck + self.in_time + self.back

    @property
    def friction(self) -> Part:
        """Those whom the stage costs: lost or stuck. Who is still in time is neither."""
        return self.lost + self.stuck

    @property
    def rate(self) -> Rate:
        """The share of the cohort that went on; without a value under twenty."""
        if self.entered.accounts < FEWEST:
            return Rate(self.went_on.accounts, 0, f"Fewer than {FEWEST} accounts.")
        return Rate(self.went_on.accounts, self.entered.accounts)

    @property
    def limit_is(self) -> str:
        """Where the limit comes from: peers or expected, or "" without one."""
        if self.limit is None:
            return ""
        return "peers" if self.limit == self.peers_p90 and self.peers >= FEWEST else "expected"


_PARTS: Final = ("entered", "went_on", "lost", "stuck", "in_time", "back", "now", "stuck_now")


def as_plain(figures: StageFigures) -> dict[str, Any]:
    """The figures as they are stored."""
    return {
        name: [value.accounts, value.minor] if isinstance(value, Part) else value
        for name, value in vars(figures).items()
    }


def from_plain(raw: Mapping[str, Any]) -> StageFigures:
    """The figures as they were stored."""
    known = {name: raw[name] for name in StageFigures.__dataclass_fields__ if name in raw}
    values: dict[str, Any] = {name: Part(*value) if name in _PARTS else value for name, value in known.items()}
    return StageFigures(**values)


@dataclass(frozen=True)
class Stays:
    """Stays of one length: how many, whether they were of the cohort, and how they ended."""

    days: int
    in_cohort: bool
    went: bool
    left_lately: bool
    count: int


def peers_p90(stays: Iterable[Stays]) -> tuple[int, int | None]:
    """How many peers went on in the last two years, and the days within which nine in ten of them did."""
    gone = sorted((one.days, one.count) for one in stays if one.went and one.left_lately)
    total = sum(count for _, count in gone)
    reached = 0
    for days, count in gone:
        reached += count
        if reached >= ceil(0.9 * total):
            return total, days
    return 0, None


def stuck_limit(peers: int, p90: int | None, expected: int | None, stuck_after: str) -> int | None:
    """The days after which a stay is stuck: what the journey asks for, else the other one, as far as it is known."""
    by_peers = p90 if peers >= FEWEST else None
    first, second = (by_peers, expected) if stuck_after == "peers" else (expected, by_peers)
    return first if first is not None else second


def timed(figures: StageFigures, stays: Sequence[Stays]) -> dict[str, Any]:
    """Median and p90 of the stays of the cohort; those still inside count as long as they are watched."""
    mine = [one for one in stays if one.in_cohort]
    curve = curve_of_counts((one.days, one.count if one.went else 0, 0 if one.went else one.count) for one in mine)
    return {
        "median": curve.median if curve.watched >= FEWEST else None,
        "p90": curve.quantile(0.9) if curve.watched >= FEWEST else None,
        "stays": curve.watched,
        "inside": curve.censored,
    }


def biggest(stages: Sequence[StageFigures], by: Callable[[StageFigures], float]) -> StageFigures | None:
    """The stage, of those that may be rated and lead on, for which the measure is largest and not zero."""
    rated = [one for one in stages[:-1] if one.entered.accounts >= FEWEST]
    found = max(rated, key=by, default=None)
    return found if found is not None and by(found) > 0 else None


def lowest_rate(stages: Sequence[StageFigures]) -> StageFigures | None:
    """The stage from which the smallest share of the cohort went on."""
    return biggest(stages, lambda one: 1 - (one.rate.value or 0))


def heights(counts: Sequence[int], *, tallest: float, smallest: float) -> list[float]:
    """Heights on a root scale, so that small stages stay visible; an empty one has none."""
    largest = max(counts, default=0)
    if not largest:
        return [0.0 for _ in counts]
    return [max(smallest, tallest * sqrt(count / largest)) if count else 0.0 for count in counts]
