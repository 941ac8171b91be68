"""Reads of playbooks and plays."""

from journeys.queries.plays.figures import VersionFigures, playbook_figures
from journeys.queries.plays.moving import MovePlan, MovePreview, move_preview
from journeys.queries.plays.ramp import RampRow, ramp
from journeys.queries.plays.reading import live_playbook, live_playbooks, playbook_of
from journeys.queries.plays.runs import RunView, StepView, run_view, switch_offer
from journeys.queries.plays.trace import Trace, TraceLine, TracePart, why_started

__all__ = [
    "MovePlan",
    "MovePreview",
    "RampRow",
    "RunView",
    "StepView",
    "Trace",
    "TraceLine",
    "TracePart",
    "VersionFigures",
    "live_playbook",
    "live_playbooks",
    "move_preview",
    "playbook_figures",
    "playbook_of",
    "ramp",
    "run_view",
    "switch_offer",
    "why_started",
]
