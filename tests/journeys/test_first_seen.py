"""Stays of which only the day is known on which they were seen, and those that begin under our eyes."""

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from core.choices import Role
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions.lifecycle import refresh_figures, sweep_lifecycle
from journeys.actions.stages import move_account_stage, place_accounts
from journeys.models import Checkpoint, StageVisit
from journeys.queries.journey_figures import work_out
from journeys.rules.journey_map import StageFigures
from tests.factories import gates
from tests.factories.gates import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db
LATER = TODAY + timedelta(days=400)
LATER_AT = NOW + timedelta(days=400)
BY: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}


@pytest.fixture
def tenant(db: None) -> Tenant:
    return gates.workspace()


def load(tmp_path: Path, tenant: Tenant, text: str) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(text)
    with time_machine.travel(NOW, tick=False):
        call_command("import_data", "accounts", str(file), "--tenant", tenant.slug, "--json", stdout=StringIO())


def figures(key: str, today: date = LATER, now: datetime = LATER_AT) -> StageFigures:
    return next(one for one in work_out(today=today, now=now).stages if one.key == key)


def stays() -> list[tuple[str, str, bool]]:
    found = StageVisit.objects.order_by("account__name")
    return list(found.values_list("account__name", "stage__key", "is_start_known"))


@pytest.mark.capability("J4")
def test_who_was_seen_there_long_ago_is_stuck_and_still_in_no_cohort_or_median(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        for number in range(10):
            gates.account(f"Prospect {number}", status="prospect", created_at=NOW - timedelta(days=90))
        place_accounts(**BY)
        assert {one.entered_on for one in StageVisit.objects.all()} == {TODAY}
        found = figures("consideration", TODAY, NOW)
        assert (found.now.accounts, found.stuck_now.accounts, found.entered.accounts) == (10, 0, 0)
        found = figures("consideration")
        assert (found.now.accounts, found.stuck_now.accounts, found.entered.accounts) == (10, 10, 0)
        assert (found.median, found.stays) == (None, 0)
        refresh_figures(today=LATER, now=LATER_AT)
        member = gates.member(tenant, Role.REVOPS_ADMIN)
        account = Account.objects.get(name="Prospect 0")
    client = Client()
    with time_machine.travel(LATER_AT, tick=False):
        client.force_login(member.user)
        stuck = client.get(reverse("journeys:stage_accounts", args=["consideration"]) + "?show=stuck").content.decode()
        file = client.get(reverse("journeys:stage_file", args=["consideration"])).content.decode()
        panel = client.get(reverse("journeys:account_stage", args=[account.pk])).content.decode()
        page = client.get(reverse("dashboards:account", args=[account.pk])).content.decode()
    panel, page = panel.replace("\xa0", " "), page.replace("\xa0", " ")
    assert stuck.count('<span class="muted">at least </span>400') == 10
    assert file.count(",2026-03-02,400,at the latest,stuck,") == 10
    assert "Consideration, since 2 Mar 2026 at the latest" in panel
    assert "Stuck: at least 400 days, longer than" in panel
    assert "Consideration, since 2 Mar 2026 at the latest" in page


@pytest.mark.capability("C1")
def test_a_start_is_known_where_the_account_begins_today(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.account("Customer of today", status="customer", customer_since=TODAY)
        gates.account("Customer of once", status="customer", customer_since=date(2023, 1, 1), created_at=NOW)
        gates.account("Customer since nobody knows", status="customer", created_at=NOW)
        gates.account("Prospect of today", status="prospect", created_at=NOW)
        gates.account("Prospect of yesterday", status="prospect", created_at=NOW - timedelta(days=1))
        place_accounts(**BY)
        assert stays() == [
            ("Customer of once", "adoption", False),
            ("Customer of today", "adoption", True),
            ("Customer since nobody knows", "adoption", False),
            ("Prospect of today", "consideration", True),
            ("Prospect of yesterday", "consideration", False),
        ]
        found = figures("consideration", TODAY, NOW)
        assert (found.now.accounts, found.entered.accounts) == (2, 1)


def test_today_is_the_day_of_the_workspace(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(timezone="Pacific/Auckland")
    evening = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    with tenant_context(tenant.pk):
        gates.account("Prospect", status="prospect", created_at=evening)
        place_accounts(actor=ACTOR, today=date(2026, 3, 3), now=evening)
        assert stays() == [("Prospect", "consideration", True)]


@pytest.mark.capability("C1")
def test_customers_of_today_have_checkpoints_in_their_first_stage(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        journey = gates.publish_of("standard", "journey").definition
        for stage in journey["stages"]:
            stage["first_for"] = {"onboarding": ["customer"], "consideration": ["prospect"]}.get(stage["key"], [])
        gates.publish(journey, kind="journey", key="standard", name="Ours")
        gates.account("New", status="customer", customer_since=TODAY)
        gates.account("Old", status="customer", customer_since=date(2023, 1, 1))
        place_accounts(**BY)
        sweep_lifecycle(today=TODAY, now=NOW)
        made = Checkpoint.objects.values_list("account__name", flat=True).distinct()
        assert list(made) == ["New"]


@pytest.mark.capability("J5")
def test_a_file_says_that_an_account_stands_in_its_stage_not_since_when(tenant: Tenant, tmp_path: Path) -> None:
    rows = [f"{n},Old {n},customer,2023-01-0{1 + n % 9},Adoption" for n in range(3)]
    rows += ["90,Signed today,customer,2026-03-02,Onboarding", "91,Young,prospect,,Decision"]
    load(tmp_path, tenant, "\n".join(["Account ID,Account name,Status,Customer since,Lifecycle stage", *rows]))
    with tenant_context(tenant.pk):
        assert stays() == [
            ("Old 0", "adoption", False), ("Old 1", "adoption", False), ("Old 2", "adoption", False),
            ("Signed today", "onboarding", True), ("Young", "decision", True),
        ]  # fmt: skip
        assert set(StageVisit.objects.values_list("entered_on", flat=True)) == {TODAY}
        day, at = TODAY + timedelta(days=10), NOW + timedelta(days=10)
        for one in Account.objects.filter(name__startswith="Old"):
            move_account_stage(account_id=one.pk, stage_key="onboarding", actor=ACTOR, today=day, now=at, reason="x")
        found = figures("adoption", day, at)
        assert (found.entered.accounts, found.stays, found.peers) == (0, 0, 0)


@pytest.mark.capability("J5")
def test_a_first_stage_by_file_through_a_gate_has_no_known_start_either(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        journey = gates.publish_of("standard", "journey").definition
        named = {
            "key": "named",
            "name": "A customer",
            "rule": {"fact": "accounts.status", "op": "eq", "value": "customer"},
        }
        for stage in journey["stages"]:
            if stage["key"] == "adoption":
                stage["entry"] = [named]
        gates.publish(journey, kind="journey", key="standard", name="Ours")
    text = "Account ID,Account name,Status,Customer since,Lifecycle stage\n"
    load(tmp_path, tenant, text + "1,Old,customer,2023-01-01,Adoption\n2,Signed,customer,2026-03-02,Adoption\n")
    with tenant_context(tenant.pk):
        assert stays() == [("Old", "adoption", False), ("Signed", "adoption", True)]


def test_stays_from_before_begin_no_earlier_than_the_account_was_seen(tenant: Tenant) -> None:
    seen = NOW - timedelta(days=30)
    with tenant_context(tenant.pk):
        ProcessVersion.objects.filter(kind="journey").update(published_at=NOW - timedelta(days=200))
        account = gates.account("Old", status="customer", customer_since=date(2020, 1, 1), created_at=seen)
        place_accounts(**BY)
        StageVisit.objects.update(entered_on=date(2020, 1, 1), left_on=date(2026, 2, 10))
        move_account_stage(account_id=account.pk, stage_key="adoption", **BY)
        short = gates.account("Short", status="customer", created_at=seen)
        place_accounts(**BY)
        StageVisit.objects.filter(account=short).update(entered_on=date(2020, 1, 1), left_on=date(2021, 1, 1))
    sql = import_module("journeys.migrations.0012_first_day_seen")._SEEN
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(sql)
        with tenant_context(tenant.pk):
            found = StageVisit.objects.order_by("account__name", "pk").values_list("entered_on", "left_on")
            assert list(found) == [
                (seen.date(), date(2026, 2, 10)),
                (TODAY, None),
                (date(2021, 1, 1), date(2021, 1, 1)),
            ]
