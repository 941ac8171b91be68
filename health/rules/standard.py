"""The score model that a new workspace starts with: five inputs, each from a different side of the relationship."""

from typing import Any, Final

STANDARD: Final[dict[str, Any]] = {
    "kind": "score_model",
    "key": "standard",
    "name": "Standard",
    "applies_to": "all",
    "bands": {"red": 0, "yellow": 50, "green": 70},
    "min_coverage": 0.6,
    "inputs": [
        {
            # Against the account's own past: no scale to agree on, so any usage feed works.
            "key": "usage",
            "name": "Product usage",
            "measure": ["active_users", "usage_count"],
            "window_days": 30,
            "baseline_days": 60,
            "aggregate": "trend",
            "mapping": {"linear": {"worst": -0.5, "best": 0.1}},
            "weight": 30,
            "missing": "exclude",
        },
        {
            "key": "support",
            "name": "Support load",
            "measure": "tickets.opened",
            "window_days": 90,
            "aggregate": "count",
            "mapping": {"linear": {"worst": 10, "best": 0}},
            "weight": 20,
            "missing": "exclude",
        },
        {
            "key": "sentiment",
            "name": "Sentiment",
            "measure": "nps",
            "window_days": 120,
            "aggregate": "last",
            "mapping": {"linear": {"worst": -50, "best": 60}},
            "otherwise": {
                "measure": "tickets.satisfaction",
                "window_days": 180,
                "aggregate": "mean",
                "mapping": {"linear": {"worst": 2, "best": 5}},
            },
            "weight": 15,
            "missing": "exclude",
        },
        {
            "key": "engagement",
            "name": "Engagement",
            "measure": "activities.contact",
            "window_days": 180,
            "aggregate": "days_since",
            "mapping": {"linear": {"worst": 90, "best": 14}},
            "weight": 15,
            "missing": "exclude",
        },
        {
            "key": "contract",
            "name": "Contract",
            "measure": "contracts.arr",
            "window_days": 180,
            "aggregate": "trend",
            "mapping": {"bands": [[-0.2, 0], [-0.02, 30], [0.02, 75], [None, 100]]},
            "weight": 20,
            "missing": "exclude",
        },
    ],
}
