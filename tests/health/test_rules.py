"""The language of score models and the arithmetic of scores."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.formatting import largest_remainder
from health.rules import (
    STANDARD,
    Aggregate,
    Input,
    Limit,
    Linear,
    Missing,
    Moment,
    Reading,
    ScoreModel,
    answered,
    band_of,
    contributions,
    filled,
    judge,
    lint,
    parse_model,
    split_change,
    sub_score,
)
from tests.factories.health import document, one_input


def model_of(weights: list[float], **values: Any) -> ScoreModel:
    return parse_model(document(*[one_input(f"i{at}", weight=w, **values) for at, w in enumerate(weights)]))


@pytest.mark.parametrize(("missing", "expected"), [("exclude", 72.857), ("neutral", 66.0), ("worst", 51.0)])
def test_a_missing_input_counts_as_the_model_says_v4(missing: str, expected: float) -> None:
    model = model_of([0.4, 0.3, 0.2, 0.1], missing=missing)
    subs = [filled(one, value) for one, value in zip(model.inputs, [80, None, 50, 90], strict=True)]
    assert judge(model, subs) == pytest.approx(expected, abs=0.0005)


def test_contributions_of_the_published_example_add_up_v6() -> None:
    model = model_of([20, 15, 22])
    parts = contributions(model, [47, 59, 21])
    assert sum(part.points for part in parts) == pytest.approx(40.1228, abs=0.0001)
    assert judge(model, [47, 59, 21]) == pytest.approx(40.1228, abs=0.0001)


@pytest.mark.parametrize(("value", "expected"), [(18, 47.826), (5, 0.0), (35, 100.0)])
def test_a_linear_mapping_is_straight_inside_and_clamped_outside_v7(value: float, expected: float) -> None:
    assert sub_score(Linear(7, 30), value) == pytest.approx(expected, abs=0.0005)


@pytest.mark.capability("H1")
def test_the_default_model_has_five_inputs_and_nothing_to_advise() -> None:
    model = parse_model(STANDARD)
    assert len(model.inputs) == 5
    assert lint(model) == []
    assert sum(one.weight for one in model.inputs) == pytest.approx(1)


@pytest.mark.capability("H1")
def test_advice_is_given_outside_four_to_six_inputs() -> None:
    assert lint(model_of([40, 30, 30])) == ["3 inputs: four to six are easiest to explain and to act on."]


def test_bands_are_half_open() -> None:
    model = model_of([1])
    assert [band_of(model, score) for score in (0, 49.999999, 50, 69.999999, 70, 100, None)] == [
        "red", "red", "yellow", "yellow", "green", "green", "none",
    ]  # fmt: skip


def test_weights_are_normalised_whatever_they_add_up_to() -> None:
    assert [one.weight for one in model_of([3, 1]).inputs] == [0.75, 0.25]


def test_a_list_of_measures_is_a_list_of_readings_and_otherwise_adds_one() -> None:
    usage, _, sentiment, *_ = parse_model(STANDARD).inputs
    assert [reading.measure for reading in usage.readings] == ["active_users", "usage_count"]
    assert [(r.measure, r.aggregate) for r in sentiment.readings] == [
        ("nps", Aggregate.LAST),
        ("tickets.satisfaction", Aggregate.MEAN),
    ]


WRONG = [
    (document(), "inputs: a model needs a list with at least one input."),
    (document(one_input(weight=0)), "inputs: all weights are 0. Give at least one input a weight above 0."),
    (document(one_input(weight=-1)), "inputs[0].weight: -1 is below 0."),
    (document(one_input(weight="30")), "inputs[0].weight: must be a number, found '30'."),
    (document(one_input(colour="red")), "inputs[0].colour: unknown field."),
    (document(one_input(aggregate="median")), "inputs[0].aggregate: 'median' is unknown. Use one of sum, mean"),
    (document(one_input(window_days=2.5)), "inputs[0].window_days: must be whole days, found 2.5."),
    (document(one_input(mapping={"linear": {"worst": 3, "best": 3}})), "inputs[0].mapping.linear: worst and best"),
    (document(one_input(mapping={"bands": [[10, 0], [10, 5]]})), "inputs[0].mapping.bands[1]: edge 10 does not lie"),
    (document(one_input(mapping={"bands": [[None, 0], [10, 5]]})), "inputs[0].mapping.bands[0]: only the last band"),
    (document(one_input(mapping={"learn": "trees"})), "inputs[0].mapping.learn: 'trees' is unknown."),
    (document(one_input(mapping={"categories": {"A": 1}}, aggregate="sum")), "inputs[0].aggregate: categories go"),
    (document(one_input(missing="drop")), "inputs[0].missing: 'drop' is unknown."),
    (document(one_input(aggregate="count", missing={"carry_forward_days": 5})), "inputs[0].missing: only last, max"),
    (document(one_input(measure="")), "inputs[0].measure: name the measure to read"),
    (document(one_input(), one_input()), "inputs: the key 'usage' stands twice."),
    (
        document(one_input(), bands={"yellow": 70, "green": 50}),
        "bands: edges must rise: 0 < yellow < green, found 70 and 50.",
    ),
    (document(one_input(), min_coverage=1.5), "min_coverage: 1.5 is above 1."),
    (document(one_input(), surprise=1), "surprise: unknown field."),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_a_document_with_anything_unexpected_is_refused_with_field_and_remedy(
    content: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the message is compared whole
        parse_model(content)
    assert str(refusal.value).startswith(message)


def quick_model(weights: list[float]) -> ScoreModel:
    """As parsed, without parsing, for tests of thousands of models."""
    total = sum(weights)
    reading = Reading("usage", 30, 60, Aggregate.LAST, Linear(0, 100))
    inputs = tuple(
        Input(f"i{at}", f"I{at}", weight / total, (reading,), Missing.EXCLUDE) for at, weight in enumerate(weights)
    )
    return ScoreModel("standard", "Standard", "all", 50, 70, 0.6, inputs)


def adds_up(rows: list[tuple[float, float | None]]) -> None:
    model = quick_model([weight for weight, _ in rows])
    values = [sub for _, sub in rows]
    parts = contributions(model, values)
    score = judge(model, values)
    assert sum(part.points for part in parts) == pytest.approx(score or 0.0, abs=0.01)
    shown = largest_remainder([part.points for part in parts], 1)
    assert float(sum(shown)) == pytest.approx(score or 0.0, abs=0.0501)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0.001, 1000), st.one_of(st.none(), st.floats(0, 100))), min_size=1, max_size=8))
def test_contributions_add_up_to_the_score_and_so_do_the_shown_ones(rows: list[tuple[float, float | None]]) -> None:
    adds_up(rows)


@pytest.mark.capability("C6")
def test_contributions_add_up_for_ten_thousand_random_scores() -> None:
    dice = random.Random(11)
    for _ in range(10_000):
        adds_up(
            [
                (dice.uniform(0.001, 1000), None if dice.random() < 0.2 else dice.uniform(0, 100))
                for _ in range(dice.randint(1, 8))
            ]
        )


@pytest.mark.capability("C6")
def test_the_parts_of_a_change_add_up_to_it_for_ten_thousand_random_pairs() -> None:
    dice = random.Random(7)
    moved = 0
    for _ in range(10_000):
        before = _random_moment(dice)
        # Half of the pairs stay with one version, as most changes do.
        after = _random_moment(dice, before.model if dice.random() < 0.5 else None)
        split = split_change(before, after)
        if split is None:
            assert None in (judge(before.model, before.sub_scores), judge(after.model, after.sub_scores))
            continue
        parts = split.values + split.coverage + split.tenure + split.configuration
        assert parts == pytest.approx(split.total, abs=0.01)
        assert sum(part for _, part in split.by_input) == pytest.approx(split.values, abs=0.01)
        if after.model is before.model:
            assert split.configuration == pytest.approx(0, abs=0.01)
        moved += abs(split.tenure) > 0.01
    assert moved > 1_000


def _random_moment(dice: random.Random, model: ScoreModel | None = None) -> Moment:
    model = model or _random_model(dice)
    values: list[float | None] = []
    sub_scores: list[float | None] = []
    readings: list[int | None] = []
    months = dice.randint(0, 24)
    for one in model.inputs:
        observed = [None if dice.random() < 0.2 else dice.uniform(0, 100)] * len(one.readings)
        place, value = answered(one, observed, months=months)
        sub = None if place is None or value is None else sub_score(one.readings[place].mapping, value)
        values.append(value)
        readings.append(place)
        sub_scores.append(filled(one, sub))
    return Moment(model, sub_scores, values, readings)


def _random_model(dice: random.Random) -> ScoreModel:
    keys = dice.sample(["a", "b", "c", "d", "e"], dice.randint(1, 5))
    model = quick_model([dice.randint(1, 40) for _ in keys])
    groups = dice.choice([[""], ["x", "y"]])
    inputs = tuple(
        replace(
            one,
            key=key,
            group=dice.choice(groups),
            missing=dice.choice([Missing.EXCLUDE, Missing.NEUTRAL, Missing.WORST]),
            readings=tuple(
                replace(one.readings[0], mapping=Linear(dice.randint(0, 10), dice.randint(50, 100)), tenure=tenure)
                for tenure in dice.choice([[None], [(0, 12), None], [(0, 6), (6, 18), (18, None)]])
            ),
        )
        for key, one in zip(keys, model.inputs, strict=True)
    )
    limits = tuple(
        Limit(dice.choice(keys), dice.randint(0, 100), dice.randint(0, 100), dice.random() < 0.5)
        for _ in range(dice.choice([0, 0, 1, 2]))
    )
    return replace(model, inputs=inputs, limits=limits)


def aged(sub: float, value: float, reading: int) -> Moment:
    rows = [{"tenure_months": [0, 12], "mapping": {"linear": {"worst": 0, "best": 50}}}]
    return Moment(model_of([1], thresholds=rows), [sub], [value], [reading])


def test_the_row_for_older_accounts_is_a_part_of_its_own() -> None:
    split = split_change(aged(80, 40, 0), aged(30, 30, 1))
    assert split is not None
    assert (split.total, split.values, split.tenure, split.configuration) == pytest.approx((-50, -20, -30, 0))


def test_a_value_that_came_with_an_older_row_is_coverage_under_the_row_of_now() -> None:
    before, after = aged(80, 40, 0), aged(30, 30, 1)
    rows = model_of([50, 50]).inputs
    model = replace(before.model, inputs=(*before.model.inputs, replace(rows[1], weight=1.0)))
    split = split_change(
        Moment(model, [None, 60], [None, 60], [None, 0]), Moment(model, [*after.sub_scores, 60], [30, 60], [1, 0])
    )
    assert split is not None
    assert (split.total, split.coverage, split.tenure) == pytest.approx((-15, -15, 0))


def test_a_cap_that_begins_to_hold_acts_through_the_value_that_fell() -> None:
    model = replace(model_of([50, 50]), limits=(Limit("i0", 20, 30, is_cap=True),))
    split = split_change(Moment(model, [40, 80], [40, 80], [0, 0]), Moment(model, [10, 80], [10, 80], [0, 0]))
    assert split is not None
    assert (split.total, split.values, split.configuration) == pytest.approx((-30, -30, 0))


def test_a_change_of_values_alone_has_no_other_part() -> None:
    model = model_of([60, 40])
    split = split_change(Moment(model, [80, 50], [80, 50], [0, 0]), Moment(model, [40, 50], [40, 50], [0, 0]))
    assert split is not None
    assert (split.total, split.values, split.coverage, split.configuration) == pytest.approx((-24, -24, 0, 0))
    assert split.by_input == (("i0", pytest.approx(-24)), ("i1", pytest.approx(0)))


def test_an_input_that_went_is_coverage() -> None:
    model = model_of([50, 50])
    split = split_change(Moment(model, [80, 40], [80, 40], [0, 0]), Moment(model, [80, None], [80, None], [0, None]))
    assert split is not None
    assert (split.total, split.values, split.coverage) == pytest.approx((20, 0, 20))


def test_other_weights_on_the_same_facts_are_configuration() -> None:
    split = split_change(
        Moment(model_of([50, 50]), [80, 40], [80, 40], [0, 0]),
        Moment(model_of([75, 25]), [80, 40], [80, 40], [0, 0]),
    )
    assert split is not None
    assert (split.total, split.values, split.coverage, split.configuration) == pytest.approx((10, 0, 0, 10))


def test_another_mapping_on_the_same_fact_is_configuration() -> None:
    strict = model_of([1], mapping={"linear": {"worst": 0, "best": 200}})
    split = split_change(Moment(model_of([1]), [60], [60], [0]), Moment(strict, [30], [60], [0]))
    assert split is not None
    assert (split.total, split.values, split.configuration) == pytest.approx((-30, 0, -30))


def test_missing_is_read_with_its_days() -> None:
    model = parse_model(document(one_input(missing={"carry_forward_days": 14})))
    assert (model.inputs[0].missing, model.inputs[0].carry_days) == (Missing.CARRY, 14)
