"""Alert rules as documents and as trees: what is refused, what ends an episode, what an unknown value means."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import registry
from core.trees import holds
from health.queries.alert_rules import parse_checked
from health.queries.alert_words import describe, tree_words
from health.rules.alert_defaults import DEFAULT_RULES
from health.rules.alert_words import reason, value_words
from health.rules.alerts import BadAlertRule, Watch, clear_tree, lead_days, median, parse_alert_rule

LOW = {"fact": "health.score", "op": "lt", "value": 50}
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"when": {}}, "`when` is missing or empty"),
        ({"when": {"all": []}}, "`when` is missing or empty"),
        ({"margin": -1}, "`margin` is a number from 0 on"),
        ({"margin": 3, "clear_when": LOW}, "not both"),
        ({"when": {"all": [LOW, LOW]}, "margin": 3}, "exactly one condition on a number"),
        ({"clear_when": {"any": []}}, "`clear_when` is empty"),
        ({"for_days": 0}, "`for_days` is a whole number from 1 to 14"),
        ({"cool_down_days": True}, "`cool_down_days` is a whole number"),
        ({"severity": "urgent"}, "`severity` is one of high, medium, low"),
        ({"tell": ["everyone"]}, "`tell` is a list of owner, deputy, manager"),
        ({"channels": []}, "`channels` is a list"),
        ({"budget": 0}, "`budget` is a whole number from 1 to 100"),
        ({"task": {"title": ""}}, "`task.title` is missing"),
        ({"task": {"title": "Call", "who": "me"}}, "`task` holds `title` and `due_days`"),
        ({"cooldown": 3}, "Unknown field 'cooldown'"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused_with_the_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadAlertRule, match=words.replace("(", r"\(")):
        parse_alert_rule({"when": LOW} | change)


def test_a_fact_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown fact 'health\.mood'"):
        parse_checked({"when": {"fact": "health.mood", "op": "lt", "value": 1}})


@pytest.mark.parametrize("rule", DEFAULT_RULES, ids=lambda rule: rule["key"])
def test_every_default_rule_is_a_rule_and_says_itself_in_words(rule: dict[str, Any]) -> None:
    parsed = parse_checked(rule)
    assert {leaf for leaf in registry.facts() if leaf in str(parsed.when)}
    assert [line.path for line in describe(rule)][:3] == ["name", "when", "clear_when"]


def test_a_margin_moves_the_edge_away_from_the_condition() -> None:
    assert clear_tree(LOW, 3) == {"fact": "health.score", "op": "gte", "value": 53}
    assert clear_tree({"fact": "x", "op": "gte", "value": 5}, 2) == {"fact": "x", "op": "lt", "value": 3}
    both = clear_tree({"all": [LOW, {"not": {"fact": "x", "op": "eq", "value": 1}}]}, 0)
    assert both == {"any": [{"fact": "health.score", "op": "gte", "value": 50}, {"fact": "x", "op": "eq", "value": 1}]}


_LEAVES = st.builds(
    lambda fact, op, value: {"fact": fact, "op": op, "value": value},
    st.sampled_from(["a", "b"]),
    st.sampled_from(["lt", "lte", "gt", "gte", "eq"]),
    st.integers(0, 5),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
        inner.map(lambda found: {"not": found}),
    ),
    max_leaves=6,
)


@given(tree=_TREES, values=st.fixed_dictionaries({key: st.none() | st.integers(0, 5) for key in "ab"}))
def test_a_condition_and_its_end_never_hold_together_and_of_known_values_one_does(
    tree: dict[str, Any], values: dict[str, int | None]
) -> None:
    met, over = holds(tree, values), holds(clear_tree(tree, 0), values)
    assert not (met and over)
    if None not in values.values():
        assert met != over


@given(
    steps=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60),
    cool_down=st.integers(0, 20),
)
def test_episodes_never_overlap_and_keep_the_cool_down(steps: list[tuple[bool, bool]], cool_down: int) -> None:
    watch = Watch(cool_down)
    for n, (fires, clears) in enumerate(steps):
        watch.see(DAY + timedelta(days=n), fires=fires, clears=clears)
    for before, after in zip(watch.episodes, watch.episodes[1:], strict=False):
        assert before.closed_on is not None
        assert after.opened_on >= before.closed_on + timedelta(days=cool_down)


def test_words_of_conditions_and_values() -> None:
    assert tree_words({"fact": "accounts.usage_change", "op": "lte", "value": -0.25}) == (
        "Usage against its own baseline is at most −25 %"
    )
    assert value_words("health.band", ["yellow", "red"]) == "Watch or At risk"
    assert value_words("health.score", None) == "not known"
    assert reason([{"fact": "health.change_30d", "op": "lte", "value": -10, "saw": -12.44}]) == (
        "Score −12.4 in 30 days"
    )


def test_lead_time_counts_from_the_first_alert_before_the_loss() -> None:
    assert lead_days([DAY, DAY + timedelta(days=30)], DAY + timedelta(days=100)) == 100
    assert lead_days([DAY + timedelta(days=101)], DAY + timedelta(days=100)) is None
    assert (median([]), median([3.0, 1.0, 2.0]), median([1, 2])) == (None, 2.0, 1.5)
