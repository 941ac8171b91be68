"""Two at once at a deal's waivers, at its external id and at its account: one is told, nothing is half done."""

from datetime import timedelta
from typing import Any

import pytest

from core.choices import Role
from core.models import Membership, Tenant
from core.tenancy import tenant_context
from journeys.actions.moves import move_opportunity
from journeys.actions.moving import GateShut
from journeys.actions.opportunities import OpportunityRefused, create_opportunity, update_opportunity
from journeys.actions.stages import move_account_stage
from journeys.actions.waivers import WaiverRefused, approve_waiver, ask_waiver, revoke_waiver
from journeys.models import Handoff, Opportunity, Pipeline, Waiver
from tests.factories import gates
from tests.factories.at_once import meanwhile
from tests.factories.gates import ACTOR, AMOUNT, NOW, SEGMENT, TODAY, account, deal, gated, stage

pytestmark = pytest.mark.django_db(transaction=True)
BY: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}


@pytest.fixture
def tenant() -> Tenant:
    return gates.workspace()


@pytest.fixture
def seller(tenant: Tenant) -> Membership:
    return gates.member(tenant, Role.SALES_REP, "Sam Reed")


@pytest.fixture
def manager(tenant: Tenant) -> Membership:
    return gates.member(tenant, Role.CS_MANAGER, "Noor Haddad")


def ask(seller: Membership, to: str, **of: int) -> Waiver:
    return ask_waiver(to_stage=to, reason="May", expires_on=TODAY + timedelta(days=7), asker=seller,
                      tenant=seller.tenant, today=TODAY, now=NOW, **of)  # fmt: skip


def revoke(waiver: Waiver, by: Membership) -> Waiver:
    return revoke_waiver(waiver_id=waiver.pk, by=by, answer="No", now=NOW)


@pytest.mark.parametrize("of", ["deal", "account"])
def test_a_move_waits_for_who_revokes_its_waiver_and_stays_where_it_is(
    tenant: Tenant, seller: Membership, manager: Membership, of: str
) -> None:
    with tenant_context(tenant.pk):
        one, waiver = waived(seller, manager, of)
    said = meanwhile(tenant, lambda: revoke(waiver, manager), lambda: go(one))
    assert isinstance(said[0], GateShut), said
    with tenant_context(tenant.pk):
        waiver = Waiver.objects.get()
        assert (waiver.state, waiver.used_at) == ("revoked", None)


@pytest.mark.parametrize("of", ["deal", "account"])
def test_who_revokes_a_waiver_while_a_move_goes_by_it_is_told_that_it_was_used(
    tenant: Tenant, seller: Membership, manager: Membership, of: str
) -> None:
    with tenant_context(tenant.pk):
        one, waiver = waived(seller, manager, of)
    said = meanwhile(tenant, lambda: go(one), lambda: revoke(waiver, manager))
    assert isinstance(said[0], WaiverRefused), said
    assert str(said[0]) == "It was used already: the move stands."
    with tenant_context(tenant.pk):
        waiver = Waiver.objects.get()
        assert (waiver.state, waiver.used_at) == ("approved", NOW)


def waived(seller: Membership, manager: Membership, of: str) -> tuple[dict[str, int], Waiver]:
    """A deal or an account before a shut gate, with a waiver for it that is signed."""
    if of == "deal":
        gates.publish(gated(discovery={"exit": [AMOUNT]}))
        one = {"opportunity_id": deal().pk}
        waiver = ask(seller, "demo", **one)
    else:
        live = gates.publish_of("standard", "journey")
        stages = [
            each | ({"entry": [SEGMENT]} if each["key"] == "decision" else {}) for each in live.definition["stages"]
        ]
        gates.publish(live.definition | {"stages": stages}, kind="journey", key="standard", name=live.name)
        one = {"account_id": account(status="prospect").pk}
        waiver = ask(seller, "decision", **one)
    return one, approve_waiver(waiver_id=waiver.pk, approver=manager, answer="", today=TODAY, now=NOW)


def go(one: dict[str, int]) -> object:
    if "account_id" in one:
        return move_account_stage(stage_key="decision", **one, **BY)
    return move_opportunity(stage_id=stage("demo").pk, **one, **BY)


@pytest.mark.parametrize("of", ["deal", "account"])
def test_of_two_who_ask_for_one_waiver_at_once_the_second_is_told(
    tenant: Tenant, seller: Membership, manager: Membership, of: str
) -> None:
    with tenant_context(tenant.pk):
        one, waiver = waived(seller, manager, of)
        revoke(waiver, seller)
    to = "demo" if of == "deal" else "decision"
    said = meanwhile(tenant, lambda: ask(seller, to, **one), lambda: ask(manager, to, **one))
    assert isinstance(said[0], WaiverRefused), said
    assert str(said[0]) == "Sam Reed has asked for one already. It waits for an answer."
    with tenant_context(tenant.pk):
        assert Waiver.objects.filter(state="asked").count() == 1


def test_of_two_who_send_one_external_id_at_once_the_second_is_told(tenant: Tenant) -> None:
    def make() -> Opportunity:
        pipeline = Pipeline.objects.get().pk
        return create_opportunity(
            values={"name": "Seats"}, pipeline_id=pipeline, currency="EUR", external_id="X1", **BY
        )

    said = meanwhile(tenant, make, make)
    assert isinstance(said[0], OpportunityRefused), said
    assert str(said[0]) == "external_id: 'X1' is an opportunity already. Change that one."
    with tenant_context(tenant.pk):
        assert Opportunity.objects.count() == 1


def test_who_names_another_account_while_the_deal_is_won_takes_the_win_there(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        alder, birch = account("Alder", status="prospect"), account("Birch", status="prospect")
        one, won = deal(of=alder), stage("closed_won").pk
    said = meanwhile(
        tenant,
        lambda: move_opportunity(opportunity_id=one.pk, stage_id=won, **BY),
        lambda: update_opportunity(opportunity_id=one.pk, values={"account_id": birch.pk}, **BY),
    )
    assert isinstance(said[0], Opportunity), said
    with tenant_context(tenant.pk):
        alder.refresh_from_db()
        birch.refresh_from_db()
        assert (alder.status, birch.status) == ("prospect", "customer")
        handoffs = Handoff.objects.order_by("pk").values_list("account__name", "state")
        assert list(handoffs) == [("Alder", "cancelled"), ("Birch", "waiting")]
