"""When the steps of a play are due, and which of them are ready to be opened. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from journeys.rules.calendar import PlacedDay, next_business_day, place
from journeys.rules.playbooks import Due, Step, Variant

AHEAD, OPEN, DONE, SKIPPED, LEFT_OUT = "ahead", "open", "done", "skipped", "left_out"
OVER = frozenset({DONE, SKIPPED, LEFT_OUT})
STATES = (AHEAD, OPEN, DONE, SKIPPED, LEFT_OUT)
RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
# What came of a play. One whose outcome held when it started says nothing about the playbook: it stands outside.
REACHED, MISSED, ALREADY = "reached", "missed", "already"
# In the trace of a play: the outcome rule that was judged when it started.
JUDGED_BY = "judged_by"
# In the trace, too: whether the day that the play counts from was looked up, and how it has moved since.
ANCHOR, LOOKED_UP, ANCHOR_MOVES = "anchor", "looked_up", "anchor_moves"
# And: it was started for an account that had churned already, so that the churn does not end it.
FORMER = "former"
# How long before its day a branch is read: late enough to be about the customer as they are then, early enough to plan.
NOTICE: Final = timedelta(days=7)


@dataclass(frozen=True)
class Standing:
    """Where a step of a play stands: its state, and the day on which it was over."""

    state: str
    over_on: date | None = None


@dataclass(frozen=True)
class Calendar:
    """How days of a playbook are counted."""

    business: bool = True
    holidays: Collection[date] = ()


def base_of(due: Due, *, anchor_on: date, started_on: date, stand: Mapping[str, Standing]) -> date | None:
    """The day that a due rule counts from; None while the step that it waits for is not over."""
    if not due.step:
        return anchor_on if due.source == "anchor" else started_on
    before = stand.get(due.step)
    return before.over_on if before is not None and before.state in OVER else None


def due_day(due: Due, base: date, started_on: date, calendar: Calendar) -> PlacedDay:
    """The day of a step. One that had passed when the play started is due at once, and the reason says so."""
    found = place(base, due.days, before=due.before, business=calendar.business, holidays=calendar.holidays)
    if found.day >= started_on:
        return found
    first = next_business_day(started_on, calendar.holidays) if calendar.business else started_on
    return PlacedDay(first, found.counted, f"its day, {found.counted.day} {found.counted:%b %Y}, was past at the start")


def ready(
    variant: Variant, stand: Mapping[str, Standing], *, anchor_on: date, started_on: date, calendar: Calendar
) -> Iterator[tuple[Step, PlacedDay]]:
    """The steps ahead whose day is known by now, with it."""
    for step in variant.steps:
        mine = stand.get(step.key)
        if mine is None or mine.state != AHEAD or step.due is None:
            continue
        base = base_of(step.due, anchor_on=anchor_on, started_on=started_on, stand=stand)
        if base is not None:
            yield step, due_day(step.due, base, started_on, calendar)


def read_on(step: Step, day: date) -> date | None:
    """The day from which the branch of a step that is due on a day is read; None for a step without one."""
    return day - NOTICE if step.only_if is not None else None


def must_wait(step: Step, day: date, today: date) -> bool:
    """Whether it is too early to say if the step will be done: its branch is about a day that is still far."""
    reads = read_on(step, day)
    return reads is not None and reads > today


def waiting_for(variant: Variant, key: str) -> tuple[str, ...]:
    """The steps that count from a step, directly or through others, in their order."""
    found = {key}
    grown = True
    while grown:
        grown = False
        for step in variant.steps:
            if step.key not in found and step.due is not None and step.due.step in found:
                found.add(step.key)
                grown = True
    return tuple(step.key for step in variant.steps if step.key in found and step.key != key)
