"""Shares with their uncertainty, and the quarters that are looked at. Pure."""

from dataclasses import dataclass
from datetime import date
from math import sqrt

_Z = 1.96


@dataclass(frozen=True)
class Share:
    """A part of a whole, with the 95 % interval (Wilson) in which the true share may lie. No value of an empty one."""

    part: int
    of: int
    low: float | None = None
    high: float | None = None

    @property
    def value(self) -> float | None:
        return self.part / self.of if self.of else None

    def is_below(self, per_cent: int, least: int) -> bool:
        """Whether it lies below so many per cent, of a whole of at least that size."""
        return self.of >= least and self.part * 100 < per_cent * self.of


def share(part: int, of: int) -> Share:
    """The share with its interval."""
    if not of:
        return Share(part, of)
    p, z2 = part / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return Share(part, of, max(0.0, middle - half), min(1.0, middle + half))


def last_periods(today: date, count: int) -> list[tuple[date, date]]:
    """The last whole calendar quarters before today, half-open, the latest first."""
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    periods = []
    for _ in range(count):
        until = first
        first = date(until.year - 1, 10, 1) if until.month == 1 else date(until.year, until.month - 3, 1)
        periods.append((first, until))
    return periods
