"""Which roles belong to the teams that a journey names, and what a team of nobody meets."""

from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from core import versioning
from core.actors import Actor
from core.choices import Role
from core.models import Tenant
from journeys.queries.handoffs import keys_of_team
from journeys.queries.journey_words import journey_effects, publish_check
from journeys.rules.default_journeys import DEFAULT_JOURNEY
from journeys.rules.handoffs import handoff_document, handoffs_of
from journeys.rules.journeys import parse_journey, unknown_teams
from journeys.rules.teams import ROLES


def named(to_team: str, **more: Any) -> dict[str, Any]:
    """The default journey with another taker of what Sales hands over."""
    document = deepcopy(dict(DEFAULT_JOURNEY))
    document["handoffs"] = [handoff_document(one) for one in handoffs_of(document)]
    document["handoffs"][1]["to_team"] = to_team
    return {**document, **more}


def takers(document: dict[str, Any]) -> set[str]:
    return {role for role in ROLES if parse_journey(document).handoffs[1].is_taken_by(role)}


def test_every_role_is_known_and_the_defaults_need_no_explanation() -> None:
    assert set(ROLES) == set(Role.values)
    assert unknown_teams(parse_journey(DEFAULT_JOURNEY)) == []
    assert takers(named(" customer SUCCESS ")) == {"csm", "cs_manager", "cs_director", "revops_admin", "leader"}


def test_a_team_is_who_the_journey_says_it_is() -> None:
    teams = [{"name": "Implementation", "roles": ["support_agent", "csm"]}, {"name": "Sales", "roles": ["csm"]}]
    document = named("implementation", teams=teams)
    assert takers(document) == {"support_agent", "csm", "revops_admin", "leader"}
    assert parse_journey(document).handoffs[1].is_given_by("sales_rep") is False
    assert unknown_teams(parse_journey(document)) == []


@pytest.mark.parametrize(
    ("teams", "problem"),
    [
        ("Sales", "teams: give a list"),
        (["Sales"], r"teams\[0\]: a block with name and roles"),
        ([{"name": "", "roles": ["csm"]}], r"teams\[0\]\.name: a text"),
        ([{"name": "A", "roles": []}], r"teams\[0\]\.roles: give at least one of csm"),
        ([{"name": "A", "roles": ["boss"]}], r"teams\[0\]\.roles\[0\]: 'boss' is no role; one of csm"),
        ([{"name": "A", "roles": ["csm"]}, {"name": "a", "roles": ["csm"]}], r"teams\[1\]\.name: 'a' stands twice"),
    ],
)
def test_a_team_that_says_nothing_is_refused_with_the_remedy(teams: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_journey(named("Sales", teams=teams))


def test_a_stage_of_a_team_of_nobody_is_a_gap_of_the_design() -> None:
    document = named("Sales")
    document["stages"][0]["owner_team"] = "Growth"
    assert parse_journey(document).stages[0].gaps == ("role in its team",)
    document["teams"] = [{"name": "Growth", "roles": ["leader"]}]
    assert parse_journey(document).stages[0].gaps == ()


def test_a_hand_off_to_a_team_of_nobody_is_drafted_and_read_but_not_published(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    def drafted(document: dict[str, Any]) -> Any:
        return versioning.draft(kind="journey", key="standard", name="J", definition=document, actor=actor, now=now)

    unknown = named("Vertrieb")
    unknown["stages"][0]["owner_team"] = "Growth"
    version = drafted(unknown)
    with pytest.raises(versioning.PublishRefused) as refused:
        versioning.publish(version=version, actor=actor, now=now, reason="r")
    assert str(refused.value) == (
        "handoffs[1].to_team: no role belongs to the team 'Vertrieb', so nobody of it could answer. Write one of "
        "Marketing, Sales, Customer success, CS, CSM, Onboarding, Support, Executives, Leadership, or say who it is: "
        "`teams: [{name: Vertrieb, roles: [sales_rep]}]`."
    )
    assert journey_effects("standard", unknown, now.date()) == [
        "Stage Awareness: no role belongs to its team 'Growth'. Say who it is under `teams`."
    ]
    said = drafted({**unknown, "teams": [{"name": "Vertrieb", "roles": ["support_agent"]}]})
    publish_check(said.definition)
    versioning.publish(version=said, actor=actor, now=now, reason="r")
    assert keys_of_team("support_agent") == {"sales_to_cs"}
