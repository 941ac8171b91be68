"""Reads of pipelines and their stages."""

from django.db.models import QuerySet

from journeys.models import Pipeline, PipelineStage
from journeys.rules.pipelines import KnownPipeline, squashed


def pipelines() -> QuerySet[Pipeline]:
    """All pipelines, the default one first."""
    return Pipeline.objects.order_by("-is_default", "name", "pk")


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
