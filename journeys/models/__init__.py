from journeys.models.lifecycle import LifecycleStage, StageVisit
from journeys.models.sales import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.models.tasks import Task

__all__ = [
    "LifecycleStage",
    "Opportunity",
    "OpportunityStageVisit",
    "Pipeline",
    "PipelineStage",
    "StageVisit",
    "Task",
]
