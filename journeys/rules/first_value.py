"""Time to first value: the median by Kaplan–Meier, with the accounts that have not reached it kept. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from journeys.rules.survival import Curve, curve_of_counts

# Of what nobody looked at, these last days are made up for: rules, day by day, and checkpoints of stays.
MADE_UP_DAYS: Final = 30


def unlooked(last: date | None, today: date) -> list[date]:
    """The days for which rules are to be asked, today last: those since the last day on which they were."""
    if last is None or last >= today:
        return [today]
    missed = min((today - last).days - 1, MADE_UP_DAYS)
    return [today - timedelta(days=back) for back in range(missed, -1, -1)]


@dataclass(frozen=True)
class SegmentValue:
    """One segment. `open` still wait; `unknown` reached it before anybody watched, so they tell no duration."""

    segment: str
    curve: Curve
    unknown: int

    @property
    def watched(self) -> int:
        return self.curve.watched

    @property
    def reached(self) -> int:
        return self.curve.arrived

    @property
    def open(self) -> int:
        return self.curve.censored

    @property
    def median(self) -> float | None:
        return self.curve.median

    @property
    def p90(self) -> float | None:
        return self.curve.quantile(0.9)


@dataclass(frozen=True)
class Waited:
    """Accounts of a segment that waited as many days: how many reached first value then, how many still wait."""

    segment: str
    days: int
    reached: int
    waiting: int
    unknown: int = 0


def by_segment(waits: Iterable[Waited]) -> list[SegmentValue]:
    """The segments with their curves, the most accounts first."""
    found: dict[str, list[Waited]] = {}
    for one in waits:
        found.setdefault(one.segment, []).append(one)
    values = [
        SegmentValue(
            segment,
            curve_of_counts((one.days, one.reached, one.waiting) for one in mine),
            sum(one.unknown for one in mine),
        )
        for segment, mine in found.items()
    ]
    return sorted(values, key=lambda one: (-one.watched, one.segment))


def whole(waits: Iterable[Waited]) -> Curve:
    """All segments together."""
    return curve_of_counts((one.days, one.reached, one.waiting) for one in waits)
