"""The demo's journey: how many companies are on their way, and the planted time to first value."""

from typing import Any, Final

# Days from the close to first value that half of a segment needs: planted, so that the product can be held to it.
FIRST_VALUE_DAYS: Final = {"enterprise": 64, "mid_market": 41, "small": 23}
PROSPECT_SHARE: Final = 0.14
# Those who were asked and said no, at some time of the history; and of the customers, those who said no at first.
REFUSAL_SHARE: Final = 0.45
FIRST_TRIES: Final = 0.6


def parameters(accounts: int, *, rich: bool) -> dict[str, Any]:
    """What the statements of the journey name. Only worlds that people look at have prospects."""
    return {
        "value_segments": list(FIRST_VALUE_DAYS),
        "value_medians": list(FIRST_VALUE_DAYS.values()),
        "prospects": round(accounts * PROSPECT_SHARE) if rich else 0,
        "refusals": round(accounts * REFUSAL_SHARE) if rich else 0,
        "first_tries": FIRST_TRIES if rich else 0.0,
    }


def as_json() -> dict[str, Any]:
    """The planted truth of the journey."""
    return {"first_value": {"clock": "close", "median_days": FIRST_VALUE_DAYS}}
