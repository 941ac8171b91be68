"""Any account as of any day: the same numbers as the stored ones, from one statement that writes nothing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from core.models import Tenant
from health.actions import backfill_history, make_defaults, recompute
from health.models import Score
from health.queries import live_models, moments, stored_on
from health.queries.moments import Judged, judge_moments, judged_sql, with_names
from health.rules import Learn, parse_model
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    category,
    document,
    measure,
    one_input,
    signals,
    ticket,
)
from tests.health.test_engine import book

pytestmark = pytest.mark.usefixtures("in_kestrel")


def test_todays_moments_are_the_stored_scores(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book()
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    stored = [
        Judged(
            row.account_id, TODAY, row.score, row.band, row.coverage, tuple(row.values), tuple(row.sub_scores),
            tuple(row.ages), tuple(row.readings),
        )
        for row in Score.objects.order_by("-account_id")
    ]  # fmt: skip
    [live] = live_models()
    assert judge_moments(live.model, [(one.account_id, TODAY) for one in stored]) == stored


def test_past_moments_are_what_the_history_of_those_days_holds(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    ids = [one.pk for one in book()]
    days = [TODAY - timedelta(days=7 * week) for week in range(1, 9)]
    backfill_history(actor=ACTOR, now=NOW, from_day=days[-1], to_day=days[0])
    [live] = live_models()
    asked = [(one, day) for day in days for one in ids]
    judged = judge_moments(live.model, asked)
    assert [(one.account_id, one.as_of) for one in judged] == asked
    for one in judged:
        row = stored_on(one.account_id, one.as_of)
        assert row is not None
        assert (one.score, one.band, one.coverage, list(one.sub_scores)) == (
            row.score,
            row.band,
            row.coverage,
            row.sub_scores,
        )


def test_thousands_of_moments_are_one_statement_that_writes_nothing(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    ids = [one.pk for one in book(3)]
    [live] = live_models()
    asked = [(one, TODAY - timedelta(days=back)) for back in range(300) for one in ids]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        judged = judge_moments(live.model, asked)
    assert len(judged) == 900
    statements = [one["sql"] for one in queries.captured_queries if "moments AS" in one["sql"]]
    assert len(statements) == 1
    assert not [sql for sql in (one["sql"].upper() for one in queries.captured_queries) if "INSERT" in sql]
    assert not Score.objects.exists()


def test_a_workspace_without_tickets_until_then_knows_nothing_of_them(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    ticket(other, TODAY)
    model = parse_model(
        document(one_input(measure="tickets.opened", aggregate="count", mapping={"linear": {"worst": 10, "best": 0}}))
    )
    before, now = judge_moments(model, [(one.pk, TODAY - timedelta(days=1)), (one.pk, TODAY)])
    assert (before.values, now.values) == ((None,), (0.0,))


def test_a_draft_with_something_to_learn_gives_values_and_no_sub_scores(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    signals(one, "usage", [60])
    category(one, "plan", "Pro")
    category(other, "plan", "Basic")
    model = parse_model(
        document(
            one_input("usage", mapping={"learn": "linear"}),
            one_input("plan", mapping={"learn": "categories"}),
            one_input("known", measure="usage"),
        )
    )
    first, second = judge_moments(model, [(one.pk, TODAY), (other.pk, TODAY)])
    assert (first.values, first.sub_scores, first.score) == ((60.0, 1.0, 60.0), (None, None, 60.0), 60.0)
    assert (second.values, second.score, second.band) == ((None, 0.0, None), None, "none")
    assert with_names(model).inputs[1].readings[0].mapping == Learn("categories", ("Basic", "Pro"))


def test_everybody_is_judged_as_of_a_day_in_a_statement_to_which_the_caller_adds(kestrel: Tenant) -> None:
    large, small = account("Large", arr_minor=700), account("Small", arr_minor=5)
    account("Prospect", status="prospect")
    for one, value in ((large, 80), (small, 20)):
        signals(one, "usage", [value])
    sql, params = judged_sql(parse_model(document(one_input())))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT account_id, band, score, arr_minor FROM judged ORDER BY 1", params | {"as_of": TODAY}
        )
        rows = cursor.fetchall()
    assert rows == [(large.pk, "green", 80.0, 700), (small.pk, "red", 20.0, 5)]
    assert not Score.objects.exists()


def test_nothing_is_asked_when_there_are_no_moments() -> None:
    measure("usage")
    assert judge_moments(parse_model(document(one_input())), []) == []
    assert not Account.objects.exists()


def test_of_very_many_names_the_most_frequent_are_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "MOST_NAMES", 2)
    one = account()
    for name, times in (("Alpha", 1), ("Beta", 2), ("Zeta", 3)):
        for at in range(times):
            category(one, "plan", name, day=TODAY - timedelta(days=10 * at + times))
    model = parse_model(document(one_input("plan", mapping={"learn": "categories"})))
    assert with_names(model).inputs[0].readings[0].mapping == Learn("categories", ("Beta", "Zeta"))
