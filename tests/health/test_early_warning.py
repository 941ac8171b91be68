"""Each early warning on a synthetic series: it fires when its story happens, and not a day before."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account, Contact, Measure, Signal
from accounts.queries.early_warning import EARLY_FACTS
from core.facts import annotate_facts
from core.models import ProcessVersion, Tenant
from health.actions.alert_rules import publish_alert_rules
from health.models import ScoreHistory
from health.queries.alerts import would_fire
from health.rules.alert_defaults import DEFAULT_RULES
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    contact,
    measure,
    one_input,
    publish_model,
    signals,
    ticket,
)
from tests.health.test_alerts import scored

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)


@pytest.fixture
def one(kestrel: Tenant) -> Account:
    publish_alert_rules(kestrel, ACTOR, NOW)
    return account("Brightwater", customer_since=date(2023, 1, 1))


def fired(key: str, days: int = 60, step: int = 1) -> list[date]:
    """The days on which the default rule would have opened an alert in the days before today."""
    rule = ProcessVersion.objects.get(kind="alert_rule", key=key, state="published")
    trial = would_fire(rule, TODAY - days * DAY, TODAY + DAY, step)
    return [found.opened_on for found in trial.fired]


def fact(of: Account, key: str, day: date = TODAY) -> Any:
    return annotate_facts(Account.objects.filter(pk=of.pk), [key], day).values_list(
        f"fact_{key.replace('.', '_')}", flat=True
    )[0]


@pytest.mark.capability("W2")
def test_usage_a_quarter_under_its_own_baseline(one: Account) -> None:
    signals(one, "active_users", [100.0] * 120 + [50.0] * 30)
    assert fact(one, "accounts.usage_change") == pytest.approx(-0.5)
    assert fact(one, "accounts.usage_change", TODAY - 30 * DAY) == 0.0
    # Half the use for n of 30 days is n/60 less; the baseline goes down from day 31 on only.
    assert fired("usage_fell", 29) == [TODAY - 15 * DAY]


@pytest.mark.capability("W2")
def test_usage_of_another_feed_counts_where_the_first_is_not_there(one: Account) -> None:
    signals(one, "usage_count", [10.0] * 80 + [5.0] * 30)
    assert fact(one, "accounts.usage_change") == pytest.approx(-0.5)


@pytest.mark.capability("W2")
def test_without_a_week_of_baseline_the_change_of_usage_is_unknown(one: Account) -> None:
    signals(one, "active_users", [10.0] * 36)
    assert fact(one, "accounts.usage_change") is None
    signals(one, "active_users", [10.0], until=TODAY - 36 * DAY)
    assert fact(one, "accounts.usage_change") == pytest.approx(0.0)


@pytest.mark.capability("W2")
@pytest.mark.parametrize(("role", "count"), [("sponsor", 1), ("champion", 1), ("user", 0)])
def test_a_sponsor_or_champion_left(one: Account, role: str, count: int) -> None:
    Contact.objects.create(account=one, name="Elena", role=role, left_on=TODAY - 10 * DAY)
    assert fired("sponsor_left", 30) == [TODAY - 10 * DAY] * count


@pytest.mark.capability("W2")
def test_three_times_the_usual_tickets(one: Account) -> None:
    for back in range(40, 130, 30):
        ticket(one, TODAY - back * DAY)
    for back in range(5):
        ticket(one, TODAY - back * DAY)
    assert fact(one, "accounts.tickets_30d") == 5
    assert fact(one, "accounts.ticket_ratio") == 5.0
    assert fired("ticket_spike", 30) == [TODAY]


@pytest.mark.capability("W2")
def test_five_tickets_of_an_account_that_always_has_them_are_no_spike(one: Account) -> None:
    for back in range(0, 150, 6):
        ticket(one, TODAY - back * DAY)
    assert fact(one, "accounts.tickets_30d") == 5
    assert fired("ticket_spike", 30) == []


@pytest.mark.capability("W2")
def test_an_invoice_overdue_by_thirty_days(one: Account) -> None:
    signals(one, "invoice_overdue_days", [float(n) for n in range(35)])
    assert fired("invoice_overdue", 34) == [TODAY - 4 * DAY]


@pytest.mark.capability("W2", "N14")
def test_silence_no_contact_no_tickets_and_usage_that_falls(one: Account) -> None:
    contact(one, TODAY - 50 * DAY)
    Account.objects.filter(pk=one.pk).update(last_contact_on=TODAY - 50 * DAY)
    signals(one, "active_users", [100.0] * 120 + [70.0] * 30)
    # Usage is 10 % lower after ten of the days; the contact is 45 days back five days before today.
    assert fired("silence", 30) == [TODAY - 5 * DAY]


@pytest.mark.capability("W2", "N14")
@pytest.mark.parametrize("sign_of_life", ["contact", "ticket", "usage"])
def test_one_sign_of_life_is_not_silence(one: Account, sign_of_life: str) -> None:
    contact(one, TODAY - 50 * DAY)
    last = TODAY - 10 * DAY if sign_of_life == "contact" else TODAY - 50 * DAY
    if sign_of_life == "contact":
        contact(one, last)
    Account.objects.filter(pk=one.pk).update(last_contact_on=last)
    if sign_of_life == "ticket":
        ticket(one, TODAY - 20 * DAY)
    signals(one, "active_users", [100.0] * 120 + [100.0 if sign_of_life == "usage" else 70.0] * 30)
    assert fired("silence", 4) == []


@pytest.mark.parametrize(
    ("key", "unit", "value", "count"),
    [("nps", "points", -10.0, 1), ("nps", "points", 5.0, 0), ("nps", "", 6.0, 1), ("nps", "", 9.0, 0),
     ("csat", "", 2.0, 1), ("csat", "", 3.0, 0)],
)  # fmt: skip
@pytest.mark.capability("W2")
def test_a_detractor_in_a_survey(one: Account, key: str, unit: str, value: float, count: int) -> None:
    Measure.objects.create(key=key, name=key, unit=unit, source="survey")
    signals(one, key, [value], until=TODAY - 3 * DAY)
    assert fired("detractor", 10) == [TODAY - 3 * DAY] * count


@pytest.mark.capability("W2", "H5")
def test_a_score_that_falls_by_ten_points_in_thirty_days(one: Account) -> None:
    scored(one, TODAY - 50 * DAY, 80.0)
    scored(one, TODAY - 20 * DAY, 71.0)
    scored(one, TODAY - 10 * DAY, 70.0)
    assert fired("score_drop", 45) == [TODAY - 10 * DAY]


@pytest.mark.capability("W2", "H5")
def test_an_account_that_turned_at_risk_and_not_one_that_always_was(one: Account) -> None:
    scored(one, TODAY - 50 * DAY, 55.0)
    scored(one, TODAY - 10 * DAY, 45.0)
    scored(account("Old sorrow", customer_since=date(2023, 1, 1)), TODAY - 100 * DAY, 30.0)
    assert fired("turned_red", 45) == [TODAY - 10 * DAY]


@pytest.mark.capability("W2")
def test_facts_of_health_are_those_of_the_day(one: Account) -> None:
    measure("usage")
    publish_model(one.tenant, one_input(), bands={"red": 0, "yellow": 40, "green": 70})
    scored(one, TODAY - 40 * DAY, 75.0)
    scored(one, TODAY - 5 * DAY, 45.0)
    scored(one, TODAY, 30.0)
    then = TODAY - 3 * DAY
    assert {key: fact(one, f"health.{key}", then) for key in ("score", "band", "change_30d", "band_30d_ago")} == {
        "score": 45.0, "band": "red", "change_30d": -30.0, "band_30d_ago": "green",
    }  # fmt: skip
    assert (fact(one, "health.score"), fact(one, "health.above_red")) == (30.0, -10.0)
    assert fact(one, "health.score", TODAY - 100 * DAY) is None


@pytest.mark.capability("W2")
def test_days_since_contact_on_a_past_day_come_from_the_contacts_of_then(one: Account) -> None:
    contact(one, TODAY - 40 * DAY)
    contact(one, TODAY)
    Account.objects.filter(pk=one.pk).update(last_contact_on=TODAY)
    assert fact(one, "accounts.days_since_contact") == 0
    assert fact(one, "accounts.days_since_contact", TODAY - 10 * DAY) == 30
    assert fact(one, "accounts.days_since_contact", TODAY - 90 * DAY) is None


@pytest.mark.capability("W2")
def test_no_early_fact_sees_what_came_later(one: Account) -> None:
    asked = {key: fact(one, key) for key in (known.key for known in EARLY_FACTS)}
    Contact.objects.create(account=one, name="Elena", role="sponsor", left_on=TODAY + DAY)
    ticket(one, TODAY + DAY)
    for key in ("active_users", "invoice_overdue_days"):
        signals(one, key, [5.0], until=TODAY + DAY)
    Measure.objects.create(key="nps", name="NPS", unit="points", source="survey")
    signals(one, "nps", [-50.0], until=TODAY + DAY)
    assert {key: fact(one, key) for key in asked} == asked
    assert Signal.objects.count() == 3
    assert not ScoreHistory.objects.exists()


@pytest.mark.capability("W2")
def test_every_default_rule_has_a_series_here() -> None:
    text = Path(__file__).read_text()
    assert [rule["key"] for rule in DEFAULT_RULES if f'fired("{rule["key"]}"' not in text] == []
