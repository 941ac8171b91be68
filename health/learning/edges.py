"""Where the bands begin: read off the training part, in fives."""

from dataclasses import dataclass

import numpy as np

from health.learning.arrays import Flags, Floats

STEP = 5
# Red loses at least so many times the average, green at most so many times.
RED_LOSES, GREEN_LOSES = 1.5, 0.5
LEAST_IN_BAND = 25


@dataclass(frozen=True)
class Edges:
    """The lower edges of yellow and green. None: no edge does what the band's name promises."""

    yellow: int | None = None
    green: int | None = None


def edges(score: Floats, lost: Flags) -> Edges:
    """The widest red with 1.5 times the average loss, the widest green with half of it; red ends where green begins
    at the latest. A band of under 25 accounts proves nothing.
    """
    there = ~np.isnan(score)
    score, lost = score[there], lost[there]
    if not len(score) or not lost.any():
        return Edges()
    base = float(lost.mean())
    marks = range(STEP, 100, STEP)
    yellow = max((at for at in marks if _rate(lost[score < at]) >= RED_LOSES * base), default=None)
    last = STEP if yellow is None else yellow + STEP
    green = min(
        (at for at in marks if at >= last and 1 - _rate(~lost[score >= at]) <= GREEN_LOSES * base), default=None
    )
    return Edges(yellow, green)


def _rate(flags: Flags) -> float:
    """The share that stands; minus one where too few are asked."""
    return float(flags.mean()) if len(flags) >= LEAST_IN_BAND else -1.0
