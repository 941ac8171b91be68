"""The past judged again says what was said then, where no fact arrived late."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from core.models import Tenant
from health.actions import make_defaults, recompute
from health.queries.backtest import Backtest, Difference, backtest
from tests.factories.health import ACTOR, NOW, TODAY, account, one_input, publish_model, signals, ticket
from tests.health.test_engine import book

pytestmark = pytest.mark.usefixtures("in_kestrel")

LINE = {"linear": {"worst": 0, "best": 40}}


def score_daily(days: int, until: date = TODAY) -> None:
    """Full runs as the nights would have made them: a day reads nothing that is dated after it."""
    for back in range(days - 1, -1, -1):
        day = until - timedelta(days=back)
        recompute(actor=ACTOR, now=NOW + (day - TODAY), as_of=day)


def other_weights(kestrel: Tenant) -> None:
    rows: list[dict[str, Any]] = [{"tenure_months": [0, 6], "mapping": {"linear": {"worst": 0, "best": 20}}}]
    publish_model(
        kestrel,
        one_input("usage", measure="active_users", aggregate="mean", mapping=LINE, thresholds=rows, weight=70),
        one_input("support", measure="tickets.opened", aggregate="count", mapping={"linear": {"worst": 9, "best": 0}}),
        caps=[{"input": "usage", "below": 40, "at_most": 60}],
    )


@pytest.mark.capability("K8")
def test_the_live_versions_reproduce_the_live_history_with_no_difference(kestrel: Tenant) -> None:
    make_defaults(kestrel, ACTOR, NOW)
    book()
    Account.objects.update(customer_since=TODAY - timedelta(days=183))
    score_daily(8, until=TODAY - timedelta(days=7))
    other_weights(kestrel)
    score_daily(7)
    found = backtest(since=TODAY - timedelta(days=30), until=TODAY + timedelta(days=1))
    assert found.differences == ()
    assert found.compared > 100


def test_a_fact_that_arrived_late_is_a_difference_of_its_day(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [60.0] * 40)
    mapping = {"linear": {"worst": 10, "best": 0}}
    publish_model(kestrel, one_input(measure="tickets.opened", aggregate="count", mapping=mapping))
    first = TODAY - timedelta(days=2)
    ticket(one, TODAY - timedelta(days=20))
    score_daily(3)
    assert backtest(since=first, until=TODAY + timedelta(days=1)) == Backtest(1, ())
    ticket(one, first)
    assert backtest(since=first, until=TODAY + timedelta(days=1)) == Backtest(1, (Difference(one.pk, first, 90, 80),))


def test_where_nothing_was_stored_there_is_nothing_to_compare() -> None:
    assert backtest(since=TODAY, until=TODAY) == Backtest(0, ())
