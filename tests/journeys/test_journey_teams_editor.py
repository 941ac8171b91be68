"""Hand-offs and teams in the editor of a journey: the same draft as the stages, refusals at their fields."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion
from core.shapes import BadFields
from core.tenancy import tenant_context
from journeys.actions.handoffs import open_handoff
from journeys.rules.default_journeys import DEFAULT_JOURNEY
from journeys.rules.handoff_editing import handoffs_in
from journeys.rules.handoffs import handoff_document, handoffs_of
from journeys.rules.journey_editing import acted, edited
from journeys.rules.journeys import parse_journey
from tests.factories.world import NOW, World, make_world

PAGE, SAVE, LIVE = (f"journeys:journey_{act}" for act in ("edit", "save", "publish"))


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def admin(world: World) -> Client:
    client = Client()
    client.force_login(world.members[Role.REVOPS_ADMIN].user)
    return client


def save(client: Client, act: str = "keep", **fields: str) -> Any:
    return client.post(reverse(SAVE, args=["standard"]), {"act": act, **fields})


def shown(client: Client) -> str:
    return client.get(reverse(PAGE, args=["standard"])).content.decode()


def document(world: World, state: str = "draft") -> dict[str, Any]:
    with tenant_context(world.tenant.pk):
        found: dict[str, Any] = ProcessVersion.objects.get(kind="journey", key="standard", state=state).definition
        return found


def handoff(world: World, key: str = "sales_to_cs", state: str = "draft") -> dict[str, Any]:
    return next(one for one in document(world, state)["handoffs"] if one["key"] == key)


BASE = "handoffs.sales_to_cs"


def test_a_hand_off_is_edited_in_the_draft_and_told_in_the_words_of_the_work(world: World, admin: Client) -> None:
    with tenant_context(world.tenant.pk):
        account = Account.objects.create(name="Waiting", name_key="waiting")
        open_handoff(account_id=account.pk, key="sales_to_cs", from_person_id=None, to_person_id=None,
                     actor=Actor.system("test"), today=NOW.date(), now=NOW)  # fmt: skip
    fields = {
        f"{BASE}.shown": "yes", f"{BASE}.needs_expectation": "yes", f"{BASE}.accept_within_hours": "24",
        f"{BASE}.to_team": "Onboarding", f"{BASE}.checklist.scope": "What was sold",
    }  # fmt: skip
    assert save(admin, **fields).status_code == 302
    changed = handoff(world)
    assert (changed["accept_within_hours"], changed["to_team"], changed.get("on_won")) == (24, "Onboarding", None)
    assert (changed["checklist"][0], len(changed["checklist"])) == ({"key": "scope", "name": "What was sold"}, 4)
    text = shown(admin)
    for words in ("time to answer", "48 hours", "24 hours", "Sales to Onboarding", "opens with a won deal"):
        assert words in text
    assert re.search(r"Hand-off Sales to CS changes: \d+ under way keeps? what was asked when it was opened\.", text)
    assert admin.post(reverse(LIVE, args=["standard"]), {"reason": "Faster"}).status_code == 302
    assert handoff(world, state="published")["accept_within_hours"] == 24


def test_items_hand_offs_and_teams_come_and_go(world: World, admin: Client) -> None:
    to = save(admin, "item:sales_to_cs", **{f"{BASE}.item": "Price agreed"})["Location"]
    assert to.endswith("#handoff-sales_to_cs")
    assert handoff(world)["checklist"][-1] == {"key": "price_agreed", "name": "Price agreed"}
    save(admin, "unitem:sales_to_cs:price_agreed")
    assert [one["key"] for one in handoff(world)["checklist"]] == ["scope", "people", "promises", "kick_off"]
    save(admin, "team", **{"team.name": "Field", "team.role.sales_rep": "yes", "team.role.csm": "yes"})
    assert document(world)["teams"] == [{"name": "Field", "roles": ["csm", "sales_rep"]}]
    new = {"name": "Renewals", "from_stage": "adoption", "to_stage": "renewal", "from_team": "CSM", "to_team": "Field"}
    save(admin, "handoff", **{f"handoff.{name}": text for name, text in new.items()})
    assert handoff(world, "renewals") == {"key": "renewals", **new}
    save(admin, "unhand:marketing_to_sales")
    assert [one["key"] for one in document(world)["handoffs"]] == ["sales_to_cs", "onboarding_to_csm", "renewals"]
    save(admin, **{"teams.0.was": "Field", "teams.0.name": "Field sales", "teams.0.role.sales_rep": "yes"})
    assert document(world)["teams"] == [{"name": "Field sales", "roles": ["sales_rep"]}]
    assert handoff(world, "renewals")["to_team"] == "Field sales"
    text = shown(admin)
    assert "roles of team Field sales" in text
    assert "Sales rep" in text
    save(admin, "unteam:0")
    assert "teams" not in document(world)
    assert "Field sales: No role belongs to this team." in shown(admin)
    refused = admin.post(reverse(LIVE, args=["standard"]), {"reason": "x"})
    assert (refused.status_code, "no role belongs to the team" in refused.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("act", "fields", "field", "words"),
    [
        ("keep", {f"{BASE}.accept_within_hours": "soon"}, f"{BASE}.accept_within_hours", "hours from 1 to 1,440"),
        ("keep", {f"{BASE}.accept_within_hours": "0"}, f"{BASE}.accept_within_hours", "hours from 1 to 1,440"),
        ("keep", {f"{BASE}.name": " "}, f"{BASE}.name", "a hand-off needs one"),
        ("keep", {f"{BASE}.from_team": ""}, f"{BASE}.from_team", "say which team hands over"),
        ("keep", {f"{BASE}.to_stage": "moon"}, f"{BASE}.to_stage", "choose one of the journey"),
        ("keep", {f"{BASE}.checklist.scope": ""}, f"{BASE}.checklist.scope", "Remove it with its cross"),
        ("item:sales_to_cs", {f"{BASE}.item": ""}, f"{BASE}.item", "Say what must be there"),
        ("handoff", {"handoff.name": "Mine"}, "handoff.to_team", "say which team takes over"),
        ("team", {"team.name": "Field"}, "team.roles", "choose at least one"),
        ("team", {"team.role.csm": "yes"}, "team.name", "give the new one a name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    world: World, admin: Client, act: str, fields: dict[str, str], field: str, words: str
) -> None:
    refused = save(admin, act, **fields, **{"handoffs.marketing_to_sales.name": "Kept as typed"})
    text = refused.content.decode()
    assert refused.status_code == 422
    assert words in text
    assert f'id="{field}-error"' in text
    assert "Kept as typed" in text
    with tenant_context(world.tenant.pk):
        assert not ProcessVersion.objects.filter(kind="journey", key="standard", state="draft").exists()


def test_teams_that_changed_meanwhile_are_not_overwritten(world: World, admin: Client) -> None:
    save(admin, "team", **{"team.name": "Field", "team.role.csm": "yes"})
    refused = save(admin, **{"teams.0.was": "Inside", "teams.0.name": "Inside", "teams.0.role.csm": "yes"})
    assert (refused.status_code, "Load it again" in refused.content.decode()) == (422, True)
    twice = save(admin, "team", **{"team.name": "field ", "team.role.csm": "yes"})
    assert "stands twice" in twice.content.decode()


def test_the_journey_of_contacts_has_teams_and_no_hand_offs(world: World, admin: Client) -> None:
    text = admin.get(reverse(PAGE, args=["contacts"])).content.decode()
    assert ('id="teams"' in text, 'id="handoffs"' in text) == (True, False)


def test_whoever_may_not_configure_sees_it_and_changes_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    text = shown(client)
    assert ("Checklist" in text, "Add hand-off" in text, "Add team" in text) == (True, False, False)
    assert save(client, "unhand:sales_to_cs").status_code == 403


def plain() -> dict[str, Any]:
    return {name: value for name, value in DEFAULT_JOURNEY.items() if name != "handoffs"}


def test_the_usual_hand_offs_stand_in_the_document_from_their_first_change_on() -> None:
    same = {
        f"handoffs.{one.key}.{name}": str(value)
        for one in handoffs_of(plain())
        for name, value in handoff_document(one).items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    assert "handoffs" not in edited(plain(), same)
    changed = edited(plain(), {f"{BASE}.accept_within_hours": "12"})
    assert [one["key"] for one in changed["handoffs"]] == ["marketing_to_sales", "sales_to_cs", "onboarding_to_csm"]
    assert "handoffs" in acted(plain(), "unhand", ["sales_to_cs"], {}, currency="EUR")


FIELDS = st.sampled_from(
    ["name", "from_stage", "to_stage", "from_team", "to_team", "accept_within_hours", "shown", "on_won",
     "needs_expectation", "checklist.scope", "item"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["awareness", "renewal", "Sales", "24", "0", "١٢", "²", "99999"]),
)
ACTS = st.sampled_from(["keep", "item:sales_to_cs", "unitem:sales_to_cs:scope", "unhand:sales_to_cs", "handoff", "team",
                        "unteam:0", "unteam:²", "item:nothing"])  # fmt: skip


@given(
    first=st.dictionaries(FIELDS, TEXTS, max_size=6),
    new=st.dictionaries(st.sampled_from(["name", "from_stage", "to_stage", "from_team", "to_team"]), TEXTS),
    team=st.dictionaries(st.sampled_from(["name", "role.csm", "role.nobody"]), TEXTS),
    act=ACTS,
)
def test_whatever_is_typed_the_document_stays_a_journey_or_every_problem_has_a_field(
    first: dict[str, str], new: dict[str, str], team: dict[str, str], act: str
) -> None:
    fields = {f"{BASE}.{name}": text for name, text in first.items()}
    fields |= {f"handoff.{name}": text for name, text in new.items()} | {f"team.{n}": text for n, text in team.items()}
    verb, *arguments = act.split(":")
    begun = {**DEFAULT_JOURNEY, "teams": [{"name": "Field", "roles": ["csm"]}]}
    try:
        made = acted(edited(begun, fields), verb, arguments, fields, currency="EUR")
    except BadFields as bad:
        said, made = bad.problems, begun
    else:
        said = {"": "nothing is wrong"}
    assert said
    assert all(said.values())
    spec = parse_journey(made)
    assert len({one.key for one in spec.handoffs}) == len(handoffs_in(made))
