from journeys.models.absences import Absence, BookHandover, HandoverLine
from journeys.models.gates import Evidence, Waiver
from journeys.models.lifecycle import (
    Checkpoint,
    ContactStageVisit,
    Expectation,
    FirstValue,
    Handoff,
    JourneyFigures,
    LifecycleStage,
    StageVisit,
)
from journeys.models.playbooks import PlaybookRun, RunStep
from journeys.models.sales import Answer, Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.models.tasks import Task

__all__ = [
    "Absence",
    "Answer",
    "BookHandover",
    "Checkpoint",
    "ContactStageVisit",
    "Evidence",
    "Expectation",
    "FirstValue",
    "Handoff",
    "HandoverLine",
    "JourneyFigures",
    "LifecycleStage",
    "Opportunity",
    "OpportunityStageVisit",
    "Pipeline",
    "PipelineStage",
    "PlaybookRun",
    "RunStep",
    "StageVisit",
    "Task",
    "Waiver",
]
