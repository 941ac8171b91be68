"""The words of score models: groups, exceptions, thresholds, order, and what is refused."""

import random
from datetime import date
from typing import Any

import pytest

from health.rules import (
    STANDARD,
    ScoreModel,
    contributions,
    exception,
    filled,
    full_months,
    judge,
    lint,
    lint_models,
    parse_model,
    unlearned,
)
from tests.factories.health import document, one_input
from tests.factories.score_models import random_document

LINE = {"linear": {"worst": 0, "best": 100}}


def grouped(*rows: tuple[str, float], groups: dict[str, float], **values: Any) -> ScoreModel:
    """A model of inputs i0, i1, … each with its group and weight."""
    inputs = [one_input(f"i{at}", group=group, weight=weight) for at, (group, weight) in enumerate(rows)]
    return parse_model(
        document(*inputs, groups=[{"key": key, "weight": weight} for key, weight in groups.items()], **values)
    )


@pytest.mark.capability("C6")
def test_grouping_changes_what_a_missing_input_does_v5() -> None:
    subs = [80, None, 50, 90]
    pairs = grouped(("a", 1), ("a", 1), ("b", 1), ("b", 1), groups={"a": 1, "b": 1})
    flat = parse_model(document(*[one_input(f"i{at}", weight=1) for at in range(4)]))
    assert judge(pairs, subs) == pytest.approx(75)
    assert judge(flat, subs) == pytest.approx(73.333, abs=0.001)


@pytest.mark.capability("C6")
@pytest.mark.parametrize(("missing", "expected"), [("exclude", 72.857), ("neutral", 66.0), ("worst", 51.0)])
def test_a_single_group_is_a_flat_model_v4(missing: str, expected: float) -> None:
    rows = [one_input(f"i{at}", group="all", weight=w, missing=missing) for at, w in enumerate([0.4, 0.3, 0.2, 0.1])]
    model = parse_model(document(*rows, groups=[{"key": "all", "weight": 7}]))
    subs = [filled(one, value) for one, value in zip(model.inputs, [80, None, 50, 90], strict=True)]
    assert judge(model, subs) == pytest.approx(expected, abs=0.0005)


@pytest.mark.capability("C6")
def test_groups_of_the_published_example_add_up_v6() -> None:
    model = grouped(("a", 20), ("b", 15), ("c", 22), groups={"a": 20, "b": 15, "c": 22})
    parts = contributions(model, [47, 59, 21])
    assert judge(model, [47, 59, 21]) == pytest.approx(40.1228, abs=0.0001)
    assert sum(part.points for part in parts) == pytest.approx(40.1228, abs=0.0001)


def test_weights_of_a_group_count_inside_it_and_its_own_weight_outside() -> None:
    model = grouped(("a", 3), ("a", 1), ("b", 500), groups={"a": 60, "b": 40})
    assert [one.weight for one in model.inputs] == pytest.approx([0.45, 0.15, 0.4])
    assert [(one.key, one.weight) for one in model.groups] == [("a", 0.6), ("b", 0.4)]


def test_a_group_keeps_its_weight_while_any_of_its_inputs_is_there_and_leaves_it_when_none_is() -> None:
    model = grouped(("a", 3), ("a", 1), ("b", 1), groups={"a": 60, "b": 40})
    assert [part.effective_weight for part in contributions(model, [None, 10, 20])] == pytest.approx([0, 0.6, 0.4])
    assert [part.effective_weight for part in contributions(model, [None, None, 20])] == pytest.approx([0, 0, 1])
    assert judge(model, [None, None, None]) is None


def limited(**values: Any) -> ScoreModel:
    return parse_model(document(one_input("a", weight=50), one_input("b", weight=50), **values))


@pytest.mark.capability("C6")
def test_a_cap_holds_below_its_edge_and_not_on_it() -> None:
    model = limited(caps=[{"input": "a", "below": 20, "at_most": 49}])
    assert [judge(model, [sub, 100]) for sub in (19.9, 20, None)] == [49, 60, 100]


def test_a_floor_holds_from_its_edge() -> None:
    model = limited(floors=[{"input": "a", "at_least": 90, "not_below": 70}])
    assert [judge(model, [sub, 0]) for sub in (89, 90)] == [44.5, 70]


def test_a_cap_beats_a_floor_and_the_lowest_cap_beats_the_others() -> None:
    model = limited(
        caps=[{"input": "b", "below": 20, "at_most": 60}, {"input": "b", "below": 10, "at_most": 40}],
        floors=[{"input": "a", "at_least": 90, "not_below": 80}],
    )
    assert [judge(model, [100, sub]) for sub in (5, 15, 25)] == [40, 60, 80]


def test_the_exception_and_the_contributions_add_up_to_the_score() -> None:
    model = limited(caps=[{"input": "a", "below": 20, "at_most": 30}])
    held = exception(model, [10, 100])
    assert held is not None
    assert (held.points, held.limit.input, held.limit.is_cap) == (pytest.approx(-25), "a", True)
    parts = contributions(model, [10, 100])
    assert sum(part.points for part in parts) + held.points == judge(model, [10, 100]) == 30
    assert exception(model, [50, 0]) is None


def test_thresholds_are_readings_in_the_order_in_which_they_may_answer() -> None:
    rows = [
        {"segments": ["enterprise"], "tenure_months": [0, 12], "mapping": {"linear": {"worst": 0, "best": 20}}},
        {"tenure_months": [12, None], "mapping": {"linear": {"worst": 0, "best": 80}}},
    ]
    [one] = parse_model(document(one_input(measure=["x", "y"], thresholds=rows))).inputs
    assert [(r.measure, r.segments, r.tenure) for r in one.readings] == [
        ("x", ("enterprise",), (0, 12)), ("x", (), (12, None)), ("x", (), None),
        ("y", ("enterprise",), (0, 12)), ("y", (), (12, None)), ("y", (), None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("since", "day", "expected"),
    [
        (date(2025, 1, 31), date(2025, 2, 27), 0),
        (date(2025, 1, 31), date(2025, 2, 28), 1),
        (date(2024, 2, 29), date(2025, 2, 28), 12),
        (date(2025, 3, 15), date(2026, 3, 14), 11),
        (date(2025, 3, 15), date(2026, 3, 15), 12),
        (date(2025, 3, 15), date(2025, 3, 14), -1),
    ],
)
def test_months_are_full_months_of_the_calendar(since: date, day: date, expected: int) -> None:
    assert full_months(since, day) == expected


def test_what_is_to_be_learned_is_named() -> None:
    model = parse_model(document(one_input("a", mapping={"learn": "bands"}), one_input("b")))
    assert unlearned(model) == ["a"]
    assert "To be learned from outcomes before it can go live: a." in lint(model)


def test_weights_that_do_not_add_up_to_100_are_normalised_and_said() -> None:
    model = parse_model(document(*[one_input(f"i{at}", weight=20) for at in range(4)]))
    assert lint(model) == ["Weights add up to 80 and not to 100: each counts as its share of the sum."]
    assert lint(parse_model(STANDARD)) == []


def test_a_row_that_never_answers_and_accounts_without_a_row_are_told() -> None:
    rows = [
        {"segments": ["enterprise"], "mapping": LINE},
        {"segments": ["enterprise"], "tenure_months": [0, 12], "mapping": LINE},
    ]
    four = [one_input(f"i{at}", weight=25) for at in range(3)]
    only_rows = {**one_input("last", weight=25, thresholds=rows), "mapping": None}
    assert lint(parse_model(document(*four, only_rows))) == [
        "'Last': enterprise, 0 to 12 months are answered by an earlier row, this one never is.",
        "'Last': accounts outside its thresholds have no value. Add a mapping for everybody else.",
    ]


def model_for(key: str, applies_to: Any, **values: Any) -> ScoreModel:
    return parse_model(document(one_input(), **{"key": key, "name": key, "applies_to": applies_to, **values}))


def test_models_of_a_segment_stand_before_the_one_for_all_unless_an_order_is_stated() -> None:
    models = [
        model_for("b", "all"), model_for("a", "all"), model_for("z", "small"), model_for("last", "small", order=200)
    ]  # fmt: skip
    assert [one.key for one in sorted(models, key=lambda one: one.place)] == ["z", "a", "b", "last"]


def test_overlaps_and_gaps_between_models_are_told() -> None:
    two = [model_for("first", ["enterprise", "mid"], order=1), model_for("second", "mid", order=2)]
    assert lint_models(two, ["enterprise", "mid", "small", ""]) == [
        "'second' and 'first' are both for mid: 'first' stands first and has it.",
        "No model is for small, accounts without a segment: they get no score. Add a model for all.",
    ]
    all_first = [model_for("all", "all", order=1), model_for("some", "mid", order=2)]
    assert lint_models(all_first) == ["'some' never scores anybody: 'all' stands before it and is for all."]
    assert lint_models([model_for("all", "all"), model_for("some", "mid")], ["mid", "small"]) == []


WRONG = [
    (document(one_input(group="a")), "inputs[0].group: the model has no groups."),
    (document(one_input(), groups=[{"key": "a", "weight": 1}]), "inputs[0].group: name one of a"),
    (
        document(one_input(group="a"), groups=[{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]),
        "groups[1]: no input is in 'b'.",
    ),
    (document(one_input(group="a"), groups=[{"key": "a", "weight": 0}]), "groups: all weights are 0."),
    (document(one_input(group="a"), groups=[{"key": "a", "weight": -1}]), "groups[0].weight: -1 is below 0."),
    (document(one_input(group="a"), groups=[{"key": "a", "weight": 1, "x": 1}]), "groups[0].x: unknown field."),
    (document(one_input(), caps=[{"input": "usage", "below": 20}]), "caps[0].at_most: must be a number, found None."),
    (document(one_input(), caps=[{"input": "nps", "below": 2, "at_most": 9}]), "caps[0].input: 'nps' is no input"),
    (document(one_input(), floors=[{"input": "usage", "at_least": 120, "not_below": 9}]), "floors[0].at_least: 120 is"),
    (
        document(one_input(direction="higher_is_better", mapping={"linear": {"worst": 10, "best": 0}})),
        "inputs[0].mapping.linear: best 0 lies below worst 10, but the input says higher_is_better. Swap worst and",
    ),
    (document(one_input(direction="up")), "inputs[0].direction: 'up' is unknown."),
    (document(one_input(measure="health.score")), "inputs[0].measure: 'health.score' is made from the score itself"),
    (document(one_input(thresholds=[{"mapping": LINE}])), "inputs[0].thresholds[0]: say whom it is for"),
    (
        document(one_input(thresholds=[{"tenure_months": [12, 6], "mapping": LINE}])),
        "inputs[0].thresholds[0].tenure_months: 6 does not lie above 12.",
    ),
    (
        document(one_input(thresholds=[{"segments": ["a"], "mapping": {"bands": [[5, 1], [5, 2]]}}])),
        "inputs[0].thresholds[0].mapping.bands[1]: edge 5 does not lie above 5.",
    ),
    (document(one_input(), applies_to=["a", "all"]), "applies_to: 'all' stands alone."),
    (document(one_input(), applies_to=[]), "applies_to: must be a list of names"),
    (document(one_input(), order=1.5), "order: must be whole numbers, found 1.5."),
    (document(one_input(weight=10**400)), "inputs[0].weight: must lie between 0 and 1e+06."),
    (document(*[one_input(f"i{at}") for at in range(61)]), "inputs: 61 are too many."),
    (
        document(*[one_input(f"i{at}", measure=[f"m{at}.{n}" for n in range(6)]) for at in range(40)]),
        "inputs: measures and rows of thresholds make 240 readings, at most 200.",
    ),
    (document(one_input(measure="a\x00b")), "inputs[0].measure: holds a character that cannot be stored."),
    (document(one_input(weight=1e300)), "inputs[0].weight: 1e+300 is above 1e+06."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_what_cannot_be_meant_is_refused_with_field_and_remedy(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the message is compared whole
        parse_model(content)
    assert str(refusal.value).startswith(message)


JUNK: list[Any] = [
    None, True, -1, 0, 10**400, float("nan"), float("inf"), "", "x", "\u0000", [], [[]], {}, {"a": {}}, [None, 1],
]  # fmt: skip


def spoiled(dice: random.Random, node: Any) -> Any:
    """The document with one thing in it put in the place of another."""
    if isinstance(node, dict) and node and dice.random() < 0.85:
        key = dice.choice(list(node))
        return {**node, key: spoiled(dice, node[key])}
    if isinstance(node, list) and node and dice.random() < 0.85:
        at = dice.randrange(len(node))
        return [*node[:at], spoiled(dice, node[at]), *node[at + 1 :]]
    return dice.choice(JUNK)


def test_a_spoiled_document_is_read_or_refused_and_never_breaks_the_reader() -> None:
    dice = random.Random(31)
    refused = 0
    for _ in range(5_000):
        try:
            parse_model(spoiled(dice, random_document(dice)))
        except ValueError:
            refused += 1
    assert refused > 3_000
