"""Opportunities made and changed by hand or by a program. Stages change only by `journeys.actions.moves`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import Account, Person, Product
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from journeys.actions.moves import place_opportunity
from journeys.models import Opportunity, Pipeline, PipelineStage

CHANGEABLE: Final = ("name", "about", "amount_minor", "close_on", "kind", "owner_id", "product_id", "account_id")
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

    Raises `OpportunityRefused`, and `GateShut` where the stages up to there ask for more than the deal says.
    """
    pipeline = Pipeline.objects.filter(pk=pipeline_id).first()
    if pipeline is None:
        raise OpportunityRefused("pipeline: there is no such pipeline. Choose one of the workspace.")
    stages = pipeline.stages.filter(kind="open") if stage_id is None else pipeline.stages.filter(pk=stage_id)
    stage: PipelineStage | None = stages.order_by("position").first()
    if stage is None:
        raise OpportunityRefused(f"stage: '{pipeline.name}' has no such stage. Choose one of its own.")
    if external_id and Opportunity.objects.filter(external_id=external_id).exists():
        raise OpportunityRefused(f"external_id: '{external_id}' is an opportunity already. Change that one.")
    _must_exist(values)
    deal = Opportunity.objects.create(
        **{name: values[name] for name in CHANGEABLE if name in values},
        pipeline=pipeline,
        stage=stage,
        currency=currency,
        opened_on=today,
        external_id=external_id,
        source_kind=source_kind,
        source_id=source_id,
    )
    audit.record(actor=actor, at=now, verb="created opportunity", subject=deal, after=_plain(values))
    return place_opportunity(opportunity_id=deal.pk, actor=actor, today=today, now=now)


@transaction.atomic
def update_opportunity(
    *,
    opportunity_id: int,
    values: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    seen: Mapping[str, Any] | None = None,
) -> Opportunity:
    """Gives a deal other values. What is as it was changes nothing.

    `seen` are the values that the editor had before them: where somebody else changed one of those meanwhile,
    `ValuesMoved` is raised and nothing is written. Raises `OpportunityRefused`.
    """
    unknown = sorted(set(values) - set(CHANGEABLE))
    if unknown:
        raise OpportunityRefused(f"{unknown[0]}: this cannot be changed here. Known: {', '.join(CHANGEABLE)}.")
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
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
    accounts = {deal.account_id}
    for name, value in fresh.items():
        setattr(deal, name, value)
    deal.edition += 1
    deal.save(update_fields=[*(name.removesuffix("_id") for name in fresh), "edition"])
    audit.record(
        actor=actor, at=now, verb="changed opportunity", subject=deal, before=_plain(before), after=_plain(fresh)
    )
    mark_changed([pk for pk in accounts | {deal.account_id} if pk is not None])
    return deal


def _must_exist(values: Mapping[str, Any]) -> None:
    for name, model in _RELATED.items():
        key = values.get(name)
        if key is not None and not model._default_manager.filter(pk=key).exists():
            raise OpportunityRefused(f"{name.removesuffix('_id')}: nobody and nothing has the id {key}.")
    if "name" in values and not str(values["name"]).strip():
        raise OpportunityRefused("name: an opportunity needs a name.")
    amount = values.get("amount_minor")
    if amount is not None and not 0 <= amount < 10**15:
        raise OpportunityRefused("amount: an amount from 0 up to ten trillion.")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
