"""Models to start from, for businesses that are measured differently."""

from typing import Any, Final

from health.rules.standard import STANDARD


def _events(key: str, name: str, bands: list[list[float | None]], weight: int) -> dict[str, Any]:
    """An input over rows of an event, such as one row per returned parcel: their sum in 90 days, few are good.

    A customer who orders and has no such row had none of it, which is the best there is.
    """
    return {
        "key": key,
        "name": name,
        "measure": key,
        "window_days": 90,
        "aggregate": "sum",
        "mapping": {"bands": bands},
        "otherwise": {
            "measure": "orders",
            "window_days": 90,
            "aggregate": "count",
            "mapping": {"bands": [[None, 100]]},
        },
        "weight": weight,
        "missing": "exclude",
    }


COMMERCE: Final[dict[str, Any]] = {
    "kind": "score_model",
    "key": "commerce",
    "name": "Commerce",
    "applies_to": "all",
    "bands": {"red": 0, "yellow": 50, "green": 70},
    "min_coverage": 0.6,
    "inputs": [
        {
            "key": "orders",
            "name": "Orders",
            "measure": "orders",
            "window_days": 60,
            "baseline_days": 180,
            "aggregate": "trend",
            "mapping": {"linear": {"worst": -0.6, "best": 0.1}},
            "weight": 30,
            "missing": "exclude",
        },
        _events("complaints", "Complaints", [[1, 100], [2, 70], [4, 30], [None, 0]], 20),
        _events("returns", "Returns", [[1, 100], [3, 75], [6, 40], [None, 10]], 15),
        _events("refunds", "Refunds", [[1, 100], [2, 70], [4, 30], [None, 0]], 15),
        _events("chargebacks", "Chargebacks", [[1, 100], [2, 20], [None, 0]], 20),
    ],
}

PRESETS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "standard": ("Software: usage, support, sentiment, engagement, contract", STANDARD),
    "commerce": ("Commerce: orders, complaints, returns, refunds, chargebacks", COMMERCE),
}
