"""Real files as Excel workbooks: the same figures as their CSV files."""

import csv
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # -- has no types

from accounts.models import Account, ContractLine
from core.actions import create_tenant
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from tests.real.data import real_data
from tests.real.test_crm_sales import run

COUNTS = ("read", "created", "updated", "unchanged", "rejected")
FILES = (("accounts", "ravenstack_accounts.csv"), ("contracts", "ravenstack_subscriptions.csv"),
         ("tickets", "ravenstack_support_tickets.csv"))  # fmt: skip


def as_workbook(source: Path, target: Path) -> None:
    """Texts stay texts and numbers become numbers, as when a person opens the file in Excel and saves it."""
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("Export")
    with source.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file)):
            for place, cell in enumerate(row):
                try:
                    sheet.write_number(number, place, float(cell))
                except ValueError:
                    if cell in {"True", "False"}:
                        sheet.write_boolean(number, place, cell == "True")
                    else:
                        sheet.write_string(number, place, cell)
    book.close()


@pytest.mark.slow
def test_workbooks_give_the_figures_of_their_csv_files(actor: Actor, now: object, tmp_path: Path, db: None) -> None:
    folder = real_data("ravenstack")
    found = {}
    for slug in ("csv", "xlsx"):
        tenant: Tenant = create_tenant(
            slug=slug, name=slug, currency="USD", timezone="UTC", actor=actor, now=now  # type: ignore[arg-type]  # -- a fixture
        )  # fmt: skip
        reports = []
        for kind, name in FILES:
            path = folder / name
            if slug == "xlsx":
                path = tmp_path / f"{kind}.xlsx"
                as_workbook(folder / name, path)
            report = run("import_data", kind, str(path), "--tenant", slug, "--as-of", "2024-12-31")
            warnings = {one["code"]: one["count"] for one in report["warnings"]}
            reports.append(([report[key] for key in COUNTS], warnings))
        with tenant_context(tenant.pk):
            lines = list(ContractLine.objects.order_by("starts_on", "arr_minor").values_list("starts_on", "arr_minor"))
            accounts = list(Account.objects.order_by("external_id").values_list("external_id", "name", "seats", "plan"))
        found[slug] = (reports, lines, accounts)
    assert found["xlsx"] == found["csv"]
    assert found["csv"][0][1][0] == [5000, 5000, 0, 0, 0]
