"""Journeys as documents: what is refused, with the place and the remedy."""

from copy import deepcopy
from typing import Any

import pytest

from journeys.rules.default_journeys import CONTACTS_JOURNEY, DEFAULT_JOURNEY
from journeys.rules.journeys import design_gaps, parse_journey

HUBSPOT = (
    "Subscriber", "Lead", "Marketing Qualified Lead", "Sales Qualified Lead", "Opportunity", "Customer", "Evangelist",
    "Other",
)  # fmt: skip


@pytest.mark.capability("J1", "J3", "N1")
def test_the_standard_journey_is_complete_from_awareness_to_advocacy() -> None:
    spec = parse_journey(DEFAULT_JOURNEY)
    assert [stage.key for stage in spec.stages] == [
        "awareness", "consideration", "decision", "onboarding", "adoption", "renewal", "expansion", "advocacy",
    ]  # fmt: skip
    assert design_gaps(spec) == []
    assert [one.name for one in spec.handoffs] == ["Marketing to Sales", "Sales to CS", "Onboarding to CSM"]


@pytest.mark.capability("J5")
@pytest.mark.parametrize("document", [DEFAULT_JOURNEY, CONTACTS_JOURNEY])
def test_all_eight_values_of_hubspot_are_known(document: dict[str, Any]) -> None:
    known = parse_journey(document).hubspot_stages()
    for value in HUBSPOT:
        assert value.replace(" ", "").lower() in known


def test_people_walk_hubspots_own_stages() -> None:
    known = parse_journey(CONTACTS_JOURNEY).hubspot_stages()
    assert [known[value.replace(" ", "").lower()] for value in HUBSPOT] == [
        "subscriber", "lead", "marketing_qualified_lead", "sales_qualified_lead", "opportunity", "customer",
        "evangelist", "other",
    ]  # fmt: skip


def test_a_move_is_forward_when_it_goes_onward_or_along_a_loop() -> None:
    spec = parse_journey(DEFAULT_JOURNEY)
    assert spec.is_forward("decision", "onboarding")
    assert spec.is_forward("renewal", "adoption")
    assert not spec.is_forward("onboarding", "decision")
    assert not spec.is_forward("adoption", "onboarding")


def test_first_value_is_of_the_segment_else_of_all() -> None:
    value = parse_journey(DEFAULT_JOURNEY).first_value
    assert value.clock == "close"
    enterprise, others = value.event_for("enterprise"), value.event_for("small")
    assert enterprise is not None
    assert others is not None
    assert enterprise.name != others.name


def test_a_stage_says_what_its_design_lacks() -> None:
    spec = parse_journey({"stages": [{"key": "a", "name": "A", "owner_team": "Sales"}]})
    assert [(stage.key, gaps) for stage, gaps in design_gaps(spec)] == [
        ("a", ("touchpoint", "exit criterion", "success definition"))
    ]


def test_documents_of_before_stay_valid() -> None:
    spec = parse_journey({"stages": [{"key": "a", "name": "A", "owner_team": "", "success": "", "expected_days": 3}]})
    assert spec.stages[0].expected_days == 3


def _stage(**more: Any) -> dict[str, Any]:
    return {"stages": [{"key": "a", "name": "A"}, {"key": "b", "name": "B", **more}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"stages": []}, "stages: give a list"),
        ({"stages": [{"key": "a"}]}, r"stages\[0\]\.name: a text"),
        ({"stages": [{"key": "a", "name": "A"}] * 2}, r"stages\[1\]\.key: the key 'a' stands twice"),
        (_stage(owner="x"), r"stages\[1\]\.owner: this field is unknown\. Did you mean owner_team\?"),
        (_stage(expected_days=0), r"stages\[1\]\.expected_days: a whole number from 1"),
        (_stage(back_to=["c"]), r"stages\[1\]\.back_to\[0\]: 'c' is no earlier stage"),
        (_stage(back_to=["b"]), r"stages\[1\]\.back_to\[0\]: 'b' is no earlier stage"),
        (_stage(touchpoints="Call"), r"stages\[1\]\.touchpoints: give a list"),
        (_stage(checkpoints=[{"key": "x", "name": "X"}]), r"stages\[1\]\.checkpoints\[0\]\.after_days"),
        (_stage(exit=[{"key": "x", "name": "X"}]), r"stages\[1\]\.exit\[0\]"),
        (_stage() | {"first_value": {"clock": "someday"}}, "first_value.clock: 'someday' is unknown"),
        (_stage() | {"first_value": {"events": [{"name": "x"}]}}, r"first_value\.events\[0\]: give either"),
        (_stage() | {"stuck_after": "never"}, "stuck_after: 'never' is unknown; one of peers, expected"),
        (_stage() | {"handoffs": [{"key": "h"}]}, r"handoffs\[0\]"),
        (_stage(hubspot=["Lead"]) | {"hubspot_kept": ["lead"]}, r"stages\[1\]\.hubspot: 'Lead' stands at hubspot_kept"),
    ],
)
def test_a_wrong_document_says_where_and_what_would_be_right(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_journey(deepcopy(document))
