"""The compiled statement: what it reads, what it writes, and that doing it again writes nothing."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account, Signal
from core.models import Tenant
from health.actions import backfill_history, make_defaults, recompute
from health.models import HealthDay, Score, ScoreHistory, ScoringState
from health.queries.checks import CHECKS
from health.rules import judge, parse_model
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    category,
    contact,
    contract,
    measure,
    one_input,
    publish_model,
    signals,
    ticket,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")


def run(day: date = TODAY, **values: Any) -> Any:
    return recompute(actor=ACTOR, now=NOW + (day - TODAY), as_of=day, **values)


def score_of(one: Account) -> Score:
    return Score.objects.get(account=one)


def value_of(tenant: Tenant, one: Account, **values: Any) -> float | None:
    """The value that a single input reads."""
    publish_model(tenant, one_input(**values), min_coverage=0)
    run()
    return score_of(one).values[0]


def nothing_broken(tenant: Tenant, day: date = TODAY) -> None:
    later = NOW + timedelta(days=1) + (day - TODAY)
    assert {key: count(tenant, later) for key, _, count in CHECKS} == {key: 0 for key, _, _ in CHECKS}


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("sum", 90.0),
        ("mean", 30.0),
        ("max", 50.0),
        ("last", 10.0),
        ("count", 3.0),
        ("distinct_days", 3.0),
        ("days_since", 0.0),
    ],
)
def test_each_aggregate_reads_the_window_that_ends_on_the_day(kestrel: Tenant, aggregate: str, expected: float) -> None:
    one = account()
    signals(one, "usage", [1000, 50, 30, 10])
    assert value_of(kestrel, one, aggregate=aggregate, window_days=3) == expected


def test_tomorrow_is_not_read(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [10, 99], until=TODAY + timedelta(days=1))
    assert value_of(kestrel, one) == 10


def test_a_trend_compares_the_daily_mean_with_the_time_before(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [20.0] * 60 + [15.0] * 30)
    assert value_of(kestrel, one, aggregate="trend", window_days=30, baseline_days=60) == -0.25


def test_silence_after_activity_is_a_fall_to_nothing_and_no_history_is_unknown(kestrel: Tenant) -> None:
    gone, new = account("Gone"), account("New")
    signals(gone, "usage", [20.0] * 30, until=TODAY - timedelta(days=40))
    signals(new, "usage", [20.0] * 10)
    publish_model(kestrel, one_input(aggregate="trend", window_days=30, baseline_days=60), min_coverage=0)
    run()
    assert (score_of(gone).values, score_of(gone).ages) == ([-1.0], [40])
    assert score_of(new).values == [None]


def test_categories_are_the_place_of_the_name_and_other_names_are_missing(kestrel: Tenant) -> None:
    active, other = account("Active"), account("Other")
    category(active, "plan", "Free-Trial")
    category(other, "plan", "Unheard of")
    points = {"categories": {"Active": 100, "Free-Trial": 50, "No": 0}}
    publish_model(kestrel, one_input(measure="plan", mapping=points), min_coverage=0)
    run()
    assert (score_of(active).values, score_of(active).score) == ([1.0], 50.0)
    assert (score_of(other).values, score_of(other).score) == ([None], None)


def test_bands_give_the_edge_to_the_step_above_and_the_last_step_is_open(kestrel: Tenant) -> None:
    names = {}
    for value in (-5, 9.999, 10, 50, 900):
        names[value] = account(f"At {value}")
        signals(names[value], "usage", [value])
    publish_model(kestrel, one_input(mapping={"bands": [[10, 0], [50, 60], [100, 100]]}))
    run()
    assert {value: score_of(one).score for value, one in names.items()} == {-5: 0, 9.999: 0, 10: 60, 50: 100, 900: 100}


def test_a_measure_that_is_not_there_leaves_the_answer_to_the_next(kestrel: Tenant) -> None:
    one, two = account("One"), account("Two")
    signals(one, "nps", [40])
    ticket(two, TODAY, satisfaction=4)
    asked = one_input(
        measure=["unheard_of", "nps"],
        otherwise={
            "measure": "tickets.satisfaction", "aggregate": "mean", "mapping": {"linear": {"worst": 1, "best": 5}},
        },
    )  # fmt: skip
    publish_model(kestrel, asked)
    run()
    assert (score_of(one).score, score_of(one).readings) == (40, [1])
    assert (score_of(two).score, score_of(two).readings) == (75, [2])


def test_no_tickets_is_good_news_only_where_tickets_are_known(kestrel: Tenant) -> None:
    quiet, loud = account("Quiet"), account("Loud")
    asked = one_input(
        measure="tickets.opened", aggregate="count", window_days=90, mapping={"linear": {"worst": 10, "best": 0}}
    )
    publish_model(kestrel, asked)
    run()
    assert score_of(quiet).score is None
    ticket(loud, TODAY - timedelta(days=89))
    ticket(loud, TODAY - timedelta(days=90))
    run(TODAY)
    assert (score_of(quiet).score, score_of(loud).score) == (100, 90)


def test_the_business_day_is_that_of_the_workspace(kestrel: Tenant) -> None:
    one = account()
    late = ticket(one, TODAY)
    late.opened_at = late.opened_at.replace(day=1, hour=23, minute=30)  # 2 March, 00:30 in Berlin
    late.save()
    assert value_of(kestrel, one, measure="tickets.opened", aggregate="count", window_days=1) == 1


def test_days_since_the_last_contact_count_no_notes_and_end_with_the_window(kestrel: Tenant) -> None:
    close, far = account("Close"), account("Far")
    contact(close, TODAY - timedelta(days=12))
    contact(close, TODAY - timedelta(days=1), kind="note")
    publish_model(kestrel, one_input(measure="activities.contact", aggregate="days_since", window_days=180))
    run()
    assert (score_of(close).values, score_of(close).ages) == ([12.0], [12])
    assert (score_of(far).values, score_of(far).ages) == ([180.0], [None])


def test_arr_is_compared_with_what_was_paid_before(kestrel: Tenant) -> None:
    grown, new = account("Grown"), account("New")
    contract(grown, 100_000, starts_on=date(2025, 1, 1))
    contract(grown, 25_000, starts_on=date(2026, 2, 1))
    contract(new, 50_000, starts_on=date(2026, 2, 1))
    publish_model(kestrel, one_input(measure="contracts.arr", aggregate="trend", window_days=180), min_coverage=0)
    run()
    assert (score_of(grown).values, score_of(new).values) == ([0.25], [None])


@pytest.mark.parametrize(("currency", "expected"), [("EUR", 1_200.0), ("JPY", 120_000.0), ("KWD", 120.0)])
def test_arr_is_read_in_whole_units_of_the_currency(kestrel: Tenant, currency: str, expected: float) -> None:
    Tenant.objects.filter(pk=kestrel.pk).update(currency=currency)
    one = account()
    contract(one, 120_000, starts_on=date(2025, 1, 1))
    assert value_of(kestrel, one, measure="contracts.arr") == expected


@pytest.mark.parametrize(
    ("missing", "expected"), [("exclude", (72.857143, 0.7)), ("neutral", (66.0, 0.7)), ("worst", (51.0, 0.7))]
)
def test_the_statement_gives_the_scores_of_v4(kestrel: Tenant, missing: str, expected: tuple[float, float]) -> None:
    one = account()
    for key, value in (("a", 80), ("c", 50), ("d", 90)):
        signals(one, key, [value])
    measure("b")
    inputs = [one_input(key, weight=w, missing=missing) for key, w in (("a", 40), ("b", 30), ("c", 20), ("d", 10))]
    publish_model(kestrel, *inputs)
    run()
    assert (score_of(one).score, score_of(one).coverage) == expected


def test_a_value_is_carried_forward_for_so_many_days_and_does_not_count_as_fresh(kestrel: Tenant) -> None:
    carried, over = account("Carried"), account("Over")
    signals(carried, "usage", [80], until=TODAY - timedelta(days=35))
    signals(over, "usage", [80], until=TODAY - timedelta(days=45))
    publish_model(kestrel, one_input(missing={"carry_forward_days": 14}), min_coverage=0)
    run()
    assert (score_of(carried).score, score_of(carried).coverage, score_of(carried).ages) == (80, 0, [35])
    assert (score_of(over).score, score_of(over).band) == (None, "none")


def test_below_the_least_coverage_there_is_no_score_and_no_band(kestrel: Tenant) -> None:
    thin, enough = account("Thin"), account("Enough")
    for one, keys in ((thin, "a"), (enough, "ab")):
        for key in keys:
            signals(one, key, [80])
    measure("c")
    publish_model(kestrel, one_input("a", weight=3), one_input("b", weight=3), one_input("c", weight=4))
    done = run()
    assert (score_of(thin).score, score_of(thin).band, score_of(thin).coverage) == (None, "none", 0.3)
    assert (score_of(enough).score, score_of(enough).band, score_of(enough).coverage) == (80, "green", 0.6)
    assert (done.accounts, done.scored, done.not_enough_data) == (2, 1, 1)


def test_only_customers_are_scored_and_who_leaves_is_closed_in_the_history(kestrel: Tenant) -> None:
    one = account(arr_minor=500)
    account("Prospect", status="prospect")
    signals(one, "usage", [60])
    publish_model(kestrel, one_input())
    assert run().accounts == 1
    one.status = "churned"
    one.save()
    run(TODAY + timedelta(days=1))
    assert not Score.objects.exists()
    assert list(ScoreHistory.objects.order_by("computed_at").values_list("score", "band")) == [
        (60.0, "yellow"),
        (None, "none"),
    ]
    nothing_broken(kestrel, TODAY + timedelta(days=1))


def book(size: int = 12) -> list[Account]:
    """Accounts with facts from every source."""
    people = []
    for at in range(size):
        one = account(f"Account {at}", arr_minor=1000 * (at + 1), segment=["enterprise", "small", ""][at % 3])
        signals(one, "active_users", [20.0 + at] * 60 + [20.0 + at - (at % 5) * 3.3] * 30)
        signals(one, "nps", [at * 7 - 30], step=30)
        for back in range(at % 6):
            ticket(one, TODAY - timedelta(days=5 * back), satisfaction=1 + back)
        contact(one, TODAY - timedelta(days=9 * at))
        contract(one, 1000 * (at + 1), starts_on=date(2025, 3, 1))
        people.append(one)
    return people


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every stored row of health, as Postgres has it."""
    tables = {}
    with connection.cursor() as cursor:
        for table in ("health_score", "health_scorehistory", "health_healthday", "health_scoringstate"):
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6")
            tables[table] = cursor.fetchall()
    return tables


@pytest.mark.capability("C6")
def test_the_standard_model_scores_a_book_and_stored_scores_are_those_of_the_rules(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book()
    done = run()
    assert (done.accounts, done.scored, done.changed, done.model_versions) == (12, 12, 12, {"standard": 1})
    for row in Score.objects.select_related("model_version"):
        model = parse_model(row.model_version.definition)
        assert row.coverage == 1
        assert judge(model, row.sub_scores) == pytest.approx(row.score, abs=1e-6)
    nothing_broken(kestrel)


def test_a_second_run_on_the_same_facts_writes_nothing(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book()
    run()
    before = everything()
    again = recompute(actor=ACTOR, now=NOW + timedelta(hours=1), as_of=TODAY)
    assert (again.changed, again.written) == (0, 0)
    assert everything() == before


@pytest.mark.capability("H3")
def test_incremental_and_full_runs_give_the_same_scores_and_roll_up(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    accounts = book()
    run()
    moved = accounts[3:6]
    for one in moved:
        ticket(one, TODAY, satisfaction=1)
        Signal.objects.filter(account=one, measure__key="nps", day=TODAY).update(value=-80)
    moved[0].arr_minor = 77_000
    moved[0].save()
    done = recompute(actor=ACTOR, now=NOW + timedelta(hours=1), as_of=TODAY, account_ids=[one.pk for one in moved])
    assert (done.accounts, done.changed) == (3, 3)
    nothing_broken(kestrel)
    before = everything()
    full = recompute(actor=ACTOR, now=NOW + timedelta(hours=2), as_of=TODAY)
    assert (full.changed, full.written) == (0, 0)
    assert everything() == before


def test_the_first_change_of_a_new_day_carries_the_other_accounts_over(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    accounts = book()
    run()
    tomorrow = TODAY + timedelta(days=1)
    ticket(accounts[0], tomorrow)
    run(tomorrow, account_ids=[accounts[0].pk])
    per_day = {
        day: sum(HealthDay.objects.filter(day=day, owner_id=-1).values_list("accounts", flat=True))
        for day in (TODAY, tomorrow)
    }
    assert per_day == {TODAY: 12, tomorrow: 12}
    nothing_broken(kestrel, tomorrow)
    run(tomorrow)
    nothing_broken(kestrel, tomorrow)


def test_two_changes_at_the_same_instant_keep_their_order(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [60])
    publish_model(kestrel, one_input())
    run()
    signals(one, "usage", [20], until=TODAY - timedelta(days=1))
    publish_model(kestrel, one_input(aggregate="mean"))
    run()
    assert [row.score for row in ScoreHistory.objects.order_by("computed_at")] == [60, 40]
    assert score_of(one).score == 40


def test_a_new_version_writes_history_even_where_the_score_stays(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [60])
    first = publish_model(kestrel, one_input())
    run()
    second = publish_model(kestrel, one_input(name="Usage"))
    run()
    assert list(ScoreHistory.objects.order_by("computed_at").values_list("model_version_id", flat=True)) == [
        first.pk,
        second.pk,
    ]
    nothing_broken(kestrel)


def test_a_segment_with_a_model_of_its_own_is_left_to_it(kestrel: Tenant) -> None:
    large, small = account("Large", segment="enterprise"), account("Small", segment="small")
    for one in (large, small):
        signals(one, "usage", [60])
    everyone = publish_model(kestrel, one_input())
    special = publish_model(
        kestrel, one_input(mapping={"linear": {"worst": 0, "best": 200}}), key="large", applies_to="enterprise"
    )
    done = run()
    assert done.accounts == 2
    assert (score_of(large).score, score_of(large).model_version_id) == (30, special.pk)
    assert (score_of(small).score, score_of(small).model_version_id) == (60, everyone.pk)
    nothing_broken(kestrel)


def test_history_before_the_workspace_is_made_from_facts_of_then(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book()
    first = TODAY - timedelta(days=56)
    written = backfill_history(actor=ACTOR, now=NOW, from_day=first, to_day=TODAY - timedelta(days=7))
    assert written > 12
    assert set(ScoreHistory.objects.values_list("imported", flat=True)) == {True}
    assert sorted(set(HealthDay.objects.values_list("day", flat=True))) == [
        first + timedelta(days=7 * week) for week in range(8)
    ]
    assert backfill_history(actor=ACTOR, now=NOW, from_day=first, to_day=TODAY - timedelta(days=7)) == 0
    run()
    nothing_broken(kestrel)
    last = TODAY - timedelta(days=7)
    stored = ScoreHistory.objects.filter(as_of__lte=last, score__isnull=False).order_by("account_id", "-as_of")
    assert stored.distinct("account_id").count() == 12


def test_the_state_says_which_day_the_roll_up_agrees_with(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book(3)
    run()
    state = ScoringState.objects.get()
    assert (state.as_of, state.rolled_on, state.full_run_at, state.changed_at) == (TODAY, TODAY, NOW, NOW)
