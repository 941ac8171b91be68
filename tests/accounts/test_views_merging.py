"""Merging on the page and by the API: who may, what it says before, and where the old address leads."""

from datetime import date

import pytest
from django.test import Client

from accounts.models import Account, AccountMerge, Contract, ContractLine
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry
from core.tenancy import tenant_context
from health.actions.recompute import recompute_everybody
from tests.factories.api import make_key
from tests.factories.world import NOW, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = make_world("osprey", canary="OSPREY")
    with tenant_context(made.tenant.pk):
        twin = Account.objects.create(
            name="Brightwater Twin OSPREY",
            name_key="brightwater twin osprey",
            external_id="TWIN",
            domain_key="b.example",
        )
        contract = Contract.objects.create(account=twin, starts_on=date(2025, 1, 1), currency="EUR")
        ContractLine.objects.create(contract=contract, account=twin, starts_on=date(2025, 1, 1), arr_minor=100_00)
        made.ids["twin_id"] = twin.pk
    return made


def signed_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def test_a_manager_finds_the_other_account_sees_what_would_move_and_merges(world: World) -> None:
    client = signed_in(world, Role.CS_MANAGER)
    kept, gone = world.ids["account_id"], world.ids["twin_id"]
    assert "Brightwater Twin OSPREY" in client.get(f"/accounts/{kept}/merge/?q=brightwater tw").content.decode()
    before = client.get(f"/accounts/{kept}/merge/?with={gone}").content.decode()
    assert "This cannot be undone." in before
    assert "What would move" in before
    assert "Contract lines" in before
    with tenant_context(world.tenant.pk):
        assert not AccountMerge.objects.exists()
    unsure = client.post(f"/accounts/{kept}/merge/", {"with": gone, "reason": "", "take_domain_key": "gone"})
    assert unsure.status_code == 422
    assert "Say why the two are one" in unsure.content.decode()
    done = client.post(f"/accounts/{kept}/merge/", {"with": gone, "reason": "Same company", "sure": "on"}, follow=True)
    assert done.redirect_chain == [(f"/accounts/{kept}/merges/", 302)]
    assert "Same company" in done.content.decode()
    with tenant_context(world.tenant.pk):
        assert Account.objects.get(pk=kept).domain_key == "b.example"
        assert AuditEntry.objects.filter(verb="merged accounts").count() == 2


def test_the_old_address_leads_to_the_kept_account_and_no_list_shows_the_old_name(world: World) -> None:
    client = signed_in(world, Role.REVOPS_ADMIN)
    kept, gone = world.ids["account_id"], world.ids["twin_id"]
    with tenant_context(world.tenant.pk):
        recompute_everybody(actor=Actor.system("test"), now=NOW, as_of=NOW.date())
    assert "Brightwater Twin OSPREY" in client.get("/accounts/?view=all").content.decode()
    client.post(f"/accounts/{kept}/merge/", {"with": gone, "reason": "Same company", "sure": "on"})
    assert client.get(f"/accounts/{gone}/").headers["Location"] == f"/accounts/{kept}/"
    client.get(f"/accounts/{kept}/")  # takes the message
    for path in ("/accounts/?view=all", "/accounts/?view=all&sort=name", "/accounts/duplicates/"):
        assert "Brightwater Twin OSPREY" not in client.get(path).content.decode()
    assert client.get(f"/accounts/{gone}/merge/").status_code == 404


def test_a_program_merges_and_is_told_what_moved(world: World) -> None:
    kept, gone = world.ids["account_id"], world.ids["twin_id"]
    url, body = f"/api/v1/accounts/{kept}/merge/", {"gone": gone, "reason": "Same company", "take": {"name": "gone"}}
    assert make_key(world.tenant, Role.CSM)[1].send("post", url, body).status_code == 403
    program = make_key(world.tenant)[1]
    assert program.send("post", url, body | {"take": {"colour": "gone"}}).status_code == 422
    done = program.send("post", url, body)
    assert done.status_code == 201, done.content
    assert (done.json()["kept"], done.json()["gone"], done.json()["moved"]["Contract lines"]) == (kept, gone, 1)
    again = program.send("post", url, body)
    assert (again.status_code, again.json()["error"]["code"]) == (422, "merge_refused")
    with tenant_context(world.tenant.pk):
        assert Account.objects.get(pk=kept).name == "Brightwater Twin OSPREY"
    said = program.get("/api/schema/?format=json").json()["paths"]["/api/v1/accounts/{account_id}/merge/"]["post"]
    assert "201" in said["responses"]


def test_only_those_who_manage_books_of_their_own_workspace_may(world: World) -> None:
    other = make_world("plover", canary="PLOVER")
    kept, gone = world.ids["account_id"], world.ids["twin_id"]
    for path in (f"/accounts/{kept}/merge/", "/accounts/duplicates/"):
        assert signed_in(world, Role.CSM).get(path).status_code == 403
    stranger = signed_in(other, Role.CS_MANAGER)
    assert stranger.get(f"/accounts/{kept}/merge/").status_code == 404
    foreign = stranger.post(
        f"/accounts/{other.ids['account_id']}/merge/", {"with": gone, "reason": "Try", "sure": "on"}
    )
    assert "Which account is" in foreign.content.decode()
    with tenant_context(world.tenant.pk):
        assert not AccountMerge.objects.exists()
