"""My day: one row per account and reason, whose work is shown, what is done with many rows, and no dead ends."""

import re
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Activity, Person, Ticket
from core import audit, clock
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion
from core.tenancy import tenant_context
from journeys.actions.task_bulk import finish_many, undo_many
from journeys.actions.task_sweeps import wake_answered
from journeys.actions.task_verbs import finish_task
from journeys.models import Handoff, PlaybookRun, RunStep, Task
from revops.dashboards.queries.queue import ALL_LIMIT, Owners, queue, queue_counts
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def today_of(world: World) -> date:
    return world.tenant.today(clock.now())


def signed_in(world: World, role: Role = Role.CSM) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def make_task(world: World, title: str, **values: object) -> Task:
    given = {
        "account_id": world.ids["account_id"], "assignee_id": world.ids["person_id"], "due_on": today_of(world),
        "created_at": clock.now(), **values,
    }  # fmt: skip
    return Task.objects.create(tenant=world.tenant, title=title, **given)


def rows_of(world: World, owners: Owners, tab: str = "all") -> list[object]:
    return list(
        queue(owners=owners, role=Role.CSM, tab=tab, now=clock.now(), today=today_of(world), average_arr_minor=1)
    )


def ids_on(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'id="row-task-(\d+)"', page)]


@pytest.mark.capability("K4")
def test_several_alerts_of_an_account_are_one_row_and_count_once(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        alerts = [make_task(world, f"Look at {n}", kind="alert", due_on=today_of(world) + timedelta(days=n)).pk
                  for n in range(3)]  # fmt: skip
        rows = rows_of(world, Owners(None))
        counts = queue_counts(
            owners=Owners(None), role=Role.CSM, membership_id=0, today=today_of(world), midnight=clock.now()
        )
    assert [row.ids for row in rows] == [tuple(alerts)]
    assert (counts.tabs["alerts"], counts.tabs["all"]) == (1, 1)
    client = signed_in(world)
    assert "2 more alerts" in client.get("/").content.decode()
    done = client.post(reverse("dashboards:task_done", args=[alerts[0]]), {"also": f"{alerts[1]},{alerts[2]}"})
    assert "3 done." in done.content.decode()
    with tenant_context(world.tenant.pk):
        assert Task.objects.filter(state="done").count() == 3
    undo = re.search(r'hx-post="([^"]*undo/[^"]*)"', done.content.decode())
    assert undo is not None
    assert client.post(undo[1], headers={"HX-Request": "true", "HX-Target": "queue"}).status_code == 200
    with tenant_context(world.tenant.pk):
        assert Task.objects.filter(state="open").count() == 3


@pytest.mark.capability("K4")
def test_a_handoff_ranks_by_its_clock_and_is_answered_on_its_page_only(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        Handoff.objects.update(created_at=clock.now() - timedelta(hours=46), due_at=clock.now() + timedelta(hours=1))
        task = make_task(world, "Accept the hand-off", kind="handoff", subject_kind="handoff",
                         subject_id=world.ids["handoff_id"], due_on=today_of(world) + timedelta(days=3))  # fmt: skip
        (row,) = rows_of(world, Owners((world.ids["person_id"],)))
    assert (row.group, row.rank.parts[0].label, row.rank.parts[0].points) == ("now", "Hand-off clock", 40)
    client = signed_in(world)
    page = client.get("/?tab=handoffs").content.decode()
    assert reverse("journeys:handoff", args=[world.ids["handoff_id"]]) in page
    assert "Waiting 46" in page
    assert reverse("dashboards:task_done", args=[task.pk]) not in page
    assert client.post(reverse("dashboards:task_done", args=[task.pk])).status_code == 409


def test_a_step_of_a_play_names_its_playbook_and_leads_to_the_play(world: World) -> None:
    with tenant_context(world.tenant.pk):
        version = ProcessVersion.objects.order_by("pk").first()
        assert version is not None
        run = PlaybookRun.objects.create(
            account_id=world.ids["account_id"], playbook="renewal", version=version, trigger="manual", origin_key="x",
            anchor_on=today_of(world), started_on=today_of(world), started_at=clock.now(), started_by="test",
        )  # fmt: skip
        task = make_task(world, "Call the sponsor", kind="play", subject_kind="play", subject_id=run.pk,
                         process_version=version)  # fmt: skip
        for place in range(3):
            RunStep.objects.create(run=run, key=f"s{place}", title=f"Step {place}", position=place, state="open",
                                   task=task if place == 1 else None)  # fmt: skip
    page = signed_in(world).get("/?tab=plays").content.decode()
    assert f"{version.name}, step 2 of 3" in page
    assert reverse("journeys:play", args=[run.pk]) in page


def test_team_shows_what_the_team_and_nobody_has_and_a_book_only_its_own(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        other = Person.objects.create(
            name="Noor", name_key="noor", membership=world.members[Role.CS_MANAGER], tenant=world.tenant
        )
        seller = Person.objects.create(
            name="Sam", name_key="sam", membership=world.members[Role.SALES_REP], tenant=world.tenant
        )
        mine, others, nobodys, sold = (
            make_task(world, "T", assignee_id=pk).pk for pk in (world.ids["person_id"], other.pk, None, seller.pk)
        )
    client = signed_in(world)
    assert ids_on(client.get("/?scope=book").content.decode()) == [mine]
    assert sorted(ids_on(client.get("/?scope=team").content.decode())) == [mine, others, nobodys]
    assert sorted(ids_on(client.get("/?scope=everyone").content.decode())) == [mine, others, nobodys, sold]


@pytest.mark.capability("K5")
def test_selected_rows_are_done_snoozed_or_given_away_and_taken_back(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        ids = [make_task(world, f"T{n}").pk for n in range(3)]
        Person.objects.create(name="Noor", name_key="noor", tenant=world.tenant)
    client, bulk = signed_in(world), reverse("dashboards:tasks_bulk")
    given = {"task": [str(ids[0]), f"{ids[1]},{ids[2]}"]}
    until = (today_of(world) + timedelta(days=2)).isoformat()
    for act, gone in (
        ({"act": "done"}, 3),
        ({"act": "snooze", "until": until}, 3),
        ({"act": "assign", "person": "Noor"}, 3),
    ):
        answer = client.post(bulk, {**given, **act}).content.decode()
        assert (f"{gone} tasks" in answer, ids_on(answer)) == (True, [])
        undo = re.search(r'hx-post="([^"]*undo/[^"]*)"', answer)
        assert undo is not None
        assert sorted(ids_on(client.post(undo[1]).content.decode())) == ids
    assert client.post(bulk, {**given, "act": "assign", "person": "Nobody"}).status_code == 422
    assert client.post(bulk, {**given, "act": "snooze"}).status_code == 422
    assert client.post(bulk, {"task": "x", "act": "done"}).status_code == 409
    far = (today_of(world) + timedelta(days=30)).isoformat()
    assert client.post(bulk, {**given, "act": "snooze", "until": far}).status_code == 422


@pytest.mark.capability("K4")
@pytest.mark.parametrize("heard", ["ticket", "call", "note"])
def test_put_off_until_they_reply_it_returns_with_a_call_or_a_ticket(world: World, heard: str) -> None:
    actor = Actor.system("test")
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        task = make_task(world, "Wait for the order")
    client = signed_in(world)
    client.post(reverse("dashboards:task_snooze", args=[task.pk]), {"reply": "on"})
    assert "Until they reply" in client.get("/?tab=snoozed").content.decode()
    later = clock.now() + timedelta(minutes=1)
    with tenant_context(world.tenant.pk):
        assert wake_answered(actor=actor, now=later) == 0
        account = Account.objects.get(pk=world.ids["account_id"])
        if heard == "ticket":
            Ticket.objects.create(account=account, subject="Where is it", opened_at=later)
        else:
            Activity.objects.create(account=account, kind=heard, occurred_at=later, subject="About the order")
        back = 0 if heard == "note" else 1
        assert wake_answered(actor=actor, now=later) == back
        assert Task.objects.filter(snoozed_until=None).count() == back


def test_done_says_what_comes_next_for_the_account(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        first = make_task(world, "Log the call")
        make_task(world, "Send the recap", due_on=today_of(world) + timedelta(days=1))
    answer = signed_in(world).post(reverse("dashboards:task_done", args=[first.pk])).content.decode()
    assert "Done. Next: Send the recap, due" in answer


FIGURE = re.compile(r'<div class="figure">(.*?)</div>', re.DOTALL)


@pytest.mark.capability("R2")
@pytest.mark.parametrize("role", [Role.CSM, Role.REVOPS_ADMIN, Role.LEADER])
def test_every_figure_leads_to_its_meaning_its_rows_and_the_process_that_moves_it(world: World, role: Role) -> None:
    client = signed_in(world, role)
    tiles = [
        (page, tile)
        for page in ("/?scope=everyone", "/trend/")
        for tile in FIGURE.findall(client.get(page).content.decode())
    ]
    assert len(tiles) == 5 + 6
    for page, tile in tiles:
        acts = re.findall(r'data-act href="([^"]+)"', tile)
        links = [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', tile)]
        assert acts, f"A figure of {page} leads to no process: {tile}"
        dead = [one for one in links if client.get(one, follow=True).status_code != 200]
        assert dead == [], f"A figure of {page} leads nowhere."


@pytest.mark.capability("R3")
@pytest.mark.parametrize("kind", ["alert", "escalation", "renewal", "qbr", "handoff", "play"])
def test_any_automatic_task_is_at_most_three_clicks_from_its_source_rows(world: World, kind: str) -> None:
    subject = {**world.ids, "todo_id": 0}
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        if kind == "play":
            subject["play_id"] = subject.get("play_id") or PlaybookRun.objects.create(
                account_id=world.ids["account_id"], playbook="x", version_id=world.ids["version_id"], trigger="date",
                origin_key="y", anchor_on=today_of(world), started_on=today_of(world), started_at=clock.now(),
                started_by="test",
            ).pk  # fmt: skip
        task = make_task(
            world, "Made by a rule", kind=kind, subject_kind=kind, subject_id=subject[f"{kind}_id"],
            origin_key=f"t:{kind}", process_version_id=world.ids["version_id"],
        )  # fmt: skip
    client = signed_in(world)
    # First click: the row, whose panel opens. Second: "why". Third, where a row stands for more: the rows behind it.
    panel = client.get(reverse("dashboards:day_task", args=[task.pk])).content.decode()
    why = reverse("dashboards:task_why", args=[task.pk])
    assert why in panel
    page = client.get(why).content.decode()
    assert "data-source-row" in page
    rows = re.findall(r"data-source-row>.*?</li>", page, re.DOTALL)
    for link in re.findall(r'href="([^"]+)"', "".join(rows)):
        assert client.get(link).status_code == 200


def test_why_of_a_strangers_task_is_not_there(world: World) -> None:
    assert signed_in(world).get(reverse("dashboards:task_why", args=[10**9])).status_code == 404


def test_done_today_counts_every_way_of_finishing(world: World) -> None:
    actor = Actor.person(world.members[Role.CSM])
    now, today = clock.now(), today_of(world)
    with tenant_context(world.tenant.pk):
        ids = [make_task(world, f"Call {n}").pk for n in range(6)]
        finish_task(task_id=ids[0], actor=actor, now=now)
        finish_many(task_ids=ids[1:4], actor=actor, today=today, now=now)
        back = finish_many(task_ids=ids[4:], actor=actor, today=today, now=now)
        assert back.token is not None
        undo_many(token=back.token, actor=actor, today=today, now=now)
        for verb in ("finished step", "accepted hand-off", "sent hand-off back"):
            audit.record(actor=actor, at=now, verb=verb)
        counts = queue_counts(
            owners=Owners(None), role=Role.CSM, membership_id=world.members[Role.CSM].pk, today=today,
            midnight=now - timedelta(hours=1),
        )  # fmt: skip
    assert counts.done_today == 6


def test_the_queue_says_when_a_kind_has_more_than_stands_there(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Task.objects.all().delete()
        for n in range(ALL_LIMIT):
            make_task(world, f"Call {n}")
    said = f"Of each kind the {ALL_LIMIT} that are due first stand here."
    assert said not in signed_in(world).get("/?scope=everyone").content.decode()
    with tenant_context(world.tenant.pk):
        make_task(world, "One more")
    cache.clear()
    assert said in signed_in(world).get("/?scope=everyone").content.decode()
    assert "that are due first stand here" not in signed_in(world).get("/?scope=everyone&tab=tasks").content.decode()
