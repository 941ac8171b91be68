"""When an absence can be entered, and how a book is spread over those who take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

LONGEST: Final = timedelta(days=400)


class AbsenceRefused(ValueError):
    """The absence cannot be entered as asked; the message says what to change."""


@dataclass(frozen=True)
class Away:
    """Somebody is away from a day until the day of their return."""

    person_id: int
    name: str
    from_on: date
    until_on: date


def check_absence(*, person_id: int, deputy_id: int, from_on: date, until_on: date, today: date) -> None:
    """Raises `AbsenceRefused` for dates or a deputy that make no sense."""
    if person_id == deputy_id:
        raise AbsenceRefused("Nobody stands in for themselves. Choose another deputy.")
    if until_on <= from_on:
        raise AbsenceRefused("The day of return must be after the first day away.")
    if until_on <= today:
        raise AbsenceRefused("This absence is over already. Choose a day of return after today.")
    if until_on - from_on > LONGEST:
        raise AbsenceRefused("An absence lasts at most 400 days. Hand over the book instead.")


def check_against(others: Sequence[Away], *, person_id: int, deputy_id: int, from_on: date, until_on: date) -> None:
    """Raises `AbsenceRefused` when the person is away already then, or the deputy is away, too."""
    for other in others:
        if other.until_on <= from_on or other.from_on >= until_on:
            continue
        days = f"{other.from_on:%-d %b %Y} until {other.until_on:%-d %b %Y}"
        if other.person_id == person_id:
            raise AbsenceRefused(f"{other.name} is away from {days} already. End that absence first.")
        if other.person_id == deputy_id:
            raise AbsenceRefused(f"{other.name} is away from {days}, too. Choose another deputy.")
