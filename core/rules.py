"""When a notification leaves, and what a message says. Pure: times and texts in, times and texts out."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MAX_ATTEMPTS: Final = 8
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=6)
LINES_AT_MOST: Final = 50


def due_at(now: datetime, *, zone: ZoneInfo, digest_hour: int | None, quiet_from: int, quiet_until: int) -> datetime:
    """When a message may leave: at the next digest, or at once, but not in quiet hours of the workspace's zone.

    Quiet hours are half-open and may pass midnight; the same hour twice means none. A digest leaves at its hour, also
    within quiet hours: somebody chose that hour.
    """
    here = now.astimezone(zone)
    if digest_hour is not None:
        return _next_hour(here, digest_hour)
    if not _is_quiet(here.hour, quiet_from, quiet_until):
        return now
    return _next_hour(here, quiet_until)


def _is_quiet(hour: int, start: int, end: int) -> bool:
    if start == end:
        return False
    return start <= hour < end if start < end else hour >= start or hour < end


def _next_hour(here: datetime, hour: int) -> datetime:
    """The next time that the clock on the wall shows the hour, at least a moment later."""
    at = datetime.combine(here.date(), time(hour), tzinfo=here.tzinfo)
    if at <= here:
        at = datetime.combine(here.date() + timedelta(days=1), time(hour), tzinfo=here.tzinfo)
    return at


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time, at most six hours."""
    return min(_FIRST_WAIT * (1 << max(attempts - 1, 0)), _LONGEST_WAIT)


def subject(texts: Sequence[str], workspace: str) -> str:
    """One line for a message with one or many notices."""
    first = " ".join(texts[0].split()) if texts else ""
    words = first if len(texts) == 1 else f"{len(texts)} notices"
    return f"[{' '.join(workspace.split())}] {words}"[:180]


def body(lines: Sequence[tuple[str, str]]) -> str:
    """The notices as plain text, each with its address; what does not fit is counted."""
    shown = [f"{text}\n{url}" if url else text for text, url in lines[:LINES_AT_MOST]]
    left = len(lines) - LINES_AT_MOST
    if left > 0:
        shown.append(f"and {left} more")
    return "\n\n".join(shown) + "\n"
