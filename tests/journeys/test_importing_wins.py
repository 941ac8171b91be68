"""Files that say of won deals that they are none: what the wins brought about is taken back, as in the page."""

import json
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
from journeys.actions.moves import move_opportunities
from journeys.models import Handoff, Opportunity
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


def load(tmp_path: Path, tenant: Tenant, rows: str, *more: str) -> dict[str, int]:
    """Imports the rows; what it warned of, and how many statements it took as `statements`."""
    file, out = tmp_path / "deals.csv", StringIO()
    file.write_text("Opportunity ID,Stage,Account,Closed lost reason\n" + rows)
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
        assert (sweep_handoffs(**SAID), waiting()) == (1, 1)


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
