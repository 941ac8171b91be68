"""Pages of absences and of books that go over."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Account, Person
from core import clock
from core.choices import Role
from core.models import Job
from core.tenancy import tenant_context
from journeys.models import Absence, BookHandover, HandoverLine, Task
from tests.factories.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    made = make_world("kestrel", canary="KESTREL")
    with tenant_context(made.tenant.pk):  # these tests begin without absences and plans
        Absence.objects.all().delete()
        BookHandover.objects.all().delete()
    return made


def enter(client: Client, world: World, role: Role) -> Client:
    client.force_login(world.members[role].user)
    return client


def colleague(world: World, name: str, role: Role | None = None) -> Person:
    with tenant_context(world.tenant.pk):
        return Person.objects.create(name=name, name_key=name.lower(), membership=world.members[role] if role else None)


def maya(world: World) -> Person:
    with tenant_context(world.tenant.pk):
        return Person.objects.get(membership=world.members[Role.CSM])


def test_a_csm_sets_themselves_absent_and_comes_back(client: Client, world: World) -> None:
    mine, ilse = maya(world), colleague(world, "Ilse Maas")
    today = world.tenant.today(clock.now())
    with tenant_context(world.tenant.pk):
        Task.objects.filter(assignee=mine).delete()
        task = Task.objects.create(title="Call", due_on=today, assignee=mine, created_at=clock.now())
    enter(client, world, Role.CSM)
    asked = {
        "person": mine.pk, "deputy": ilse.pk, "from_on": today.isoformat(),
        "until_on": (today + timedelta(days=7)).isoformat(),
    }  # fmt: skip
    assert client.post("/people/absences/", asked).status_code == 302
    page = client.get("/people/absences/").content.decode()
    assert "Ilse Maas" in page
    assert "Back now" in page
    with tenant_context(world.tenant.pk):
        assert Task.objects.get(pk=task.pk).assignee_id == ilse.pk
        absence = Absence.objects.get()
    again = client.post("/people/absences/", asked)
    assert (again.status_code, "End that absence first" in again.content.decode()) == (422, True)
    assert client.post(f"/people/absences/{absence.pk}/end/").status_code == 302
    with tenant_context(world.tenant.pk):
        assert Task.objects.get(pk=task.pk).assignee_id == mine.pk


def test_only_those_who_manage_books_enter_the_absence_of_others(client: Client, world: World) -> None:
    mine, ilse = maya(world), colleague(world, "Ilse Maas")
    today = world.tenant.today(clock.now())
    asked = {
        "person": ilse.pk, "deputy": mine.pk, "from_on": today.isoformat(),
        "until_on": (today + timedelta(days=7)).isoformat(),
    }  # fmt: skip
    enter(client, world, Role.CSM)
    assert client.post("/people/absences/", asked).status_code == 422
    enter(client, world, Role.CS_MANAGER)
    assert client.post("/people/absences/", asked).status_code == 302
    with tenant_context(world.tenant.pk):
        absence = Absence.objects.get()
    enter(client, world, Role.CSM)
    assert client.post(f"/people/absences/{absence.pk}/end/").status_code == 404


def test_a_manager_plans_and_starts_the_hand_over_of_a_book(client: Client, world: World) -> None:
    mine, ilse = maya(world), colleague(world, "Ilse Maas")
    enter(client, world, Role.CS_MANAGER)
    book = f"/people/{mine.pk}/book/"
    assert "Make a plan" in client.get(book).content.decode()
    today = world.tenant.today(clock.now()).isoformat()
    assert client.post(book, {"effective_on": today, "reason": "Moves on."}).status_code == 302
    assert "Opens when every account has a successor" in client.get(book).content.decode()
    with tenant_context(world.tenant.pk):
        line = HandoverLine.objects.get()
    refused = client.post(f"{book}start/")
    assert (refused.status_code, "1 account has no successor" in refused.content.decode()) == (409, True)
    kept = client.post(f"/people/book/lines/{line.pk}/", {"to_person": ilse.pk, "note": "Likes short calls"})
    assert kept.status_code == 302
    assert "Likes short calls" in client.get(book).content.decode()
    for taker, left in (("", 1), (ilse.pk, 0)):  # in the page only the sums are drawn anew: other lines keep their text
        kept = client.post(f"/people/book/lines/{line.pk}/", {"to_person": taker}, headers={"HX-Request": "true"})
        text = kept.content.decode()
        assert ("kept." in kept["HX-Trigger"], "Opens when every account has a successor" in text) == (True, bool(left))
        assert all(f'id="{part}"' in text for part in ("plan-left", "plan-sums", "plan-start", f"nobody-{line.pk}"))
    started = client.post(f"{book}start/")
    with tenant_context(world.tenant.pk):
        job = Job.objects.get(kind="journeys.hand_over_book")
        assert Account.objects.get(owner=mine).pk == line.account_id, "the worker does it"
    assert started["Location"] == f"/jobs/{job.pk}/"
    assert client.get("/people/books/").status_code == 200


def test_the_rest_is_spread_and_a_plan_is_dropped(client: Client, world: World) -> None:
    mine, ilse = maya(world), colleague(world, "Ilse Maas")
    enter(client, world, Role.REVOPS_ADMIN)
    book = f"/people/{mine.pk}/book/"
    client.post(book, {"effective_on": world.tenant.today(clock.now()).isoformat()})
    nobody = client.post(f"{book}spread/", {"people": "987654"})
    assert (nobody.status_code, "active people" in nobody.content.decode()) == (409, True)
    assert client.post(f"{book}spread/", {"people": [ilse.pk]}).status_code == 302
    with tenant_context(world.tenant.pk):
        assert HandoverLine.objects.get().to_person_id == ilse.pk
    assert "Ilse Maas, who takes the most accounts" in client.get(book).content.decode()
    assert client.post(f"{book}rest/", {"person": mine.pk}).status_code == 409
    assert client.post(f"{book}rest/", {"person": ilse.pk}).status_code == 302
    with tenant_context(world.tenant.pk):
        assert BookHandover.objects.get().moved == {"rest_to": ilse.pk}
    assert client.post(f"{book}drop/").status_code == 302
    with tenant_context(world.tenant.pk):
        assert BookHandover.objects.get().state == "dropped"
    assert client.post(f"{book}drop/").status_code == 404


def test_csms_do_not_enter_books(client: Client, world: World) -> None:
    enter(client, world, Role.CSM)
    assert client.get("/people/books/").status_code == 403
    assert client.get(f"/people/{maya(world).pk}/book/").status_code == 403
