"""The deals of an account on its page, and what the page of a prospect leaves out."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Account
from core.choices import Role
from core.tenancy import tenant_context
from journeys.models import Opportunity, PipelineStage
from tests.factories.world import NOW, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("kestrel", canary="Canary")


def page(world: World, role: Role = Role.CSM) -> str:
    client = Client()
    client.force_login(world.members[role].user)
    return client.get(f"/accounts/{world.ids['account_id']}/").content.decode()


def make_deals(world: World, status: str = "prospect") -> None:
    with tenant_context(world.tenant.pk):
        Account.objects.filter(pk=world.ids["account_id"]).update(status=status)
        given = {"account_id": world.ids["account_id"], "pipeline_id": world.ids["pipeline_id"], "currency": "EUR"}
        Opportunity.objects.filter(account_id=world.ids["account_id"]).delete()
        stages = PipelineStage.objects.filter(pipeline_id=world.ids["pipeline_id"])
        first, won = stages.filter(kind="open").order_by("position")[0], stages.get(kind="won")
        day = NOW.date() + timedelta(days=30)
        Opportunity.objects.create(name="120 seats", stage=first, amount_minor=12_000_00, close_on=day, **given)
        Opportunity.objects.create(name="Add-on", stage=first, amount_minor=3_000_00, **given)
        Opportunity.objects.create(name="Pilot", stage=won, amount_minor=500_00, closed_on=NOW.date(), **given)


def test_the_account_page_lists_open_deals_the_last_closed_ones_and_the_way_to_a_new_one(world: World) -> None:
    make_deals(world, "customer")
    shown = page(world)
    assert [name in shown for name in ("120 seats", "Add-on", "Pilot", "€12,000", "no close date")] == [True] * 5
    assert f"/opportunities/new/?account={world.ids['account_id']}" in shown
    assert "open in 2 deals" not in shown


def test_the_page_of_a_prospect_shows_what_is_open_and_asks_for_no_contract(world: World) -> None:
    make_deals(world)
    shown = page(world)
    assert ('<b class="num">€15,000</b> open in 2 deals' in shown, "Add-on" in shown) == (True, True)
    never = (" ARR", "No active contract", "Prepare QBR", "none active", "A QBR needs them")
    assert [words for words in never if words in shown] == []


def test_who_may_not_see_opportunities_sees_neither_deals_nor_their_amount(world: World) -> None:
    make_deals(world)
    shown = page(world, Role.SUPPORT_AGENT)
    assert [one for one in ("Add-on", "deals-title", "15,000", "/opportunities/") if one in shown] == []


def test_the_list_of_people_opened_by_itself_leads_to_where_people_are_looked_after(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    assert client.get("/people/").headers["Location"] == "/people/absences/"
    leader = Client()
    leader.force_login(world.members[Role.LEADER].user)
    assert leader.get("/people/").headers["Location"] == "/accounts/"
    given = client.get("/people/?for=tasks", headers={"HX-Request": "true"}).content.decode()
    assert '"act": "assign"' in given
