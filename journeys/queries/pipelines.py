"""Reads of pipelines and their stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.rules.pipelines import KnownPipeline, squashed


def pipelines() -> QuerySet[Pipeline]:
    """All pipelines, the default one first."""
    return Pipeline.objects.order_by("-is_default", "name", "pk")


@dataclass(frozen=True)
class PipelineTab:
    """A pipeline and how many deals it holds, counted up to just over ten thousand."""

    pipeline: Pipeline
    deals: int


def pipeline_tabs() -> list[PipelineTab]:
    """All pipelines with the number of their deals. One statement, which reads a bounded number of rows of each."""
    counted = RawSQL(
        "(SELECT count(*) FROM (SELECT 1 FROM journeys_opportunity AS deal "
        "WHERE deal.tenant_id = journeys_pipeline.tenant_id AND deal.pipeline_id = journeys_pipeline.id "
        "LIMIT 10001) AS first)",
        (),
    )
    return [PipelineTab(one, one.deals) for one in pipelines().annotate(deals=counted)]


def stages_of(pipeline: Pipeline) -> list[PipelineStage]:
    """The stages in their order. No statement where they were prefetched."""
    return sorted(pipeline.stages.all(), key=lambda stage: stage.position)


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


def deals_named(words: Sequence[str]) -> tuple[list[Opportunity], list[str]]:
    """The deals that an operator names by the id of their source, else by number; and the words that name none."""
    by_source = {
        one.external_id: one for one in Opportunity.objects.filter(external_id__in=words).exclude(external_id="")
    }
    numbers = [int(word) for word in words if word not in by_source and word.isdecimal() and len(word) < 19]
    by_number = {str(one.pk): one for one in Opportunity.objects.filter(pk__in=numbers)}
    known = by_number | by_source
    return [known[word] for word in dict.fromkeys(words) if word in known], [
        word for word in words if word not in known
    ]


def stage_named(word: str, pipeline_id: int) -> PipelineStage | None:
    """The stage of a pipeline by its key; `pipeline:stage` names the pipeline as well."""
    pipeline, _, key = word.rpartition(":")
    found = PipelineStage.objects.filter(pipeline_id=pipeline_id, key=key).select_related("pipeline").first()
    return None if found is None or (pipeline and found.pipeline.key != pipeline) else found
