"""A play for its page: every step with its word, what to open, and for whom the script is shown."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from accounts.models import Person
from accounts.queries.people import active_people
from core import formatting
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.facts import entry_words, money_facts
from journeys.queries.plays.runs import PanelFact, RunView, StepView, run_view
from journeys.rules import play_words as words
from journeys.rules.play_due import AHEAD, ANCHOR_MOVES, DONE, LEFT_OUT, OPEN, RUNNING, SKIPPED, read_on

_FRACTIONS: Final = frozenset({"accounts.usage_change", "health.coverage"})


@dataclass(frozen=True)
class Fact:
    """A fact beside a step, as its reader may see it."""

    label: str
    value: str
    is_hidden: bool = False


@dataclass(frozen=True)
class StepLine:
    """A step of the play. `tone` is done, late, next or empty; `waits` says what a step ahead waits for."""

    number: int
    view: StepView
    word: str
    tone: str
    due: str
    waits: str
    is_open: bool
    is_next: bool
    panel: list[Fact]

    @property
    def row(self) -> RunStep:
        return self.view.row

    @property
    def can_finish(self) -> bool:
        return self.row.state in {OPEN, "ahead"}


@dataclass(frozen=True)
class PlayPage:
    """Everything on the page of a play."""

    view: RunView
    lines: list[StepLine]
    started: list[str]
    is_guided: bool

    @property
    def run(self) -> PlaybookRun:
        return self.view.run

    @property
    def is_running(self) -> bool:
        return self.run.state == RUNNING

    @property
    def left(self) -> int:
        return sum(not line.view.is_over for line in self.lines)


def play_page(
    run_id: int, *, today: date, opened: str, person: Person | None, with_money: bool, currency: str
) -> PlayPage | None:
    """A play, or None. The step named by `opened` is open, else the one that is next; a guided person sees every
    open step with its script.
    """
    view = run_view(run_id, today)
    if view is None:
        return None
    guided = person is not None and person.guided_until is not None and person.guided_until >= today
    current = view.current.row.pk if view.current is not None and view.run.state == RUNNING else None
    shown = int(opened) if opened.isascii() and opened.isdecimal() and len(opened) < 18 else current
    numbers = {step.row.key: place for place, step in enumerate(view.steps, start=1)}
    lines = []
    for step in view.steps:
        word, tone = step_word(step.row, today, runs=view.run.state == RUNNING, is_next=step.row.pk == current)
        lines.append(
            StepLine(
                number=numbers[step.row.key],
                view=step,
                word=word,
                tone=tone,
                due=_due(step, numbers, view.book.anchor),
                waits=_waits(step, numbers) if view.run.state == RUNNING else "",
                is_open=step.row.pk == shown or (guided and step.row.state == OPEN),
                is_next=step.row.pk == current,
                panel=[_fact(one, with_money=with_money, currency=currency) for one in step.panel],
            )
        )
    hidden = frozenset() if with_money else money_facts()
    return PlayPage(view, lines, _started(view, hidden, currency), guided)


def step_word(step: RunStep, today: date, *, runs: bool, is_next: bool) -> tuple[str, str]:
    """The word of a step and its tone: Done, Done late, Skipped, Left out, Late, Next, Open or Ahead.

    Nothing of a play that is stopped is due any more: what was left then is Not done.
    """
    if step.state == DONE:
        late = step.due_on is not None and step.done_on is not None and step.done_on > step.due_on
        return ("Done late", "done") if late else ("Done", "done")
    if step.state == SKIPPED:
        return "Skipped", ""
    if step.state == LEFT_OUT:
        return "Left out", ""
    if not runs:
        return "Not done", ""
    if step.state == OPEN:
        if step.due_on is not None and step.due_on < today:
            return "Late", "late"
        return ("Next", "next") if is_next else ("Open", "")
    return "Ahead", ""


def _due(step: StepView, numbers: dict[str, int], anchor: str) -> str:
    if step.spec is None or step.spec.due is None:
        return ""
    due = step.spec.due
    block = {"days": due.days, "from": due.source, "when": "before" if due.before else "after"}
    return words.due_words(block, numbers, anchor)


def _waits(step: StepView, numbers: dict[str, int]) -> str:
    if step.row.state != AHEAD or step.spec is None or step.spec.due is None:
        return ""
    reads = read_on(step.spec, step.row.due_on) if step.row.due_on is not None else None
    if reads is not None:
        return f"its condition is read on {formatting.day(reads)}, a week before its day"
    if not step.spec.due.step:
        return ""
    return f"waits for step {numbers.get(step.spec.due.step, '?')}"


def _fact(one: PanelFact, *, with_money: bool, currency: str) -> Fact:
    if one.is_money and not with_money:
        return Fact(one.label, "", is_hidden=True)
    if one.is_money and one.value is not None:
        return Fact(one.label, formatting.money(int(one.value), currency))
    if one.key in _FRACTIONS and one.value is not None:
        return Fact(one.label, formatting.percent(one.value, 0))
    if isinstance(one.value, date):
        return Fact(one.label, formatting.day(one.value))
    return Fact(one.label, one.words)


def _started(view: RunView, hidden: frozenset[str], currency: str) -> list[str]:
    """Why it began, in lines."""
    run, lines = view.run, []
    how = words.TRIGGERS.get(run.trigger, run.trigger)
    lines.append(f"{how}, {formatting.day(run.started_on)}, by {run.started_by}.")
    seen = [part for part in run.trace.get("conditions", []) if isinstance(part, dict) and "label" in part]
    lines += [f"{part['label']}: Hidden" if part["fact"] in hidden else entry_words(part, currency) for part in seen]
    for one in run.trace.get(ANCHOR_MOVES, []):
        was, now, on = (formatting.day(date.fromisoformat(one[name])) for name in ("from", "to", "on"))
        lines.append(f"The day it counts from moved from {was} to {now}, noticed on {on}.")
    waiver = run.trace.get("waiver")
    if isinstance(waiver, dict):
        lines.append(f"Started all the same by {waiver.get('by')} on own authority: {waiver.get('reason')}")
    return lines


def team(limit: int = 300) -> list[Person]:
    """The people of ours who may go on with a play, by name."""
    return list(active_people().filter(membership__isnull=False).order_by("name_key")[:limit])
