"""Hand-offs: opened by a won deal or a move between stages, and answered by the team that takes over."""

from journeys.actions.handoffs.answers import (
    HandoffRefused,
    NotShown,
    NotTheirs,
    accept,
    cancel,
    give_to,
    give_what_shows_it,
    hand_over_again,
    send_back,
    tick_item,
)
from journeys.actions.handoffs.opening import open_for_moves, open_for_won, open_handoff, sweep_handoffs

__all__ = [
    "HandoffRefused",
    "NotShown",
    "NotTheirs",
    "accept",
    "cancel",
    "give_to",
    "give_what_shows_it",
    "hand_over_again",
    "open_for_moves",
    "open_for_won",
    "open_handoff",
    "send_back",
    "sweep_handoffs",
    "tick_item",
]
