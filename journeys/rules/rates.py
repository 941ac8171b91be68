"""Rates of a pipeline. An empty denominator gives None and a reason, never 0 or 100 %."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """A share with the two numbers it is made of; `value` is None exactly when `reason` says why."""

    numerator: int
    denominator: int
    reason: str = ""

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


def win_rate(won: int, lost: int) -> Rate:
    """Won over won and lost; open deals do not count."""
    return Rate(won, won + lost, "" if won + lost else "No opportunity is closed yet.")


def amount_win_rate(won_minor: int, lost_minor: int, *, lost: int) -> Rate:
    """The same weighted by amount; not available where none of the `lost` deals has a value, as in many exports."""
    if not won_minor + lost_minor:
        return Rate(won_minor, 0, "No closed opportunity has a value.")
    if not lost:
        return Rate(won_minor, 0, "No opportunity is lost yet, so a rate by amount would be 100 %.")
    if not lost_minor:
        return Rate(won_minor, 0, "Lost opportunities carry no value here, so a rate by amount would be 100 %.")
    return Rate(won_minor, won_minor + lost_minor)
