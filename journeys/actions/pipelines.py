"""Pipelines as published documents, and as the rows that opportunities point at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.models import ProcessVersion, Tenant
from core.queries import published_version
from core.tenancy import require_tenant_id
from core.version_history import once_live
from core.versioning import draft, ensure_published, publish
from journeys.actions.pipeline_locks import take_pipeline
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.queries.words import pipeline_obstacles
from journeys.rules.pipelines import (
    DEFAULT_PIPELINE,
    OPEN,
    PipelineSpec,
    StageSpec,
    parse_pipeline,
    pipeline_document,
)

PIPELINE_KIND = "pipeline"
DEFAULT_PIPELINE_KEY = "sales"
IMPORTED = "Stages of an import."


@transaction.atomic
def ensure_default_pipeline(*, actor: Actor, now: datetime) -> Pipeline:
    """The pipeline of a new workspace: Discovery, Demo, Proposal, Negotiation, Closed (won or lost). Idempotent."""
    version = ensure_published(
        kind=PIPELINE_KIND,
        key=DEFAULT_PIPELINE_KEY,
        name="Sales",
        definition=dict(DEFAULT_PIPELINE),
        actor=actor,
        now=now,
    )
    return _materialise(version, is_default=not Pipeline.objects.filter(is_default=True).exists())


@transaction.atomic
def create_pipeline(*, key: str, name: str, spec: PipelineSpec, actor: Actor, now: datetime) -> Pipeline:
    """A pipeline with its stages, published as a process document. One that has this key stays as it is.

    It asks nothing of anybody: until a person has published it, it counts as a gap of the design.
    """
    version = published_version(PIPELINE_KIND, key)
    if version is None:
        made = draft(
            kind=PIPELINE_KIND, key=key, name=name, definition=pipeline_document(spec), actor=actor, now=now
        )  # fmt: skip
        version = publish(version=made, actor=actor, now=now, reason=IMPORTED, waiver=IMPORTED, exempt=True)
    return _materialise(version, is_default=False)


@transaction.atomic
def add_stages(*, pipeline: Pipeline, spec: PipelineSpec, actor: Actor, now: datetime) -> list[PipelineStage]:
    """Gives an imported pipeline the stages that it does not know yet, before its closed ones; returns the new ones.

    They stand in a new version of its document, so that the editor and the deals agree. Raises `ValueError` where
    what is live could not be published as it is, and where processes need a second person's approval.
    """
    rows = list(pipeline.stages.order_by("position"))
    known = {stage.key for stage in rows}
    fresh = [stage for stage in spec.stages if stage.key not in known]
    if not fresh:
        return []
    live = published_version(PIPELINE_KIND, pipeline.key)
    definition = {name: value for name, value in (live.definition if live else {}).items() if name != "reassign"}
    stages = list(definition.get("stages", ()))
    said = {stage["key"] for stage in stages}
    # Rows of imports from before the document was told of them come along.
    coming = [_spec_of(row) for row in rows if row.key not in said] + fresh
    coming.sort(key=lambda stage: stage.kind != OPEN)
    place = next((at for at, stage in enumerate(stages) if stage.get("kind", OPEN) != OPEN), len(stages))
    stages[place:place] = pipeline_document(PipelineSpec(tuple(coming)))["stages"]
    version = draft(kind=PIPELINE_KIND, key=pipeline.key, name=live.name if live else pipeline.name,
                    definition={**definition, "stages": stages}, actor=actor, now=now)  # fmt: skip
    publish(version=version, actor=actor, now=now, reason=IMPORTED, waiver=IMPORTED)
    return list(pipeline.stages.filter(key__in=[stage.key for stage in fresh]).order_by("position"))


def _spec_of(row: PipelineStage) -> StageSpec:
    return StageSpec(row.key, row.name, row.kind, row.probability, row.forecast)


def follow_pipeline(version: ProcessVersion, actor: Actor, now: datetime) -> None:
    """Makes the rows that opportunities point at say what the version says. Raises `ValueError` with what is in use.

    Deals and stays of a stage that goes are reassigned first, as the version says, in the transaction of publishing.
    The pipeline is held alone meanwhile: no deal moves into a stage that goes.
    """
    spec = parse_pipeline(version.definition)
    take_pipeline(version.key)
    today = Tenant.objects.get(pk=require_tenant_id()).today(now)
    before = once_live(PIPELINE_KIND, version.key).order_by("-published_at", "-number").first()
    stages, obstacles = spec.stages, pipeline_obstacles(version.key, spec, before, today)
    if obstacles:
        raise ValueError(" ".join(obstacles))
    pipeline, _ = Pipeline.objects.update_or_create(
        key=version.key,
        defaults={"name": version.name},
        create_defaults={"name": version.name, "is_default": _is_first_default(version.key)},
    )
    present = PipelineStage.objects.filter(pipeline=pipeline)
    kept = {stage.key for stage in stages}
    gone = list(present.exclude(key__in=kept).order_by("position"))
    _replace(present, _rows(pipeline, stages, first=1), _STAGE_FIELDS, without=[stage.pk for stage in gone])
    targets = {stage.key: stage for stage in present}
    for stage in gone:
        if stage.key in spec.reassign:
            _reassign(stage, targets[spec.reassign[stage.key]], actor, now)
    present.exclude(key__in=kept).delete()


def _reassign(gone: PipelineStage, target: PipelineStage, actor: Actor, now: datetime) -> None:
    """Deals and stays of a stage that goes belong to another from now on; each stay says where it was."""
    accounts = list(
        Opportunity.objects.filter(stage=gone)
        .exclude(account=None)
        .order_by("account_id")
        .values_list("account_id", flat=True)
    )
    deals = Opportunity.objects.filter(stage=gone).update(stage=target, edition=F("edition") + 1)
    stays = OpportunityStageVisit.objects.filter(stage=gone)
    was = f"In {gone.name}, a stage that is no more"
    longer = Concat(Value(f"{was}: "), F("reason"), output_field=TextField())
    said = Case(When(reason="", then=Value(was)), default=longer, output_field=TextField())
    count = stays.update(stage=target, reason=said)
    if deals or count:
        audit.record(
            actor=actor,
            at=now,
            verb="reassigned stage",
            subject=target,
            before={"stage": gone.key},
            after={"stage": target.key, "deals": deals, "stays": count},
        )
        mark_changed(sorted(set(accounts)))


def _is_first_default(key: str) -> bool:
    return key == DEFAULT_PIPELINE_KEY and not Pipeline.objects.filter(is_default=True).exists()


_STAGE_FIELDS = ["name", "position", "kind", "probability", "forecast"]


def _replace(present: QuerySet[Any], rows: Sequence[Any], fields: list[str], *, without: Sequence[int]) -> None:
    """The rows by key: what is there follows, what is new comes. Those of `without` wait behind all others."""
    # First out of the way, since positions are unique at every moment.
    present.update(position=F("position") + 1000)
    ids = dict(present.exclude(pk__in=without).values_list("key", "pk"))
    for row in rows:
        row.pk = ids.get(row.key)
    present.model._default_manager.bulk_update([row for row in rows if row.pk], fields)
    present.model._default_manager.bulk_create([row for row in rows if not row.pk])


def _materialise(version: ProcessVersion, *, is_default: bool) -> Pipeline:
    pipeline, created = Pipeline.objects.get_or_create(
        key=version.key, defaults={"name": version.name, "is_default": is_default}
    )
    if created:
        PipelineStage.objects.bulk_create(_rows(pipeline, parse_pipeline(version.definition).stages, first=1))
    return pipeline


def _rows(pipeline: Pipeline, stages: Sequence[StageSpec], *, first: int) -> list[PipelineStage]:
    return [
        PipelineStage(
            tenant_id=pipeline.tenant_id,
            pipeline=pipeline,
            key=stage.key,
            name=stage.name,
            position=position,
            kind=stage.kind,
            probability=stage.probability,
            forecast=stage.forecast,
        )
        for position, stage in enumerate(stages, start=first)
    ]
