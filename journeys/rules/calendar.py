"""Business days: where a day goes that falls on a weekend or a holiday. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PlacedDay:
    """A day, the day that was counted, and why they differ; `why` is empty where they are one."""

    day: date
    counted: date
    why: str = ""


def holidays_of(days: Iterable[str]) -> frozenset[date]:
    """The workspace's list, `YYYY-MM-DD` each; what is no date is passed over."""
    found = set()
    for one in days:
        try:
            found.add(date.fromisoformat(str(one)))
        except ValueError:
            continue
    return frozenset(found)


def is_business_day(day: date, holidays: Collection[date] = ()) -> bool:
    return day.isoweekday() <= 5 and day not in holidays


def next_business_day(day: date, holidays: Collection[date] = ()) -> date:
    """The day itself, or the first business day after it."""
    while not is_business_day(day, holidays):
        day += _DAY
    return day


def previous_business_day(day: date, holidays: Collection[date] = ()) -> date:
    """The day itself, or the last business day before it."""
    while not is_business_day(day, holidays):
        day -= _DAY
    return day


def place(
    base: date, days: int, *, before: bool = False, business: bool = True, holidays: Collection[date] = ()
) -> PlacedDay:
    """The day that many days after the base, or before it.

    Days are counted on the calendar. On a business calendar a day off moves: forward when counted after the base,
    back when counted before it, so that nothing due before a deadline lands behind it.
    """
    counted = base - timedelta(days=days) if before else base + timedelta(days=days)
    if not business or is_business_day(counted, holidays):
        return PlacedDay(counted, counted)
    day = previous_business_day(counted, holidays) if before else next_business_day(counted, holidays)
    why = "a holiday" if counted in holidays else "a weekend"
    return PlacedDay(day, counted, f"moved from {counted:%a} {counted.day} {counted:%b}, {why}")
