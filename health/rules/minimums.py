"""How much must be known before a figure says anything. One place: statistics, gate and pages read it."""

from typing import Final

LEAST_OUTCOMES: Final = 50
# Of each kind: one kept account among a hundred lost tells no more than one lost among a hundred kept.
LEAST_LOSSES: Final = 15
LEAST_KEPT: Final = 15
NEEDED: Final = f"{LEAST_OUTCOMES} with {LEAST_LOSSES} losses and {LEAST_KEPT} kept"
# A test of less than this has seen too little of a year to be trusted with the next one.
SIX_MONTHS: Final = 182


def enough(n: int, losses: int) -> bool:
    """Whether so many outcomes, with so many losses among them, say anything at all."""
    return n >= LEAST_OUTCOMES and losses >= LEAST_LOSSES and n - losses >= LEAST_KEPT
