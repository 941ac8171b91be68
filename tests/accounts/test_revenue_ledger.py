"""The revenue ledger: every step of ARR once, with one type, and the sum of the steps is the ARR."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions.ledger import refresh_revenue
from accounts.choices import LineKind
from accounts.models import Account, Contract, ContractLine, RevenueMovement
from accounts.queries.revenue import ledger_breaks
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context

TODAY = date(2026, 3, 2)


def book(name: str, *lines: tuple[date, date | None, int], kind: str = LineKind.RECURRING) -> Account:
    account = Account.objects.create(name=name, name_key=name.lower())
    contract = Contract.objects.create(account=account, starts_on=lines[0][0] if lines else TODAY, currency="EUR")
    for starts_on, ends_on, arr in lines:
        ContractLine.objects.create(
            contract=contract, account=account, starts_on=starts_on, ends_on=ends_on, arr_minor=arr, kind=kind
        )
    return account


def ledger(account: Account) -> list[tuple[date, str, int]]:
    return list(
        RevenueMovement.objects.filter(account=account)
        .order_by("effective_on", "pk")
        .values_list("effective_on", "kind", "amount_minor")
    )


def test_each_step_has_exactly_one_type(in_kestrel: Tenant, now: datetime) -> None:
    account = book(
        "Brightwater",
        (date(2025, 1, 1), date(2025, 7, 1), 1000),
        (date(2025, 3, 1), date(2025, 5, 1), 500),
        (date(2025, 9, 1), None, 800),
    )
    refresh_revenue(today=TODAY, now=now)
    assert ledger(account) == [
        (date(2025, 1, 1), "new", 1000),
        (date(2025, 3, 1), "expansion", 500),
        (date(2025, 5, 1), "contraction", -500),
        (date(2025, 7, 1), "churn", -1000),
        (date(2025, 9, 1), "reactivation", 800),
    ]
    account.refresh_from_db()
    assert (account.arr_minor, account.arr_as_of) == (800, TODAY)


def test_a_second_run_writes_nothing(in_kestrel: Tenant, now: datetime) -> None:
    book("Brightwater", (date(2025, 1, 1), date(2025, 7, 1), 1000))
    first = refresh_revenue(today=TODAY, now=now)
    second = refresh_revenue(today=TODAY, now=now)
    assert (first.movements, first.accounts) == (2, 1)
    assert (second.movements, second.restated, second.accounts) == (0, 0, 0)
    assert AuditEntry.objects.count() == 1


def test_a_renewal_on_the_day_of_the_end_is_no_movement(in_kestrel: Tenant, now: datetime) -> None:
    account = book(
        "Brightwater", (date(2024, 1, 1), date(2025, 1, 1), 1000), (date(2025, 1, 1), date(2026, 1, 1), 1000)
    )
    refresh_revenue(today=date(2025, 6, 1), now=now)
    assert ledger(account) == [(date(2024, 1, 1), "new", 1000)]


def test_an_end_in_the_future_enters_the_ledger_on_its_day(in_kestrel: Tenant, now: datetime) -> None:
    account = book("Brightwater", (date(2025, 1, 1), TODAY + timedelta(days=1), 1000))
    refresh_revenue(today=TODAY, now=now)
    assert [kind for _, kind, _ in ledger(account)] == ["new"]
    later = refresh_revenue(today=TODAY + timedelta(days=1), now=now)
    assert (later.movements, later.restated) == (1, 0)
    assert [kind for _, kind, _ in ledger(account)] == ["new", "churn"]
    account.refresh_from_db()
    assert account.arr_minor == 0


def test_trials_and_one_off_lines_are_no_revenue(in_kestrel: Tenant, now: datetime) -> None:
    trial = book("Trial", (date(2025, 1, 1), None, 1000), kind=LineKind.TRIAL)
    setup = book("Setup", (date(2025, 1, 1), None, 1000), kind=LineKind.ONE_OFF)
    refresh_revenue(today=TODAY, now=now)
    assert (ledger(trial), ledger(setup)) == ([], [])


def test_a_correction_of_a_closed_day_is_a_row_of_its_own_and_says_so(in_kestrel: Tenant, now: datetime) -> None:
    account = book("Brightwater", (date(2025, 1, 1), None, 1000))
    refresh_revenue(today=TODAY - timedelta(days=30), now=now)
    ContractLine.objects.filter(account=account).update(arr_minor=1200)
    done = refresh_revenue(today=TODAY, now=now)
    assert (done.movements, done.restated) == (1, 1)
    assert ledger(account) == [(date(2025, 1, 1), "new", 1000), (date(2025, 1, 1), "new", 200)]


def test_a_new_sale_to_an_old_customer_restates_nothing(in_kestrel: Tenant, now: datetime) -> None:
    account = book("Brightwater", (date(2025, 1, 1), None, 1000))
    refresh_revenue(today=TODAY - timedelta(days=1), now=now)
    ContractLine.objects.create(
        contract=Contract.objects.get(account=account), account=account, starts_on=TODAY, arr_minor=300
    )
    done = refresh_revenue(today=TODAY, now=now)
    assert (done.movements, done.restated) == (1, 0)
    assert ledger(account)[-1] == (TODAY, "expansion", 300)


def test_only_the_accounts_asked_for_are_brought_to_date(in_kestrel: Tenant, now: datetime) -> None:
    first = book("Brightwater", (date(2025, 1, 1), None, 1000))
    second = book("Larkfield", (date(2025, 1, 1), None, 2000))
    done = refresh_revenue(today=TODAY, now=now, accounts_sql="SELECT %s::bigint", params=[first.pk])
    assert (done.movements, done.accounts) == (1, 1)
    assert (len(ledger(first)), ledger(second)) == (1, [])


def test_the_ledger_and_the_lines_agree_or_doctor_says_so(in_kestrel: Tenant, now: datetime) -> None:
    account = book("Brightwater", (date(2025, 1, 1), None, 1000))
    refresh_revenue(today=TODAY, now=now)
    assert ledger_breaks(TODAY) == 0
    RevenueMovement.objects.create(
        account=account, effective_on=TODAY, kind="expansion", amount_minor=1, currency="EUR", recorded_at=now
    )
    assert ledger_breaks(TODAY) == 1


DAYS = st.integers(min_value=0, max_value=40).map(lambda n: TODAY - timedelta(days=40 - n))
LINES = st.lists(
    st.tuples(DAYS, st.one_of(st.none(), st.integers(min_value=0, max_value=60)), st.integers(0, 5)),
    min_size=1,
    max_size=6,
)


def level(lines: Iterable[tuple[date, date | None, int]], day: date) -> int:
    return sum(arr for starts_on, ends_on, arr in lines if starts_on <= day and (ends_on is None or ends_on > day))


@pytest.mark.capability("K3")
@settings(max_examples=40)
@given(raw=LINES, first_look=DAYS)
def test_the_movements_up_to_any_day_add_up_to_the_arr_of_that_day(
    in_kestrel: Tenant, now: datetime, raw: list[tuple[date, int | None, int]], first_look: date
) -> None:
    lines = [(start, None if days is None else start + timedelta(days=days), arr) for start, days, arr in raw]
    with transaction.atomic():
        account = book("Brightwater", *lines)
        refresh_revenue(today=first_look, now=now)
        refresh_revenue(today=TODAY, now=now)
        steps: dict[date, int] = defaultdict(int)
        for effective_on, _, amount in ledger(account):
            steps[effective_on] += amount
        for n in range(41):
            day = TODAY - timedelta(days=n)
            assert sum(amount for on, amount in steps.items() if on <= day) == level(lines, day)
        assert ledger_breaks(TODAY) == 0
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_write_what_one_writes(kestrel: Tenant, now: datetime) -> None:
    with tenant_context(kestrel.pk):
        for n in range(50):
            book(f"Account {n}", (date(2025, 1, 1), date(2025, 7, 1), 1000 + n), (date(2025, 9, 1), None, 500))
    ready = threading.Barrier(2)

    def refresh() -> int:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE rv_app")
            ready.wait(timeout=20)
            with tenant_context(kestrel.pk):
                return refresh_revenue(today=TODAY, now=now).movements
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        written = sorted(pool.map(lambda _: refresh(), range(2)))
    assert written == [0, 150]
    with tenant_context(kestrel.pk):
        assert ledger_breaks(TODAY) == 0
