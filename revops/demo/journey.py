"""The demo's journey: how many companies are on their way, and the planted time to first value."""

from typing import Any, Final

# Days from the close to first value that half of a segment needs: planted, so that the product can be held to it.
FIRST_VALUE_DAYS: Final = {"enterprise": 64, "mid_market": 41, "small": 23}
PROSPECT_SHARE: Final = 0.14


def parameters(accounts: int, *, rich: bool) -> dict[str, Any]:
    """What the statements of the journey name. Only worlds that people look at have prospects."""
    return {
        "value_segments": list(FIRST_VALUE_DAYS),
        "value_medians": list(FIRST_VALUE_DAYS.values()),
        "prospects": round(accounts * PROSPECT_SHARE) if rich else 0,
    }


def as_json() -> dict[str, Any]:
    """The planted truth of the journey."""
    return {"first_value": {"clock": "close", "median_days": FIRST_VALUE_DAYS}}
