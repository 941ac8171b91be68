"""Dates as people print them. Day first or month first is decided by the whole column, never by one value."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final

from accounts.rules.numbers import Unreadable

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
OPEN_END_YEARS: Final = frozenset({2999, 3000, 4000, 9999})
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), start=1
    )
    for name in names.split()
}
_TIME: Final = (
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_ISO: Final = re.compile(r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})" + _TIME, re.ASCII)
_PAIR: Final = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second_>\d{1,2})(?P=sign)(?P<year>\d{4}|\d{2})" + _TIME
)
_NAMED: Final = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[-\s]+(?P<name>[A-Za-zä]{3,9})|(?P<name2>[A-Za-zä]{3,9})[-\s]+(?P<day2>\d{1,2})(?:st|nd|rd|th)?)"
    r"\.?,?[-\s]+(?P<year>\d{4}|\d{2})" + _TIME
)
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII)
_EPOCH: Final = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?", re.ASCII)


class DateOrder(StrEnum):
    """Which of the first two numbers is the day. UNDECIDED: no value says so. MIXED: values contradict each other."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    NONE = "none"
    UNDECIDED = "undecided"
    MIXED = "mixed"


@dataclass
class OrderEvidence:
    """What the values of a column say about day and month; feed it with distinct values."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    dotted: int = 0

    def add(self, text: str) -> None:
        match = _PAIR.fullmatch(text.strip())
        if match is None:
            return
        first, second = int(match["first"]), int(match["second_"])
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first <= 12 and second <= 12 and first != second:
            self.either += 1
            self.dotted += match["sign"] == "."

    def decide(self) -> DateOrder:
        """Numbers above 12 prove the order. Dotted dates are day first: no country dots them month first.

        A few values against many are mistakes, to be refused one by one; more of them leave the column MIXED.
        """
        fewer, more = sorted((self.day_first, self.month_first))
        if fewer and fewer * 20 > more:
            return DateOrder.MIXED
        if fewer:
            return DateOrder.DAY_FIRST if self.day_first == more else DateOrder.MONTH_FIRST
        if self.day_first or (self.dotted and not self.month_first):
            return DateOrder.DAY_FIRST
        if self.month_first:
            return DateOrder.MONTH_FIRST
        return DateOrder.UNDECIDED if self.either else DateOrder.NONE


def order_evidence(values: Iterable[str]) -> OrderEvidence:
    """The evidence of all values of a column."""
    evidence = OrderEvidence()
    for value in values:
        evidence.add(value)
    return evidence


def order_of_format(date_format: str) -> DateOrder:
    """What a `strptime` format such as `%d/%m/%Y` says about day and month."""
    day, month = date_format.find("%d"), date_format.find("%m")
    if day < 0 or month < 0 or date_format.find("%Y") in range(min(day, month)):
        return DateOrder.NONE
    return DateOrder.DAY_FIRST if day < month else DateOrder.MONTH_FIRST


@dataclass(frozen=True)
class Moment:
    """A printed date, with its time and zone when they are printed too."""

    day: date
    clock: time | None = None
    zone: tzinfo | None = None

    def on(self, zone: tzinfo) -> date:
        """The business date in `zone`. A printed midnight is a date and does not shift."""
        if self.zone is None or self.clock is None or self.clock == time(0):
            return self.day
        return datetime.combine(self.day, self.clock, self.zone).astimezone(zone).date()

    def at(self, zone: tzinfo) -> datetime:
        """The instant in UTC; a time without a zone is one in `zone`."""
        return datetime.combine(self.day, self.clock or time(0), self.zone or zone).astimezone(UTC)


def parse_moment(text: str, order: DateOrder, date_format: str = "") -> Moment:
    """The date and time; raises `Unreadable`. `order` and `date_format` decide only what the text leaves open."""
    cleaned = " ".join(text.split())
    if date_format:
        try:
            stamp = datetime.strptime(cleaned, date_format)  # noqa: DTZ007 -- the zone is the workspace's, added later
        except ValueError:
            pass
        else:
            has_time = any(code in date_format for code in ("%H", "%I", "%X", "%c", "%T"))
            return Moment(_in_range(stamp.date(), text), stamp.time() if has_time else None, stamp.tzinfo)
    for pattern in (_ISO, _PAIR, _NAMED, _COMPACT):
        match = pattern.fullmatch(cleaned)
        if match is not None:
            return _moment(match, order, text)
    if _EPOCH.fullmatch(cleaned):
        seconds = float(cleaned) / (1000 if len(cleaned.split(".")[0]) == 13 else 1)
        stamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        return Moment(_in_range(stamp.date(), text), stamp.time(), UTC)
    raise Unreadable(f"“{text[:40]}” is not a date")


def is_open_end(text: str) -> bool:
    """Whether a date says "no end": systems print the year 9999 and the like."""
    return any(f"{year}" in text for year in OPEN_END_YEARS)


def _moment(match: re.Match[str], order: DateOrder, text: str) -> Moment:
    parts = match.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 2000 if year < 70 else 1900
    month, day = _month_and_day(parts, order, text)
    try:
        printed = date(year, month, day)
    except ValueError as error:
        raise Unreadable(f"“{text[:40]}” is not a day of the calendar") from error
    return Moment(_in_range(printed, text), _clock(parts, text), _zone(parts.get("zone")))


def _month_and_day(parts: dict[str, str | None], order: DateOrder, text: str) -> tuple[int, int]:
    name = parts.get("name") or parts.get("name2")
    if name:
        month = _MONTHS.get(name[:3].lower())
        if month is None:
            raise Unreadable(f"“{text[:40]}” names no month")
        return month, int(parts.get("day") or parts.get("day2") or 0)
    if parts.get("first"):
        first, second = int(parts["first"] or 0), int(parts["second_"] or 0)
        if order is DateOrder.MONTH_FIRST:
            return first, second
        if order is DateOrder.DAY_FIRST or first == second:
            return second, first
        raise Unreadable(f"“{text[:40]}” does not say which number is the day")
    return int(parts["month"] or 0), int(parts["day"] or 0)


def _clock(parts: dict[str, str | None], text: str) -> time | None:
    if not parts.get("hour"):
        return None
    hour, half = int(parts["hour"] or 0), (parts.get("half") or "").lower().replace(".", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    fraction = (parts.get("fraction") or "")[:6].ljust(6, "0")
    try:
        return time(hour, int(parts["minute"] or 0), int(parts["second"] or 0), int(fraction))
    except ValueError as error:
        raise Unreadable(f"“{text[:40]}” is not a time of day") from error


def _zone(printed: str | None) -> tzinfo | None:
    if not printed:
        return None
    if printed[0] not in "+-":
        return UTC
    digits = printed[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset >= timedelta(hours=24):
        return UTC
    return timezone(offset if printed[0] == "+" else -offset)


def _in_range(day: date, text: str) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unreadable(f"“{text[:40]}” lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return day
