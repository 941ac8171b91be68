"""What a person decides, and the rates that follow from it."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions.accounts import become_customers
from accounts.models import Account, Contract, Outcome
from core import facts
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.stages import move_account_stage
from journeys.models import StageVisit, Task
from renewals.actions import DecisionRefused, RenewalSweep, decide_renewal, set_forecast, sweep_renewals
from renewals.models import Renewal, RenewalStep
from renewals.queries import (
    next_renewals,
    on_time_rate,
    renewal_strip,
    renewals_by_month,
    renewals_due_summary,
)
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

ZONE = "Europe/Berlin"


@pytest.fixture
def book(in_kestrel: Tenant) -> Tenant:
    make.publish_renewal_timeline(in_kestrel)
    return in_kestrel


def opened(tenant: Tenant, *, ends_in: int = 20, arr_minor: int = 1000, name: str = "Alder", **values: Any) -> Renewal:
    contract = make.contract(make.account(name, **values), ends_on=make.ends_in(ends_in), arr_minor=arr_minor,
                             learnt_on=TODAY)  # fmt: skip
    sweep_renewals(tenant=tenant, actor=ACTOR, today=TODAY, now=NOW)
    return Renewal.objects.get(contract=contract)


def decide(
    renewal: Renewal, *, won: bool = True, final: int | None = 1000, reason: str = "", at: datetime = NOW
) -> Any:
    return decide_renewal(
        renewal_id=renewal.pk, won=won, final_minor=final, reason=reason, actor=ACTOR, today=at.date(), now=at
    )


def test_won_closes_the_tasks_and_writes_the_outcome(book: Tenant) -> None:
    renewal = opened(book, ends_in=200)
    decide(renewal, final=1200)
    renewal.refresh_from_db()
    assert (renewal.state, renewal.forecast, renewal.final_minor, renewal.is_automatic) == ("won", "won", 1200, False)
    assert set(Task.objects.values_list("state", flat=True)) == {"obsolete"}
    assert Outcome.objects.values_list("kind", "amount_minor", "day").get() == ("renewed", 1200, TODAY)
    assert AuditEntry.objects.filter(verb="decided renewal", subject_id=renewal.pk).count() == 1


@pytest.mark.parametrize(
    ("won", "final", "others", "kind"),
    [(True, 1000, False, "renewed"), (True, 999, False, "contracted"), (False, None, False, "churned"),
     (False, None, True, "contracted")],
)  # fmt: skip
def test_the_outcome_says_what_happened_to_the_account(
    book: Tenant, won: bool, final: int | None, others: bool, kind: str
) -> None:
    renewal = opened(book)
    if others:
        make.contract(renewal.account, ends_on=make.ends_in(500))
    decide(renewal, won=won, final=final, reason="Price")
    assert Outcome.objects.get().kind == kind


def test_a_lost_renewal_cannot_close_without_a_reason_and_a_decision_is_final(book: Tenant) -> None:
    renewal = opened(book)
    with pytest.raises(DecisionRefused, match="needs a reason"):
        decide(renewal, won=False, reason="  ")
    with pytest.raises(DecisionRefused, match="final amount, above zero"):
        decide(renewal, final=None)
    decide(renewal, won=False, reason="Price")
    with pytest.raises(DecisionRefused, match="closed already: lost"):
        decide(renewal)


def stand_in_renewal(account: Account) -> None:
    ensure_default_journey(actor=ACTOR, now=NOW)
    move_account_stage(account_id=account.pk, stage_key="renewal", today=TODAY, now=NOW, actor=ACTOR)


def state_of(account: Account) -> tuple[str, int]:
    account.refresh_from_db()
    return account.status, StageVisit.objects.filter(account=account, left_on=None).count()


def test_who_loses_the_last_contract_has_churned_on_the_day_it_ends(book: Tenant) -> None:
    renewal = opened(book, ends_in=20)
    stand_in_renewal(renewal.account)
    decide(renewal, won=False, reason="Price")
    told = [
        sweep_renewals(tenant=book, actor=ACTOR, today=make.ends_in(days), now=NOW).accounts_churned
        for days in (19, 20, 20)
    ]
    assert (told, state_of(renewal.account)) == ([0, 1, 0], ("churned", 0))
    reasons = AuditEntry.objects.filter(verb__in=["churned", "left the journey"]).values_list("reason", flat=True)
    assert list(reasons) == ["Renewal lost: Price"] * 2
    become_customers(account_ids=[renewal.account_id], since=TODAY, actor=ACTOR, now=NOW)
    assert sweep_renewals(tenant=book, actor=ACTOR, today=make.ends_in(30), now=NOW).accounts_churned == 0


def test_lost_after_its_end_they_have_churned_at_once(book: Tenant) -> None:
    renewal = opened(book, ends_in=20)
    stand_in_renewal(renewal.account)
    late = datetime(2026, 4, 1, 9, tzinfo=UTC)
    decide(renewal, won=False, reason="Price", at=late)
    assert state_of(renewal.account) == ("churned", 0)


def test_who_has_another_contract_or_another_decision_stays(book: Tenant) -> None:
    paying, deciding = opened(book, name="Paying"), opened(book, name="Deciding")
    make.contract(paying.account, ends_on=make.ends_in(500))
    make.contract(deciding.account, ends_on=make.ends_in(21), learnt_on=TODAY)
    sweep_renewals(tenant=book, actor=ACTOR, today=TODAY, now=NOW)
    for one in (paying, deciding):
        stand_in_renewal(one.account)
        decide(one, won=False, reason="Price")
    assert sweep_renewals(tenant=book, actor=ACTOR, today=make.ends_in(40), now=NOW).accounts_churned == 0
    assert {state_of(one.account) for one in (paying, deciding)} == {("customer", 1)}


def test_the_forecast_of_an_open_renewal_can_be_set_and_won_is_no_forecast(book: Tenant) -> None:
    renewal = opened(book)
    assert set_forecast(renewal_id=renewal.pk, forecast="commit", actor=ACTOR, now=NOW).forecast == "commit"
    with pytest.raises(DecisionRefused, match="Choose Not yet"):
        set_forecast(renewal_id=renewal.pk, forecast="won", actor=ACTOR, now=NOW)


@pytest.mark.capability("K9")
@pytest.mark.parametrize(
    ("decided_at", "rate"),
    [
        (datetime(2026, 3, 22, 22, 59, 59, tzinfo=UTC), 1.0),  # 23:59:59 on the due date in Berlin
        (datetime(2026, 3, 22, 23, 0, 0, tzinfo=UTC), 0.0),  # one second later
    ],
)
def test_won_on_the_due_date_in_the_tenants_zone_is_on_time_one_second_later_is_not(
    book: Tenant, decided_at: datetime, rate: float
) -> None:
    renewal = opened(book, ends_in=20)
    assert renewal.due_on == date(2026, 3, 22)
    decide(renewal, at=decided_at)
    found = on_time_rate(start=date(2026, 3, 1), end=date(2026, 4, 1), zone=ZONE)
    assert (found.rate, found.won) == (rate, 1)


@pytest.mark.capability("K9")
def test_the_seed_rate_counts_the_won_the_strict_one_all_due(book: Tenant) -> None:
    early, last_week, late, lost, waiting = (
        opened(book, name=name, ends_in=20) for name in ("early", "week", "late", "lost", "open")
    )
    decide(early, at=datetime(2026, 3, 10, 12, tzinfo=UTC))
    decide(last_week, at=datetime(2026, 3, 15, 12, tzinfo=UTC))
    decide(late, at=datetime(2026, 3, 25, 12, tzinfo=UTC))
    decide(lost, won=False, reason="Price", at=datetime(2026, 3, 5, 12, tzinfo=UTC))
    found = on_time_rate(start=date(2026, 3, 22), end=date(2026, 3, 23), zone=ZONE)
    assert (found.due, found.won, found.lost, found.open) == (5, 3, 1, 1)
    assert (found.rate, found.strict_rate, found.final_week_share) == (2 / 3, 2 / 5, 1 / 3)
    assert waiting.state == "open"


def test_a_contract_that_ran_on_is_no_decision_and_counted_apart(book: Tenant) -> None:
    make.contract(make.account(), starts_on=date(2024, 3, 20))
    for day in (TODAY, date(2026, 3, 21)):
        sweep_renewals(tenant=book, actor=ACTOR, today=day, now=NOW)
    found = on_time_rate(start=date(2026, 3, 1), end=date(2026, 4, 1), zone=ZONE)
    assert (found.automatic, found.due, found.rate) == (1, 0, None)
    assert found.why_not == "No renewal was due in the period."


@pytest.mark.capability("K2")
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(["won", "lost", "open"])), max_size=8))
def test_due_is_won_plus_lost_plus_open_for_any_period(plans: list[tuple[int, str]]) -> None:
    with tenant_context(Tenant.objects.create(slug=f"k{Tenant.objects.count()}", name="K", timezone=ZONE).pk) as tenant:
        for number, (ends_in, state) in enumerate(plans):
            renewal = opened(Tenant.objects.get(pk=tenant), name=f"A{number}", ends_in=ends_in)
            if state != "open":
                decide(renewal, won=state == "won", reason="Price")
        for start, end in ((0, 400), (0, 90), (90, 91)):
            found = on_time_rate(start=make.ends_in(start), end=make.ends_in(end), zone=ZONE)
            assert found.due == found.won + found.lost + found.open


test_due_is_won_plus_lost_plus_open_for_any_period = pytest.mark.django_db(
    test_due_is_won_plus_lost_plus_open_for_any_period
)


def test_the_summary_of_what_is_due_has_its_range(book: Tenant) -> None:
    owner = make.person()
    commit = opened(book, name="A", ends_in=90, arr_minor=1000, owner=owner)
    risk = opened(book, name="B", ends_in=10, arr_minor=500, owner=owner)
    opened(book, name="C", ends_in=91, arr_minor=7, owner=owner)
    opened(book, name="D", ends_in=10, arr_minor=9)
    set_forecast(renewal_id=commit.pk, forecast="commit", actor=ACTOR, now=NOW)
    set_forecast(renewal_id=risk.pk, forecast="at_risk", actor=ACTOR, now=NOW)
    found = renewals_due_summary(owner.pk, TODAY)
    assert (found.count, found.amount_minor, found.low_minor, found.high_minor, found.expected_minor) == (
        2, 1500, 1000, 1500, 900 + 150,
    )  # fmt: skip
    assert renewals_due_summary(None, TODAY).count == 3
    assert [(total.month, total.count) for total in renewals_by_month(owner.pk)] == [
        (date(2026, 3, 1), 1), (date(2026, 5, 1), 1), (date(2026, 6, 1), 1),
    ]  # fmt: skip


def test_the_strip_shows_done_next_and_ahead(book: Tenant, django_assert_num_queries: Any) -> None:
    renewal = opened(book, ends_in=95)
    Task.objects.filter(origin_key__endswith=":0").update(state="done", closed_at=NOW)
    with django_assert_num_queries(2):
        strip = renewal_strip(renewal.account_id, TODAY)
    assert strip is not None
    assert [(step.label, step.state) for step in strip.steps] == [
        ("Catch-up", "done"), ("90", "next"), ("60", "ahead"), ("30", "ahead"), ("End", "end"),
    ]  # fmt: skip
    assert strip.days_left == 95
    assert renewal_strip(make.account("Nobody").pk, TODAY) is None


def test_facts_about_the_earliest_open_renewal(book: Tenant) -> None:
    renewal = opened(book, ends_in=60, arr_minor=700)
    make.contract(renewal.account, ends_on=make.ends_in(30), arr_minor=300)
    sweep_renewals(tenant=book, actor=ACTOR, today=TODAY, now=NOW)
    make.account("Nobody")
    keys = ["renewals.days_to_renewal", "renewals.amount"]
    rows = facts.annotate_facts(Account.objects.order_by("pk"), keys, TODAY).values_list(
        "fact_renewals_days_to_renewal", "fact_renewals_amount"
    )
    assert list(rows) == [(30, 300), (None, None)]
    assert next_renewals([renewal.account_id])[renewal.account_id].due_on == make.ends_in(30)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_equal_one() -> None:
    tenant = Tenant.objects.create(slug="twice", name="Twice", timezone="UTC")
    with tenant_context(tenant.pk):
        make.publish_renewal_timeline(tenant)
        for n in range(50):
            make.contract(make.account(f"A{n}"), ends_on=make.ends_in(200), learnt_on=TODAY)
    gate, results = threading.Barrier(2), []

    def sweep() -> None:
        try:
            gate.wait()
            with tenant_context(tenant.pk):
                results.append(sweep_renewals(tenant=tenant, actor=ACTOR, today=TODAY, now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.tasks_created for result in results) == [0, 200]
    assert RenewalSweep() in results
    with tenant_context(tenant.pk):
        assert (Renewal.objects.count(), RenewalStep.objects.count(), Task.objects.count()) == (50, 200, 200)
        assert Contract.objects.count() == 50
