"""Two accounts become one: everything goes over, nothing is counted twice, and the old name leads to the new one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions.ledger import refresh_revenue
from accounts.actions.merging import MergeRefused, merge_accounts
from accounts.actions.rows import take_rows
from accounts.models import (
    Account,
    AccountMerge,
    Activity,
    Contact,
    Contract,
    ContractLine,
    Goal,
    Measure,
    Outcome,
    RevenueMovement,
    Signal,
    Ticket,
)
from accounts.queries.merging import merge_parts, twins, what_would_move
from accounts.queries.revenue import ledger_breaks, metric_report
from core.actors import Actor
from core.models import Tenant

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.django_db


def company(name: str, **fields: Any) -> Account:
    return Account.objects.create(name=name, name_key=name.lower(), **fields)


def pays(account: Account, minor: int, start: date, end: date | None = None) -> Contract:
    contract = Contract.objects.create(account=account, starts_on=start, ends_on=end, currency="EUR")
    ContractLine.objects.create(contract=contract, account=account, starts_on=start, ends_on=end, arr_minor=minor)
    return contract


@pytest.fixture
def pair(in_kestrel: Tenant) -> tuple[Account, Account]:
    return (
        company("Brightwater", external_id="K1", customer_since=date(2024, 5, 1), industry="Energy"),
        company("Brightwater GmbH", external_id="G1", customer_since=date(2023, 1, 1), domain_key="b.example"),
    )


def merge(kept: Account, gone: Account, now: datetime, **changes: Any) -> AccountMerge:
    asked: dict[str, Any] = {
        "kept_id": kept.pk, "gone_id": gone.pk, "choices": {}, "reason": "Imported twice", "today": TODAY, "now": now,
        "actor": Actor.system("test"),
    }  # fmt: skip
    return merge_accounts(**asked | changes)


def test_every_table_that_points_to_an_account_has_its_rule() -> None:
    pointing = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if field.is_relation and field.related_model is Account
    }
    ruled = {(part.table, part.column) for part in merge_parts()}
    # The pointers of the merge itself.
    own = {("accounts_account", "merged_into_id"), ("accounts_accountmerge", "gone_id")}
    assert pointing - ruled == own
    assert ruled <= pointing


def test_the_rows_of_both_stand_under_the_kept_account_and_the_other_stays_as_a_name(
    pair: tuple[Account, Account], now: datetime
) -> None:
    kept, gone = pair
    for account in pair:
        pays(account, 100_00, date(2025, 1, 1))
        Activity.objects.create(account=account, kind="call", occurred_at=now, subject="Call")
        Ticket.objects.create(account=account, opened_at=now, subject="Broken")
        Goal.objects.create(account=account, title="Fewer tickets", unit="tickets", target=3)
    dry = {one.label: one.moving for one in what_would_move(kept.pk, gone.pk, today=TODAY, now=now)}
    done = merge(kept, gone, now)
    counts = {"Contracts": 1, "Contract lines": 1, "Activities": 1, "Tickets": 1, "Goals": 1}
    assert dry == counts
    assert done.moved == counts
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (gone.status, gone.merged_into_id, gone.name) == ("merged", kept.pk, "Brightwater GmbH")
    assert [
        model.objects.filter(account=gone).count() for model in (Contract, ContractLine, Activity, Ticket, Goal)
    ] == [0] * 5
    assert (kept.arr_minor, gone.arr_minor) == (200_00, 0)
    # What the kept one lacks comes from the other, and the customer has been one since the earlier day.
    assert (kept.name, kept.industry, kept.domain_key, kept.customer_since) == (
        "Brightwater", "Energy", "b.example", date(2023, 1, 1),
    )  # fmt: skip


def test_arr_and_retention_are_those_of_the_contract_lines_of_both_to_the_cent(
    pair: tuple[Account, Account], now: datetime
) -> None:
    kept, gone = pair
    other = company("Other")
    pays(kept, 1_000_01, date(2024, 1, 1))
    pays(kept, 300_00, date(2025, 6, 1))
    pays(gone, 500_03, date(2024, 1, 1), date(2025, 9, 1))
    pays(gone, 250_00, date(2025, 9, 1))
    pays(other, 777_77, date(2024, 1, 1))
    refresh_revenue(today=TODAY, now=now)
    RevenueMovement.objects.create(
        account=gone, effective_on=date(2024, 6, 1), kind="price", amount_minor=0, currency="EUR", recorded_at=now
    )
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    days = [date(2024, 2, 1) + timedelta(days=30 * n) for n in range(24)]
    before = [metric_report(day, day + timedelta(1)).cohort.start_minor for day in days]
    report = metric_report(start, end)
    assert ledger_breaks(TODAY) == 0
    merge(kept, gone, now)
    after = metric_report(start, end)
    assert [metric_report(day, day + timedelta(1)).cohort.start_minor for day in days] == before
    assert ledger_breaks(TODAY) == 0
    assert (after.cohort.start_minor, after.cohort.end_minor) == (report.cohort.start_minor, report.cohort.end_minor)
    found = {one.contract.key: (one.numerator, one.denominator) for one in after.metrics}
    both_start, both_end = 1_000_01 + 500_03, 1_000_01 + 300_00 + 250_00
    assert found["nrr_cohort"] == (both_end + 777_77, both_start + 777_77)
    assert found["grr_cohort"] == (min(both_start, both_end) + 777_77, both_start + 777_77)
    assert sum(after.movements.values()) == sum(report.movements.values())
    assert refresh_revenue(today=TODAY, now=now).movements == 0


def test_what_both_have_and_can_be_only_once_follows_the_stated_rules(
    pair: tuple[Account, Account], now: datetime
) -> None:
    kept, gone = pair
    pays(kept, 100_00, date(2025, 1, 1))
    mine = Contact.objects.create(account=kept, name="Elena", email_key="elena@x.example", external_id="C1")
    theirs = Contact.objects.create(account=gone, name="E. Ruiz", email_key="elena@x.example", external_id="C2")
    Contact.objects.create(account=gone, name="Tom", email_key="tom@x.example")
    call = Activity.objects.create(account=gone, contact=theirs, kind="call", occurred_at=now, subject="Call")
    measure = Measure.objects.create(key="active_users", name="Active users")
    for account, day, value in ((kept, 1, 10), (gone, 1, 99), (gone, 2, 20)):
        Signal.objects.create(account=account, measure=measure, day=date(2026, 2, day), value=value)
    Outcome.objects.create(account=gone, day=date(2025, 6, 1), kind="churned", reason="Renamed")
    Outcome.objects.create(account=gone, day=date(2025, 7, 1), kind="renewed")
    done = merge(kept, gone, now)
    call.refresh_from_db()
    assert (call.account_id, call.contact_id) == (kept.pk, mine.pk)
    assert sorted(Contact.objects.filter(account=kept).values_list("name", flat=True)) == ["Elena", "Tom"]
    assert list(Signal.objects.filter(account=kept).order_by("day").values_list("value", flat=True)) == [10, 20]
    # The customer pays on, so it has not left; what was said is kept in the merge.
    assert list(Outcome.objects.values_list("account_id", "kind")) == [(kept.pk, "renewed")]
    assert [row["reason"] for row in done.set_aside["Outcomes"]["rows"]] == ["Renamed"]
    assert done.set_aside["Signals"] == {"stayed": 1}
    assert done.set_aside["Contacts"] == {"stayed": 1, "ended": 1}  # and one activity points to Elena now


def test_a_file_that_names_the_account_that_went_lands_on_the_kept_one(
    pair: tuple[Account, Account], now: datetime, kestrel: Tenant
) -> None:
    kept, gone = pair
    merge(kept, gone, now)
    common = {"tenant": kestrel, "actor": Actor.system("test"), "now": now, "today": TODAY}
    for name in ("G1", "Brightwater GmbH", "K1"):
        taken = take_rows(
            kind="tickets", columns={"account": "account", "opened_at": "opened_at", "external_id": "external_id"},
            rows=[{"account": name, "opened_at": "2026-02-01T10:00:00Z", "external_id": f"T {name}"}], **common,
        )  # fmt: skip
        assert taken.created == 1
    assert set(Ticket.objects.values_list("account_id", flat=True)) == {kept.pk}
    rows = [{"external_id": "G1", "name": "Brightwater GmbH", "industry": "Water"}]
    taken = take_rows(kind="accounts", columns={n: n for n in ("external_id", "name", "industry")}, rows=rows, **common)
    assert (taken.created, taken.updated, taken.unchanged) == (0, 0, 1)
    gone.refresh_from_db()
    assert (gone.status, gone.industry) == ("merged", "")


def test_a_missing_id_is_taken_over_and_chains_of_merges_lead_to_the_last(in_kestrel: Tenant, now: datetime) -> None:
    first, second, third = company("One", external_id="E1"), company("Two"), company("Three", external_id="E3")
    merge(second, first, now)
    second.refresh_from_db()
    assert second.external_id == "E1"
    merge(third, second, now)
    assert set(Account.objects.filter(status="merged").values_list("merged_into_id", flat=True)) == {third.pk}


def test_a_person_chooses_whose_value_is_kept(pair: tuple[Account, Account], now: datetime) -> None:
    kept, gone = pair
    merge(kept, gone, now, choices={"name": "gone", "domain_key": "kept", "customer_since": "kept"})
    kept.refresh_from_db()
    assert (kept.name, kept.name_key, kept.domain_key, kept.customer_since) == (
        "Brightwater GmbH", "brightwater gmbh", "", date(2024, 5, 1),
    )  # fmt: skip


def test_what_cannot_be_merged_says_what_to_do(pair: tuple[Account, Account], now: datetime) -> None:
    kept, gone = pair
    with pytest.raises(MergeRefused, match="Say why"):
        merge(kept, gone, now, reason="  ")
    with pytest.raises(MergeRefused, match="same account"):
        merge(kept, kept, now)
    merge(kept, gone, now)
    with pytest.raises(MergeRefused, match="has gone into another account already"):
        merge(company("Third"), gone, now)


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(in_kestrel: Tenant, now: datetime) -> None:
    counts = []
    for size in (1, 40):
        kept, gone = company(f"K{size}"), company(f"G{size}")
        for n in range(size):
            pays(gone, 100, date(2025, 1, 1) + timedelta(n))
            Ticket.objects.create(account=gone, opened_at=datetime(2026, 1, 1, tzinfo=UTC))
        with CaptureQueriesContext(connection) as asked:
            merge(kept, gone, now)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_accounts_that_look_like_one_are_proposed(pair: tuple[Account, Account], now: datetime) -> None:
    kept, gone = pair
    company("brightwater", arr_minor=5)
    company("Far", domain_key="b.example")
    found = [(one.because, one.value, len(one.accounts)) for one in twins()]
    assert found == [("name", "brightwater", 2), ("domain", "b.example", 2)]
    merge(kept, gone, now)
    assert [one.because for one in twins()] == ["name", "domain"]
