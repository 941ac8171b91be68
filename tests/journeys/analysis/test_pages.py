"""The pages of the analysis: figures with definition and day, the deals behind, files, and who may see what."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.test import Client

from accounts.models import Account, Ticket
from core.choices import Role
from core.tenancy import tenant_context
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
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
    answer = signed_in(world, Role.CSM).get(f"/pipeline/?file={figure}")
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
    for query in ("owner=x", "start=2026-05-01&end=2026-01-01", "segment=nope", "by=nope", "owner=" + "9" * 20):
        assert client.get(f"/pipeline/?{query}").status_code == 200
    assert client.get("/pipeline/?pipeline=nope").status_code == 404
