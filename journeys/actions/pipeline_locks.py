"""Holding a pipeline: moves hold it together, publishing holds it alone.

Always the pipeline first and the deals after it, so that nobody waits for somebody who waits for them.
"""

from collections.abc import Collection

from django.db import connection

from core.tenancy import require_tenant_id
from journeys.models import Pipeline, PipelineStage


def hold_stage(stage_id: int) -> PipelineStage:
    """The stage as it is while its pipeline is held: nobody publishes another version until the transaction ends.

    Raises `DoesNotExist`, also for a stage that a version published meanwhile has taken away.
    """
    hold_pipelines([PipelineStage.objects.values_list("pipeline_id", flat=True).get(pk=stage_id)])
    return PipelineStage.objects.select_related("pipeline").get(pk=stage_id)


def hold_pipelines(ids: Collection[int]) -> None:
    """Nobody publishes another version of these pipelines until the transaction ends. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM journeys_pipeline WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE",
            [require_tenant_id(), list(ids)],
        )


def hold_every_pipeline() -> None:
    """As `hold_pipelines`, for all of the workspace."""
    hold_pipelines(list(Pipeline.objects.order_by("pk").values_list("pk", flat=True)))


def take_pipeline(key: str) -> None:
    """Waits until nobody moves or makes deals in the pipeline, and keeps them waiting until the transaction ends."""
    list(Pipeline.objects.select_for_update().filter(key=key).values_list("pk", flat=True))
