"""What a gate says of a rule."""

from typing import Any

import pytest

from journeys.rules.gate_words import seen_words, unmet_facts

LABELS = {"status": "Status", "amount": "Amount"}


def said(tree: dict[str, Any], **values: Any) -> str:
    return seen_words(tree, values, LABELS, lambda _fact, value: str(value))


CHURNED = {"fact": "status", "op": "eq", "value": "churned"}
BIG = {"fact": "amount", "op": "gte", "value": 10}


@pytest.mark.parametrize(
    ("tree", "values", "words"),
    [
        ({"not": CHURNED}, {"status": "churned"}, "Status is churned; must not be churned"),
        ({"not": CHURNED}, {"status": "active"}, "Status is active"),
        ({"not": {"all": [CHURNED, BIG]}}, {"status": "active", "amount": 12}, "Amount is 12; needs to be under 10"),
        ({"all": [{"not": CHURNED}, BIG]}, {"status": "active", "amount": 5}, "Amount is 5; needs to be at least 10"),
        ({"not": {"not": CHURNED}}, {"status": "active"}, "Status is active; needs to be churned"),
        ({"not": CHURNED}, {"status": None}, "Status is not known; must not be churned"),
        (
            {"not": {"fact": "amount", "op": "is_known"}},
            {"amount": 5},
            "Amount is 5; needs to be empty",
        ),
    ],
)
def test_a_condition_under_not_is_said_the_right_way_round(
    tree: dict[str, Any], values: dict[str, Any], words: str
) -> None:
    assert said(tree, **values) == words
    assert bool(unmet_facts(tree, values)) == (";" in words)
