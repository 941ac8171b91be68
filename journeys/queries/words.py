"""Pipelines and journeys in words, and what publishing another one meets."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef

from core.differences import Line
from journeys.models import LifecycleStage, Opportunity, OpportunityStageVisit, PipelineStage, StageVisit
from journeys.rules.pipelines import parse_journey, parse_pipeline

FIELDS: Final = ("stages", "key", "name", "kind", "probability", "forecast", "owner_team", "expected_days", "success")


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


def describe_journey(definition: dict[str, Any]) -> list[Line]:
    """Line by line, stage after stage."""
    lines: list[Line] = []
    for stage in parse_journey(definition).stages:
        path, part = f"stages.{stage.key}", f"stage {stage.name}"
        days = f"{stage.expected_days} days" if stage.expected_days else "not said"
        lines += [
            Line(f"{path}.name", f"name of stage {stage.key}", stage.name, part, "name", path),
            Line(f"{path}.owner_team", f"team of {part}", stage.owner_team or "nobody", part, "team", path),
            Line(f"{path}.expected_days", f"expected time in {part}", days, part, "expected time", path),
            Line(f"{path}.success", f"success in {part}", stage.success or "not said", part, "success", path),
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


def journey_effects(_key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """What stands against it."""
    return journey_obstacles({stage.key for stage in parse_journey(definition).stages})


def journey_obstacles(kept: set[str]) -> list[str]:
    """Stages that would go although accounts are or were in them."""
    visits = Exists(StageVisit.objects.filter(stage_id=OuterRef("pk")))
    gone = LifecycleStage.objects.exclude(key__in=kept).filter(visits).order_by("position")
    return [
        f"stages: '{stage.key}' is missing, but accounts are or were in it. Move them first, or keep the stage."
        for stage in gone
    ]
