"""The pages of the analysis: figures with definition and day, the deals behind, files, and who may see what."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Ticket
from core import clock
from core.choices import Role
from core.models import AuditEntry
from core.tenancy import tenant_context
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from tests.factories.api import make_key
from tests.factories.world import NOW, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = make_world("osprey", canary="OSPREY")
    with tenant_context(made.tenant.pk):
        pipeline = Pipeline.objects.get(is_default=True)
        stages = {stage.key: stage for stage in PipelineStage.objects.filter(pipeline=pipeline)}
        account = Account.objects.get()
        for n in range(6):
            end = stages["closed_won" if n % 2 else "closed_lost"]
            one = Opportunity.objects.create(
                account=account, pipeline=pipeline, stage=end, name=f"=Deal {n}", amount_minor=1_000_00 * (n + 1),
                currency="EUR", opened_on=date(2026, 1, 5), closed_on=date(2026, 2, 5), close_reason="Price",
            )  # fmt: skip
            OpportunityStageVisit.objects.create(
                opportunity=one, stage=stages["demo"], entered_on=date(2026, 1, 5), left_on=date(2026, 2, 5)
            )
            OpportunityStageVisit.objects.create(opportunity=one, stage=end, entered_on=date(2026, 2, 5))
        for n in range(3):
            Ticket.objects.create(account=account, opened_at=NOW - timedelta(days=n), subject="Export fails OSPREY")
    return made


def signed_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.mark.capability("S3")
@pytest.mark.capability("K5")
def test_the_page_shows_the_figures_with_their_definition_and_names_the_cohort(world: World) -> None:
    page = (
        signed_in(world, Role.CS_MANAGER).get("/pipeline/?by=closed&start=2026-02-01&end=2026-03-01").content.decode()
    )
    assert "of 6 decided, by close" in page
    assert "Demo → Proposal: 3 deals lost" in page
    assert "Won of decided; open deals are in neither number." in page
    assert "As of" in page
    assert "€9,000" in page


def test_every_number_leads_to_its_deals(world: World) -> None:
    client = signed_in(world, Role.CSM)
    with tenant_context(world.tenant.pk):
        demo = PipelineStage.objects.get(key="demo").pk
    page = client.get(f"/pipeline/deals/?which=dropped&stage={demo}").content.decode()
    assert [f"=Deal {n}" in page for n in range(6)] == [True, False] * 3
    for wrong in ("which=nope", "which=dropped", "which=dropped&stage=999999", "which=all&pipeline=nope", ""):
        assert client.get(f"/pipeline/deals/?{wrong}").status_code == 404


@pytest.mark.parametrize("figure", ["funnel", "matrix", "cohorts", "win_rate", "cycle", "consistency", "friction"])
def test_each_figure_is_a_file(world: World, figure: str) -> None:
    for asked, named in (("&kind=renewal", "renewal"), ("", "all")):  # two of them side by side are told apart
        answer = signed_in(world, Role.CSM).get(f"/pipeline/?file={figure}{asked}")
        assert f'filename="{figure}-{named}-' in answer["Content-Disposition"]
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.capability("N35")
def test_a_recurring_problem_leads_to_its_cases(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.clock.now", lambda: NOW)
    client = signed_in(world, Role.SALES_REP)
    page = client.get("/pipeline/recurring/?by=reason&source=ticket").content.decode()
    assert "Export fails OSPREY" in page
    behind = client.get("/pipeline/recurring/cases/?source=ticket&reason=export+fails+osprey").content.decode()
    assert behind.count("Brightwater OSPREY</a>") == 3
    assert client.get("/pipeline/recurring/cases/?source=nope").status_code == 404


def test_the_pages_are_for_those_who_may_see_opportunities_and_of_their_own_workspace(world: World) -> None:
    other = make_world("plover", canary="PLOVER")
    for path in ("/pipeline/", "/pipeline/deals/?which=all", "/pipeline/recurring/"):
        assert signed_in(world, Role.SUPPORT_AGENT).get(path).status_code == 403
        assert "OSPREY" not in signed_in(other, Role.CSM).get(path).content.decode()


def test_nonsense_in_the_address_is_left_out(world: World) -> None:
    client = signed_in(world, Role.CSM)
    nonsense = (
        "owner=x",
        "start=2026-05-01&end=2026-01-01",
        "segment=nope",
        "by=nope",
        "kind=nope",
        "owner=" + "9" * 20,
    )
    for query in nonsense:
        assert client.get(f"/pipeline/?{query}").status_code == 200
    assert client.get("/pipeline/?pipeline=nope").status_code == 404


@pytest.mark.parametrize("figure", ["win_rate", "friction"])
def test_a_file_computes_its_own_figure_alone(world: World, figure: str) -> None:
    client = signed_in(world, Role.CS_MANAGER)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/pipeline/?file={figure}").status_code == 200
    read = [one["sql"] for one in captured.captured_queries if "journeys_opportunity AS o" in one["sql"]]
    assert len(read) == 1, read


def test_programs_read_the_same_figures_and_recurring_problems(world: World) -> None:
    program = make_key(world.tenant)[1]
    found = program.get("/api/v1/pipelines/sales/analysis/?by=closed&start=2026-02-01&end=2026-03-01")
    assert found.status_code == 200, found.content
    assert str(6) in found.content.decode()
    assert program.get("/api/v1/pipelines/nothing/analysis/").status_code == 404
    support = make_key(world.tenant, Role.SUPPORT_AGENT)[1]
    assert support.get("/api/v1/pipelines/sales/analysis/").status_code == 403
    with tenant_context(world.tenant.pk):
        Ticket.objects.update(opened_at=clock.now() - timedelta(days=1))
    problems = program.get("/api/v1/recurring-problems/?source=ticket").json()["problems"]
    assert [(one["count"], one["accounts"]) for one in problems if "OSPREY" in one["title"]] == [(3, 1)]


def test_whoever_takes_a_file_out_stands_in_the_audit_trail(world: World) -> None:
    client = signed_in(world, Role.CS_MANAGER)
    assert client.get("/pipeline/?file=funnel").status_code == 200
    assert client.get("/opportunities/file/").status_code == 200
    with tenant_context(world.tenant.pk):
        kept = AuditEntry.objects.filter(verb="exported").order_by("pk")
        assert [(one.subject_type, one.after["cut"]) for one in kept] == [("journeys.opportunity", False)] * 2
        assert all(one.after["rows"] > 0 for one in kept)
