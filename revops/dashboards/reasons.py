"""What a row of the queue says about itself: at most three reasons, the most urgent first, and the one verb."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.formatting import NO_BREAK, age, clock_left, day, percent
from health.rules.alert_words import reason
from revops.dashboards.queries.queue import QueueRow

KIND_WORDS: Final = {
    "todo": "Task",
    "alert": "Alert",
    "handoff": "Hand-off",
    "renewal": "Renewal",
    "qbr": "QBR",
    "escalation": "Escalation",
    "play": "Playbook",
}
SILENT_DAYS: Final = 30
LOW_COVERAGE: Final = 0.6
_RISK_SECONDS: Final = 7200


# The one verb of a row, and the page on which that is done.
_PLACES: Final = {
    "renewal": ("Open renewal", "renewals:detail"),
    "qbr": ("Review", "qbr:detail"),
    "escalation": ("Reply", "escalations:detail"),
    "alert": ("Review", "health:alert"),
    "handoff": ("Open", "journeys:handoff"),
    "play": ("Do step", "journeys:play"),
}


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


def reasons(
    row: QueueRow, *, now: datetime, today: date, zone: ZoneInfo, hidden: frozenset[str] = frozenset()
) -> list[Reason]:
    """At most three. Of the facts in `hidden` no value is said."""
    found = [
        _asleep(row, today),
        _clock(row, now, today, zone),
        _alert(row, hidden),
        _play(row),
        _renewal(row, today),
        _fall(row),
        _silence(row, today),
        _coverage(row),
    ]
    order = {"risk": 0, "warn": 1, "": 2}
    return sorted((one for one in found if one), key=lambda one: order[one.tone])[:3]


def verb(row: QueueRow) -> Verb | None:
    """None for a task that belongs to nothing."""
    place = _PLACES.get(row.subject_kind)
    if place is not None and row.subject_id is not None:
        return Verb(*place, row.subject_id)
    if row.account_id is None:
        return None
    if row.kind == "alert":
        return Verb("Review", "health:explained", row.account_id)
    return Verb(_word(row.title), "dashboards:account", row.account_id)


def _word(title: str) -> str:
    """What the button of a task of one's own making says, by how its title begins."""
    first = title.split(" ", 1)[0].lower()
    return {"call": "Log call", "write": "Log e-mail", "meet": "Log meeting"}.get(first, "Open")


def _clock(row: QueueRow, now: datetime, today: date, zone: ZoneInfo) -> Reason | None:
    if row.respond_by is not None:
        left = (row.respond_by - now).total_seconds()
        if left < 0:
            return Reason("timer", f"Reply {clock_left(left)}", "risk")
        return Reason(
            "timer",
            f"Reply due, {clock_left(left)}",
            "risk" if left < _RISK_SECONDS else "warn" if left < 86400 else "",
        )
    if row.accept_by is not None and row.handed_at is not None:
        return _waiting(row.handed_at, row.accept_by, now)
    if row.kind == "escalation":
        return Reason("siren", f"Open since {day(row.created_at.astimezone(zone).date(), today)}", "warn")
    late = (today - row.due_on).days
    if late > 0:
        return Reason("alarm-clock", f"{late:,} day{'' if late == 1 else 's'} late", "risk")
    if late == 0:
        return Reason("calendar", "Due today", "warn")
    return Reason("calendar", f"Due {day(row.due_on, today)}")


def _waiting(since: datetime, until: datetime, now: datetime) -> Reason:
    """How long the other team has waited, of the time that the journey gives."""
    left = (until - now).total_seconds()
    if left < 0:
        return Reason("timer", f"Hand-off {clock_left(left)}", "risk")
    waited, given = (now - since).total_seconds(), (until - since).total_seconds()
    tone = "risk" if left < _RISK_SECONDS else "warn" if left < given / 5 else ""
    return Reason("timer", f"Waiting {age(waited)} of {given / 3600:.0f}{NO_BREAK}h", tone)


def _asleep(row: QueueRow, today: date) -> Reason | None:
    if row.snoozed_until is None or row.snoozed_until <= today:
        return None
    if row.awaits_reply:
        return Reason("alarm-clock", "Until they reply", "warn")
    why = f": {row.snooze_reason}" if row.snooze_reason else ""
    return Reason("alarm-clock", f"Until {day(row.snoozed_until, today)}{why}", "warn")


def _alert(row: QueueRow, hidden: frozenset[str]) -> Reason | None:
    """What the rule saw; and how many more alerts of the account the row stands for."""
    if row.kind != "alert":
        return None
    more = f"{len(row.more)} more alert{'' if len(row.more) == 1 else 's'}" if row.more else ""
    saw = reason(row.alert_why, hidden) if row.alert_why else ""
    text = ", ".join(part for part in (saw, more) if part)
    return Reason("bell", text, "warn") if text else None


def _play(row: QueueRow) -> Reason | None:
    if row.kind != "play" or not row.step or not row.steps:
        return None
    return Reason("list-checks", f"{row.rule_name or 'Play'}, step {row.step} of {row.steps}")


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
