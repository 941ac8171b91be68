"""Weights from outcomes: what a non-negative regularised logistic regression on sub-scores finds."""

from itertools import combinations

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from health.learning.arrays import Flags, Floats

PENALTY = 1.0
STEP = 5
MOST_TRIED = 12
# What an input must improve the log-likelihood by, as Akaike's criterion has it.
WORTH = 1.0
_NEUTRAL = 0.5
_TINY = 1e-6


def weighted(subs: Floats, weights: Floats) -> Floats:
    """The score as the engine makes it: Σ w·s ÷ Σ w over the inputs present; NaN where none with a weight is."""
    there = ~np.isnan(subs)
    total = there @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, np.nan_to_num(subs) @ weights / total, np.nan)


def fit(subs: Floats, lost: Flags, *, penalty: float = PENALTY) -> Floats:
    """Shares that add up to 1, or all zeros when no input points the right way.

    Maximises the likelihood of kept under logit = a + b × score, where score is the weighted mean over the inputs
    that are present, as in the model; b·w are bounded at zero from below and shrunk by a squared penalty. An input
    that improves the likelihood by less than luck does is left out, the weakest first (Akaike's criterion).
    """
    if not subs.size or lost.all() or not lost.any():
        return np.zeros(subs.shape[1])
    with threadpool_limits(1):  # small matrices: threads would only wait for each other
        return _fit(subs, lost, penalty)


def _fit(subs: Floats, lost: Flags, penalty: float) -> Floats:
    shares = np.zeros(subs.shape[1])
    places = list(range(subs.shape[1]))
    loss, slopes = _slopes(subs, lost, penalty)
    while True:
        places, slopes = _positive(places, slopes)
        without = [(*_slopes(subs[:, [p for p in places if p != at]], lost, penalty), at) for at in places]
        if not without:
            return shares
        weakest = min(without, key=lambda one: one[0])
        if weakest[0] - loss >= WORTH:
            break
        places.remove(weakest[2])
        loss, slopes = weakest[0], weakest[1]
    shares[places] = slopes / slopes.sum()
    return shares


def _positive(places: list[int], slopes: Floats) -> tuple[list[int], Floats]:
    return [at for at, slope in zip(places, slopes, strict=True) if slope > 1e-3], slopes[slopes > 1e-3]


def _slopes(subs: Floats, lost: Flags, penalty: float) -> tuple[float, Floats]:
    """The loss at its lowest, over all rows, and the slopes b·w there. A row without any input counts as average."""
    there = (~np.isnan(subs)).astype(np.float64)
    known, sign = np.nan_to_num(subs) / 100, np.where(lost, -1.0, 1.0)

    def loss(point: Floats) -> tuple[float, Floats]:
        start, slopes = point[0], point[1:]
        total = slopes.sum()
        below = there @ slopes + _TINY
        mean = (known @ slopes + _TINY * _NEUTRAL) / below
        margin = sign * (start + total * (mean - _NEUTRAL))
        value = float(np.logaddexp(0, -margin).sum() + penalty / 2 * (slopes @ slopes))
        pull = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        by_slope = (mean - _NEUTRAL)[:, None] + total * (known - there * mean[:, None]) / below[:, None]
        return value, np.concatenate([[pull.sum()], pull @ by_slope + penalty * slopes])

    first = np.concatenate([[0.0], np.ones(subs.shape[1])])
    bounds = [(None, None), *([(0.0, None)] * subs.shape[1])]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return float(found.fun), found.x[1:]


def by_correlation(subs: Floats, lost: Flags) -> Floats:
    """Shares in proportion to each sub-score's correlation with being kept; those against it get none."""
    found = np.zeros(subs.shape[1])
    for at in range(subs.shape[1]):
        there = ~np.isnan(subs[:, at])
        column, kept = subs[there, at], (~lost[there]).astype(np.float64)
        if len(column) > 2 and column.std() > 0 and kept.std() > 0:
            found[at] = max(float(np.corrcoef(column, kept)[0, 1]), 0.0)
    return found / found.sum() if found.sum() > 0 else found


def rounded(shares: Floats, subs: Floats | None = None, step: int = STEP) -> list[int]:
    """Whole percents in steps of five that add up to 100: largest remainders are rounded up. Zeros stay zero.

    With sub-scores, of all ways to round each share up or down the one that moves scores least: an input that hardly
    varies can give or take five percent more easily than one that decides.
    """
    if not shares.sum():
        return [0] * len(shares)
    exact = shares / shares.sum() * (100 / step)
    whole = np.floor(exact + 1e-9)
    rest = exact - whole
    left = round(100 / step - whole.sum())
    order = [int(at) for at in np.argsort(-rest, kind="stable")]
    chosen = tuple(order[:left])
    open_ones = [at for at in order if rest[at] > 1e-9]
    if subs is not None and 0 < left < len(open_ones) <= MOST_TRIED:
        spread = _spread(subs)
        chosen = min(combinations(open_ones, left), key=lambda up: _moved(whole - exact, up, spread))
    whole[list(chosen)] += 1
    return [int(one) * step for one in whole]


def _moved(difference: Floats, up: tuple[int, ...], spread: Floats) -> float:
    step = difference.copy()
    step[list(up)] += 1
    return float(step @ spread @ step)


def _spread(subs: Floats) -> Floats:
    """How sub-scores vary, alone and together; a missing one stands at its average."""
    there = ~np.isnan(subs)
    mean = np.where(there, subs, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, subs - mean, 0)
    spread: Floats = centred.T @ centred / max(len(subs), 1)
    return spread
