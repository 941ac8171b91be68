"""A hand-off that nobody in particular is to take over: the team hears of it, and it stands in their own day."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Person
from core import clock
from core.actors import Actor
from core.choices import Role
from core.models import Notification
from core.tenancy import tenant_context
from journeys.actions.handoffs import open_handoff, sweep_handoffs
from journeys.actions.handoffs.telling import MANY, tell_of_new
from journeys.models import Handoff
from journeys.queries.handoffs import live_handoffs
from tests.factories.world import World, make_world

ACTOR = Actor.system("test")


@pytest.fixture
def world(db: None) -> World:
    made = make_world("kestrel", canary="KESTREL")
    with tenant_context(made.tenant.pk):
        Handoff.objects.update(state="cancelled")
        Notification.objects.all().delete()
    return made


def today_of(world: World) -> date:
    return world.tenant.today(clock.now())


def opened(world: World, name: str, to: int | None = None) -> Handoff:
    account = Account.objects.create(name=name, name_key=name.lower())
    return open_handoff(account_id=account.pk, key="sales_to_cs", actor=ACTOR, from_person_id=None, to_person_id=to,
                        today=today_of(world), now=clock.now())  # fmt: skip


def told() -> list[tuple[str, str]]:
    rows = Notification.objects.order_by("pk", "membership__role").values_list("membership__role", "text")
    return sorted(rows)


def test_the_team_is_told_when_it_comes_and_once_when_it_is_late(world: World) -> None:
    now, team = clock.now(), ("cs_director", "cs_manager", "csm")
    with tenant_context(world.tenant.pk):
        opened(world, "Taken", Person.objects.get(membership=world.members[Role.CSM]).pk)
        assert told() == []
        handoff = opened(world, "Dunmore")
        words = "Sales to CS waits for somebody of Customer success: Dunmore"
        assert told() == [(role, words) for role in team]
        assert Notification.objects.first().url == reverse("journeys:handoff", args=[handoff.pk])  # type: ignore[union-attr]  # -- there is one
        Notification.objects.all().delete()
        for later in (timedelta(hours=1), timedelta(days=10), timedelta(days=10)):
            Handoff.objects.filter(pk=handoff.pk).update(due_at=now + timedelta(days=10) - timedelta(minutes=1))
            sweep_handoffs(actor=ACTOR, today=today_of(world), now=now + later)
        late = "Sales to CS is late, and nobody of Customer success has it: Dunmore"
        assert told() == [(role, late) for role in team]


def test_many_at_once_are_one_notice(world: World) -> None:
    with tenant_context(world.tenant.pk):
        ids = [opened(world, f"A{n}").pk for n in range(MANY + 1)]
        Notification.objects.all().delete()
        live = live_handoffs()
        assert live is not None
        spec = next(one for one in live.specs if one.key == "sales_to_cs")
        tell_of_new(live, spec, ids, now=clock.now())
        assert {text for _, text in told()} == {"11 × Sales to CS waits for somebody of Customer success"}
        assert Notification.objects.count() == 3


def test_it_stands_in_the_own_day_of_the_team_and_of_nobody_else(world: World) -> None:
    with tenant_context(world.tenant.pk):
        opened(world, "Dunmore")
    seen = {}
    for role in (Role.CSM, Role.SALES_REP):
        cache.clear()
        client = Client()
        client.force_login(world.members[role].user)
        page = client.get("/?scope=book&tab=handoffs").content.decode()
        seen[role] = "Dunmore" in page
    assert seen == {Role.CSM: True, Role.SALES_REP: False}
