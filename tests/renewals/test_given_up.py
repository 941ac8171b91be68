"""A contract without an end is lost once: no second renewal, no second outcome, whatever becomes of the account."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.choices import AccountStatus
from accounts.models import Account, Contract, ContractLine, Outcome
from core.models import Tenant
from core.tenancy import tenant_context
from renewals.actions import RenewalSweep, decide_renewal, sweep_renewals
from renewals.models import Renewal
from renewals.queries import active_contracts_without_renewal
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

DUE = date(2026, 3, 20)


@pytest.fixture
def book(in_kestrel: Tenant) -> Tenant:
    make.publish_renewal_timeline(in_kestrel)
    return in_kestrel


def at(day: date) -> datetime:
    return datetime.combine(day, NOW.time(), tzinfo=UTC)


def sweep(tenant: Tenant, day: date = TODAY) -> RenewalSweep:
    return sweep_renewals(tenant=tenant, actor=ACTOR, today=day, now=at(day))


def lose(renewal: Renewal, day: date = TODAY) -> None:
    decide_renewal(
        renewal_id=renewal.pk, won=False, final_minor=None, reason="Price", actor=ACTOR, today=day, now=at(day)
    )


def endless(tenant: Tenant, name: str = "Alder", starts_on: date = date(2024, 3, 20)) -> Contract:
    account = Account.objects.filter(name=name).first() or make.account(name)
    contract = make.contract(account, starts_on=starts_on, learnt_on=TODAY)
    sweep(tenant)
    return contract


def lost(tenant: Tenant) -> Contract:
    contract = endless(tenant)
    lose(Renewal.objects.get(contract=contract))
    return contract


def status(account_id: int, word: str = "") -> str:
    if word:
        Account.objects.filter(pk=account_id).update(status=word)
    return Account.objects.values_list("status", flat=True).get(pk=account_id)


def kinds() -> list[str]:
    return sorted(Outcome.objects.values_list("kind", flat=True))


def test_whoever_comes_back_and_leaves_again_has_not_lost_the_same_contract_twice(book: Tenant) -> None:
    contract = lost(book)
    sweep(book, DUE)
    assert status(contract.account_id) == "churned"
    status(contract.account_id, "customer")
    later = DUE + timedelta(days=30)
    assert (sweep(book, later).renewals_opened, active_contracts_without_renewal(book, at(later))) == (0, 0)
    status(contract.account_id, "churned")
    sweep(book, later + timedelta(days=1))
    assert (kinds(), Renewal.objects.count()) == (["churned"], 1)


def test_two_that_are_lost_one_after_the_other_are_one_churn_on_the_day_of_the_last(book: Tenant) -> None:
    first, second = endless(book), endless(book, starts_on=date(2024, 6, 1))
    account_id = first.account_id
    lose(Renewal.objects.get(contract=first))
    sweep(book, DUE)
    assert (kinds(), status(account_id)) == (["contracted"], "customer")
    lose(Renewal.objects.get(contract=second, state="open"), DUE + timedelta(days=20))
    sweep(book, date(2026, 5, 31))
    assert (kinds(), status(account_id)) == (["churned", "contracted"], "customer")
    assert sweep(book, date(2026, 6, 1)).accounts_churned == 1
    assert (status(account_id), Renewal.objects.filter(state="open").count()) == ("churned", 0)
    sweep(book, date(2027, 6, 2))
    assert kinds() == ["churned", "contracted"]


def test_one_that_still_runs_to_its_end_though_it_is_lost_does_not_hide_the_churn(book: Tenant) -> None:
    account = make.account("Alder")
    make.contract(account, ends_on=make.ends_in(100), learnt_on=TODAY)
    make.contract(account, ends_on=make.ends_in(50), learnt_on=TODAY)
    sweep(book)
    for renewal in Renewal.objects.order_by("-due_on"):
        lose(renewal)
    assert kinds() == ["churned", "contracted"]


@pytest.mark.parametrize(
    ("ends_on", "opened"),
    [(DUE, 0), (DUE + timedelta(days=40), 0), (date(2027, 3, 19), 0), (date(2027, 3, 20), 1), (date(2029, 1, 1), 1)],
)
def test_the_end_that_a_loss_brings_asks_nobody_again_and_a_new_term_does(
    book: Tenant, ends_on: date, opened: int
) -> None:
    contract = lost(book)
    Contract.objects.filter(pk=contract.pk).update(ends_on=ends_on)
    ContractLine.objects.filter(contract=contract).update(ends_on=ends_on)
    assert sweep(book, TODAY + timedelta(days=1)).renewals_opened == opened
    assert Renewal.objects.filter(state="open").count() == opened


@pytest.mark.parametrize(("begins", "opened"), [(DUE, 0), (DUE + timedelta(days=1), 1)])
def test_a_line_that_begins_after_the_anniversary_makes_the_contract_go_on(
    book: Tenant, begins: date, opened: int
) -> None:
    contract = lost(book)
    ContractLine.objects.create(contract=contract, account_id=contract.account_id, starts_on=begins, arr_minor=500)
    later = DUE + timedelta(days=60)
    sweep(book, later)
    status(contract.account_id, "customer")
    sweep(book, later + timedelta(days=1))
    assert Renewal.objects.filter(state="open").count() == opened
    assert active_contracts_without_renewal(book, at(later + timedelta(days=2))) == 0


def test_a_renewal_that_was_opened_for_a_lost_contract_is_dropped_without_an_outcome(book: Tenant) -> None:
    contract = lost(book)
    again = Renewal.objects.get()
    again.pk, again.state, again.due_on, again.decided_at, again.reason = None, "open", date(2027, 3, 20), None, ""
    again.save()
    status(contract.account_id, "churned")
    sweep(book, DUE + timedelta(days=5))
    again.refresh_from_db()
    assert (again.state, again.reason, kinds()) == ("dropped", "The contract was lost before.", ["churned"])


@pytest.mark.capability("K2")
@pytest.mark.django_db
@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(["sweep", "lose", "churned", "customer", "month", "year"]), max_size=12))
def test_a_contract_without_an_end_never_has_a_second_churn_after_it_was_lost(acts: list[str]) -> None:
    with tenant_context(Tenant.objects.create(slug=f"g{Tenant.objects.count()}", name="G", timezone="UTC").pk) as pk:
        tenant = Tenant.objects.get(pk=pk)
        make.publish_renewal_timeline(tenant)
        contract, day = endless(tenant), TODAY
        for act in [*acts, "churned", "sweep"]:
            if act == "sweep":
                sweep(tenant, day)
            elif act in {"month", "year"}:
                day += timedelta(days=31 if act == "month" else 366)
            elif act == "lose":
                for renewal in Renewal.objects.filter(state="open"):
                    lose(renewal, day)
            else:
                status(contract.account_id, AccountStatus(act))
        by_person = Renewal.objects.filter(state="lost", is_automatic=False).order_by("due_on").first()
        if by_person is not None:
            assert not Renewal.objects.filter(due_on__gt=by_person.due_on, state__in=["open", "lost"]).exists()
        assert sweep(tenant, day) == RenewalSweep()
