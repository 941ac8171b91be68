"""A playbook on a test clock: the date of every step if each is done on its day. Nothing is written."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from accounts.models import Account
from core.models import ProcessVersion
from core.trees import leaves
from journeys.queries.plays.facts import anchors_of, entries, meeting, said, values_of
from journeys.queries.plays.reading import calendar_of, playbook_of
from journeys.rules import play_words as words
from journeys.rules.play_due import AHEAD, DONE, LEFT_OUT, Calendar, Standing, base_of, read_on, ready
from journeys.rules.playbooks import Step, Variant


@dataclass(frozen=True)
class WalkedStep:
    """A step with its day. `why`: how its day was moved; `left_out`: the branch that excludes it.

    `reads_on`: the day on which the branch is read, where that is later than the day that it counts from.
    """

    number: int
    title: str
    done_when: str
    who: str
    due_on: date | None
    why: str = ""
    left_out: str = ""
    asks: str = ""
    reads_on: date | None = None


@dataclass(frozen=True)
class Walk:
    """The steps in the order of the playbook, and what they were counted from."""

    account: Account | None
    variant: str
    start: date
    anchor: date
    anchor_is_own: bool
    steps: list[WalkedStep]
    last: date | None


def walk_through(version: ProcessVersion, *, account: Account | None, start: date, anchor: date | None) -> Walk:
    """Every step under the version, as if started on the day and each step done on its own.

    Branches are read by what is known of the day of the start; in a play they are read a week before their step.
    """
    playbook = playbook_of(version)
    own = anchors_of([account.pk], playbook.anchor, start).get(account.pk) if account else None
    day = anchor or own or start
    variant = playbook.variant_for(account.segment if account else "") or playbook.variants[0]
    outside = _outside(variant, account, start)
    dates = _dates(variant, outside, start, day, calendar_of(playbook))
    steps = [_walked(number, step, dates, outside) for number, step in enumerate(variant.steps, start=1)]
    last = max((step.due_on for step in steps if step.due_on and not step.left_out), default=None)
    return Walk(account, variant.key, start, day, bool(own and not anchor), steps, last)


def _outside(variant: Variant, account: Account | None, day: date) -> dict[str, str]:
    """The steps that a branch leaves out for the account, with what was seen."""
    found: dict[str, str] = {}
    for step in variant.steps:
        if step.only_if is None or account is None or account.pk in meeting([account.pk], step.only_if, day):
            continue
        values = values_of([account.pk], [str(leaf["fact"]) for leaf in leaves(step.only_if)], day)
        missed = [entry for entry in entries(step.only_if, values.get(account.pk, {})) if entry["met"] is not True]
        found[step.key] = ", ".join(str(entry["label"]) for entry in missed) or "its condition"
    return found


def _dates(
    variant: Variant, outside: Collection[str], start: date, anchor: date, calendar: Calendar
) -> dict[str, tuple[date, str, date | None]]:
    """By step: its day, how it was moved, and the day on which its branch is read where that lies ahead."""
    stand = {step.key: Standing(AHEAD) for step in variant.steps}
    dates: dict[str, tuple[date, str, date | None]] = {}
    while found := list(ready(variant, stand, anchor_on=anchor, started_on=start, calendar=calendar)):
        for step, placed in found:
            base = base_of(step.due, anchor_on=start, started_on=start, stand=stand) if step.due else None
            reads = read_on(step, placed.day)
            later = reads if reads is not None and reads > (base or start) else None
            dates[step.key] = (placed.day, placed.why, later)
            over = (LEFT_OUT, later or base or start) if step.key in outside else (DONE, placed.day)
            stand[step.key] = Standing(*over)
    return dates


def _walked(
    number: int, step: Step, dates: dict[str, tuple[date, str, date | None]], outside: dict[str, str]
) -> WalkedStep:
    day, why, reads = dates.get(step.key, (None, "", None))
    return WalkedStep(
        number,
        step.title,
        step.done_when,
        words.owner_words(step.owner),
        day,
        why,
        outside.get(step.key, ""),
        said(step.only_if),
        reads,
    )
