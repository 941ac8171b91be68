"""Whoever left, or is a member no longer, is given nothing more; what they have can still be saved."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.actions.accounts import assign_owner
from accounts.models import Account, Person
from accounts.queries.people import HasLeft
from core import clock
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry
from core.tenancy import tenant_context
from journeys.actions.absences import set_absence
from journeys.actions.book_handovers import HandoverRefused, decide_line, plan_handover, start_handover
from journeys.models import HandoverLine, Opportunity
from journeys.rules.absences import AbsenceRefused
from tests.factories.api import Program, make_key
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
ALL = "/api/v1/opportunities/"


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def program(world: World) -> Program:
    return make_key(world.tenant)[1]


@pytest.fixture
def client(world: World) -> Client:
    made = Client()
    made.force_login(world.members[Role.REVOPS_ADMIN].user)
    return made


@pytest.fixture
def gone(world: World) -> Person:
    with tenant_context(world.tenant.pk):
        return Person.objects.create(name="Gone Long Ago", name_key="gone long ago", is_active=False)


@pytest.fixture
def no_member(world: World) -> Person:
    """Somebody whose sign-in was taken away, and whose name nobody has put away yet."""
    member = world.members[Role.LEADER]
    with tenant_context(world.tenant.pk):
        person = Person.objects.create(name="Lena Off", name_key="lena off", membership=member)
    member.is_active = False
    member.save(update_fields=["is_active"])
    return person


def deal_of(world: World) -> Opportunity:
    with tenant_context(world.tenant.pk):
        return Opportunity.objects.get(pk=world.ids["opportunity_id"])


def owned_by(world: World, person: Person) -> None:
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=world.ids["opportunity_id"]).update(owner=person)


@pytest.mark.parametrize("who", ["gone", "no_member"])
def test_a_program_gives_no_deal_to_who_has_left(
    world: World, program: Program, who: str, request: pytest.FixtureRequest
) -> None:
    person: Person = request.getfixturevalue(who)
    before = deal_of(world)
    for refused in (
        program.send("post", ALL, {"name": "Store operations", "owner": person.pk}),
        program.send("put", f"{ALL}{before.pk}/", {"owner": person.pk, "about": "14 sites"}),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "refused")
        assert refused.json()["error"]["message"] == f"owner: {person.name} has left. Choose somebody who is there."
    assert (deal_of(world).owner_id, deal_of(world).about) == (before.owner_id, before.about)
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.filter(name="Store operations").count() == 0


def test_an_owner_who_left_and_stays_holds_no_other_change_up(
    world: World, program: Program, client: Client, gone: Person
) -> None:
    owned_by(world, gone)
    deal = deal_of(world)
    one = f"{ALL}{deal.pk}/"
    assert program.send("put", one, {"about": "14 sites", "owner": gone.pk}).json()["about"] == "14 sites"
    page = reverse("journeys:opportunity_edit", args=[deal.pk])
    form = client.get(page).content.decode()
    assert f'<option value="{gone.pk}" selected>Gone Long Ago</option>' in form
    sent = {"name": deal.name, "about": "15 sites", "kind": deal.kind, "owner": str(gone.pk),
            "seen-owner": str(gone.pk), "seen-about": "14 sites"}  # fmt: skip
    assert client.post(page, sent).status_code == 302
    assert (deal_of(world).about, deal_of(world).owner_id) == ("15 sites", gone.pk)


def test_a_colleague_who_gave_the_deal_away_meanwhile_is_not_overruled_by_a_form_with_the_owner_who_left(
    world: World, client: Client, gone: Person
) -> None:
    owned_by(world, gone)
    deal = deal_of(world)
    with tenant_context(world.tenant.pk):
        maya = Account.objects.select_related("owner").get(pk=world.ids["account_id"]).owner
    assert maya is not None
    owned_by(world, maya)
    sent = {"name": deal.name, "about": "15 sites", "kind": deal.kind, "owner": str(gone.pk),
            "seen-owner": str(gone.pk), "seen-about": deal.about}  # fmt: skip
    assert client.post(reverse("journeys:opportunity_edit", args=[deal.pk]), sent).status_code == 302
    assert (deal_of(world).about, deal_of(world).owner_id) == ("15 sites", maya.pk)


def test_no_form_gives_a_deal_to_who_has_left(world: World, client: Client, gone: Person, no_member: Person) -> None:
    deal = deal_of(world)
    edit = reverse("journeys:opportunity_edit", args=[deal.pk])
    new = reverse("journeys:opportunity_new")
    with tenant_context(world.tenant.pk):
        pipeline = deal.pipeline_id
    for person in (gone, no_member):
        offered = client.get(edit).content.decode() + client.get(new).content.decode()
        assert f'<option value="{person.pk}"' not in offered
        words = f"{person.name} has left. Choose somebody who is there."
        fields = {"name": "Given away", "kind": "new", "owner": str(person.pk)}
        for page, sent in (
            (edit, fields),
            (new, {**fields, "pipeline": str(pipeline)}),
            (f"{reverse('journeys:opportunity_field', args=[deal.pk])}?of=owner", {"owner": str(person.pk)}),
        ):
            refused = client.post(page, sent)
            assert refused.status_code == 422, page
            assert words in refused.content.decode(), page
    assert (deal_of(world).name, deal_of(world).owner_id) == (deal.name, deal.owner_id)
    assert client.post(edit, {"name": "X", "kind": "new", "owner": "999999"}).status_code == 422


def test_accounts_are_given_in_bulk_to_nobody_who_has_left(
    world: World, client: Client, gone: Person, no_member: Person, actor: Actor
) -> None:
    account_id = world.ids["account_id"]
    with tenant_context(world.tenant.pk):
        before = Account.objects.get(pk=account_id).owner_id
        for person in (gone, no_member):
            sent = {"account": [str(account_id)], "owner": str(person.pk)}
            assert client.post("/accounts/assign/", sent).status_code == 422
            with pytest.raises(HasLeft, match="has left"):
                assign_owner(accounts=Account.objects.filter(pk=account_id), owner=person, actor=actor, now=clock.now())
        assert Account.objects.get(pk=account_id).owner_id == before
        assert AuditEntry.objects.filter(verb="assigned owner").count() == 0


def test_nobody_stands_in_or_takes_a_book_whose_sign_in_was_taken_away(
    world: World, no_member: Person, actor: Actor
) -> None:
    now = clock.now()
    today = world.tenant.today(now)
    with tenant_context(world.tenant.pk):
        account = Account.objects.get(pk=world.ids["account_id"])
        assert account.owner_id is not None
        Account.objects.filter(pk=account.pk).update(deputy=no_member)
        with pytest.raises(AbsenceRefused, match="Lena Off has left"):
            set_absence(
                person_id=account.owner_id, deputy_id=no_member.pk, from_on=today, until_on=date(today.year + 1, 1, 1),
                actor=actor, now=now, today=today,
            )  # fmt: skip
        noor = Person.objects.create(name="Noor Haddad", name_key="noor haddad")
        mine = Account.objects.create(name="Moorgate", name_key="moorgate", owner=noor, deputy=no_member)
        plan = plan_handover(person_id=noor.pk, effective_on=today, reason="", actor=actor, now=now, today=today)
        line = HandoverLine.objects.get(handover=plan, account=mine)
        assert line.to_person_id is None
        with pytest.raises(HandoverRefused, match="active people"):
            decide_line(line_id=line.pk, to_person_id=no_member.pk, note="", actor=actor, now=now)
        HandoverLine.objects.filter(pk=line.pk).update(to_person=no_member)  # chosen while they were there
        with pytest.raises(HandoverRefused, match="Lena Off is no longer active"):
            start_handover(handover_id=plan.pk, actor=actor, now=now)


def test_an_import_keeps_the_owner_that_history_names(world: World, gone: Person, tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    file.write_text("Opportunity ID,Name,Owner,Stage,Created Date\n006A,Old one,Gone Long Ago,Demo,2024-01-05\n")
    call_command("import_data", "opportunities", str(file), "--tenant", "kestrel", stdout=StringIO())
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.get(external_id="006A").owner_id == gone.pk
