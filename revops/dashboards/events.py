"""What happened, in words: one line and a second one, with the sign that stands before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from accounts.choices import ActivityKind, MovementKind, OutcomeKind
from core.formatting import day, money_short, score
from escalations.choices import Tier
from health.choices import Band
from revops.dashboards.queries.timeline import Event

_BANDS: Final = dict(Band.choices)
_ICONS: Final = {
    ActivityKind.CALL.value: "phone",
    ActivityKind.MEETING.value: "users",
    ActivityKind.EMAIL.value: "mail",
    ActivityKind.NOTE.value: "notebook-pen",
}
_DID: Final = {
    ActivityKind.CALL.value: ("called", "Call"),
    ActivityKind.MEETING.value: ("met", "Meeting"),
    ActivityKind.EMAIL.value: ("wrote to", "E-mail"),
    ActivityKind.NOTE.value: ("noted", "Note"),
}


@dataclass(frozen=True)
class Told:
    """`mark` is signal, risk, accent or "" for what we did; `strong` is set in bold before `rest`."""

    at: datetime
    icon: str
    mark: str
    strong: str
    rest: str = ""
    second: str = ""
    quote: str = ""
    link: str = ""
    link_words: str = ""
    subject: int = 0


@dataclass(frozen=True)
class Day:
    """The events under one heading."""

    title: str
    events: list[Told]


def days(events: list[Event], *, today: date, zone: ZoneInfo, currency: str) -> list[Day]:
    """The events under Today, Yesterday, This week, Last week, then by month."""
    found: dict[str, list[Told]] = {}
    for one in events:
        event = replace(one, at=one.at.astimezone(zone))
        found.setdefault(_heading(event.at.date(), today), []).append(tell(event, currency))
    return [Day(title, told) for title, told in found.items()]


def tell(event: Event, currency: str) -> Told:
    """One event in words. Its moment is told in the zone that it comes in."""
    return _TELLERS[event.kind](event, currency)


def _heading(on: date, today: date) -> str:
    monday = today - timedelta(days=today.weekday())
    if on >= today:
        return "Today"
    if on == today - timedelta(days=1):
        return "Yesterday"
    if on >= monday:
        return "This week"
    if on >= monday - timedelta(days=7):
        return "Last week"
    if (on.year, on.month) == (today.year, today.month):
        return f"Earlier in {on:%B}"
    return f"{on:%B %Y}" if on.year != today.year else f"{on:%B}"


def _activity(event: Event, _currency: str) -> Told:
    did, word = _DID.get(event.a, ("did", "Activity"))
    if event.who and event.d:
        strong, rest = event.who, f"{did} {event.d}"
    elif event.who:
        strong, rest = event.who, f"logged a {word.lower()}" if event.a != "note" else "noted"
    else:
        strong, rest = word, f"with {event.d}" if event.d else ""
    return Told(event.at, _ICONS.get(event.a, "activity"), "", strong, rest, event.b, event.c)


def _ticket(event: Event, _currency: str) -> Told:
    state = "solved" if event.d == "true" else "open"
    second = ", ".join(part for part in (f"priority {event.b.lower()}" if event.b else "", state) if part)
    return Told(event.at, "ticket", "signal", "Ticket:", event.a or f"no. {event.subject}", second.capitalize())


def _movement(event: Event, currency: str) -> Told:
    label = str(MovementKind(event.a).label) if event.a in MovementKind.values else event.a.capitalize()
    amount = money_short(int(event.b), event.c or currency, plus=True)
    return Told(event.at, "dollar-sign", "risk" if int(event.b) < 0 else "signal", f"{label}: {amount} ARR")


def _outcome(event: Event, _currency: str) -> Told:
    label = str(OutcomeKind(event.a).label) if event.a in OutcomeKind.values else event.a
    mark = "accent" if event.a == OutcomeKind.RENEWED else "risk"
    return Told(event.at, "handshake" if mark == "accent" else "circle-slash", mark, label, "", event.b, event.c)


def _escalation(event: Event, _currency: str) -> Told:
    tier = str(Tier(int(event.a)).label) if event.a.isdigit() and int(event.a) in Tier.values else event.a
    to = f"to {event.who}, {tier}" if event.who else f"to tier {event.a}, {tier}"
    rule = f"Rule {event.c} v{event.d}" if event.c else ""
    return Told(
        event.at,
        "siren",
        "accent",
        "Escalation raised",
        to,
        rule,
        "",
        "escalations:detail",
        "Open escalation",
        event.subject,
    )


def _closed(event: Event, _currency: str) -> Told:
    return Told(event.at, "siren", "", "Escalation closed", "", event.b)


def _band(event: Event, _currency: str) -> Told:
    before, after = float(event.d) if event.d else None, float(event.c) if event.c else None
    fell = before is not None and after is not None and after < before
    if after is None:
        return Told(event.at, "heart-pulse", "signal", "No score any more", f"was {_BANDS.get(event.b, '').lower()}",
                    link="health:explained", link_words="why")  # fmt: skip
    verb = "fell to" if fell else "rose to" if before is not None else "is"
    rest = f"from {score(before, 1)}" if before is not None else ""
    return Told(
        event.at,
        "trending-down" if fell else "trending-up",
        "risk" if fell else "signal",
        f"Health {verb} {score(after, 1)}",
        rest,
        f"{_BANDS.get(event.b, event.b)} → {_BANDS.get(event.a, event.a)}",
        "",
        "health:explained",
        "why",
    )


def _task(event: Event, _currency: str) -> Told:
    due = date.fromisoformat(event.c)
    late = (event.at.date() - due).days
    when = f"done {late} day{'' if late == 1 else 's'} late" if late > 0 else "done"
    by = f"{when} by {event.who}" if event.who else when
    return Told(event.at, "list-checks", "", event.a, by, f"Rule {event.d}" if event.d else f"Due {day(due)}")


def _qbr(event: Event, _currency: str) -> Told:
    return Told(event.at, "presentation", "", "Business review held", f"by {event.who}" if event.who else "",
                "", "", "qbr:detail", "Open QBR", event.subject)  # fmt: skip


def _stage(event: Event, _currency: str) -> Told:
    return Told(event.at, "route", "signal", f"Entered {event.a}", f"by {event.who}" if event.who else "", event.b)


def _left(event: Event, _currency: str) -> Told:
    left = f"Left the journey, in {event.a}" if event.a else "Left the journey"
    return Told(event.at, "route", "signal", left, f"by {event.who}" if event.who else "", event.b)


def _play(event: Event, _currency: str) -> Told:
    by = {"alert": "by an alert", "date": "by its date", "stage": "by its stage", "signal": "by a signal"}
    how = by.get(event.c, f"by {event.who}")
    return Told(event.at, "play", "", "Play started:", f"{event.a} v{event.b}, {how}", "", "", "journeys:play",
                "Open play", event.subject)  # fmt: skip


_OUTCOMES: Final = {
    "reached": "Outcome reached",
    "missed": "Outcome not reached",
    "already": "Outcome held at the start",
}


def _played(event: Event, _currency: str) -> Told:
    second = _OUTCOMES.get(event.c, "")
    if event.d:
        second = ". ".join(one for one in (event.d.rstrip("."), second) if one)
    return Told(event.at, "list-checks", "", f"Play {event.b}:", event.a, second, "", "journeys:play", "Open play",
                event.subject)  # fmt: skip


_TELLERS: Final[dict[str, Callable[[Event, str], Told]]] = {
    "activity": _activity,
    "ticket": _ticket,
    "movement": _movement,
    "outcome": _outcome,
    "escalation": _escalation,
    "closed": _closed,
    "band": _band,
    "task": _task,
    "qbr": _qbr,
    "stage": _stage,
    "left": _left,
    "play": _play,
    "played": _played,
}
