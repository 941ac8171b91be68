"""doctor names what is broken, counts it, and says so with its exit code."""

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Account, Contract, ContractLine
from core.global_tables import GLOBAL_TABLES
from core.management.base import CommandRefused
from core.models import Tenant
from core.tenancy import tenant_context

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def doctor(**options: Any) -> dict[str, Any]:
    out = io.StringIO()
    try:
        call_command("doctor", json=True, stdout=out, **options)
    except CommandRefused:
        pass
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def as_owner(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(sql)
        cursor.execute("SET ROLE rv_app")


def broken(**options: Any) -> dict[str, int]:
    return {one["check"]: one["count"] for one in doctor(**options)["broken"]}


def test_all_is_well_in_an_empty_house(kestrel: Tenant) -> None:
    report = doctor()
    assert (report["ok"], report["broken"]) == (True, [])
    assert report["global_tables"] == [
        {"table": table, "reason": reason} for table, reason in sorted(GLOBAL_TABLES.items())
    ]


def test_something_broken_ends_the_command_with_an_error(kestrel: Tenant) -> None:
    as_owner("ALTER TABLE accounts_goal NO FORCE ROW LEVEL SECURITY")
    with pytest.raises(CommandRefused):
        call_command("doctor", json=True, stdout=io.StringIO())


@pytest.mark.parametrize(
    ("wound", "check"),
    [
        ("ALTER TABLE accounts_goal DISABLE ROW LEVEL SECURITY", "database.row_security_not_forced"),
        ("DROP POLICY tenant_isolation ON accounts_goal", "database.policy"),
        ("CREATE POLICY also ON accounts_goal FOR SELECT USING (true)", "database.policy"),
        ("CREATE TABLE stray (id bigint)", "database.table_on_no_list"),
        ("CREATE UNIQUE INDEX across ON accounts_goal (id)", "database.unique_across_workspaces"),
        ("CREATE VIEW peek AS SELECT * FROM accounts_goal", "database.view_or_function_of_the_owner"),
        (
            "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'",
            "database.view_or_function_of_the_owner",
        ),
        (
            (
                "CREATE UNIQUE INDEX lone ON accounts_account (id); "
                "ALTER TABLE accounts_goal ADD FOREIGN KEY (account_id) REFERENCES accounts_account (id)"
            ),
            "database.key_crosses_workspaces",
        ),
    ],
)
def test_a_hole_in_the_wall_is_named(wound: str, check: str) -> None:
    as_owner(wound)
    assert broken()[check] == 1


def test_the_owner_of_the_tables_is_a_role_to_warn_of() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert broken() == {"database.role": 1}


def test_a_broken_promise_of_an_app_is_counted_over_the_workspaces(kestrel: Tenant, heron: Tenant) -> None:
    for tenant in (kestrel, heron):
        with tenant_context(tenant.pk):
            account = Account.objects.create(name="Brightwater", name_key="brightwater")
            dates = {"starts_on": date(2025, 1, 1), "ends_on": date(2099, 1, 1)}
            contract = Contract.objects.create(account=account, currency="EUR", created_at=LONG_AGO, **dates)
            ContractLine.objects.create(contract=contract, account=account, arr_minor=100, **dates)
    everywhere, here = doctor()["broken"], doctor(tenant="kestrel")["broken"]
    check = "renewals.one_open_per_active_contract"
    assert [(one["check"], one["count"], one["tenants"]) for one in everywhere] == [(check, 2, ["kestrel", "heron"])]
    assert [(one["check"], one["count"], one["tenants"]) for one in here] == [(check, 1, ["kestrel"])]
