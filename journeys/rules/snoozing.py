"""When a task may wait, and what must be said for it."""

from datetime import date, timedelta
from typing import Final

REASON_AFTER: Final = timedelta(days=7)
# Nothing sleeps for good: who never replies is asked about again.
REPLY_WITHIN: Final = timedelta(days=30)


class SnoozeRefused(ValueError):
    """The task cannot wait like that; the message says what to change."""


def check_snooze(*, until: date, today: date, reason: str) -> None:
    """Raises `SnoozeRefused` unless the date lies ahead and a wait of more than seven days has its reason."""
    if until <= today:
        raise SnoozeRefused("Choose a day after today.")
    if until - today > REASON_AFTER and not reason.strip():
        raise SnoozeRefused("A wait of more than 7 days needs a reason.")


def snooze_choices(today: date) -> list[tuple[date, str]]:
    """The days that the menu offers: tomorrow, a later working day of this week, Monday, in a week."""
    tomorrow = today + timedelta(days=1)
    thursday = today + timedelta(days=3 - today.weekday())
    monday = today + timedelta(days=7 - today.weekday())
    days = [(tomorrow, "Tomorrow"), (monday, "Monday"), (today + timedelta(days=7), "In a week")]
    if thursday > tomorrow:
        days.append((thursday, "Thursday"))
    seen: dict[date, str] = {}
    for day, label in days:
        seen.setdefault(day, label)
    return sorted(seen.items())
