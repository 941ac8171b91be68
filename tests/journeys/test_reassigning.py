"""A stage that goes takes no deal past a gate, and leaves no stay without a word of where it was."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
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
    assert '<select class="input" id="asked-2-poc" name="answer.poc" required>' in html
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
