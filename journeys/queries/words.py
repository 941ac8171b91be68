"""Pipelines in words, and what publishing another one meets."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef

from core.differences import Line
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from journeys.queries.criteria import check_questions, check_rules
from journeys.rules.criteria import FIELDS as CRITERION_FIELDS
from journeys.rules.criteria import Criterion, asked_of
from journeys.rules.pipelines import PipelineSpec, parse_pipeline

FIELDS: Final = (
    "frameworks", "stages", "key", "name", "kind", "probability", "forecast", "entry", "exit", *CRITERION_FIELDS[2:],
)  # fmt: skip


def parse_checked(definition: dict[str, Any]) -> PipelineSpec:
    """A pipeline whose rules name only facts that exist. Raises `ValueError` with the place and the remedy."""
    spec = parse_pipeline(definition)
    check_rules(definition, "opportunity")
    return spec


def publish_check(definition: dict[str, Any]) -> None:
    """Frameworks and questions that criteria name are live."""
    check_questions(definition)


def criteria_lines(path: str, part: str, entry: Sequence[Criterion], leave: Sequence[Criterion]) -> list[Line]:
    """The criteria of a stage, one line each: `to go on from Proposal: Budget is named (answer to budget of bant)`."""
    return [
        Line(
            f"{path}.{word}.{one.key}",
            f"{one.name}, {said} {part}",
            asked_of(one),
            part,
            f"{said}: {one.name}",
            path,
        )
        for word, said, many in (("entry", "to enter", entry), ("exit", "to go on from", leave))
        for one in many
    ]


def describe_pipeline(definition: dict[str, Any]) -> list[Line]:
    """Line by line, stage after stage."""
    spec = parse_pipeline(definition)
    lines = [Line("frameworks", "qualified by", ", ".join(spec.frameworks))] if spec.frameworks else []
    for stage in spec.stages:
        path, part = f"stages.{stage.key}", f"stage {stage.name}"
        lines += [
            Line(f"{path}.name", f"name of stage {stage.key}", stage.name, part, "name", path),
            Line(f"{path}.kind", f"{part} counts as", stage.kind, part, "counts as", path),
            Line(f"{path}.probability", f"probability of {part}", f"{stage.probability} %", part, "probability", path),
            Line(f"{path}.forecast", f"forecast of {part}", stage.forecast.replace("_", " "), part, "forecast", path),
            *criteria_lines(path, part, stage.entry, stage.exit),
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
