"""How well a number tells the lost from the kept: AUC, its interval, red as an alarm, lift."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from health.learning.arrays import Flags, Floats, Ints, Words

SEED = 20_240_607
DRAWS = 1_000
DRAWS_OF_MANY = 400
MANY = 20_000
CELLS = 1_000_000  # of a table of draws that is in memory at once
LEVEL = 0.95
Z = 1.959963984540054


@dataclass(frozen=True)
class Area:
    """The AUC with its interval. None where one of the two outcomes is missing."""

    auc: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_above_chance(self) -> bool:
        return self.low is not None and self.low > 0.5


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval (Wilson). `value` None: nothing to divide by."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        if not self.whole:
            return None, None
        p, n = self.part / self.whole, self.whole
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True)
class Alarm:
    """Red as an alarm: of the lost, how many it caught; of the red, how many were kept after all."""

    red: int
    caught: int
    kept: int
    lost: int

    @property
    def precision(self) -> float | None:
        return self.caught / self.red if self.red else None

    @property
    def recall(self) -> float | None:
        return self.caught / self.lost if self.lost else None

    @property
    def false_alarm_share(self) -> float | None:
        return self.kept / self.red if self.red else None


def auc(score: Floats, lost: Flags) -> float | None:
    """The chance that a kept one had the higher score than a lost one; ties count half."""
    _, place = np.unique(score, return_inverse=True)
    return _auc(place, lost.astype(np.float64), (~lost).astype(np.float64))


def _auc(place: Ints, lost: Floats, kept: Floats) -> float | None:
    """By levels of the score, from the lowest: `place` is a row's level, `lost` and `kept` its weights."""
    lost_at = np.bincount(place, weights=lost)
    kept_at = np.bincount(place, weights=kept)
    all_lost, all_kept = lost_at.sum(), kept_at.sum()
    if not all_lost or not all_kept:
        return None
    above = all_kept - np.cumsum(kept_at)
    return float((lost_at * (above + kept_at / 2)).sum() / (all_lost * all_kept))


def area(score: Floats, lost: Flags, account: Ints, *, draws: int | None = None) -> Area:
    """The AUC with a bootstrap interval: whole accounts are drawn, so that one with many outcomes counts once."""
    found = auc(score, lost)
    if found is None:
        return Area(None)
    order = np.argsort(score, kind="stable")
    steps = np.flatnonzero(np.concatenate([[True], np.diff(score[order]) != 0]))
    _, owner = np.unique(account[order], return_inverse=True)
    gone = lost[order].astype(np.float64)
    random = np.random.default_rng(SEED)
    wanted = draws or (DRAWS if len(score) <= MANY else DRAWS_OF_MANY)
    together = max(1, min(wanted, CELLS // len(score)))
    results: list[float] = []
    for first in range(0, wanted, together):
        results += _drawn(owner, gone, steps, random, min(together, wanted - first))
    if not results:
        return Area(found)
    low, high = np.quantile(results, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Area(found, float(low), float(high))


def _drawn(owner: Ints, gone: Floats, steps: Ints, random: np.random.Generator, draws: int) -> list[float]:
    """So many AUCs, each of as many accounts as there are, drawn with replacement. Rows are in order of score."""
    accounts = int(owner.max()) + 1
    picks = random.integers(0, accounts, (draws, accounts)) + accounts * np.arange(draws)[:, None]
    times = np.bincount(picks.ravel(), minlength=draws * accounts).reshape(draws, accounts)[:, owner]
    lost_at = np.add.reduceat(times * gone, steps, axis=1)
    kept_at = np.add.reduceat(times * (1 - gone), steps, axis=1)
    all_lost, all_kept = lost_at.sum(axis=1), kept_at.sum(axis=1)
    above = all_kept[:, None] - np.cumsum(kept_at, axis=1)
    pairs = (lost_at * (above + kept_at / 2)).sum(axis=1)
    both = (all_lost > 0) & (all_kept > 0)
    return [float(one) for one in pairs[both] / (all_lost * all_kept)[both]]


def alarm(band: Words, lost: Flags) -> Alarm:
    """Red against what happened."""
    red = band == "red"
    return Alarm(
        red=int(red.sum()), caught=int((red & lost).sum()), kept=int((red & ~lost).sum()), lost=int(lost.sum())
    )


def lift(score: Floats, lost: Flags, share: float = 0.1) -> float | None:
    """Losses in the worst tenth, as a multiple of those in a tenth drawn blindly. Ties share their losses."""
    if not lost.any():
        return None
    levels, place = np.unique(score, return_inverse=True)
    size = np.bincount(place, minlength=len(levels)).astype(np.float64)
    losses = np.bincount(place, weights=lost.astype(np.float64), minlength=len(levels))
    before = np.concatenate([[0.0], np.cumsum(size)[:-1]])
    wanted = share * len(score)
    taken = np.clip(wanted - before, 0, size)
    return float((losses * taken / size).sum() / wanted / lost.mean())
