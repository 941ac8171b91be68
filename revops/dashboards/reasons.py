"""What a row of the queue says about itself: at most three reasons, the most urgent first, and the one verb."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.formatting import NO_BREAK, clock_left, day, percent
from revops.dashboards.queries.queue import QueueRow

KIND_WORDS: Final = {
    "todo": "Task",
    "alert": "Alert",
    "handoff": "Hand-off",
    "renewal": "Renewal",
    "qbr": "QBR",
    "escalation": "Escalation",
}
SILENT_DAYS: Final = 30
LOW_COVERAGE: Final = 0.6


@dataclass(frozen=True)
class Reason:
    """`tone` is "risk" when late or under two hours, "warn" when near, else empty."""

    icon: str
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Verb:
    """The name of the act, and the address (name and argument) where it is done."""

    label: str
    url_name: str
    argument: int


def kind_words(row: QueueRow) -> str:
    """`Escalation, tier 2`, `Renewal`."""
    words = KIND_WORDS.get(row.kind, "Task")
    return f"{words}, tier {row.tier}" if row.tier else words


def reasons(row: QueueRow, *, now: datetime, today: date, zone: ZoneInfo) -> list[Reason]:
    """At most three."""
    found = [_clock(row, now, today, zone), _renewal(row, today), _fall(row), _silence(row, today), _coverage(row)]
    order = {"risk": 0, "warn": 1, "": 2}
    return sorted((one for one in found if one), key=lambda one: order[one.tone])[:3]


def verb(row: QueueRow) -> Verb | None:
    """None for a task that belongs to nothing."""
    places = {
        "renewal": ("Open renewal", "renewals:detail"),
        "qbr": ("Open QBR", "qbr:detail"),
        "escalation": ("Reply", "escalations:detail"),
        "alert": ("See why", "health:alert"),
    }
    place = places.get(row.subject_kind)
    if place is not None and row.subject_id is not None:
        return Verb(*place, row.subject_id)
    if row.account_id is None:
        return None
    if row.kind == "alert":
        return Verb("See why", "health:explained", row.account_id)
    return Verb("Open", "dashboards:account", row.account_id)


def _clock(row: QueueRow, now: datetime, today: date, zone: ZoneInfo) -> Reason | None:
    if row.respond_by is not None:
        left = (row.respond_by - now).total_seconds()
        if left < 0:
            return Reason("timer", f"Reply {clock_left(left)}", "risk")
        return Reason(
            "timer", f"Reply due, {clock_left(left)}", "risk" if left < 7200 else "warn" if left < 86400 else ""
        )
    if row.kind == "escalation":
        return Reason("siren", f"Open since {day(row.created_at.astimezone(zone).date(), today)}", "warn")
    late = (today - row.due_on).days
    if late > 0:
        return Reason("alarm-clock", f"{late:,} day{'' if late == 1 else 's'} late", "risk")
    if late == 0:
        return Reason("calendar", "Due today", "warn")
    return Reason("calendar", f"Due {day(row.due_on, today)}")


def _renewal(row: QueueRow, today: date) -> Reason | None:
    if row.renewal_on is None:
        return None
    left = (row.renewal_on - today).days
    if left < 0:
        return Reason("calendar-x", f"Renewal {-left:,} day{'' if left == -1 else 's'} late", "risk")
    if left > 90:
        return None
    return Reason("calendar-clock", f"Renews in {left}{NO_BREAK}days", "warn" if left < 30 else "")


def _fall(row: QueueRow) -> Reason | None:
    if row.change is None or row.change > -5:
        return None
    return Reason(
        "trending-down", f"Health down {-row.change:.0f} in 30{NO_BREAK}days", "warn" if row.change <= -10 else ""
    )


def _silence(row: QueueRow, today: date) -> Reason | None:
    if row.last_contact_on is None or today - row.last_contact_on < timedelta(days=SILENT_DAYS):
        return None
    return Reason("phone-off", f"No contact for {(today - row.last_contact_on).days:,} days")


def _coverage(row: QueueRow) -> Reason | None:
    if row.coverage is None or row.coverage >= LOW_COVERAGE:
        return None
    return Reason("database", f"Coverage {percent(row.coverage, 0)}")
