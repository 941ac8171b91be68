"""Verbs of plays: start them, work their steps, change, move and sweep them."""

from journeys.actions.plays.changing import Moved, move_plays, reassign_play, stop_play, switch_variant
from journeys.actions.plays.starting import Begun, PlayRefused, Request, begin, start_play
from journeys.actions.plays.steps import StepIsOver, finish_step, follow_task, follow_tasks, reopen_step, skip_step

__all__ = [
    "Begun",
    "Moved",
    "PlayRefused",
    "Request",
    "StepIsOver",
    "begin",
    "finish_step",
    "follow_task",
    "follow_tasks",
    "move_plays",
    "reassign_play",
    "reopen_step",
    "skip_step",
    "start_play",
    "stop_play",
    "switch_variant",
]
