"""A won deal has its hand-off within a minute, whatever path it took."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from core import clock
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry
from core.tenancy import tenant_context
from journeys.actions.moves import move_opportunity
from journeys.actions.pipelines import create_pipeline
from journeys.models import Handoff, Opportunity, OpportunityStageVisit, PipelineStage
from journeys.rules.pipelines import parse_pipeline
from journeys.tasks import sweep_all_handoffs
from revops.celery import app
from tests.factories.api import make_key
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
PLAIN = {
    "stages": [
        {"key": "talk", "name": "Talk", "kind": "open"},
        {"key": "won", "name": "Won", "kind": "won", "probability": 100, "forecast": "won"},
        {"key": "lost", "name": "Lost", "kind": "lost", "forecast": "lost"},
    ]
}


@pytest.fixture
def world(db: None) -> World:
    world = make_world("kestrel", canary="KESTREL")
    with tenant_context(world.tenant.pk):
        create_pipeline(
            key="plain", name="Plain", spec=parse_pipeline(PLAIN), actor=Actor.system("test"), now=clock.now()
        )
        Handoff.objects.all().delete()
    return world


def open_deal(world: World) -> tuple[Opportunity, int]:
    """A new deal in the plain pipeline, and the id of the won stage."""
    with tenant_context(world.tenant.pk):
        stages = {one.key: one for one in PipelineStage.objects.filter(pipeline__key="plain")}
        deal = Opportunity.objects.create(
            account_id=world.ids["account_id"], pipeline_id=stages["talk"].pipeline_id, stage=stages["talk"],
            name="Seats", currency="EUR", amount_minor=100_00, opened_on=world.tenant.today(clock.now()),
        )  # fmt: skip
        OpportunityStageVisit.objects.create(
            opportunity=deal, stage=stages["talk"], entered_on=world.tenant.today(clock.now())
        )
        return deal, stages["won"].pk


def waiting(world: World) -> list[int | None]:
    with tenant_context(world.tenant.pk):
        return list(Handoff.objects.filter(state="waiting", key="sales_to_cs").values_list("opportunity_id", flat=True))


@pytest.mark.capability("J2")
def test_won_on_the_page_or_by_the_api_it_is_there_at_once(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.SALES_REP].user)
    by_page, won = open_deal(world)
    client.post(reverse("journeys:opportunity_move", args=[by_page.pk]), {"stage": won})
    assert waiting(world) == [by_page.pk]
    by_api, _ = open_deal(world)
    _, program = make_key(world.tenant, Role.SALES_REP)
    moved = program.send("post", reverse("journeys:api_deal_move", args=[by_api.pk]), {"stage": "won"})
    assert moved.status_code == 200, moved.content
    assert sorted(one or 0 for one in waiting(world)) == [by_page.pk, by_api.pk]


@pytest.mark.parametrize(("kind", "before", "since", "after"), [
    ("new", "prospect", None, ("customer", 0)),
    ("new", "churned", 400, ("customer", 400)),
    ("new", "customer", 30, ("customer", 30)),
    ("expansion", "prospect", None, ("prospect", None)),
])  # fmt: skip
def test_who_buys_is_a_customer_from_the_day_of_the_win(
    world: World, kind: str, before: str, since: int | None, after: tuple[str, int | None]
) -> None:
    today = world.tenant.today(clock.now())
    deal, won = open_deal(world)
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=deal.pk).update(kind=kind)
        day = None if since is None else today - timedelta(days=since)
        Account.objects.filter(pk=deal.account_id).update(status=before, customer_since=day)
        move_opportunity(opportunity_id=deal.pk, stage_id=won, actor=Actor.system("t"), today=today, now=clock.now())
        account = Account.objects.get(pk=deal.account_id)
        told = AuditEntry.objects.filter(verb="became customer", subject_id=account.pk).count()
    days = None if account.customer_since is None else (today - account.customer_since).days
    assert (account.status, days) == after
    assert told == (before != account.status)


@pytest.mark.capability("J2")
def test_won_by_an_import_or_a_statement_it_is_there_with_the_next_sweep(world: World, tmp_path: Path) -> None:
    today = world.tenant.today(clock.now())
    file = tmp_path / "deals.csv"
    file.write_text(
        "Opportunity ID,Name,Account,Stage,Amount,Created Date,Close Date\n"
        f"D-1,Seats,Brightwater KESTREL,Closed won,1000,{today - timedelta(days=9)},{today}\n"
        f"D-2,Old seats,Brightwater KESTREL,Closed won,1000,2020-01-02,2020-02-02\n"
    )
    out = StringIO()
    call_command("import_data", "opportunities", str(file), "--tenant", "kestrel", "--json", stdout=out)
    assert json.loads(out.getvalue())["created"] == 2
    by_hand, won = open_deal(world)
    with tenant_context(world.tenant.pk):
        Account.objects.update(status="customer")
        Opportunity.objects.filter(pk=by_hand.pk).update(stage_id=won, closed_on=today)
        OpportunityStageVisit.objects.filter(opportunity=by_hand).update(left_on=today)
        OpportunityStageVisit.objects.create(opportunity=by_hand, stage_id=won, entered_on=today)
    with tenant_context(world.tenant.pk):
        assert sweep_all_handoffs(tenant_id=world.tenant.pk) == 2
        imported = Opportunity.objects.get(external_id="D-1").pk
    assert sorted(one or 0 for one in waiting(world)) == sorted([by_hand.pk, imported])
    # The schedule runs it twice a minute.
    entry = app.conf.beat_schedule["handoffs"]
    assert (entry["kwargs"]["task"], entry["schedule"] <= 60) == ("journeys.sweep_handoffs", True)
