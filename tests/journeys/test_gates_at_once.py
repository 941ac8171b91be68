"""Two people at one deal, and a version that is published while deals move: nobody is lost, nobody is stranded."""

from typing import Any

import pytest

from core.models import Tenant
from core.tenancy import tenant_context
from journeys.actions.moves import EditionMoved, move_opportunity
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from tests.factories import gates
from tests.factories.at_once import meanwhile
from tests.factories.gates import ACTOR, NOW, TODAY, deal, gated, stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant() -> Tenant:
    """A workspace; what is done in its context is committed at the end of it."""
    return gates.workspace()


def move(of: int, to: int, **more: Any) -> Opportunity:
    return move_opportunity(opportunity_id=of, stage_id=to, actor=ACTOR, today=TODAY, now=NOW, **more)


@pytest.mark.parametrize(("to", "seen"), [("proposal", True), ("demo", False), ("proposal", False)])
def test_the_second_of_two_movers_is_told_or_finds_the_deal_moved(tenant: Tenant, to: str, seen: bool) -> None:
    with tenant_context(tenant.pk):
        one, demo, other = deal(), stage("demo").pk, stage(to).pk
    more = {"seen_edition": one.edition} if seen else {}
    said = meanwhile(tenant, lambda: move(one.pk, demo), lambda: move(one.pk, other, **more))
    if seen:
        assert isinstance(said[0], EditionMoved)
    else:
        assert isinstance(said[0], Opportunity), said
        assert said[0].stage_id == other
    with tenant_context(tenant.pk):
        stays = list(OpportunityStageVisit.objects.order_by("pk").values_list("stage__key", flat=True))
    assert stays == ["discovery", "demo"] + ([to] if to != "demo" and not seen else [])


def test_a_move_waits_for_a_version_that_takes_its_stage_away(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        one, demo = deal(), stage("demo").pk
    shorter = gated()
    shorter["stages"] = [each for each in shorter["stages"] if each["key"] != "demo"]
    said = meanwhile(tenant, lambda: gates.publish(shorter), lambda: move(one.pk, demo))
    assert isinstance(said[0], PipelineStage.DoesNotExist)
    with tenant_context(tenant.pk):
        assert Opportunity.objects.get().stage.key == "discovery"


def test_publishing_waits_for_a_move_and_sees_where_the_deal_is(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        one, demo = deal(), stage("demo").pk
    shorter = gated()
    shorter["stages"] = [each for each in shorter["stages"] if each["key"] != "demo"]
    shorter["reassign"] = {"demo": "proposal"}
    said = meanwhile(tenant, lambda: move(one.pk, demo), lambda: gates.publish(shorter).pk)
    assert isinstance(said[0], int), said
    with tenant_context(tenant.pk):
        assert Opportunity.objects.get().stage.key == "proposal"
