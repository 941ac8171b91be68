"""Verbs of plays: start them, work their steps, change, move and sweep them."""

from journeys.actions.plays.bulk import JOB, ask_start_plays, start_plays
from journeys.actions.plays.changing import Moved, move_plays, reassign_play, stop_play, switch_variant
from journeys.actions.plays.ending import end_plays_of, end_plays_of_former
from journeys.actions.plays.moving_many import AT_ONCE, ask_move_plays, move_many_plays
from journeys.actions.plays.moving_many import JOB as MOVE_PLAYS
from journeys.actions.plays.outcomes import note_review
from journeys.actions.plays.starting import Begun, NotOfAccount, OriginTaken, PlayRefused, Request, begin, start_play
from journeys.actions.plays.steps import (
    StepIsOver,
    finish_step,
    follow_task,
    follow_tasks,
    person_of,
    reopen_step,
    skip_step,
)
from journeys.actions.plays.sweeping import PlaySweep, sweep_plays

__all__ = [
    "AT_ONCE",
    "JOB",
    "MOVE_PLAYS",
    "Begun",
    "Moved",
    "NotOfAccount",
    "OriginTaken",
    "PlayRefused",
    "PlaySweep",
    "Request",
    "StepIsOver",
    "ask_move_plays",
    "ask_start_plays",
    "begin",
    "end_plays_of",
    "end_plays_of_former",
    "finish_step",
    "follow_task",
    "follow_tasks",
    "move_many_plays",
    "move_plays",
    "note_review",
    "person_of",
    "reassign_play",
    "reopen_step",
    "skip_step",
    "start_play",
    "start_plays",
    "stop_play",
    "sweep_plays",
    "switch_variant",
]
