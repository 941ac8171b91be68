"""How long something takes when some are still on the way: the Kaplan–Meier curve.

Those still on the way count as long as they were watched. Leaving them out would make every duration look shorter.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A duration at which some arrived: how many were watched that long, and the share still on the way after it."""

    duration: float
    at_risk: int
    arrived: int
    share: float


@dataclass(frozen=True)
class Curve:
    """The share still on the way by duration. `arrived` and `censored` add up to everyone who was watched."""

    steps: tuple[Step, ...]
    arrived: int
    censored: int

    @property
    def watched(self) -> int:
        return self.arrived + self.censored

    @property
    def median(self) -> float | None:
        """The duration within which half arrived; None while fewer than half did."""
        return self.quantile(0.5)

    def quantile(self, p: float) -> float | None:
        """The shortest duration within which at least the share `p` (0 to 1) arrived; None where none is known yet.

        A curve that lies exactly on the share between two durations gives the middle of the two, as a plain median
        of an even number does.
        """
        left = 1 - p
        for place, step in enumerate(self.steps):
            if abs(step.share - left) < _EXACT:
                after = self.steps[place + 1].duration if place + 1 < len(self.steps) else step.duration
                return (step.duration + after) / 2
            if step.share < left:
                return step.duration
        return None

    def share_on_the_way(self, duration: float) -> float:
        """The share that took longer than the duration."""
        share = 1.0
        for step in self.steps:
            if step.duration > duration:
                break
            share = step.share
        return share

    def at_risk(self, duration: float) -> int:
        """How many were watched beyond the duration: those on whom the curve rests there."""
        later = [step for step in self.steps if step.duration >= duration]
        return later[0].at_risk if later else 0


_EXACT = 1e-12


def kaplan_meier(durations: Sequence[tuple[float, bool]]) -> Curve:
    """The curve of (duration, arrived): `False` means still on the way after that long.

    One who is watched exactly as long as another took to arrive counts as watched at that moment.
    """
    return curve_of_counts((duration, int(arrived), int(not arrived)) for duration, arrived in durations)


def curve_of_counts(counts: Iterable[tuple[float, int, int]]) -> Curve:
    """The same from (duration, how many arrived, how many are still on the way): small, however many are watched."""
    arrived: Counter[float] = Counter()
    censored: Counter[float] = Counter()
    for duration, came, waiting in counts:
        arrived[duration] += came
        censored[duration] += waiting
    at_risk = sum(arrived.values()) + sum(censored.values())
    share, steps = 1.0, []
    for duration in sorted({*arrived, *censored}):
        if arrived[duration]:
            share *= 1 - arrived[duration] / at_risk
            steps.append(Step(duration, at_risk, arrived[duration], share))
        at_risk -= arrived[duration] + censored[duration]
    return Curve(tuple(steps), sum(arrived.values()), sum(censored.values()))
