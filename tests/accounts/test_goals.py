"""Goals have a measure, or they are none: on the page and in the API."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions.goals import GoalRefused, record_goal
from accounts.models import Account, Goal
from core.actors import Actor
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from tests.factories.api import make_key
from tests.factories.world import World, make_world

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.mark.capability("N20")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"unit": " "}, "unit"),
        ({"target": None}, "target"),
        ({"target": float("nan")}, "target"),
        ({"metric": ""}, "metric"),
        ({"baseline": float("inf")}, "baseline"),
        ({"baseline": 30.0}, "target"),
    ],
)
def test_a_wish_without_a_figure_is_no_goal(
    in_kestrel: Tenant, actor: Actor, changed: dict[str, object], field: str
) -> None:
    account = Account.objects.create(name="Corvid", name_key="corvid")
    given = {"metric": "Time to dispatch", "unit": "min", "target": 30.0, "baseline": 41.0, **changed}
    with pytest.raises(GoalRefused) as refusal:
        record_goal(account_id=account.pk, actor=actor, now=NOW, **given)
    assert (refusal.value.field, Goal.objects.count()) == (field, 0)


@pytest.mark.capability("N20")
def test_on_the_page_a_goal_needs_unit_and_target(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    url = reverse("accounts:goal_new", args=[world.ids["account_id"]])
    assert client.get(url).status_code == 200
    refused = client.post(url, {"metric": "Time to dispatch", "baseline": "41"})
    assert (refused.status_code, refused.content.decode().count("This field is required")) == (422, 2)
    given = {"metric": "Time to dispatch", "unit": "min", "baseline": "41", "target": "30", "target_on": "2026-09-30",
             "source": "Kick-off, E. Brandt"}  # fmt: skip
    assert client.post(url, given).status_code == 302
    with tenant_context(world.tenant.pk):
        goal = Goal.objects.get()
    assert (goal.title, goal.unit, goal.baseline, goal.target, goal.target_on, goal.source) == (
        "Time to dispatch", "min", 41.0, 30.0, date(2026, 9, 30), "Kick-off, E. Brandt",
    )  # fmt: skip
    page = client.get(reverse("dashboards:account", args=[world.ids["account_id"]])).content.decode()
    assert "Time to dispatch" in page


@pytest.mark.capability("N20")
def test_the_api_refuses_a_goal_without_unit_or_target(world: World) -> None:
    _, program = make_key(world.tenant, Role.CSM)
    url = reverse("accounts:api_goals", args=[world.ids["account_id"]])
    bare = program.send("post", url, {"metric": "Time to dispatch"})
    assert (bare.status_code, sorted(bare.json()["error"]["fields"])) == (400, ["target", "unit"])
    same = program.send("post", url, {"metric": "Time", "unit": "min", "target": 41, "baseline": 41})
    assert (same.status_code, list(same.json()["error"]["fields"])) == (422, ["target"])
    assert program.send("post", url, {"metric": "Time", "unit": "min", "target": 30}).status_code == 201
    assert [one["target"] for one in program.get(url).json()["results"]] == [30.0]


def test_goals_of_a_stranger_are_not_there(world: World) -> None:
    _, program = make_key(world.tenant, Role.CSM)
    url = reverse("accounts:api_goals", args=[10**6])
    assert program.get(url).status_code == 404
    assert program.send("post", url, {"metric": "Time", "unit": "min", "target": 30}).status_code == 404
