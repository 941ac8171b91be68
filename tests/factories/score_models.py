"""Random score models that use every word of the language."""

import random
from typing import Any

from tests.factories.health import document, one_input

SEGMENTS = ["enterprise", "mid_market", "small", ""]
NUMBERS = [f"m{at}" for at in range(5)]
PLANS = ["Free", "Pro", "Max", "Old"]


def random_mapping(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.5:
        worst, best = dice.sample(range(-50, 150), 2)
        return {"linear": {"worst": worst, "best": best}}
    edges = sorted(dice.sample(range(100), dice.randint(1, 4)))
    return {"bands": [[edge, dice.randint(0, 100)] for edge in edges] + [[None, dice.randint(0, 100)]]}


def random_thresholds(dice: random.Random) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for _ in range(dice.randint(0, 3)):
        row: dict[str, Any] = {"mapping": random_mapping(dice)}
        if dice.random() < 0.6:
            row["segments"] = dice.sample(SEGMENTS[:3], dice.randint(1, 2))
        if dice.random() < 0.6 or "segments" not in row:
            first = dice.randint(0, 24)
            row["tenure_months"] = [first, dice.choice([None, first + dice.randint(1, 24)])]
        rows.append(row)
    return rows


def random_document(dice: random.Random) -> dict[str, Any]:
    """A model that uses any of the words."""
    inputs: list[dict[str, Any]] = []
    for at in range(dice.randint(1, 6)):
        one = one_input(f"i{at}", weight=dice.randint(1, 40), missing=dice.choice(["exclude", "neutral", "worst"]))
        if dice.random() < 0.2:
            one |= {"measure": "plan", "mapping": {"categories": {name: dice.randint(0, 100) for name in PLANS[:3]}}}
        else:
            one |= {"measure": dice.sample(NUMBERS, dice.randint(1, 2)), "mapping": random_mapping(dice)}
            one["thresholds"] = random_thresholds(dice)
            if one["thresholds"] and dice.random() < 0.3:
                del one["mapping"]
        inputs.append(one)
    groups = [{"key": key, "weight": dice.randint(1, 9)} for key in "abc"[: dice.randint(1, min(3, len(inputs)))]]
    values: dict[str, Any] = {"min_coverage": dice.choice([0, 0.4, 0.6])}
    if dice.random() < 0.6:
        values["groups"] = groups
        for at, one in enumerate(inputs):
            one["group"] = groups[at % len(groups)]["key"]
    keys = [one["key"] for one in inputs]
    values["caps"] = [
        {"input": dice.choice(keys), "below": dice.randint(0, 100), "at_most": dice.randint(0, 100)}
        for _ in range(dice.randint(0, 2))
    ]
    values["floors"] = [
        {"input": dice.choice(keys), "at_least": dice.randint(0, 100), "not_below": dice.randint(0, 100)}
        for _ in range(dice.randint(0, 2))
    ]
    return document(*inputs, **values)
