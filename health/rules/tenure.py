"""Whom a row of thresholds is for: a segment, and how long an account has been a customer."""

from calendar import monthrange
from datetime import date

from health.rules.model import Reading


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of the month where there is no such day."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def full_months(since: date, day: date) -> int:
    """How many full months have passed; negative before the beginning."""
    months = (day.year - since.year) * 12 + day.month - since.month
    return months if months_later(since, months) <= day else months - 1


def answers_for(reading: Reading, *, segment: str, months: int | None) -> bool:
    """Whether the reading is for an account of the segment with so many full months; None: nobody knows since when."""
    if reading.segments and segment not in reading.segments:
        return False
    if reading.tenure is None:
        return True
    first, until = reading.tenure
    return months is not None and first <= months and (until is None or months < until)
