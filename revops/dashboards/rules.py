"""Which row of My day comes first, and why: rank rules v2. Pure; the parts add up to the score."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

RANK_RULES_VERSION: Final = 2
CLOCK_TODAY: Final = timedelta(hours=8)
CLOSE_UNDER: Final = timedelta(hours=2)
RULE_TOP: Final = 20
VALUE_TOP: Final = 22
VALUE_AVERAGE: Final = 11
FALL_PER_POINT: Final = 3
FALL_TOP: Final = 6

_BAND_POINTS: Final = {"red": 14, "yellow": 7, "none": 3}
_BAND_WORDS: Final = {"red": "at risk", "yellow": "watch", "green": "healthy", "none": "no score"}
# (days left at most, points): the first line that holds counts.
_RENEWAL_POINTS: Final = ((-1, 18), (30, 18), (60, 16), (90, 14), (180, 6))


class Item(NamedTuple):
    """What ranking may know of a row of the queue. Amounts in minor units of one currency."""

    due_on: date
    respond_by: datetime | None = None
    accept_by: datetime | None = None
    is_escalation: bool = False
    priority: int = 0
    arr_minor: int | None = None
    band: str = ""
    fall: float = 0.0
    renewal_on: date | None = None


class Part(NamedTuple):
    """One reason with the points it gives."""

    label: str
    why: str
    points: int


class Rank(NamedTuple):
    """The parts in the order they are shown; `score` is their sum."""

    parts: tuple[Part, ...]

    @property
    def score(self) -> int:
        return sum(part.points for part in self.parts)


def rank(item: Item, *, now: datetime, today: date, average_arr_minor: int) -> Rank:
    """Urgency, value, health, renewal and what the rule that made the row adds. Parts without points are left out."""
    parts = (
        _clock(item, now, today),
        _value(item.arr_minor, average_arr_minor),
        _health(item.band, item.fall),
        _renewal(item.renewal_on, today),
        Part("Rule", "priority of the rule that made it", min(item.priority, RULE_TOP)),
    )
    return Rank(tuple(part for part in parts if part.points))


def group(item: Item, *, now: datetime, today: date) -> str:
    """ "now" for a clock that runs out today and what is late, "today", or "week"."""
    if item.respond_by is not None:
        return "now" if item.respond_by <= now + CLOCK_TODAY else "today"
    if item.accept_by is not None and item.accept_by <= now + CLOCK_TODAY:
        return "now"
    if item.due_on < today:
        return "now"
    return "today" if item.due_on == today else "week"


def _clock(item: Item, now: datetime, today: date) -> Part:
    if item.respond_by is not None:
        return _running("Reply clock", item.respond_by - now)
    if item.accept_by is not None:
        return _running("Hand-off clock", item.accept_by - now)
    if item.is_escalation:
        return Part("Escalation", "open", 25)
    late = (today - item.due_on).days
    if late > 0:
        return Part("Late", f"{late} day{'' if late == 1 else 's'} late", min(25 + late, 35))
    if late == 0:
        return Part("Due", "today", 20)
    left = -late
    return Part("Due", "tomorrow" if left == 1 else f"in {left} days", 12 if left <= 2 else 6)


def _running(label: str, left: timedelta) -> Part:
    """Somebody waits for an answer: a customer for a reply, or the other team for taking over."""
    if left < timedelta(0):
        return Part(label, "over", 40)
    if left < CLOSE_UNDER:
        return Part(label, "under 2 hours", 40)
    if left < timedelta(hours=24):
        return Part(label, "under 24 hours", 32)
    return Part(label, f"{left.days} day{'' if left.days == 1 else 's'} left", 25)


def _value(arr_minor: int | None, average_minor: int) -> Part:
    """11 points for an average account of the book, 22 from twice the average on."""
    if not arr_minor or average_minor <= 0:
        return Part("Value", "", 0)
    times = arr_minor / average_minor
    return Part("Value", f"{times:.1f} × your average account", min(round(VALUE_AVERAGE * times), VALUE_TOP))


def _health(band: str, fall: float) -> Part:
    """Points of the band, and one more for every 3 points lost in 30 days, up to 6."""
    lost = max(fall, 0.0)
    words = _BAND_WORDS.get(band, "")
    if lost >= 1:
        words = f"{words}, down {lost:.0f} in 30 days"
    return Part("Health", words, _BAND_POINTS.get(band, 0) + min(int(lost // FALL_PER_POINT), FALL_TOP))


def _renewal(renewal_on: date | None, today: date) -> Part:
    if renewal_on is None:
        return Part("Renewal", "", 0)
    left = (renewal_on - today).days
    words = (
        f"{left} days away" if left > 1 else "tomorrow" if left == 1 else "today" if left == 0 else f"{-left} days late"
    )
    points = next((points for limit, points in _RENEWAL_POINTS if left <= limit), 0)
    return Part("Renewal", words, points)
