"""Hand-offs: opened by a won deal or a move between stages, and answered by the team that takes over."""

from collections.abc import Sequence
from datetime import date, datetime

from core.actors import Actor


def open_for_won(*, opportunity_ids: Sequence[int], actor: Actor, today: date, now: datetime) -> int:
    """Opens the hand-offs that won opportunities call for, each once. Call it in the transaction of the move."""
    return 0
