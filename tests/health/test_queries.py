"""Reads of scores for pages."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Ticket
from core.facts import annotate_facts, matching
from core.models import Tenant
from health import queries
from health.actions import backfill_history, recompute
from health.models import HealthDay, Score, ScoreHistory
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    contact,
    one_input,
    publish_model,
    signals,
    ticket,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)


def run(back: int = 0, **values: object) -> None:
    """A full run so many days ago."""
    recompute(actor=ACTOR, now=NOW - back * DAY, as_of=TODAY - back * DAY, **values)  # type: ignore[arg-type]  # -- values are mixed


def rising(name: str = "Brightwater", arr_minor: int = 100_000, **values: object) -> Account:
    """An account whose usage rises by one point a day to 90."""
    one = account(name, arr_minor=arr_minor, **values)
    signals(one, "usage", [float(90 - back) for back in range(80, -1, -1)])
    return one


def test_current_scores_of_many_accounts_are_one_query(kestrel: Tenant) -> None:
    publish_model(kestrel, one_input())
    ids = [rising(f"A{at}").pk for at in range(3)]
    never = account("Never").pk
    run()
    with CaptureQueriesContext(connection) as asked:
        scores = queries.current_scores([*ids, never])
    assert len(asked) == 1
    assert {
        key: (row.score, row.band, row.model_number) for key, row in scores.items() if key != never
    } == dict.fromkeys(ids, (90.0, "green", 1))
    assert (scores[never].score, scores[never].band) == (None, "none")


@pytest.mark.capability("H6")
def test_the_score_of_any_past_day_is_what_was_stored(kestrel: Tenant) -> None:
    one = rising()
    publish_model(kestrel, one_input())
    stored = {}
    for back in range(6, -1, -1):
        run(back)
        stored[TODAY - back * DAY] = Score.objects.get(account=one).score
    for day, score in stored.items():
        row = queries.stored_on(one.pk, day)
        explanation = queries.explain(one.pk, on=day)
        assert row is not None
        assert explanation is not None
        assert (row.score, explanation.score) == (score, score)
    assert queries.stored_on(one.pk, TODAY - 7 * DAY) is None


def test_sparklines_carry_the_last_known_score_and_are_one_query(kestrel: Tenant) -> None:
    one, two = rising("One"), account("Two")
    signals(two, "usage", [40.0], until=TODAY - 20 * DAY)
    publish_model(kestrel, one_input())
    backfill_history(actor=ACTOR, now=NOW, from_day=TODAY - 28 * DAY, to_day=TODAY, every_days=7)
    for each in (one, two):
        Account.objects.filter(pk=each.pk).update(customer_since=TODAY - 90 * DAY)
    backfill_history(actor=ACTOR, now=NOW, from_day=TODAY - 27 * DAY, to_day=TODAY - 1 * DAY, every_days=7)
    with CaptureQueriesContext(connection) as asked:
        lines = queries.sparklines([one.pk, two.pk, 999_999], until=TODAY, weeks=5)
    assert len(asked) == 1
    assert lines[one.pk] == [None, 68.0, 75.0, 82.0, 89.0]
    assert lines[two.pk] == [None, None, 40.0, 40.0, 40.0]


def test_changes_in_thirty_days_need_both_moments(kestrel: Tenant) -> None:
    one, new = rising("One"), account("New")
    signals(new, "usage", [10.0])
    publish_model(kestrel, one_input())
    run(31)
    run()
    assert queries.changes_30d([one.pk, new.pk], as_of=TODAY) == {one.pk: 31.0}


def test_the_trend_has_a_point_a_week_and_markers_for_versions(kestrel: Tenant) -> None:
    rising("One", owner=None, segment="enterprise")
    rising("Two", arr_minor=300_000, segment="small")
    publish_model(kestrel, one_input())
    for back in (21, 14, 7):
        run(back)
    publish_model(kestrel, one_input(mapping={"linear": {"worst": 0, "best": 200}}))
    run()
    trend = queries.portfolio_trend(until=TODAY, weeks=52)
    assert [point.week for point in trend.points] == [TODAY - back * DAY for back in (21, 14, 7, 0)]
    assert [point.accounts["yellow"] for point in trend.points] == [2, 0, 0, 0]
    assert [point.arr_minor["red"] for point in trend.points] == [0, 0, 0, 400_000]
    assert [point.mean_score for point in trend.points] == [69.0, 76.0, 83.0, 45.0]
    assert [(marker.day, marker.number) for marker in trend.markers] == [(TODAY, 2)]
    small = queries.portfolio_trend(until=TODAY, segment="small")
    assert [point.accounts["red"] for point in small.points] == [0, 0, 0, 1]
    assert small.points[-1].arr_weighted_score == 45.0


def test_net_changes_of_bands_come_from_the_roll_up(kestrel: Tenant) -> None:
    rising()
    publish_model(kestrel, one_input())
    run(45)
    run()
    changes = {row.band: row for row in queries.band_changes(since=TODAY - 45 * DAY, until=TODAY)}
    assert (changes["green"].accounts_before, changes["green"].accounts_after) == (0, 1)
    assert (changes["red"].arr_before, changes["red"].arr_after) == (100_000, 0)
    assert queries.portfolio_now() == queries.portfolio_trend(until=TODAY, weeks=1).points[0]


def test_the_day_is_today_while_data_arrive(kestrel: Tenant) -> None:
    one = account()
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY
    signals(one, "usage", [5.0], until=TODAY - 30 * DAY)
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY


def test_the_day_is_the_last_one_of_data_that_ended_whatever_was_logged_since(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [5.0, 6.0], until=TODAY - 200 * DAY)
    ticket(one, TODAY - 190 * DAY)
    contact(one, TODAY)
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY - 190 * DAY
    ticket(one, TODAY - 3 * DAY)
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY


def test_the_last_day_of_tickets_is_one_of_the_workspace(kestrel: Tenant) -> None:
    late = datetime.combine(TODAY - 200 * DAY, time(23, 30), tzinfo=UTC)  # in Berlin the next day has begun
    Ticket.objects.create(account=account(), opened_at=late)
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY - 199 * DAY


def test_an_observation_dated_in_the_future_does_not_make_data_current(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [5.0], until=TODAY - 200 * DAY)
    signals(one, "usage", [5.0], until=TODAY + 5 * DAY)
    assert queries.scoring_day(kestrel.pk, TODAY) == TODAY - 200 * DAY


def test_freshness_says_where_data_ends_and_when_scores_are_late(kestrel: Tenant) -> None:
    assert queries.freshness(kestrel, NOW) == queries.Freshness(None, None, None, is_late=False)
    rising()
    publish_model(kestrel, one_input())
    run()
    assert queries.freshness(kestrel, NOW) == queries.Freshness(TODAY, NOW, None, is_late=False)
    later = queries.freshness(kestrel, NOW + 40 * DAY)
    assert (later.data_ends, later.is_late) == (TODAY, True)


def test_facts_about_health_can_be_asked_of_many_accounts(kestrel: Tenant) -> None:
    one, two = rising("One"), account("Two")
    publish_model(kestrel, one_input())
    run(31)
    run()
    asked = annotate_facts(
        Account.objects.order_by("pk"), ["health.score", "health.band", "health.coverage", "health.change_30d"], TODAY
    )
    rows = asked.values_list(
        "pk", "fact_health_score", "fact_health_band", "fact_health_coverage", "fact_health_change_30d"
    )
    assert list(rows) == [(one.pk, 90.0, "green", 1.0, 31.0), (two.pk, None, "none", 0.0, None)]
    tree = {"all": [{"fact": "health.band", "op": "eq", "value": "green"}]}
    assert list(matching(Account.objects.all(), tree, TODAY)) == [one]


def test_the_roll_up_keeps_each_cell_under_its_owner_and_under_everybody(kestrel: Tenant) -> None:
    rising()
    publish_model(kestrel, one_input())
    run()
    assert sorted(HealthDay.objects.values_list("owner_id", "accounts")) == [(-1, 1), (0, 1)]
    assert queries.portfolio_trend(until=TODAY, owner_id=0).points[0].accounts["green"] == 1
    assert ScoreHistory.objects.count() == 1
