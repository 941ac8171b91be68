"""Deals of a stage that goes: which criteria they would pass on the way to the stage that takes them over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from journeys.models import Opportunity, PipelineStage
from journeys.queries.criteria import OPPORTUNITY, Ways, judge, placed_criteria
from journeys.rules.criteria import StageGates, stage_gates
from journeys.rules.pipelines import OPEN, PipelineSpec
from journeys.rules.reassigning import nearest, with_stage

_WAYS: Final = """
SELECT deal.id, %s AS origin, %s AS target, false AS to_lost,
       (SELECT max(stay.entered_on) FROM journeys_opportunitystagevisit AS stay
        WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id AND stay.left_on IS NULL) AS since
FROM journeys_opportunity AS deal
WHERE deal.tenant_id = %s AND deal.stage_id = %s
"""


@dataclass(frozen=True)
class Passing:
    """Deals that would go forward with their stage. `unmet`: criteria on the way, and how many deals lack each.

    `nearest` are the stages next to the one that goes; `is_near`, that one of them takes the deals over.
    """

    stage: PipelineStage
    to_name: str
    deals: int
    lacking: int
    unmet: tuple[tuple[str, int], ...]
    nearest: tuple[str, ...]
    is_near: bool


def passings(key: str, spec: PipelineSpec, before: ProcessVersion | None, today: date) -> list[Passing]:
    """For open stages that go and whose deals would go on to a later stage without what is asked on the way there.

    They are asked what a move would be asked, were the stage still there: what it asks to go on in the version
    `before`, and what the new document asks behind it. One statement for each such stage that holds deals.
    """
    rows = list(PipelineStage.objects.filter(pipeline__key=key).order_by("position"))
    gone = [stage for stage in rows if stage.key in spec.reassign and stage.kind == OPEN]
    held = set(Opportunity.objects.filter(stage__in=gone).values_list("stage_id", flat=True)) if gone else set()
    gone = [stage for stage in gone if stage.pk in held]
    if not gone:
        return []
    then = {one.key: one for one in stage_gates(before.definition)} if before is not None else {}
    order = [stage.key for stage in rows]
    new = [StageGates(one.key, one.entry, one.exit, (), one.kind != OPEN) for one in spec.stages]
    found = [
        _passing(stage, spec, with_stage(new, then.get(stage.key, StageGates(stage.key)), order), today)
        for stage in gone
    ]
    return [one for one in found if one is not None]


def _passing(stage: PipelineStage, spec: PipelineSpec, gates: Sequence[StageGates], today: date) -> Passing | None:
    positions = {one.key: place for place, one in enumerate(gates, start=1)}
    origin, target = positions[stage.key], positions[spec.reassign[stage.key]]
    if target < origin:
        return None
    placed = placed_criteria(gates, positions)
    tenant_id = require_tenant_id()
    deals = Opportunity.objects.filter(stage=stage)
    ways = Ways(_WAYS, (origin, target, tenant_id, tenant_id, stage.pk))
    judged = judge(deals, ways, placed, subject=OPPORTUNITY, as_of=today, only_missing=True)
    if not judged:
        return None
    counts = [sum(place in one.missing for one in judged) for place in range(len(placed))]
    names, near = {one.key: one.name for one in spec.stages}, nearest(gates, stage.key)
    return Passing(
        stage=stage,
        to_name=names[spec.reassign[stage.key]],
        deals=deals.count(),
        lacking=len(judged),
        unmet=tuple((one.criterion.name, count) for one, count in zip(placed, counts, strict=True) if count),
        nearest=near,
        is_near=spec.reassign[stage.key] in near,
    )
