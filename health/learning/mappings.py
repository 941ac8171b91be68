"""Mappings from outcomes: where a value begins to be good or bad, read off the training part."""

import numpy as np

from health.learning.arrays import Flags, Floats
from health.learning.separation import auc
from health.rules import Bands, Categories, Linear

MOST_BANDS = 8
LEAST_IN_BAND = 25
# A band counts as if so many more accounts of the average kind stood in it.
PRIOR = 10.0
_LOW, _HIGH = 0.05, 0.95


def linear(values: Floats, lost: Flags) -> Linear:
    """From the 5th to the 95th percentile of what was seen; the end with fewer losses is the best one."""
    if not len(values):
        return Linear(0.0, 1.0)
    for low, high in ((_LOW, _HIGH), (0.01, 0.99), (0.0, 1.0)):
        ends = np.quantile(values, [low, high])
        if ends[1] > ends[0]:
            break
    bottom, top = _plain(ends[0]), _plain(ends[1])
    if top <= bottom:
        return Linear(bottom, bottom + 1.0)
    rises = auc(values, lost)
    return Linear(bottom, top) if rises is None or rises >= 0.5 else Linear(top, bottom)


def bands(values: Floats, lost: Flags, most: int = MOST_BANDS) -> Bands:
    """Steps with about equally many accounts in each; points by how many were kept, in any order."""
    if not len(values):
        return Bands(((float("inf"), 50.0),))
    edges = _edges(values, most)
    points = _points(np.searchsorted(edges, values, side="right"), lost, len(edges) + 1)
    steps: list[tuple[float, float]] = []
    for edge, point in zip([*edges, float("inf")], points, strict=True):
        if steps and steps[-1][1] == point:
            steps[-1] = (edge, point)
        else:
            steps.append((edge, point))
    return Bands(tuple(steps))


def categories(values: Floats, lost: Flags, names: tuple[str, ...]) -> Categories:
    """Points by name; one that the training part never saw gets the points of an average account."""
    at = values.astype(np.int64)
    points = _points(at, lost, len(names))
    return Categories(tuple(zip(names, points, strict=True)))


def _edges(values: Floats, most: int) -> list[float]:
    """Upper edges, without the open one. A value that many share gets a step of its own."""
    seen, counts = np.unique(values, return_counts=True)
    wanted = max(len(values) / most, float(LEAST_IN_BAND))
    edges: list[float] = []
    inside = 0
    for at in range(len(seen) - 1):
        inside += int(counts[at])
        is_next_large = counts[at + 1] >= wanted
        rest = len(values) - int(counts[: at + 1].sum())
        if inside >= LEAST_IN_BAND and rest >= LEAST_IN_BAND and (inside >= wanted or is_next_large):
            edge = _between(float(seen[at]), float(seen[at + 1]))
            edges.append(edge)
            inside = 0
    return edges


def _between(low: float, high: float) -> float:
    """A short number above the one and not above the other: a value on an edge belongs to the step above."""
    middle = (low + high) / 2
    for digits in range(3, 15):
        short = float(f"{middle:.{digits}g}")
        if low < short <= high:
            return short
    return high


def _points(step: "np.typing.NDArray[np.int64]", lost: Flags, steps: int) -> list[float]:
    """0 for the step with the most losses and 100 for the one with the fewest, by log-odds of being kept."""
    size = np.bincount(step, minlength=steps).astype(np.float64)
    kept = np.bincount(step, weights=(~lost).astype(np.float64), minlength=steps)
    whole = float((~lost).mean()) if len(lost) else 0.5
    whole = min(max(whole, 0.01), 0.99)
    rate = (kept + PRIOR * whole) / (size + PRIOR)
    odds = np.log(rate / (1 - rate))
    spread = odds.max() - odds.min()
    if spread < 1e-9:
        return [50.0] * steps
    return [float(round(point)) for point in 100 * (odds - odds.min()) / spread]


def _plain(value: float) -> float:
    """Six digits are enough for a scale that people read."""
    return float(f"{float(value):.6g}")


def apply(mapping: Linear | Bands | Categories, values: Floats) -> Floats:
    """The sub-scores of many values, as `health.rules.sub_score` gives them one by one; NaN stays NaN."""
    if isinstance(mapping, Linear):
        return np.clip(100 * (values - mapping.worst) / (mapping.best - mapping.worst), 0, 100)
    known = ~np.isnan(values)
    out = np.full(len(values), np.nan)
    if isinstance(mapping, Bands):
        edges = np.array([edge for edge, _ in mapping.steps[:-1]])
        points = np.array([point for _, point in mapping.steps])
        out[known] = points[np.searchsorted(edges, values[known], side="right")]
        return out
    out[known] = np.array([point for _, point in mapping.points])[values[known].astype(np.int64)]
    return out
