"""Plays as a page shows them: each step of the pinned version with where it stands."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from core.models import ProcessVersion
from core.trees import value_words
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.facts import label_of, money_facts, values_of
from journeys.queries.plays.reading import playbook_of
from journeys.rules.play_due import DONE, OPEN, OVER, RUNNING
from journeys.rules.playbooks import Playbook, Step, Variant


@dataclass(frozen=True)
class PanelFact:
    """A fact beside a step, with its value today.

    `is_money`: only for those who may see money, in words of whoever knows the currency; `words` is empty then.
    """

    key: str
    label: str
    value: Any
    words: str
    is_money: bool = False


@dataclass(frozen=True)
class StepView:
    """A step with what the document says of it; `spec` is None for one that the version does not have any more."""

    row: RunStep
    spec: Step | None
    panel: tuple[PanelFact, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.row.state in OVER

    def is_late(self, today: date) -> bool:
        return self.row.state == OPEN and self.row.due_on is not None and self.row.due_on < today


@dataclass(frozen=True)
class RunView:
    """A play with its steps in order. `offer` is the variant of the account's segment, where it is another one."""

    run: PlaybookRun
    version: ProcessVersion
    book: Playbook
    steps: tuple[StepView, ...]
    offer: Variant | None

    @property
    def done(self) -> int:
        return sum(1 for step in self.steps if step.row.state == DONE)

    @property
    def current(self) -> StepView | None:
        """The open step that is due first."""
        waiting = [one for one in self.steps if one.row.state == OPEN]
        return min(waiting, key=lambda one: (one.row.due_on or date.max, one.row.position), default=None)


def plays() -> QuerySet[PlaybookRun]:
    """All plays with what a list shows of them."""
    return PlaybookRun.objects.select_related("account", "version", "owner")


def steps_of(run_id: int) -> QuerySet[RunStep]:
    """The steps of a play in their order."""
    return RunStep.objects.filter(run_id=run_id).order_by("position", "pk")


def run_view(run_id: int, today: date) -> RunView | None:
    """One play. Three statements, and one for the facts of its panels."""
    run = plays().filter(pk=run_id).first()
    if run is None:
        return None
    book = playbook_of(run.version)
    variant = book.variant(run.variant)
    specs = {step.key: step for step in variant.steps} if variant is not None else {}
    rows = list(
        RunStep.objects.filter(run=run).select_related("assignee", "task", "done_by_person").order_by("position", "pk")
    )
    wanted = [key for step in specs.values() for key in step.panel]
    values = values_of([run.account_id], wanted, today).get(run.account_id, {}) if wanted else {}
    steps = tuple(StepView(row, specs.get(row.key), _panel(specs.get(row.key), values)) for row in rows)
    return RunView(run, run.version, book, steps, switch_offer(run))


def _panel(step: Step | None, values: dict[str, Any]) -> tuple[PanelFact, ...]:
    money = money_facts()
    return tuple(
        PanelFact(key, label_of(key), values.get(key), _words(values.get(key), is_money=key in money), key in money)
        for key in (step.panel if step is not None else ())
    )


def _words(value: Any, *, is_money: bool) -> str:
    return "" if is_money and value is not None else value_words(value)


def switch_offer(run: PlaybookRun) -> Variant | None:
    """The variant that the account would get by its segment today, while the play runs by another one."""
    if run.state != RUNNING:
        return None
    fits = playbook_of(run.version).variant_for(run.account.segment)
    return fits if fits is not None and fits.key != run.variant else None
