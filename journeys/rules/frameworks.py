"""The qualification frameworks that a new workspace comes with. The words of the questions are ours."""

from collections.abc import Mapping
from typing import Any, Final

_METRICS: Final = {
    "key": "metrics",
    "name": "Metric with baseline and target",
    "help": "The number that gets better for them: where it stands today and where it should be.",
    "type": "text",
}
_BUYER: Final = {
    "key": "economic_buyer",
    "name": "Economic buyer",
    "help": "The person who can spend the money without asking anybody else.",
    "type": "contact",
}
_CRITERIA: Final = {
    "key": "decision_criteria",
    "name": "Decision criteria",
    "help": "What they compare offers by, in their order.",
    "type": "text",
}
_PROCESS: Final = {
    "key": "decision_process",
    "name": "Decision process",
    "help": "Steps and dates, at least two: who decides what by when.",
    "type": "steps",
    "min": 2,
}
_PAIN: Final = {
    "key": "pain",
    "name": "Pain named in the customer's words",
    "help": "What hurts, quoted, and what it costs them to leave it so.",
    "type": "text",
}
_CHAMPION: Final = {
    "key": "champion",
    "name": "Champion named",
    "help": "The person inside who wants this to happen and has a say.",
    "type": "contact",
}
_PAPER: Final = {
    "key": "paper_process",
    "name": "Paper process",
    "help": "Legal, security and purchasing: each step with its date.",
    "type": "steps",
    "min": 1,
}
_COMPETITION: Final = {
    "key": "competition",
    "name": "Competition",
    "help": "Whom else they look at, doing it themselves and doing nothing included.",
    "type": "text",
}

FRAMEWORKS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "bant": (
        "BANT",
        {
            "questions": [
                {
                    "key": "budget",
                    "name": "Budget",
                    "help": "What they have set aside for this, as they told you.",
                    "type": "money",
                },
                {
                    "key": "authority",
                    "name": "Authority",
                    "help": "The person who signs.",
                    "type": "contact",
                },
                {
                    "key": "need",
                    "name": "Need",
                    "help": "What they want to be able to do that they cannot do now.",
                    "type": "text",
                },
                {
                    "key": "timing",
                    "name": "Timing",
                    "help": "The day on which they want to have it running.",
                    "type": "date",
                },
            ]
        },
    ),
    "meddic": ("MEDDIC", {"questions": [_METRICS, _BUYER, _CRITERIA, _PROCESS, _PAIN, _CHAMPION]}),
    "meddpicc": (
        "MEDDPICC",
        {"questions": [_METRICS, _BUYER, _CRITERIA, _PROCESS, _PAPER, _PAIN, _CHAMPION, _COMPETITION]},
    ),
    "spiced": (
        "SPICED",
        {
            "questions": [
                {
                    "key": "situation",
                    "name": "Situation",
                    "help": "How they work today: teams, tools, volumes.",
                    "type": "text",
                },
                {
                    "key": "pain",
                    "name": "Pain",
                    "help": "What hurts, in the customer's words.",
                    "type": "text",
                },
                {
                    "key": "impact",
                    "name": "Impact",
                    "help": "What it is worth to them when the pain is gone, in their numbers.",
                    "type": "text",
                },
                {
                    "key": "critical_event",
                    "name": "Critical event",
                    "help": "The day by which they need it, because something happens on it.",
                    "type": "date",
                },
                {
                    "key": "decision",
                    "name": "Decision",
                    "help": "Who decides in which steps by when, at least two.",
                    "type": "steps",
                    "min": 2,
                },
            ]
        },
    ),
}
