"""What each figure of the analysis means, once: the page, the file and the API quote these words."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Definition:
    """`numerator` and `denominator` in words; `denominator` is empty where the figure is no share."""

    key: str
    name: str
    text: str
    numerator: str
    denominator: str = ""
    version: int = 1


CONVERSION: Final = Definition(
    "conversion",
    "Stage conversion",
    "A deal came to every stage up to the furthest one it was ever in: a skipped stage counts as passed, a stage "
    "entered again counts once, and a won deal passed them all. Deals still open in their furthest stage stand apart. "
    "The biggest drop-off is the stage that loses the largest share of its decided deals.",
    "deals that went on to a later stage or were won",
    "deals that went on or were lost there",
    version=3,
)
MATRIX: Final = Definition(
    "matrix",
    "From stage to stage",
    "Of the deals that came to the stage of the row, the share that came to the stage of the column. Open deals are in "
    "the base, since they may still get there.",
    "deals that came to the column",
    "deals that came to the row",
)
COHORTS: Final = Definition(
    "cohorts",
    "Month by month",
    "The deals of a month and how far they came by now. Later months had less time.",
    "deals that came to the stage",
    "deals of the month",
)
WIN_RATE: Final = Definition(
    "win_rate",
    "Win rate",
    "Won of decided; open deals are in neither number. By amount each deal weighs what it is worth. Under 5 decided "
    "deals there is no rate.",
    "won deals",
    "won and lost deals",
)
CYCLE: Final = Definition(
    "cycle",
    "Sales cycle",
    "Days from the day a deal was opened to the day it was won. “Won deals alone” is the plain percentile and looks "
    "faster than it is. The other counts open deals as still on the way (Kaplan–Meier). Lost deals are in neither, nor "
    "are won deals without both days or closed before they were opened.",
    "days from opening to winning",
    version=2,
)
CONSISTENCY: Final = Definition(
    "consistency",
    "Consistency of qualification",
    "A deal is complete when every required question of the pipeline's frameworks has an answer that satisfies it.",
    "complete deals",
    "deals of the person",
)
FRICTION: Final = Definition(
    "friction",
    "Friction",
    "What each stage costs. Lost: deals whose furthest stage it was. Waiting: open deals there for longer than nine in "
    "ten finished stays took; with under 5 finished stays nothing is called long.",
    "amount of deals lost in the stage; amount of deals waiting beyond the usual time",
)
RECURRING: Final = Definition(
    "recurring",
    "Recurring problems",
    "Tickets, reasons of lost deals and of customers who left or shrank, and returned hand-offs, put together by "
    "reason, product or stage. Three or more in 90 days are a recurring problem.",
    "cases of the last 90 days",
)
DEFINITIONS: Final = (CONVERSION, MATRIX, COHORTS, WIN_RATE, CYCLE, CONSISTENCY, FRICTION, RECURRING)
