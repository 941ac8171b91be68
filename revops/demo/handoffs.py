"""The demo's hand-offs: the words that are said at them."""

import json
from typing import Any, Final

from journeys.rules.handoffs import DEFAULT_HANDOFFS

# Said when something is sent back; the first one most often.
REASONS: Final = (
    "No expectations recorded",
    "No expectations recorded",
    "Sponsor not named",
    "Scope differs from the quote",
)
EXPECTATIONS: Final = (
    "First invoices without rework by the end of the quarter",
    "Dispatch planned in under 20 minutes",
    "All sites on one calendar before the season starts",
    "Our own people can train the next team",
    "A monthly figure that our board understands",
    "Single sign-on for everybody before the roll-out",
    "The second region follows if the first one works",
    "Fewer than five tickets a month after go-live",
    "Data of the old system is there on day one",
    "A named person who answers within a day",
)


def parameters() -> dict[str, Any]:
    """What the statements of the hand-offs name."""
    return {
        "handoff_checklists": json.dumps(
            {one["key"]: one["checklist"] for one in DEFAULT_HANDOFFS if "checklist" in one}
        ),
        "handoff_reasons": list(REASONS),
        "expectations": list(EXPECTATIONS),
    }
