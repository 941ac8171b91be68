"""The compiled statement says what the rules say, for every word of the language."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account, Measure, Signal
from core.models import Tenant
from health.actions import backfill_history, recompute
from health.models import Score, ScoreHistory
from health.queries.checks import CHECKS
from health.queries.moments import judge_moments
from health.rules import (
    Categories,
    Input,
    ScoreModel,
    answered,
    band_of,
    contributions,
    exception,
    filled,
    full_months,
    judge,
    parse_model,
    sub_score,
)
from tests.factories.health import ACTOR, NOW, TODAY, account, document, measure, one_input, publish_model, signals
from tests.factories.score_models import NUMBERS, PLANS, SEGMENTS, random_document

pytestmark = pytest.mark.usefixtures("in_kestrel")

Known = dict[str, float | str]


def random_book(dice: random.Random, size: int) -> list[tuple[Account, Known]]:
    """Accounts with what was observed of them, put down by bulk."""
    book = []
    rows = []
    ids = {key: measure(key).pk for key in NUMBERS}
    ids["plan"] = measure("plan", kind="category").pk
    for at in range(size):
        since = None if dice.random() < 0.1 else TODAY - timedelta(days=dice.randint(0, 1500))
        one = account(f"Account {at}", segment=dice.choice(SEGMENTS), customer_since=since)
        known: Known = {key: dice.randint(-60, 160) + dice.choice([0.0, 0.5]) for key in NUMBERS if dice.random() < 0.7}
        if dice.random() < 0.7:
            known["plan"] = dice.choice(PLANS)
        for key, value in known.items():
            of = {"category": value} if isinstance(value, str) else {"value": value}
            rows.append(Signal(tenant_id=one.tenant_id, account=one, measure_id=ids[key], day=TODAY, **of))
        book.append((one, known))
    Signal.objects.bulk_create(rows)
    return book


def by_rules(model: ScoreModel, one: Account, known: Known) -> tuple[Any, ...]:
    """Readings, sub-scores, score, band and coverage of an account, by the rules alone."""
    months = None if one.customer_since is None else full_months(one.customer_since, TODAY)
    places, subs, fresh = [], [], 0.0
    for each in model.inputs:
        place, value = answered(each, observed(each, known), segment=one.segment, months=months)
        sub = None if place is None or value is None else sub_score(each.readings[place].mapping, value)
        places.append(place)
        subs.append(filled(each, sub))
        fresh += each.weight if place is not None else 0
    score = judge(model, subs) if fresh + 1e-9 >= model.min_coverage else None
    return places, subs, score, fresh


def observed(one: Input, known: Known) -> list[float | None]:
    values: list[float | None] = []
    for reading in one.readings:
        value = known.get(reading.measure)
        if isinstance(value, str):
            assert isinstance(reading.mapping, Categories)
            names = reading.mapping.names
            value = float(names.index(value)) if value in names else None
        values.append(value)
    return values


@pytest.mark.capability("C6")
def test_the_statement_says_what_the_rules_say_for_ten_thousand_cases_of_every_word() -> None:
    dice = random.Random(23)
    book = random_book(dice, 250)
    cases = exceptions = 0
    for _ in range(40):
        model = parse_model(random_document(dice))
        for (one, known), judged in zip(book, judge_moments(model, [(one.pk, TODAY) for one, _ in book]), strict=True):
            places, subs, score, coverage = by_rules(model, one, known)
            assert list(judged.readings) == places
            assert judged.sub_scores == pytest.approx(subs, abs=1e-6)
            assert judged.coverage == pytest.approx(coverage, abs=1e-6)
            assert judged.score == pytest.approx(score, abs=1e-5)
            assert judged.band == band_of(model, judged.score)
            if judged.score is not None:
                held = exception(model, judged.sub_scores)
                exceptions += held is not None
                parts = sum(part.points for part in contributions(model, judged.sub_scores))
                assert parts + (held.points if held else 0) == pytest.approx(judged.score, abs=0.01)
            cases += 1
    assert cases == 10_000
    assert exceptions > 500


def everything(kestrel: Tenant) -> ScoreModel:
    """A published model with groups, exceptions, thresholds and a fact."""
    publish_model(
        kestrel,
        one_input("usage", measure="m0", group="a", weight=2, thresholds=[
            {"segments": ["enterprise"], "tenure_months": [0, 12], "mapping": {"linear": {"worst": 0, "best": 20}}},
            {"tenure_months": [0, 24], "mapping": {"linear": {"worst": 0, "best": 60}}},
        ]),
        one_input("plan", group="a", weight=1, mapping={"categories": {"Free": 10, "Pro": 60, "Max": 100}}),
        one_input("other", measure=["m1", "m2"], group="b", missing="neutral"),
        one_input("size", measure="accounts.arr", group="b", mapping={"linear": {"worst": 0, "best": 1000}}),
        groups=[{"key": "a", "weight": 60}, {"key": "b", "weight": 40}],
        caps=[{"input": "usage", "below": 20, "at_most": 49}],
        floors=[{"input": "plan", "at_least": 100, "not_below": 55}],
        min_coverage=0.3,
    )  # fmt: skip
    version = Score._meta.get_field("model_version").related_model.objects.get(state="published")
    return parse_model(version.definition)


def nothing_broken(tenant: Tenant) -> None:
    later = NOW + timedelta(days=1)
    assert {key: count(tenant, later) for key, _, count in CHECKS} == {key: 0 for key, _, _ in CHECKS}


def test_stored_scores_with_every_word_add_up_and_incremental_equals_full(kestrel: Tenant) -> None:
    book = random_book(random.Random(5), 60)
    for at, (one, _) in enumerate(book):
        one.arr_minor = at * 1_000
        one.save()
    model = everything(kestrel)
    run = recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    assert (run.accounts, run.scored > 40) == (60, True)
    nothing_broken(kestrel)
    before = list(Score.objects.order_by("account_id").values_list("account_id", "score", "sub_scores", "readings"))
    again = recompute(actor=ACTOR, now=NOW + timedelta(hours=1), as_of=TODAY, account_ids=[row[0] for row in before])
    assert (again.changed, again.written) == (0, 0)
    judged = judge_moments(model, [(row[0], TODAY) for row in before])
    assert [(one.account_id, one.score, list(one.sub_scores), list(one.readings)) for one in judged] == before


def test_a_row_of_thresholds_is_left_on_the_day_the_months_are_full(kestrel: Tenant) -> None:
    one = account(customer_since=date(2025, 8, 31))
    signals(one, "usage", [10] * 40)
    rows = [{"tenure_months": [0, 6], "mapping": {"linear": {"worst": 0, "best": 20}}}]
    model = parse_model(document(one_input(thresholds=rows)))
    days = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert [one.score for one in judge_moments(model, [(one.pk, day) for day in days])] == [50, 10, 10]


def test_a_fact_is_read_as_of_each_day_and_one_of_today_never_for_the_past(kestrel: Tenant) -> None:
    one = account(arr_minor=80_000, last_contact_on=TODAY - timedelta(days=3))
    line = {"linear": {"worst": 0, "best": 1000}}
    inputs = [
        one_input("arr", measure="accounts.arr", mapping=line),
        one_input("silence", measure="accounts.days_since_contact", mapping=line),
        one_input("segment", measure="accounts.segment", mapping={"categories": {"": 5, "small": 50}}),
    ]
    publish_model(kestrel, *inputs, min_coverage=0)
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    stored = Score.objects.get(account=one)
    assert (stored.values, stored.sub_scores) == ([800.0, 3.0, 0.0], [80.0, 0.3, 5.0])
    model = parse_model(document(*inputs, min_coverage=0))
    now, before = judge_moments(model, [(one.pk, TODAY), (one.pk, TODAY - timedelta(days=2))])
    assert (now.values, before.values) == ((800.0, 3.0, 0.0), (None, 1.0, None))


def test_the_first_model_in_order_has_the_account(kestrel: Tenant) -> None:
    names = {}
    for segment in ("enterprise", "mid_market", "small"):
        names[segment] = account(segment, segment=segment)
        signals(names[segment], "usage", [60])
    late = publish_model(kestrel, one_input(), key="late", applies_to=["enterprise", "mid_market"], order=5)
    first = publish_model(kestrel, one_input(), key="first", applies_to="mid_market", order=1)
    rest = publish_model(kestrel, one_input(), key="rest")
    never = publish_model(kestrel, one_input(), key="never", applies_to="small", order=900)
    run = recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    assert run.accounts == 3
    found = {one.account_id: one.model_version_id for one in Score.objects.all()}
    assert found == {names["enterprise"].pk: late.pk, names["mid_market"].pk: first.pk, names["small"].pk: rest.pk}
    assert never.pk not in found.values()
    nothing_broken(kestrel)


def test_backfill_and_moments_agree_on_every_word(kestrel: Tenant) -> None:
    dice = random.Random(9)
    book = random_book(dice, 30)
    Account.objects.update(customer_since=date(2024, 9, 1))
    model = everything(kestrel)
    days = [TODAY - timedelta(days=back) for back in (0, 7, 14, 21)]
    backfill_history(actor=ACTOR, now=NOW, from_day=days[-1], to_day=days[0])
    judged = judge_moments(model, [(one.pk, TODAY) for one, _ in book])
    stored = dict(ScoreHistory.objects.filter(as_of=TODAY).values_list("account_id", "score"))
    assert {one.account_id: one.score for one in judged if one.account_id in stored} == stored
    assert len(stored) > 20
    assert Measure.objects.count() == 6


def test_the_largest_model_is_still_one_statement(kestrel: Tenant) -> None:
    one = account()
    for at in range(60):
        signals(one, f"m{at}", [10.0] * 60 + [20.0] * 30)
    mapping = {"linear": {"worst": 0, "best": 2}}
    trends = [one_input(f"i{at}", measure=["gone", f"m{at}"], aggregate="trend", mapping=mapping) for at in range(40)]
    publish_model(kestrel, *trends, *[one_input(f"i{at}", measure=f"m{at}") for at in range(40, 60)])
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    stored = Score.objects.get()
    assert (stored.values, stored.coverage) == ([1.0] * 40 + [20.0] * 20, 1.0)
    [judged] = judge_moments(parse_model(stored.model_version.definition), [(one.pk, TODAY)])
    assert (judged.score, list(judged.readings)) == (stored.score, [1] * 40 + [0] * 20)
