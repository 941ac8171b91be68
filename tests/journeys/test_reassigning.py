"""A stage that goes takes no deal past a gate, and leaves no stay without a word of where it was."""

from typing import Any

import pytest

from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
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
