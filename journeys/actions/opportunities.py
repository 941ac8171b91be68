"""Opportunities made and changed by hand or by a program. Stages change only by `journeys.actions.moves`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import Account, Person, Product
from accounts.queries.living import living_account
from accounts.queries.people import HasLeft, active_person
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from journeys.actions.leaving import Win
from journeys.actions.moves import EditionMoved, place_opportunity
from journeys.actions.pipeline_locks import hold_pipelines
from journeys.actions.winning import move_win
from journeys.choices import StageKind
from journeys.models import Answer, Opportunity, Pipeline, PipelineStage

CHANGEABLE: Final = ("name", "about", "amount_minor", "close_on", "kind", "owner_id", "product_id", "account_id")
_TAKEN: Final = "external_id: '{}' is an opportunity already. Change that one."
_RELATED: Final = {"owner_id": Person, "product_id": Product, "account_id": Account}


class OpportunityRefused(ValueError):
    """What was asked for cannot be; the message names the field and the remedy."""


@dataclass(frozen=True)
class Clash:
    """A value that somebody else changed meanwhile."""

    field: str
    seen: Any
    theirs: Any
    mine: Any


class ValuesMoved(ValueError):
    """Somebody else has changed the same values since they were read. `clashes` holds both."""

    def __init__(self, clashes: list[Clash]) -> None:
        super().__init__("Somebody else has changed this since you opened it.")
        self.clashes = clashes


@transaction.atomic
def create_opportunity(
    *,
    values: Mapping[str, Any],
    pipeline_id: int,
    stage_id: int | None = None,
    currency: str,
    actor: Actor,
    today: date,
    now: datetime,
    external_id: str = "",
    source_kind: str = "",
    source_id: int | None = None,
) -> Opportunity:
    """A new deal in a stage of the pipeline, without one in its first open stage; its first stay is written.

    Raises `OpportunityRefused`, also for an owner who has left, and `GateShut` where the stages up to there ask for
    more than the deal says.
    """
    pipeline = Pipeline.objects.filter(pk=pipeline_id).first()
    if pipeline is None:
        raise OpportunityRefused("pipeline: there is no such pipeline. Choose one of the workspace.")
    hold_pipelines([pipeline.pk])
    stages = pipeline.stages.filter(kind="open") if stage_id is None else pipeline.stages.filter(pk=stage_id)
    stage: PipelineStage | None = stages.order_by("position").first()
    if stage is None:
        raise OpportunityRefused(f"stage: '{pipeline.name}' has no such stage. Choose one of its own.")
    if external_id and Opportunity.objects.filter(external_id=external_id).exists():
        raise OpportunityRefused(_TAKEN.format(external_id))
    _must_exist(values)
    _must_live(values)
    deal = Opportunity(
        **{name: values[name] for name in CHANGEABLE if name in values},
        pipeline=pipeline,
        stage=stage,
        currency=currency,
        opened_on=today,
        external_id=external_id,
        source_kind=source_kind,
        source_id=source_id,
    )
    _insert(deal)
    audit.record(actor=actor, at=now, verb="created opportunity", subject=deal, after=_plain(values))
    return place_opportunity(opportunity_id=deal.pk, actor=actor, today=today, now=now)


def _insert(deal: Opportunity) -> None:
    """Writes the new row. Whoever sends the same external id at the same moment is told, as one who comes later is."""
    if not deal.external_id:
        deal.save()
        return
    try:
        with transaction.atomic():
            deal.save()
    except IntegrityError as error:
        if not Opportunity.objects.filter(external_id=deal.external_id).exists():
            raise
        raise OpportunityRefused(_TAKEN.format(deal.external_id)) from error


@transaction.atomic
def update_opportunity(
    *,
    opportunity_id: int,
    values: Mapping[str, Any],
    actor: Actor,
    today: date,
    now: datetime,
    seen: Mapping[str, Any] | None = None,
    seen_edition: int | None = None,
) -> Opportunity:
    """Gives a deal other values. What is as it was changes nothing. A win goes with its deal to another account.

    `seen` are the values that the editor had before them: where somebody else changed one of those meanwhile,
    `ValuesMoved` is raised and nothing is written. With `seen_edition` any change since then raises `EditionMoved`.
    Raises `OpportunityRefused`, also for a new owner who has left, and `AccountMerged` for an account that has gone
    into another one. An owner who left meanwhile and stays holds nothing up.
    """
    unknown = sorted(set(values) - set(CHANGEABLE))
    if unknown:
        raise OpportunityRefused(f"{unknown[0]}: this cannot be changed here. Known: {', '.join(CHANGEABLE)}.")
    _must_exist({"account_id": values.get("account_id")})
    _hold_accounts(opportunity_id, values)
    _must_live(values)
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    if seen_edition is not None and deal.edition != seen_edition:
        raise EditionMoved("Somebody else has changed this deal since you read it. Read it again, then send yours.")
    clashes = [
        Clash(name, was, getattr(deal, name), values[name])
        for name, was in (seen or {}).items()
        if name in values and getattr(deal, name) not in (was, values[name])
    ]
    if clashes:
        raise ValuesMoved(clashes)
    fresh = {name: value for name, value in values.items() if getattr(deal, name) != value}
    if not fresh:
        return deal
    _must_exist(fresh)
    before = {name: getattr(deal, name) for name in fresh}
    was = Win(deal.pk, deal.account_id, deal.kind)
    for name, value in fresh.items():
        setattr(deal, name, value)
    deal.edition += 1
    deal.save(update_fields=[*(name.removesuffix("_id") for name in fresh), "edition"])
    audit.record(
        actor=actor, at=now, verb="changed opportunity", subject=deal, before=_plain(before), after=_plain(fresh)
    )
    if "account_id" in fresh:
        _let_contacts_go(deal, actor, now)
    if {"account_id", "kind"} & set(fresh) and deal.stage.kind == StageKind.WON:
        is_now = Win(deal.pk, deal.account_id, deal.kind)
        move_win(was=was, is_now=is_now, won_on=deal.closed_on, actor=actor, today=today, now=now)
    mark_changed([pk for pk in {was.account_id, deal.account_id} if pk is not None])
    return deal


def _let_contacts_go(deal: Opportunity, actor: Actor, now: datetime) -> None:
    """Answers that name a contact of another account than the deal's are no longer complete."""
    gone = Answer.objects.filter(opportunity=deal, contact__isnull=False)
    if deal.account_id is not None:
        gone = gone.exclude(contact__account_id=deal.account_id)
    told = {f"{one.framework}.{one.question}": one.contact_id for one in gone.order_by("pk")}
    if told:
        gone.update(contact=None, is_complete=False)
        audit.record(actor=actor, at=now, verb="opened answers again", subject=deal, before=told,
                     reason="The opportunity has another account.")  # fmt: skip


def _must_exist(values: Mapping[str, Any]) -> None:
    for name, model in _RELATED.items():
        key = values.get(name)
        if key is not None and not model._default_manager.filter(pk=key).exists():
            raise OpportunityRefused(f"{name.removesuffix('_id')}: nobody and nothing has the id {key}.")
    if values.get("owner_id") is not None:
        try:
            active_person(values["owner_id"])
        except HasLeft as gone:
            raise OpportunityRefused(f"owner: {gone}") from gone
    if "name" in values and not str(values["name"]).strip():
        raise OpportunityRefused("name: an opportunity needs a name.")
    amount = values.get("amount_minor")
    if amount is not None and not 0 <= amount < 10**15:
        raise OpportunityRefused("amount: an amount from 0 up to ten trillion.")


def _hold_accounts(opportunity_id: int, values: Mapping[str, Any]) -> None:
    """Locks the account that the deal leaves, and the one that it is given, before the deal and in their order."""
    if "account_id" not in values:
        return
    before = Opportunity.objects.filter(pk=opportunity_id).values_list("account_id", flat=True).first()
    both = {before, values["account_id"]} - {None}
    if before != values["account_id"] and both:
        list(Account.objects.filter(pk__in=both).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _must_live(values: Mapping[str, Any]) -> None:
    """Locks the account that the deal is given, before the deal: a merge takes them in this order."""
    if values.get("account_id") is not None:
        living_account(values["account_id"])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
