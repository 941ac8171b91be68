"""A stage that goes takes no deal past a gate, and leaves no stay without a word of where it was."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.choices import Role
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from core.versioning import PublishRefused, rollback
from journeys.actions.moves import move_opportunity
from journeys.models import Opportunity, OpportunityStageVisit
from journeys.queries.words import pipeline_effects
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, NOW, SHOWN, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    return gates.workspace("reassigning")


def without(gone: str, to: str, **criteria: Any) -> dict[str, Any]:
    found = gates.gated(**criteria)
    found["stages"] = [stage for stage in found["stages"] if stage["key"] != gone]
    return {**found, "reassign": {gone: to}}


def move(deal: Opportunity, to: str, reason: str = "") -> None:
    move_opportunity(
        opportunity_id=deal.pk, stage_id=gates.stage(to).pk, actor=ACTOR, today=TODAY, now=NOW, reason=reason
    )


@pytest.mark.capability("J6")
def test_a_stage_that_goes_takes_no_deal_past_the_gates_behind_it(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
        empty, filled = gates.deal(external_id="a"), gates.deal(external_id="b", amount_minor=5)
        far = without("discovery", "negotiation", proposal={"entry": [SHOWN]})
        words = (
            "reassign.discovery: 2 of 2 deals go from Discovery to Negotiation without: The amount is known (1), "
            "They saw the demo (2). Choose demo, which stood beside it, or move these deals first."
        )
        assert pipeline_effects("sales", far, TODAY)[-1] == words
        with pytest.raises(ValueError, match="without: The amount is known") as refusal:
            gates.publish(far)
        assert str(refusal.value) == words
        empty.refresh_from_db()
        assert (empty.stage.key, ProcessVersion.objects.get(kind="pipeline", state="published").number) == (
            "discovery", 2,
        )  # fmt: skip
        near = without("discovery", "demo", proposal={"entry": [SHOWN]})
        assert pipeline_effects("sales", near, TODAY)[2:] == [
            "1 of 2 deals goes from Discovery to Demo without: The amount is known (1)."
        ]
        gates.publish(near)
        assert set(Opportunity.objects.values_list("stage__key", flat=True)) == {"demo"}
        assert filled.pk != empty.pk


def test_deals_that_meet_all_go_as_far_as_they_may_and_back_goes_anybody(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}, demo={"entry": [AMOUNT | {"key": "again"}]}))
        deal = gates.deal(amount_minor=5)
        gates.publish(without("discovery", "negotiation", demo={"entry": [AMOUNT | {"key": "again"}]}))
        gates.deal("Empty", at="negotiation", external_id="e")
        back = without("negotiation", "demo", demo={"entry": [AMOUNT]})
        back["stages"] = [stage for stage in back["stages"] if stage["key"] != "discovery"]
        gates.publish(back)
        deal.refresh_from_db()
        assert deal.stage.key == "demo"
        assert Opportunity.objects.filter(stage__key="demo").count() == 2


def test_every_stay_says_where_it_was_whatever_it_said_before(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        deal = gates.deal(amount_minor=5)
        for to, reason in (("demo", ""), ("proposal", ""), ("demo", "New buyer"), ("proposal", "")):
            move(deal, to, reason)
        gates.publish(without("demo", "discovery"))
        stays = OpportunityStageVisit.objects.order_by("pk").values_list("stage__key", "reason")
        assert list(stays) == [
            ("discovery", ""),
            ("discovery", "In Demo, a stage that is no more"),
            ("proposal", ""),
            ("discovery", "In Demo, a stage that is no more: New buyer"),
            ("proposal", ""),
        ]


def with_poc() -> dict[str, Any]:
    found = gates.gated()
    poc = {"key": "poc", "name": "PoC", "kind": "open", "probability": 20, "forecast": "not_yet"}
    return {"stages": [found["stages"][0], poc, *found["stages"][1:]]}


def deal_in_a_stage_of_the_newer_version() -> Opportunity:
    gates.publish(gates.gated(discovery={"entry": [AMOUNT]}))
    gates.publish(with_poc())
    deal = gates.deal(amount_minor=5)
    move(deal, "poc")
    return deal


def test_a_version_comes_back_that_does_not_have_a_stage_with_deals_once_it_is_said_where_they_go(
    tenant: Tenant,
) -> None:
    def back(**answers: str) -> ProcessVersion:
        return rollback(kind="pipeline", key="sales", actor=ACTOR, now=NOW, reason="Too long.", answers=answers)

    with tenant_context(tenant.pk):
        deal = deal_in_a_stage_of_the_newer_version()
        with pytest.raises(ValueError, match=r"Say where they go, `reassign: {poc: STAGE}`"):
            back()
        with pytest.raises(ValueError, match=r"'demo' is no stage that goes with it. Going: poc."):
            back(demo="discovery")
        with pytest.raises(ValueError, match="'nowhere' is no stage of this pipeline"):
            back(poc="nowhere")
        version = back(poc="demo")
        deal.refresh_from_db()
        assert (deal.stage.key, version.based_on, version.definition["reassign"]) == ("demo", 2, {"poc": "demo"})
        # Where deals went is no content: going back again goes further back.
        assert back().based_on == 1
        gates.publish(gates.publish_of("standard", "journey").definition, kind="journey", key="standard", name="Other")
        with pytest.raises(PublishRefused, match="poc: nothing is asked of a customer journey that comes back"):
            rollback(kind="journey", key="standard", actor=ACTOR, now=NOW, reason="r", answers={"poc": "demo"})


def test_the_page_asks_where_they_go_when_a_version_is_brought_back(tenant: Tenant, client: Client) -> None:
    with tenant_context(tenant.pk):
        deal = deal_in_a_stage_of_the_newer_version()
        admin = gates.member(tenant, Role.REVOPS_ADMIN)
    client.force_login(admin.user)
    html = client.get(reverse("core:process", args=["pipeline", "sales"])).content.decode()
    assert html.count("1 deal and 1 stay of PoC go to") == 2
    assert '<select class="input" id="asked-2-poc" name="answer.poc" required autofocus>' in html
    assert (html.count('data-opens="back-2"'), 'id="rollback-reason"' in html) == (2, False)
    sent = {"reason": "Too long.", "seen": 3, "to": 2, "answer.poc": "demo"}
    response = client.post(reverse("core:process_rollback", args=["pipeline", "sales"]), sent, follow=True)
    assert "v4 is live, with the content of v2." in response.content.decode()
    with tenant_context(tenant.pk):
        deal.refresh_from_db()
        assert deal.stage.key == "demo"


def test_the_command_says_how_and_does_it(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        deal_in_a_stage_of_the_newer_version()
    words = ["process", "rollback", "pipeline", "sales", "--reason", "Too long.", "--tenant", tenant.slug]
    with pytest.raises(CommandError, match="Here: --reassign STAGE=STAGE"):
        call_command(*words)
    with pytest.raises(CommandError, match="write STAGE=STAGE"):
        call_command(*words, "--reassign", "poc")
    call_command(*words, "--reassign", "poc=demo")
    with tenant_context(tenant.pk):
        assert Opportunity.objects.get().stage.key == "demo"


def asking_everywhere() -> dict[str, Any]:
    """Discovery, Demo and Proposal each ask on the way out; the names say which."""
    return gates.gated(
        discovery={"exit": [{**AMOUNT, "name": "A"}]},
        demo={"exit": [{**AMOUNT, "key": "b", "name": "B"}]},
        proposal={"exit": [{**AMOUNT, "key": "c", "name": "C"}]},
    )


def follow(order: list[str], **reassign: str) -> dict[str, Any]:
    """The same stages in another order, those left out reassigned. A name that is new is a stage that asks for D."""
    stages = {stage["key"]: stage for stage in asking_everywhere()["stages"]}
    fresh = {"kind": "open", "probability": 20, "forecast": "not_yet",
             "entry": [{**AMOUNT, "key": "d", "name": "D"}]}  # fmt: skip
    return {
        "stages": [stages.get(key, {**fresh, "key": key, "name": key.title()}) for key in order]
        + [stages["closed_won"], stages["closed_lost"]],
        "reassign": reassign,
    }


@pytest.mark.capability("J6")
@pytest.mark.parametrize(
    ("order", "to", "unmet", "remedy"),
    [
        (["negotiation"], "negotiation", "A (1), B (1), C (1)", "Keep a stage that stood beside it"),
        (["negotiation", "demo", "proposal"], "negotiation", "A (1), B (1), C (1)", "Keep a stage that"),
        (["proposal", "demo", "negotiation"], "proposal", "A (1), B (1)", "Keep a stage that stood beside it"),
        (["demo", "proposal", "negotiation"], "proposal", "A (1), B (1)", "Choose demo, which stood beside it"),
        (["fresh", "negotiation"], "fresh", "A (1), B (1), C (1), D (1)", "Keep a stage that stood beside it"),
        (["demo", "fresh", "negotiation"], "fresh", "A (1), B (1), C (1), D (1)", "Choose demo, which stood beside"),
        (["fresh", "demo", "proposal", "negotiation"], "demo", "A (1), D (1)", "Choose fresh, which stood beside it"),
    ],
)
def test_the_way_past_stages_that_go_along_or_change_places_is_asked_for_whole(
    tenant: Tenant, order: list[str], to: str, unmet: str, remedy: str
) -> None:
    with tenant_context(tenant.pk):
        gates.publish(asking_everywhere())
        deal = gates.deal()
        gone = [key for key in ("discovery", "demo", "proposal") if key not in order]
        new = follow(order, **dict.fromkeys(gone, to))
        with pytest.raises(ValueError, match="deal goes from Discovery") as refusal:
            gates.publish(new)
        assert f"without: {unmet}. {remedy}" in str(refusal.value)
        assert pipeline_effects("sales", new, TODAY)[-1] == str(refusal.value)
        deal.refresh_from_db()
        assert deal.stage.key == "discovery"
        Opportunity.objects.update(amount_minor=5)
        gates.publish(new)
        deal.refresh_from_db()
        assert deal.stage.key == to


@pytest.mark.parametrize(
    ("at", "order", "to"),
    [
        ("proposal", ["negotiation"], "negotiation"),
        ("discovery", ["fresh", "demo", "negotiation"], "fresh"),
        ("demo", ["discovery", "fresh", "proposal", "negotiation"], "fresh"),
    ],
)
def test_to_the_stage_beside_it_goes_any_deal_and_the_effects_say_without_what(
    tenant: Tenant, at: str, order: list[str], to: str
) -> None:
    with tenant_context(tenant.pk):
        gates.publish(asking_everywhere())
        deal = gates.deal(at=at)
        gone = [key for key in ("discovery", "demo", "proposal") if key not in order]
        new = follow(order, **dict.fromkeys(gone, to))
        assert f"1 of 1 deal goes from {at.title()} to {to.title()} without: " in pipeline_effects(
            "sales", new, TODAY
        )[-1]  # fmt: skip
        gates.publish(new)
        deal.refresh_from_db()
        assert deal.stage.key == to


def test_what_a_stage_that_stays_asked_until_now_is_asked_though_the_new_document_drops_it(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.publish(asking_everywhere())
        gates.deal()
        new = without("discovery", "negotiation")
        with pytest.raises(ValueError, match=r"without: A \(1\), B \(1\), C \(1\)\. Choose demo"):
            gates.publish(new)


def test_many_stages_that_go_cost_no_more_statements_than_one(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.publish(asking_everywhere())
        for at in ("discovery", "demo", "proposal"):
            gates.deal(at=at, external_id=at)
        counts = []
        for order in (["demo", "proposal", "negotiation"], ["negotiation"]):
            gone = [key for key in ("discovery", "demo", "proposal") if key not in order]
            with CaptureQueriesContext(connection) as asked:
                said = pipeline_effects("sales", follow(order, **dict.fromkeys(gone, "negotiation")), TODAY)
            counts.append(len(asked))
        assert counts[0] == counts[1]
        assert [line.partition(" without: ")[2].partition(". ")[0].rstrip(".") for line in said[-3:]] == [
            "C (1)", "A (1), B (1), C (1)", "B (1), C (1)",
        ]  # fmt: skip
