"""Pipelines in words, and what publishing another one meets."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef

from core.differences import Line
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from journeys.rules.pipelines import parse_pipeline

FIELDS: Final = ("stages", "key", "name", "kind", "probability", "forecast")


def describe_pipeline(definition: dict[str, Any]) -> list[Line]:
    """Line by line, stage after stage."""
    lines: list[Line] = []
    for stage in parse_pipeline(definition).stages:
        path, part = f"stages.{stage.key}", f"stage {stage.name}"
        lines += [
            Line(f"{path}.name", f"name of stage {stage.key}", stage.name, part, "name", path),
            Line(f"{path}.kind", f"{part} counts as", stage.kind, part, "counts as", path),
            Line(f"{path}.probability", f"probability of {part}", f"{stage.probability} %", part, "probability", path),
            Line(f"{path}.forecast", f"forecast of {part}", stage.forecast.replace("_", " "), part, "forecast", path),
        ]
    return lines


def pipeline_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """The opportunities that the change meets."""
    count = Opportunity.objects.filter(pipeline__key=key).count()
    kept = {stage.key: stage.kind for stage in parse_pipeline(definition).stages}
    return [f"{count:,} opportunities are in this pipeline.", *pipeline_obstacles(key, kept)]


def pipeline_obstacles(key: str, kept: dict[str, str]) -> list[str]:
    """Stages that hold opportunities, now or in their history, and would go or change between open, won and lost."""
    return list(_obstacles(key, kept))


def _obstacles(key: str, kept: dict[str, str]) -> Iterator[str]:
    held = dict(
        Opportunity.objects.filter(pipeline__key=key).order_by().values_list("stage_id").annotate(n=Count("pk"))
    )
    visits = Exists(OpportunityStageVisit.objects.filter(stage_id=OuterRef("pk")))
    for stage in PipelineStage.objects.filter(pipeline__key=key).annotate(seen=visits).order_by("position"):
        count = held.get(stage.pk, 0)
        if stage.key not in kept and (count or stage.seen):
            yield f"stages: '{stage.key}' is missing, but opportunities are or were in it. Move them first, or keep it."
        elif count and kept.get(stage.key, stage.kind) != stage.kind:
            yield (f"stages.{stage.key}.kind: {count:,} opportunities stand in it as {stage.kind}. Move them first.")
