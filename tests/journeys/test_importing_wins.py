"""Wins by files: what a win brings about comes, and what one that was none has brought about is taken back."""

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Contract, ContractLine
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.handoffs import sweep_handoffs
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.actions.moves import move_opportunities
from journeys.models import FirstValue, Handoff, Opportunity, OpportunityStageVisit
from tests.factories import gates
from tests.factories.gates import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db
SAID: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}


@pytest.fixture
def tenant(db: None) -> Tenant:
    return gates.workspace()


def won(*names: str, **values: Any) -> list[Opportunity]:
    """Deals that were won in the page, each at a prospect of its own that became a customer through it."""
    deals = [
        gates.deal(name, "negotiation", of=gates.account(name, status="prospect"), external_id=name, **values)
        for name in names
    ]
    win(deals)
    return deals


def win(deals: list[Opportunity]) -> None:
    stage_id = gates.stage("closed_won").pk
    move_opportunities(opportunity_ids=[one.pk for one in deals], stage_id=stage_id, **SAID)


HEAD = "Opportunity ID,Stage,Account,Closed lost reason\n"
DATED = "Opportunity ID,Stage,Account,Close date\n"
KINDS = "Opportunity ID,Stage,Account,Type\n"


def load(tmp_path: Path, tenant: Tenant, rows: str, *more: str, head: str = HEAD) -> dict[str, int]:
    """Imports the rows; what it warned of, and how many statements it took as `statements`."""
    file, out = tmp_path / "deals.csv", StringIO()
    file.write_text(head + rows)
    asked = ["opportunities", str(file), "--tenant", tenant.slug, *more, "--json"]
    with CaptureQueriesContext(connection) as ran, time_machine.travel(NOW, tick=False):
        call_command("import_data", *asked, stdout=out)
    report = json.loads(out.getvalue())
    assert report["rejected"] == 0, report
    return {one["code"]: one["count"] for one in report["warnings"]} | {"statements": len(ran)}


def standing() -> dict[str, str]:
    return dict(Account.objects.values_list("name", "status"))


def waiting() -> int:
    return Handoff.objects.filter(state="waiting").count()


def test_a_dry_run_says_what_would_be_taken_back_and_takes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        won("Alder", "Birch")
    rows = "Alder,Demo,Alder,\nBirch,Closed won,Birch,\n"
    assert load(tmp_path, tenant, rows, "--dry-run")["wins_taken_back"] == 1
    with tenant_context(tenant.pk):
        assert (standing(), waiting()) == ({"Alder": "customer", "Birch": "customer"}, 2)
    assert load(tmp_path, tenant, rows)["wins_taken_back"] == 1
    with tenant_context(tenant.pk):
        assert (standing(), waiting()) == ({"Alder": "prospect", "Birch": "customer"}, 1)
        assert Handoff.objects.get(state="cancelled").return_reason == "An import says it is in Demo."
    assert "wins_taken_back" not in load(tmp_path, tenant, rows)


def test_lost_by_a_file_the_reason_is_the_one_of_the_loss_and_won_again_it_is_handed_over_again(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
    load(tmp_path, tenant, "Alder,Closed lost,Alder,Wrong card\n")
    with tenant_context(tenant.pk):
        assert AuditEntry.objects.get(verb="is no customer after all").reason == "Wrong card"
        assert (sweep_handoffs(**SAID), waiting()) == (0, 0)
    load(tmp_path, tenant, "Alder,Closed won,Alder,\n")
    with tenant_context(tenant.pk):
        assert (waiting(), sweep_handoffs(**SAID)) == (1, 0)


def test_why_a_deal_was_lost_goes_with_the_loss(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        for name in ("Alder", "Birch", "Cedar", "Dogwood"):
            gates.deal(name, "closed_lost", of=gates.account(name), external_id=name, close_reason="Price")
    rows = "Alder,Demo,Alder\nBirch,Closed won,Birch\nCedar,Closed lost,Cedar\n"
    load(tmp_path, tenant, rows, head="Opportunity ID,Stage,Account\n")
    load(tmp_path, tenant, "Dogwood,Demo,Dogwood,Price\n")
    with tenant_context(tenant.pk):
        said = dict(Opportunity.objects.values_list("name", "close_reason"))
    assert said == {"Alder": "", "Birch": "", "Cedar": "Price", "Dogwood": ""}


def test_who_is_a_customer_by_a_contract_or_by_another_win_stays_one(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        pays, twice, _ = won("Alder", "Birch", "Cedar")
        contract = Contract.objects.create(account=pays.account, starts_on=TODAY, currency="EUR")
        ContractLine.objects.create(contract=contract, account=pays.account, starts_on=TODAY, arr_minor=1)
        win([gates.deal("More", "negotiation", of=twice.account)])
    load(tmp_path, tenant, "Alder,Demo,Alder,\nBirch,Demo,Birch,\nCedar,Demo,Cedar,\n")
    with tenant_context(tenant.pk):
        assert standing() == {"Alder": "customer", "Birch": "customer", "Cedar": "prospect"}


def test_a_file_that_takes_the_deal_to_another_account_as_well_takes_back_the_one_that_bought(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
        gates.account("Birch", status="customer")
    load(tmp_path, tenant, "Alder,Demo,Birch,\n")
    with tenant_context(tenant.pk):
        assert standing() == {"Alder": "prospect", "Birch": "customer"}


def test_an_expansion_that_was_none_calls_its_hand_off_off_and_leaves_the_customer(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        account = gates.account("Alder", status="customer")
        win([gates.deal("More", "negotiation", of=account, external_id="More", kind="expansion")])
        assert waiting() == 1
    load(tmp_path, tenant, "More,Demo,Alder,\n")
    with tenant_context(tenant.pk):
        assert (standing(), waiting()) == ({"Alder": "customer"}, 0)


def test_many_wins_take_as_many_statements_as_few(tenant: Tenant, tmp_path: Path) -> None:
    took = []
    for names in (["A1"], ["B1", "B2"], [f"C{number}" for number in range(40)]):
        with tenant_context(tenant.pk):
            won(*names)
        took.append(load(tmp_path, tenant, "".join(f"{one},Demo,{one},\n" for one in names)))
    assert [one["wins_taken_back"] for one in took] == [1, 2, 40]
    assert took[1]["statements"] == took[2]["statements"]
    with tenant_context(tenant.pk):
        assert set(standing().values()) == {"prospect"}


def test_however_many_reasons_a_file_gives_the_acts_stay_few(tenant: Tenant, tmp_path: Path) -> None:
    names = [f"C{number}" for number in range(60)]
    with tenant_context(tenant.pk):
        won(*names)
    load(tmp_path, tenant, "".join(f"{one},Closed lost,{one},Because of {one}\n" for one in names))
    with tenant_context(tenant.pk):
        reasons = set(Handoff.objects.values_list("return_reason", flat=True))
        assert (len(reasons), "The stay of each deal says why." in reasons, waiting()) == (51, True, 0)


def open_deal(name: str, status: str = "prospect", **values: Any) -> Opportunity:
    return gates.deal(name, "negotiation", of=gates.account(name, status=status), external_id=name, **values)


def test_a_deal_won_by_a_file_brings_about_what_one_won_in_the_page_does(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        deal = open_deal("Alder")
    head, row = "Opportunity ID,Stage\n", "Alder,Closed won\n"
    assert load(tmp_path, tenant, row, "--dry-run", head=head)["new_customers"] == 1
    with tenant_context(tenant.pk):
        assert (standing(), waiting()) == ({"Alder": "prospect"}, 0)
    assert load(tmp_path, tenant, row, head=head)["new_customers"] == 1
    with tenant_context(tenant.pk):
        deal.refresh_from_db()
        account = Account.objects.get()
        assert (deal.closed_on, account.status, account.customer_since, waiting()) == (TODAY, "customer", TODAY, 1)
        assert OpportunityStageVisit.objects.get(left_on=None).entered_on == TODAY
        sweep_lifecycle(today=TODAY, now=NOW)
        assert FirstValue.objects.get().started_on == TODAY
    assert "new_customers" not in load(tmp_path, tenant, row, head=head)
    load(tmp_path, tenant, "Alder,Demo\n", head=head)
    with tenant_context(tenant.pk):
        assert (standing(), waiting(), FirstValue.objects.count()) == ({"Alder": "prospect"}, 0, 0)


def test_a_deal_lost_by_a_file_without_a_date_is_closed_today_and_stays_so(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        deal = open_deal("Alder")
    load(tmp_path, tenant, "Alder,Closed lost,Alder,Price\n")
    with time_machine.travel(NOW + timedelta(days=3), tick=False), tenant_context(tenant.pk):
        deal.refresh_from_db()
        assert deal.closed_on == TODAY
    load(tmp_path, tenant, "Alder,Closed lost,Alder,Price\n", "--as-of", "2026-03-05")
    with tenant_context(tenant.pk):
        deal.refresh_from_db()
        assert deal.closed_on == TODAY


@pytest.mark.parametrize(
    ("status", "closed", "becomes", "since"),
    [
        ("prospect", "2026-02-20", "customer", date(2026, 2, 20)),
        ("prospect", "2021-02-20", "customer", date(2021, 2, 20)),
        ("prospect", "2026-05-01", "customer", TODAY),
        ("churned", "2026-02-20", "customer", date(2026, 2, 20)),
        ("churned", "2021-02-20", "churned", None),
        ("churned", "", "churned", None),
    ],
)
def test_a_win_that_nobody_has_seen_makes_a_customer_from_the_day_it_closed_and_brings_nobody_back_by_history(
    tenant: Tenant, tmp_path: Path, status: str, closed: str, becomes: str, since: date | None
) -> None:
    with tenant_context(tenant.pk):
        gates.account("Alder", status=status)
    load(tmp_path, tenant, f"new,Closed won,Alder,{closed}\n", head=DATED)
    with tenant_context(tenant.pk):
        account = Account.objects.get()
        assert (account.status, account.customer_since, waiting()) == (becomes, since, 0)


def test_a_new_win_without_a_date_is_handed_over_where_the_account_buys_for_the_first_time(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        gates.account("Alder", status="prospect")
        gates.account("Birch", status="customer")
    load(tmp_path, tenant, "a,Closed won,Alder,\nb,Closed won,Birch,\n", head=DATED)
    with tenant_context(tenant.pk):
        assert list(Handoff.objects.values_list("account__name", flat=True)) == ["Alder"]
        assert set(Opportunity.objects.values_list("closed_on", flat=True)) == {None}


def test_a_win_that_a_file_gives_to_another_account_goes_there_with_all_that_it_brought(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
        gates.account("Birch", status="prospect")
    assert load(tmp_path, tenant, "Alder,Closed won,Birch,\n")["wins_taken_back"] == 1
    with tenant_context(tenant.pk):
        assert standing() == {"Alder": "prospect", "Birch": "customer"}
        found = Handoff.objects.order_by("pk").values_list("account__name", "state")
        assert list(found) == [("Alder", "cancelled"), ("Birch", "waiting")]


def test_what_was_accepted_stays_where_it_was_and_the_other_account_is_handed_over_anew(
    tenant: Tenant, tmp_path: Path
) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
        Handoff.objects.update(state="accepted", answered_at=NOW)
        gates.account("Birch", status="prospect")
    load(tmp_path, tenant, "Alder,Closed won,Birch,\n")
    with tenant_context(tenant.pk):
        found = Handoff.objects.order_by("pk").values_list("account__name", "state")
        assert list(found) == [("Alder", "accepted"), ("Birch", "waiting")]


def test_a_win_that_turns_out_to_be_an_expansion_keeps_its_hand_off(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
    load(tmp_path, tenant, "Alder,Closed won,Alder,Upsell\n", head=KINDS)
    with tenant_context(tenant.pk):
        assert (list(Handoff.objects.values_list("state", flat=True)), standing()) == (
            ["waiting"], {"Alder": "prospect"},
        )  # fmt: skip


def test_a_renewal_that_a_file_says_is_won_changes_no_hands(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        open_deal("Alder", "customer")
        open_deal("Birch", "customer")
    load(tmp_path, tenant, "Alder,Closed won,Alder,Renewal\nBirch,Closed won,Birch,Upsell\n", head=KINDS)
    with tenant_context(tenant.pk):
        sweep_handoffs(**SAID)
        assert list(Handoff.objects.values_list("account__name", flat=True)) == ["Birch"]
        assert dict(Opportunity.objects.values_list("name", "kind")) == {"Alder": "renewal", "Birch": "expansion"}


def test_a_win_that_turns_out_to_be_a_renewal_is_handed_over_by_nobody(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        won("Alder")
    load(tmp_path, tenant, "Alder,Closed won,Alder,Renewal\n", head=KINDS)
    with tenant_context(tenant.pk):
        assert (waiting(), standing()) == (0, {"Alder": "prospect"})


def test_many_new_wins_take_as_many_statements_as_few(tenant: Tenant, tmp_path: Path) -> None:
    took = []
    for names in (["A1"], ["B1", "B2"], [f"C{number}" for number in range(40)]):
        with tenant_context(tenant.pk):
            for name in names:
                open_deal(name)
        rows = "".join(f"{one},Closed won,{one},2026-02-{at % 28 + 1:02}\n" for at, one in enumerate(names))
        took.append(load(tmp_path, tenant, rows, head=DATED))
    assert [one["new_customers"] for one in took] == [1, 2, 40]
    assert took[1]["statements"] == took[2]["statements"]
