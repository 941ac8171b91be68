"""Quarters and months in which deals close."""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True)
class Period:
    """Half-open: from `start` (None: since ever) until before `end`."""

    name: str
    start: date | None
    end: date

    @property
    def short(self) -> str:
        """`Q4` of `Q4 2026`."""
        return self.name.partition(" ")[0]


def quarter_of(day: date, ahead: int = 0) -> Period:
    """The calendar quarter of a day, or one that many quarters later."""
    count = day.year * 4 + (day.month - 1) // 3 + ahead
    return Period(f"Q{count % 4 + 1} {count // 4}", _first(count), _first(count + 1))


def _first(quarters: int) -> date:
    return date(quarters // 4, quarters % 4 * 3 + 1, 1)


def month_of(day: date, ahead: int = 0) -> Period:
    """The month of a day, or one that many months later."""
    count = day.year * 12 + day.month - 1 + ahead
    start = date(count // 12, count % 12 + 1, 1)
    end = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return Period(f"{start:%b %Y}", start, end)


WINDOWS: Final = ("quarter", "next", "both", "late")


def closing_windows(today: date) -> list[tuple[str, str]]:
    """What the filter offers: key and words."""
    now, soon = quarter_of(today), quarter_of(today, 1)
    return [
        ("quarter", now.name),
        ("next", soon.name),
        ("both", f"{now.name}, {soon.name}"),
        ("late", "Close date passed"),
    ]


def closing_window(key: str, today: date) -> Period | None:
    """The window of that key; None for any other."""
    now, soon = quarter_of(today), quarter_of(today, 1)
    return {
        "quarter": now,
        "next": soon,
        "both": Period(f"{now.name}, {soon.name}", now.start, soon.end),
        "late": Period("Close date passed", None, today),
    }.get(key)
