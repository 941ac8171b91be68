"""The renewal clock: pure functions of a contract's dates, a timeline and a date."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from core.shapes import only

CATCH_UP: Final = 0
LONGEST_OFFSET: Final = 730
FINAL_WEEK_DAYS: Final = 7


class Weekend(StrEnum):
    """Where a step goes that falls on a weekend."""

    NEXT = "next"
    PREVIOUS = "previous"
    KEEP = "keep"


@dataclass(frozen=True)
class TimelineStep:
    """A step that many days before the due date, and what makes it done."""

    offset_days: int
    title: str
    done_when: str = ""
    priority: int = 0


@dataclass(frozen=True)
class Timeline:
    """The steps, the longest offset first."""

    steps: tuple[TimelineStep, ...]
    weekend: Weekend
    catch_up_title: str

    @property
    def offsets(self) -> tuple[int, ...]:
        return tuple(step.offset_days for step in self.steps)


@dataclass(frozen=True)
class PlannedStep:
    """A task to be: when, and which offsets it stands for. `offset_days` is `CATCH_UP` for the merged one."""

    offset_days: int
    on: date
    stands_for: tuple[int, ...]


class BadTimeline(ValueError):
    """The document cannot be used; the message names the field and the remedy."""


def parse_timeline(definition: Mapping[str, Any]) -> Timeline:
    """Raises `BadTimeline`."""
    only(definition, "", {"steps", "weekend", "catch_up_title"})
    raw = definition.get("steps")
    if not isinstance(raw, list) or not raw:
        raise BadTimeline("steps: a renewal timeline needs `steps`: a list with offset_days and title each.")
    found = (_step(entry, f"steps[{place}]") for place, entry in enumerate(raw))
    steps = tuple(sorted(found, key=lambda step: -step.offset_days))
    if len({step.offset_days for step in steps}) != len(steps):
        raise BadTimeline("steps: two have the same offset_days. Give each step its own.")
    weekend = definition.get("weekend", Weekend.NEXT)
    if not isinstance(weekend, str) or weekend not in set(Weekend):
        raise BadTimeline(f"weekend: next, previous or keep, not {weekend!r}.")
    title = str(definition.get("catch_up_title", "")).strip()
    if not title:
        raise BadTimeline("catch_up_title: missing. Give the title of the task that stands for steps already missed.")
    return Timeline(steps=steps, weekend=Weekend(weekend), catch_up_title=title)


def _step(entry: Any, place: str) -> TimelineStep:
    if not isinstance(entry, Mapping):
        raise BadTimeline(f"{place}: each step is a block with offset_days and title.")
    only(entry, place, {"offset_days", "title", "done_when", "priority"})
    offset = entry.get("offset_days")
    if not isinstance(offset, int) or isinstance(offset, bool) or not 1 <= offset <= LONGEST_OFFSET:
        raise BadTimeline(f"{place}.offset_days: a whole number from 1 to {LONGEST_OFFSET}, not {offset!r}.")
    title = str(entry.get("title", "")).strip()
    if not title or len(title) > 200:
        raise BadTimeline(f"{place}.title: the step {offset} days before needs a title of at most 200 characters.")
    priority = entry.get("priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool) or not 0 <= priority <= 100:
        raise BadTimeline(f"{place}.priority: a whole number from 0 to 100, not {priority!r}.")
    return TimelineStep(offset, title, str(entry.get("done_when", "")).strip(), priority)


def step_date(due_on: date, offset_days: int, weekend: Weekend) -> date:
    """The day of a step: moved off a weekend, and never on or after the due date."""
    day = due_on - timedelta(days=offset_days)
    into_weekend = day.isoweekday() - 5
    if into_weekend <= 0 or weekend == Weekend.KEEP:
        return day
    monday = day + timedelta(days=3 - into_weekend)
    if weekend == Weekend.NEXT and monday < due_on:
        return monday
    return day - timedelta(days=into_weekend)


def catch_up_date(seen_on: date, due_on: date, weekend: Weekend) -> date:
    """The day of the catch-up: the first working day from `seen_on` that is still before the due date."""
    into_weekend = seen_on.isoweekday() - 5
    monday = seen_on + timedelta(days=3 - into_weekend)
    if into_weekend > 0 and weekend != Weekend.KEEP and monday < due_on:
        return monday
    return seen_on


def plan(due_on: date, seen_on: date, timeline: Timeline) -> tuple[PlannedStep, ...]:
    """Every step whose day had not passed when the renewal was first seen; the passed ones become one catch-up."""
    days = {offset: step_date(due_on, offset, timeline.weekend) for offset in timeline.offsets}
    missed = tuple(offset for offset, day in days.items() if day < seen_on)
    ahead = tuple(PlannedStep(offset, day, (offset,)) for offset, day in days.items() if day >= seen_on)
    if not missed:
        return ahead
    return (PlannedStep(CATCH_UP, catch_up_date(seen_on, due_on, timeline.weekend), missed), *ahead)


def anniversary(starts_on: date, years: int) -> date:
    """The same day that many years on; 29 February becomes the 28th where there is none."""
    year = starts_on.year + years
    return date(year, starts_on.month, min(starts_on.day, monthrange(year, starts_on.month)[1]))


def next_anniversary(starts_on: date, today: date) -> date:
    """The first yearly anniversary after today."""
    years = max(today.year - starts_on.year, 1)
    day = anniversary(starts_on, years)
    return day if day > today else anniversary(starts_on, years + 1)


def due_date(starts_on: date, ends_on: date | None, today: date) -> date:
    """When the contract is to be renewed: at its end, or at the next anniversary where no end is agreed."""
    return ends_on if ends_on is not None else next_anniversary(starts_on, today)


@dataclass(frozen=True)
class OnTime:
    """The on-time renewal rate with the counts that it consists of. A rate is None where its base is empty."""

    due: int
    won: int
    lost: int
    open: int
    won_on_time: int
    won_in_final_week: int
    automatic: int

    @property
    def rate(self) -> float | None:
        """Seed variant: of the renewals won, those decided by the end of the due date."""
        return self.won_on_time / self.won if self.won else None

    @property
    def strict_rate(self) -> float | None:
        """Strict variant: of all due, so that late and lost ones count as not on time."""
        return self.won_on_time / self.due if self.due else None

    @property
    def final_week_share(self) -> float | None:
        """Of the renewals won, those decided within the last seven days before the due date."""
        return self.won_in_final_week / self.won if self.won else None

    @property
    def why_not(self) -> str:
        """Why there is no rate, in words; empty when there is one."""
        if not self.due:
            return "No renewal was due in the period."
        return "" if self.won else "No renewal of the period is won yet."
