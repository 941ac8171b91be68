"""Writes of scores. Every other app that wants a score changed says so with `core.changes.mark_changed`."""

from health.actions.history import HISTORY_JOB, backfill_history, start_history
from health.actions.models import make_defaults
from health.actions.recompute import NoModel, Run, recompute, recompute_everybody, score_changes

__all__ = [
    "HISTORY_JOB",
    "NoModel",
    "Run",
    "backfill_history",
    "make_defaults",
    "recompute",
    "recompute_everybody",
    "score_changes",
    "start_history",
]
