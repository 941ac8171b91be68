"""Where an automatic task comes from: the rule, what its conditions saw, and the source rows behind that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.urls import reverse

from accounts.models import Activity, ContractLine, Ticket
from core.formatting import money, number
from core.models import ProcessVersion
from escalations.models import Escalation
from health.models import Alert, Score
from health.queries.live import model_of
from health.rules.alert_words import SeenCondition, seen
from journeys.models import Handoff, OpportunityStageVisit, PlaybookRun, StageVisit, Task
from qbr.models import QBR
from renewals.models import Renewal

SHOWN: Final = 20
LOOK_BACK: Final = timedelta(days=90)


@dataclass(frozen=True)
class SourceRow:
    """One row of what was observed, agreed or done. `url` leads on to the rows behind it, where it is a sum."""

    what: str
    day: date | None
    value: str
    url: str = ""


@dataclass(frozen=True)
class Source:
    """Rows of one kind."""

    title: str
    rows: tuple[SourceRow, ...]


@dataclass(frozen=True)
class Lineage:
    """From the task back to the rows."""

    task: Task
    version: ProcessVersion | None
    conditions: tuple[SeenCondition, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class _Asked:
    task: Task
    hidden: frozenset[str]
    with_money: bool
    today: date

    @property
    def subject(self) -> int:
        return self.task.subject_id or 0

    @property
    def account(self) -> int:
        return self.task.account_id or 0

    def amount(self, minor: int | None, currency: str) -> str:
        return money(minor, currency) if self.with_money else "Hidden"


def lineage(task: Task, *, hidden: frozenset[str], with_money: bool, today: date) -> Lineage:
    """What led to the task. Of `hidden` facts no value is said. At most twenty rows of each kind, the latest first."""
    asked = _Asked(task, hidden, with_money, today)
    conditions, sources = _KINDS.get(task.subject_kind, _of_nothing)(asked)
    return Lineage(task, task.process_version, conditions, tuple(one for one in sources if one.rows))


_Found = tuple[tuple[SeenCondition, ...], list[Source]]


def _of_nothing(_asked: _Asked) -> _Found:
    return (), []


def _alert(asked: _Asked) -> _Found:
    alert = Alert.objects.filter(pk=asked.subject).first()
    return (seen(alert.why, asked.hidden) if alert else ()), [*_score(asked), *_signals(asked)]


def _escalation(asked: _Asked) -> _Found:
    found = Escalation.objects.filter(pk=asked.subject).first()
    why = found.facts.get("conditions", []) if found else []
    return seen(why, asked.hidden), [*_score(asked), *_signals(asked), *_contract(asked, None)]


def _renewal(asked: _Asked) -> _Found:
    renewal = Renewal.objects.filter(pk=asked.subject).first()
    if renewal is None:
        return (), []
    due = SourceRow(f"Renewal due, by {renewal.get_basis_display().lower()}", renewal.due_on, "",
                    reverse("renewals:detail", args=[renewal.pk]))  # fmt: skip
    return (), [Source("The date that the step counts from", (due,)), *_contract(asked, renewal.contract_id)]


def _qbr(asked: _Asked) -> _Found:
    review = QBR.objects.filter(pk=asked.subject).first()
    if review is None:
        return (), []
    others = QBR.objects.filter(account_id=review.account_id).order_by("-due_on")[:SHOWN]
    rows = tuple(
        SourceRow(f"Review of {one.period_start:%-d %b %Y} to {one.period_end:%-d %b %Y}", one.held_on or one.due_on,
                  str(one.get_state_display()), reverse("qbr:detail", args=[one.pk]))
        for one in others
    )  # fmt: skip
    return (), [Source("Reviews that the cadence counts from", rows), *_contract(asked, None)]


def _handoff(asked: _Asked) -> _Found:
    handoff = Handoff.objects.filter(pk=asked.subject).first()
    if handoff is None:
        return (), []
    deal = OpportunityStageVisit.objects.filter(opportunity_id=handoff.opportunity_id or 0).select_related("stage")
    moves = StageVisit.objects.filter(account_id=handoff.account_id).select_related("stage")
    return (), [
        Source("Moves of the deal", tuple(_visit(one) for one in deal.order_by("-entered_on", "-pk")[:SHOWN])),
        Source("Moves of the account", tuple(_visit(one) for one in moves.order_by("-entered_on", "-pk")[:SHOWN])),
    ]


def _visit(one: OpportunityStageVisit | StageVisit) -> SourceRow:
    by = f"by {one.moved_by}" if one.moved_by else ""
    if isinstance(one, StageVisit) and not one.is_start_known:
        return SourceRow(f"Seen in {one.stage.name}", one.entered_on, by)
    return SourceRow(f"Entered {one.stage.name}", one.entered_on, by)


def _play(asked: _Asked) -> _Found:
    run = PlaybookRun.objects.filter(pk=asked.subject).first()
    if run is None:
        return (), []
    alert = _alert_of(run)
    trace = alert.why if alert else run.trace.get("conditions", []) if isinstance(run.trace, dict) else []
    why = [one for one in trace if isinstance(one, dict) and "fact" in one]
    rows = [SourceRow(f"Play started: {run.trigger}", run.started_on, f"by {run.started_by}",
                      reverse("journeys:play", args=[run.pk]))]  # fmt: skip
    if alert is not None:
        rows.append(SourceRow("Alert that started it", alert.opened_on, "", reverse("health:alert", args=[alert.pk])))
    return seen(why, asked.hidden), [Source("The play", tuple(rows)), *_score(asked), *_signals(asked)]


def _alert_of(run: PlaybookRun) -> Alert | None:
    """The alert that started the play, where one did."""
    kind, _, number_of = run.origin_key.partition(":")
    if kind != "alert" or not number_of.isdecimal() or len(number_of) > 18:
        return None
    return Alert.objects.filter(pk=int(number_of), account_id=run.account_id).first()


def _score(asked: _Asked) -> list[Source]:
    """The inputs of the account's score; each leads to the rows from which its value follows."""
    score = Score.objects.filter(account_id=asked.account).select_related("model_version").first()
    if score is None:
        return []
    rows = tuple(
        SourceRow(one.label, score.as_of, "no data" if value is None else f"sub-score {number(value, 1)}",
                  reverse("health:rows", args=[score.account_id, one.key]))
        for one, value in zip(model_of(score.model_version).inputs, score.sub_scores, strict=False)
    )  # fmt: skip
    return [Source("Inputs of the health score, each with its rows", rows)]


def _signals(asked: _Asked) -> list[Source]:
    account_id = asked.account
    since = asked.task.created_at - LOOK_BACK
    tickets = Ticket.objects.filter(account_id=account_id, opened_at__gte=since).order_by("-opened_at")[:SHOWN]
    contacts = Activity.objects.filter(account_id=account_id).order_by("-occurred_at")[:SHOWN]
    return [
        Source("Tickets of 90 days", tuple(
            SourceRow(one.subject or "Ticket", one.opened_at.date(), one.status) for one in tickets)),
        Source("Last contacts", tuple(
            SourceRow(one.subject, one.occurred_at.date(), str(one.get_kind_display())) for one in contacts)),
    ]  # fmt: skip


def _contract(asked: _Asked, contract_id: int | None) -> list[Source]:
    lines = ContractLine.objects.filter(account_id=asked.account).select_related("contract", "product")
    if contract_id is not None:
        lines = lines.filter(contract_id=contract_id)
    rows = tuple(
        SourceRow(f"{one.contract.name or 'Contract'}: {one.product.name if one.product else 'line'}", one.starts_on,
                  f"{asked.amount(one.arr_minor, one.contract.currency)}, "
                  + (f"until {one.ends_on:%-d %b %Y}" if one.ends_on else "without end"))
        for one in lines.order_by("-starts_on", "-pk")[:SHOWN]
    )  # fmt: skip
    return [Source("Contract lines", rows)]


_KINDS: Final[dict[str, Callable[[_Asked], _Found]]] = {
    "alert": _alert,
    "escalation": _escalation,
    "renewal": _renewal,
    "qbr": _qbr,
    "handoff": _handoff,
    "play": _play,
}
