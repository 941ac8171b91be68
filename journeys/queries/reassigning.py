"""Deals of a stage that goes: which criteria they would pass on the way to the stage that takes them over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Count

from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from journeys.models import Opportunity, PipelineStage
from journeys.queries.criteria import OPPORTUNITY, Judged, Placed, Ways, judge, placed_criteria
from journeys.rules.criteria import StageGates, stage_gates
from journeys.rules.pipelines import OPEN, PipelineSpec
from journeys.rules.reassigning import Way, way

# Each stage that goes has a place of its own, at whose exit stands all that its deals are asked, and no other's are.
_WAYS: Final = """
SELECT deal.id, gone.place AS origin, gone.place + 1 AS target, false AS to_lost,
       (SELECT max(stay.entered_on) FROM journeys_opportunitystagevisit AS stay
        WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id AND stay.left_on IS NULL) AS since
FROM journeys_opportunity AS deal
JOIN jsonb_to_recordset(%s::jsonb) AS gone (stage bigint, place int) ON gone.stage = deal.stage_id
WHERE deal.tenant_id = %s
"""


@dataclass(frozen=True)
class Passing:
    """Deals that would go forward with their stage. `unmet`: criteria on the way, and how many deals lack each.

    `nearest` are the stages that stood beside the one that goes and stay; `is_near`, that none is passed.
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

    They are asked what the version `before` asks on the way, in its order and with all the stages that go, and what
    the new document asks on it. Four statements at most, however many stages go.
    """
    rows = list(PipelineStage.objects.filter(pipeline__key=key).order_by("position"))
    gone = [stage for stage in rows if stage.key in spec.reassign and stage.kind == OPEN]
    if not gone:
        return []
    held = Opportunity.objects.filter(stage__in=gone).order_by().values_list("stage_id").annotate(n=Count("pk"))
    deals: dict[int, int] = dict(held)
    then = {one.key: one for one in stage_gates(before.definition)} if before is not None else {}
    old = [then.get(stage.key, StageGates(stage.key, is_end=stage.kind != OPEN)) for stage in rows]
    new = [StageGates(one.key, one.entry, one.exit, (), one.kind != OPEN) for one in spec.stages]
    ways = {stage.key: way(old, new, stage.key, spec.reassign[stage.key]) for stage in gone if stage.pk in deals}
    gone = [stage for stage in gone if stage.key in ways and ways[stage.key].asked]
    if not gone:
        return []
    places = {stage.key: 2 * number for number, stage in enumerate(gone, start=1)}
    placed = placed_criteria([StageGates(stage.key, exit=ways[stage.key].asked) for stage in gone], places)
    judged = _judged(gone, places, placed, today)
    names = {one.key: one.name for one in spec.stages}
    found = (
        _passing(stage, names[spec.reassign[stage.key]], deals[stage.pk], ways[stage.key], placed, judged)
        for stage in gone
    )
    return [one for one in found if one.lacking]


def _judged(
    gone: Sequence[PipelineStage], places: dict[str, int], placed: Sequence[Placed], today: date
) -> list[Judged]:
    """The deals that lack something, each judged by the criteria of its own way. One statement."""
    tenant_id = require_tenant_id()
    at = json.dumps([{"stage": stage.pk, "place": places[stage.key]} for stage in gone])
    deals, ways = Opportunity.objects.filter(stage__in=gone), Ways(_WAYS, (tenant_id, at, tenant_id))
    return judge(deals, ways, placed, subject=OPPORTUNITY, as_of=today, only_missing=True)


def _passing(
    stage: PipelineStage, to_name: str, deals: int, on_way: Way, placed: Sequence[Placed], judged: Sequence[Judged]
) -> Passing:
    mine = [place for place, one in enumerate(placed) if one.stage_key == stage.key]
    lacking = [missing for one in judged if (missing := set(one.missing).intersection(mine))]
    counts = [(placed[place].criterion.name, sum(place in missing for missing in lacking)) for place in mine]
    return Passing(
        stage=stage,
        to_name=to_name,
        deals=deals,
        lacking=len(lacking),
        unmet=tuple((name, count) for name, count in counts if count),
        nearest=on_way.nearest,
        is_near=on_way.is_near,
    )
