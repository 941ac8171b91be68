"""Pipelines in words, and what publishing another one meets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count

from core.differences import Line
from core.documents.words import days
from core.models import ProcessVersion
from core.queries import published_version
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from journeys.queries.criteria import check_questions, check_rules
from journeys.queries.criterion_words import asked_words
from journeys.queries.reassigning import Passing, passings
from journeys.rules.criteria import FIELDS as CRITERION_FIELDS
from journeys.rules.criteria import Criterion, stage_gates
from journeys.rules.pipelines import IMPORTER, PipelineSpec, parse_pipeline

FIELDS: Final = (
    "frameworks", "reassign", "stages", "key", "name", "kind", "probability", "forecast", "entry", "exit",
    *CRITERION_FIELDS[2:],
)  # fmt: skip


def parse_checked(definition: dict[str, Any]) -> PipelineSpec:
    """A pipeline whose rules name only facts that exist. Raises `ValueError` with the place and the remedy."""
    spec = parse_pipeline(definition)
    check_rules(definition, "opportunity")
    return spec


def publish_check(definition: dict[str, Any]) -> None:
    """Frameworks and questions that criteria name are live."""
    check_questions(definition)


NO_GATES: Final = (
    "No gates: an import made its stages, and nothing is asked of its deals. Give its stages criteria in Stages and "
    "gates, or publish it as it is, and say why."
)


def left_open(version: ProcessVersion) -> bool:
    """Whether an import made the version and no stage of it asks anything: nobody has decided that it should be so."""
    gates = stage_gates(version.definition)
    return version.published_by == IMPORTER and not any(one.entry or one.exit for one in gates)


def pipeline_gaps(version: ProcessVersion) -> list[str]:
    """What a pipeline lacks, with the remedy. One that a person published without criteria is as it should be."""
    if not left_open(version):
        return []
    return [NO_GATES]


def criteria_lines(path: str, part: str, entry: Sequence[Criterion], leave: Sequence[Criterion]) -> list[Line]:
    """The criteria of a stage, one line each: `to go on from Proposal: Budget is named (answer “Budget” of BANT)`."""
    lines = []
    for word, said, many in (("entry", "to enter", entry), ("exit", "to go on from", leave)):
        for one in many:
            here, label, short = f"{path}.{word}.{one.key}", f"{one.name}, {said} {part}", f"{said}: {one.name}"
            named = f"name of {one.key}, {said} {part}"
            lines.append(Line(here, label, asked_words(one), part, short, path))
            lines.append(Line(f"{here}.name", named, one.name, part, "name", path, quiet=True))
            if one.help:
                lines.append(Line(f"{here}.help", f"help of {label}", one.help, part, f"help of {one.name}", path))
    return lines


def describe_pipeline(definition: dict[str, Any]) -> list[Line]:
    """Line by line, stage after stage."""
    spec = parse_pipeline(definition)
    lines = (
        [Line("frameworks", "qualified by", ", ".join(key.upper() for key in spec.frameworks))]
        if spec.frameworks
        else []
    )
    lines += [
        Line(f"reassign.{gone}", f"deals of the former stage {gone} go to", target)
        for gone, target in spec.reassign.items()
    ]
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


def pipeline_effects(key: str, definition: dict[str, Any], today: date) -> list[str]:
    """The opportunities that the change meets."""
    spec = parse_pipeline(definition)
    count = Opportunity.objects.filter(pipeline__key=key).count()
    names = {stage.key: stage.name for stage in spec.stages}
    moves = [
        f"{_deals(one.deals)} and {days(one.stays, 'stay')} go from {one.name} to "
        f"{names.get(spec.reassign[one.key], spec.reassign[one.key])}."
        for one in stage_uses(key)
        if one.key in spec.reassign
    ]
    held = f"{_deals(count)} {'is' if count == 1 else 'are'} in this pipeline."
    obstacles = _obstacles(key, spec)
    passing = [] if obstacles else passings(key, spec, published_version("pipeline", key), today)
    past = [f"{_lacking(one)}." for one in passing if one.is_near]
    far = [_too_far(one) for one in passing if not one.is_near]
    return [held, *moves, *past, *obstacles, *far]


def _lacking(one: Passing) -> str:
    """`1 of 3 deals goes from Discovery to Demo without: The amount is known (1)`."""
    goes = "goes" if one.lacking == 1 else "go"
    unmet = ", ".join(f"{name} ({count:,})" for name, count in one.unmet)
    whole = days(one.deals, "deal")
    return f"{one.lacking:,} of {whole} {goes} from {one.stage.name} to {one.to_name} without: {unmet}"


def _too_far(one: Passing) -> str:
    near = " or ".join(one.nearest)
    choose = f"Choose {near}, which stood beside it" if near else "Keep a stage that stood beside it"
    return f"reassign.{one.stage.key}: {_lacking(one)}. {choose}, or move these deals first."


def _deals(count: int) -> str:
    return "1 opportunity" if count == 1 else f"{count:,} opportunities"


@dataclass(frozen=True)
class StageUse:
    """A stage of a pipeline with the deals that stand in it, and the stays of all times."""

    key: str
    name: str
    kind: str
    deals: int
    stays: int


def stage_uses(key: str) -> list[StageUse]:
    """Every stage of the pipeline in its order with what it holds and held. Three statements."""
    mine = {"stage__pipeline__key": key}
    deals = dict(Opportunity.objects.filter(**mine).order_by().values_list("stage_id").annotate(n=Count("pk")))
    stays = dict(
        OpportunityStageVisit.objects.filter(**mine).order_by().values_list("stage_id").annotate(n=Count("pk"))
    )
    return [
        StageUse(one.key, one.name, one.kind, deals.get(one.pk, 0), stays.get(one.pk, 0))
        for one in PipelineStage.objects.filter(pipeline__key=key).order_by("position")
    ]


def pipeline_obstacles(key: str, spec: PipelineSpec, before: ProcessVersion | None, today: date) -> list[str]:
    """What stands against following the document: stages that hold or held deals and would go without saying where
    their deals go, and stages that would change between open, won and lost under their deals. Where nothing of this
    does: deals that would be taken past criteria, of it or of the version `before`, further on than the stage beside.
    """
    found = _obstacles(key, spec)
    return found or [_too_far(one) for one in passings(key, spec, before, today) if not one.is_near]


def _obstacles(key: str, spec: PipelineSpec) -> list[str]:
    kinds = {stage.key: stage.kind for stage in spec.stages}
    return [words for one in stage_uses(key) if (words := _obstacle(one, kinds, spec))]


def _obstacle(one: StageUse, kinds: Mapping[str, str], spec: PipelineSpec) -> str:
    if one.key not in kinds:
        if not one.deals and not one.stays:
            return ""
        target = spec.reassign.get(one.key)
        if target is None:
            others = ", ".join(key for key, kind in kinds.items() if kind == one.kind)
            return (
                f"stages: '{one.key}' is missing, but opportunities are or were in it ({one.deals:,} now, "
                f"{one.stays:,} stays). "
                f"Say where they go, `reassign: {{{one.key}: STAGE}}` with one of {others or 'its kind'}, or keep it."
            )
        if kinds[target] != one.kind:
            return (
                f"reassign.{one.key}: {one.name} is {one.kind}, {target} is {kinds[target]}: deals would be won, lost "
                "or reopened without a word. Choose a stage of the same kind."
            )
    elif one.deals and kinds[one.key] != one.kind:
        return f"stages.{one.key}.kind: {one.deals:,} opportunities stand in it as {one.kind}. Move them first."
    return ""
