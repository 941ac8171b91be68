"""Where the bands begin: read off the training part, in fives."""

from dataclasses import dataclass

import numpy as np

from health.learning.arrays import Flags, Floats

STEP = 5
NEAR = 10
# Red loses at least so many times the average, green at most so many times.
RED_LOSES, GREEN_LOSES = 1.5, 0.5
LEAST_IN_BAND = 25


@dataclass(frozen=True)
class Edges:
    """The lower edges of yellow and green. None: no edge does what the band's name promises."""

    yellow: int | None = None
    green: int | None = None


def edges(score: Floats, lost: Flags) -> Edges:
    """The widest red that loses 1.5 times the average, as a whole and in the ten points below its edge; the widest
    green that loses half of it, likewise from its edge. A part of under 25 accounts proves nothing.
    """
    there = ~np.isnan(score)
    score, lost = score[there], lost[there]
    if not len(score) or not lost.any():
        return Edges()
    base = float(lost.mean())
    marks = range(STEP, 100, STEP)

    def loses(at: int) -> bool:
        return all(_rate(lost[part]) >= RED_LOSES * base for part in (score < at, (score < at) & (score >= at - NEAR)))

    def keeps(at: int) -> bool:
        parts = (score >= at, (score >= at) & (score < at + NEAR))
        return all(_rate(~lost[part]) >= 1 - GREEN_LOSES * base for part in parts)

    yellow = max(filter(loses, marks), default=None)
    green = min((at for at in filter(keeps, marks) if yellow is None or at > yellow), default=None)
    return Edges(yellow, green)


def _rate(flags: Flags) -> float:
    """The share that stands; minus one where too few are asked."""
    return float(flags.mean()) if len(flags) >= LEAST_IN_BAND else -1.0
