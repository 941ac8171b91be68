"""The CRM sales file of Maven Analytics, in both of its formats: the figures of its README, to the digit."""

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import call_command
from django.db import connection

from core.actions import create_tenant
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.models import Opportunity
from journeys.queries.analysis.page import analysis
from journeys.queries.analysis.scope import Scope
from tests.real.data import real_data


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def load(folder: Path, tmp_path: Path, *, opportunities: list[str] | None = None) -> dict[str, Any]:
    """Accounts, then opportunities; returns what the second import says."""
    rejects = ["--tenant", "crm", "--rejects", str(tmp_path / "rejected.csv")]
    run("import_data", "accounts", str(folder / "accounts.csv"), *rejects)
    return run("import_data", "opportunities", str(folder / "sales_pipeline.csv"), *rejects, *(opportunities or []))


@pytest.fixture
def crm(db: None, actor: Actor, now: Any) -> Tenant:
    return create_tenant(slug="crm", name="CRM", currency="USD", timezone="UTC", actor=actor, now=now)


@pytest.fixture(params=["loose", "zip"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The loose files have m/d/yyyy dates, those of the archive ISO dates and CRLF."""
    data = real_data("crm_sales")
    if request.param == "loose":
        return data
    with ZipFile(data / "CRM+Sales+Opportunities.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "CRM+Sales+Opportunities"


@pytest.mark.django_db
@pytest.mark.slow
def test_both_formats_give_the_figures_of_the_readme(crm: Tenant, folder: Path, tmp_path: Path) -> None:
    imported = load(folder, tmp_path)
    assert (imported["read"], imported["created"], imported["rejected"]) == (8800, 8800, 0)
    codes = {warning["code"]: warning["count"] for warning in imported["warnings"]}
    assert codes["no_account"] == 1425
    assert codes["new_pipeline"] == 8800

    report = run("pipeline_report", "--tenant", "crm")
    assert (report["opportunities"], report["won"], report["lost"], report["open"]) == (8800, 4238, 2473, 2089)
    assert round(report["win_rate"], 7) == 0.6315005
    assert report["won_value_minor"] == 10_005_534_00
    won = report["cycle_days"]["won"]
    assert (round(won["mean"], 4), won["median"], won["p90"]) == (51.7820, 57, 106)
    current = {stage["name"]: stage["current"] for stage in report["stages"]}
    assert current == {"Prospecting": 500, "Engaging": 1589, "Won": 4238, "Lost": 2473}
    assert report["biggest_drop_off"] == "Engaging"
    assert report["by"]["product"]["GTXPro"]["won"] + report["by"]["product"]["GTXPro"]["lost"] == 1147
    assert sum(one["won"] for one in report["by"]["owner"].values()) == 4238
    assert len(report["by"]["owner"]) == 30
    with tenant_context(crm.pk):
        assert Opportunity.objects.filter(account=None).count() == 1425


@pytest.mark.django_db
@pytest.mark.slow
def test_the_same_file_again_and_the_other_format_change_nothing(crm: Tenant, tmp_path: Path) -> None:
    data = real_data("crm_sales")
    load(data, tmp_path)
    with ZipFile(data / "CRM+Sales+Opportunities.zip") as archive:
        archive.extractall(tmp_path)
    for folder in (data, tmp_path / "CRM+Sales+Opportunities"):
        again = load(folder, tmp_path)
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 8800)


@pytest.mark.django_db
@pytest.mark.slow
def test_a_dry_run_shows_the_pipeline_that_it_would_make_and_makes_none(crm: Tenant, tmp_path: Path) -> None:
    dry = load(real_data("crm_sales"), tmp_path, opportunities=["--dry-run"])
    choice = next(choice for choice in dry["choices"] if choice["code"] == "pipeline")
    assert choice["value"] == "Prospecting → Engaging → Won → Lost"
    assert dry["created"] == 8800
    with tenant_context(crm.pk):
        assert Opportunity.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.capability("K4")
@pytest.mark.capability("S3")
def test_the_analysis_agrees_with_the_report_and_with_plain_sql_in_both_formats(
    crm: Tenant, folder: Path, tmp_path: Path
) -> None:
    load(folder, tmp_path)
    report = run("pipeline_report", "--tenant", "crm")
    with tenant_context(crm.pk):
        pipeline = Opportunity.objects.values_list("pipeline_id", flat=True).distinct().get()
        found = analysis(Scope(pipeline), today=date(2018, 1, 1))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY o.closed_on - o.opened_on) "
                "FROM journeys_opportunity o "
                "JOIN journeys_opportunitystagevisit v ON v.tenant_id = o.tenant_id AND v.opportunity_id = o.id "
                "AND v.left_on IS NULL "
                "JOIN journeys_pipelinestage s ON s.tenant_id = v.tenant_id AND s.id = v.stage_id AND s.kind = 'won'"
            )
            median, p90 = cursor.fetchone()[0]
    flow = found.conversion
    assert (flow.deals.deals, flow.won.deals, flow.lost.deals, flow.open.deals) == (8800, 4238, 2473, 2089)
    parts = [(one.entered, one.advanced, one.lost, one.waiting) for one in flow.stages]
    counts = [tuple(part.deals for part in stage) for stage in parts]
    assert [one.name for one in flow.stages] == ["Prospecting", "Engaging"]
    assert counts == [(8800, 8300, 0, 500), (8300, 4238, 2473, 1589)]
    assert flow.biggest_drop is not None
    assert flow.biggest_drop.name == report["biggest_drop_off"]
    assert found.win_rates.whole.by_count.value == report["win_rate"]
    assert found.win_rates.whole.by_amount.value == report["win_rate_by_amount"]
    assert (found.cycles.whole.median, found.cycles.whole.p90) == (median, p90) == (57, 106)
    assert (found.cycles.whole.won, found.cycles.whole.open) == (4238, 1589)
    assert found.cycles.whole.curve_median is not None
    assert found.cycles.whole.curve_median >= 57
    assert sum(one.lost for one in found.friction) == 2473
