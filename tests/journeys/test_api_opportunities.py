"""Opportunities for programs: made, changed, qualified; the same gates."""

import pytest

from core.choices import Role
from core.tenancy import tenant_context
from journeys.models import Opportunity, OpportunityStageVisit
from tests.factories.api import Program, make_key
from tests.factories.world import World, make_world
from tests.journeys.test_opportunities import with_gates

pytestmark = pytest.mark.django_db
ALL = "/api/v1/opportunities/"


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def program(world: World) -> Program:
    return make_key(world.tenant)[1]


def test_a_deal_is_made_changed_qualified_and_read(world: World, program: Program) -> None:
    body = {"name": "Store operations", "account": world.ids["account_id"], "amount_minor": 196_000_00,
            "external_id": "006A", "kind": "expansion"}  # fmt: skip
    made = program.send("post", ALL, body)
    assert made.status_code == 201, made.content
    deal = made.json()
    assert (deal["stage"]["key"], deal["pipeline"], deal["amount_minor"]) == ("discovery", "sales", 196_000_00)
    one = f"{ALL}{deal['id']}/"
    assert made.headers["Location"] == one
    assert program.send("put", one, {"about": "14 sites"}).json()["about"] == "14 sites"
    given = program.send("post", f"{one}answers/", {"framework": "meddic", "question": "pain", "value": "Slow"})
    assert (given.status_code, given.json()["is_complete"]) == (200, True)
    wrong = program.send("post", f"{one}answers/", {"framework": "meddic", "question": "pain", "value": 4})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "bad_answer")
    assert program.send("get", f"{one}answers/").json()["results"][0]["question"] == "pain"
    found = program.send("get", f"{ALL}?external_id=006A").json()["results"]
    assert [row["id"] for row in found] == [deal["id"]]
    with tenant_context(world.tenant.pk):
        assert OpportunityStageVisit.objects.filter(opportunity_id=deal["id"]).count() == 1
    again = program.send("post", ALL, body)
    assert (again.status_code, again.json()["error"]["code"]) == (422, "refused")


def test_a_change_with_an_older_edition_changes_nothing(world: World, program: Program) -> None:
    deal = program.send("post", ALL, {"name": "Store operations"}).json()
    one, seen = f"{ALL}{deal['id']}/", deal["edition"]
    assert program.send("put", one, {"about": "14 sites", "edition": seen}).json()["edition"] == seen + 1
    late = program.send("put", one, {"about": "15 sites", "edition": seen})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "changed_meanwhile")
    assert program.send("get", one).json()["about"] == "14 sites"
    many = program.send("post", f"{ALL}moves/", {"pipeline": "sales", "stage": "demo", "opportunities": [deal["id"]],
                                                 "edition": seen})  # fmt: skip
    assert (many.status_code, many.json()["error"]["code"]) == (400, "unknown_field")


def test_a_new_deal_in_a_later_stage_meets_the_gates(world: World, program: Program) -> None:
    with_gates(world)
    refused = program.send("post", ALL, {"name": "Jump", "stage": "demo"})
    assert refused.status_code == 409
    assert refused.json()["error"]["fields"]["missing"] == ["Pain named", "Economic buyer"]
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.filter(name="Jump").count() == 0


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "X", "owner": 10**9}, 400, "owner"),
        ({"name": "X", "pipeline": "nope"}, 422, "pipeline"),
        ({"name": "X", "stage": "nope"}, 422, "stage"),
        ({"about": "no name"}, 400, "name"),
    ],
)
def test_what_cannot_be_names_its_field(program: Program, body: dict[str, object], status: int, field: str) -> None:
    answer = program.send("post", ALL, body)
    assert answer.status_code == status
    assert list(answer.json()["error"]["fields"]) == [field]


def test_amounts_are_null_for_roles_that_see_no_money(world: World) -> None:
    support = make_key(world.tenant, role=Role.SUPPORT_AGENT)[1]
    assert support.send("get", ALL).status_code == 403
