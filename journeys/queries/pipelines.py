"""Reads of pipelines and their stages."""

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.rules.pipelines import KnownPipeline, squashed


def pipelines() -> QuerySet[Pipeline]:
    """All pipelines, the default one first."""
    return Pipeline.objects.order_by("-is_default", "name", "pk")


@dataclass(frozen=True)
class PipelineTab:
    """A pipeline and how many deals it holds."""

    pipeline: Pipeline
    deals: int


def pipeline_tabs() -> list[PipelineTab]:
    """All pipelines with the number of their deals. Two statements."""
    counts = dict(Opportunity.objects.values_list("pipeline_id").annotate(deals=Count("pk")).order_by())
    return [PipelineTab(one, counts.get(one.pk, 0)) for one in pipelines()]


def find_stage(stage_id: int) -> PipelineStage | None:
    """The stage with its pipeline, or None."""
    return PipelineStage.objects.filter(pk=stage_id).select_related("pipeline").first()


def find_pipeline(word: str) -> Pipeline | None:
    """The pipeline of that key, else of that name."""
    return Pipeline.objects.filter(key=word).first() or Pipeline.objects.filter(name=word).order_by("pk").first()


def known_pipelines() -> list[KnownPipeline]:
    """All pipelines with their stages, as an import looks them up. Two statements."""
    by_pipeline: dict[int, list[PipelineStage]] = {}
    for stage in PipelineStage.objects.order_by("-position"):
        by_pipeline.setdefault(stage.pipeline_id, []).append(stage)
    return [
        KnownPipeline(
            id=one.pk,
            key=one.key,
            name=one.name,
            is_default=one.is_default,
            ids={name: s.pk for s in by_pipeline.get(one.pk, []) for name in (squashed(s.key), squashed(s.name))},
            kinds={name: s.kind for s in by_pipeline.get(one.pk, []) for name in (squashed(s.key), squashed(s.name))},
        )
        for one in pipelines()
    ]


def misplaced_opportunities() -> int:
    """Opportunities whose open visit is not in their stage, or whose stage is of another pipeline. 0 is right."""
    here = OpportunityStageVisit.objects.filter(
        opportunity_id=OuterRef("pk"), stage_id=OuterRef("stage_id"), left_on=None
    )
    return Opportunity.objects.filter(~Exists(here) | ~Q(stage__pipeline_id=F("pipeline_id"))).count()
