"""Leaving the journey, coming back through the gates, wins that were none, and stages that are skipped."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions.accounts import lose_customers
from accounts.models import Account, Contract, ContractLine
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.evidence import give_evidence
from journeys.actions.handoffs import open_handoff, sweep_handoffs
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.leaving import leave_journey
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.actions.moves import move_opportunity
from journeys.actions.moving import GateShut
from journeys.actions.pipelines import ensure_default_pipeline
from journeys.actions.stages import move_account_stage, move_accounts
from journeys.models import FirstValue, Handoff, Opportunity, PipelineStage, StageVisit, Task
from journeys.queries.journey_figures import work_out
from tests.factories.world import World, make_world

TODAY = date(2026, 3, 2)


@pytest.fixture
def journey(in_kestrel: Tenant, actor: Actor, now: datetime) -> Tenant:
    ensure_default_pipeline(actor=actor, now=now)
    ensure_default_journey(actor=actor, now=now)
    return in_kestrel


@pytest.fixture
def said(actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": actor, "today": TODAY, "now": now}


def stands(name: str, key: str, said: dict[str, Any], status: str = "prospect") -> Account:
    account = Account.objects.create(name=name, name_key=name.lower(), status=status)
    move_account_stage(account_id=account.pk, stage_key=key, **said)
    return account


def stays(account: Account) -> list[tuple[str, date | None]]:
    rows = StageVisit.objects.filter(account=account).order_by("pk")
    return list(rows.values_list("stage__key", "left_on"))


@pytest.mark.capability("J4")
def test_who_leaves_is_lost_and_not_stuck(journey: Tenant, said: dict[str, Any]) -> None:
    stays_on, leaves = stands("Alder", "decision", said), stands("Birch", "decision", said)
    assert leave_journey(account_ids=[leaves.pk], reason="All deals lost", **said) == 1
    assert leave_journey(account_ids=[leaves.pk], reason="All deals lost", **said) == 0
    later = TODAY + timedelta(days=200)
    found = next(one for one in work_out(today=later, now=said["now"]).stages if one.key == "decision")
    assert (found.lost.accounts, found.stuck.accounts, found.now.accounts) == (1, 1, 1)
    assert (stays(leaves), stays(stays_on)) == ([("decision", TODAY)], [("decision", None)])
    entry = AuditEntry.objects.get(verb="left the journey")
    assert (entry.subject_id, entry.before, entry.reason) == (leaves.pk, {"stage": "decision"}, "All deals lost")


def test_leaving_needs_a_reason_and_calls_off_what_waits(journey: Tenant, said: dict[str, Any]) -> None:
    account = stands("Alder", "decision", said)
    handoff = open_handoff(account_id=account.pk, key="sales_to_cs", from_person_id=None, to_person_id=None, **said)
    with pytest.raises(ValueError, match="Say why they leave"):
        leave_journey(account_ids=[account.pk], reason=" ", **said)
    leave_journey(account_ids=[account.pk], reason="No budget", **said)
    handoff.refresh_from_db()
    assert (handoff.state, handoff.return_reason) == ("cancelled", "Left the journey: No budget")
    assert Task.objects.get(subject_kind="handoff").state == "obsolete"


def test_coming_back_is_a_new_stay_and_passes_the_gates_from_the_furthest_stage(
    journey: Tenant, said: dict[str, Any]
) -> None:
    account = stands("Alder", "decision", said)
    move_account_stage(account_id=account.pk, stage_key="awareness", reason="Too soon", **said)
    leave_journey(account_ids=[account.pk], reason="No budget", **said)
    with pytest.raises(GateShut) as shut:
        move_account_stage(account_id=account.pk, stage_key="advocacy", **said)
    assert shut.value.missing[0] == "Contract signed"
    move_account_stage(account_id=account.pk, stage_key="decision", **said)
    assert stays(account)[-1] == ("decision", None)
    new = Account.objects.create(name="New", name_key="new")
    assert move_accounts(account_ids=[new.pk], stage_key="advocacy", **said).moved == (new.pk,)


def test_whoever_has_churned_on_any_path_leaves_with_the_next_sweep(journey: Tenant, said: dict[str, Any]) -> None:
    account = stands("Alder", "renewal", said, status="customer")
    stands("Birch", "renewal", said, status="customer")
    assert sweep_lifecycle(today=TODAY, now=said["now"]).left == 0
    lose_customers(account_ids=[account.pk], reason="Gone", actor=said["actor"], now=said["now"])
    assert sweep_lifecycle(today=TODAY, now=said["now"]).left == 1
    assert sweep_lifecycle(today=TODAY, now=said["now"]).left == 0
    assert stays(account) == [("renewal", TODAY)]


def open_deal(account: Account, kind: str = "new") -> Opportunity:
    stage = PipelineStage.objects.get(key="negotiation")
    deal = Opportunity.objects.create(
        account=account, pipeline=stage.pipeline, stage=stage, name="Seats", kind=kind, currency="EUR", opened_on=TODAY
    )
    deal.visits.create(tenant_id=deal.tenant_id, stage=stage, entered_on=TODAY)
    return deal


def move(deal: Opportunity, to: str, said: dict[str, Any], **more: Any) -> None:
    stage = PipelineStage.objects.get(key=to)
    move_opportunity(opportunity_id=deal.pk, stage_id=stage.pk, **said, **more)


def test_a_deal_won_by_mistake_is_taken_back_with_all_that_it_brought(journey: Tenant, said: dict[str, Any]) -> None:
    account = stands("Alder", "decision", said)
    deal = open_deal(account)
    move(deal, "closed_won", said)
    sweep_lifecycle(today=TODAY, now=said["now"])
    account.refresh_from_db()
    assert (account.status, FirstValue.objects.count(), Handoff.objects.get().state) == ("customer", 1, "waiting")
    move(deal, "closed_lost", said, close_reason="Wrong card")
    account.refresh_from_db()
    assert (account.status, account.customer_since, FirstValue.objects.count()) == ("prospect", None, 0)
    handoff = Handoff.objects.get()
    assert (handoff.state, handoff.return_reason, Task.objects.get().state) == ("cancelled", "Wrong card", "obsolete")
    assert (sweep_handoffs(**said), sweep_lifecycle(today=TODAY, now=said["now"]).clocks_started) == (0, 0)
    move(deal, "closed_won", said, reason="It was the right card")
    account.refresh_from_db()
    assert (account.status, Handoff.objects.filter(state="waiting").count()) == ("customer", 1)
    move(deal, "negotiation", said, reason="No, it was not")
    account.refresh_from_db()
    assert (account.status, Handoff.objects.filter(state="waiting").count()) == ("prospect", 0)


@pytest.mark.parametrize("means", ["contract", "another deal", "always was one"])
def test_who_is_a_customer_by_other_means_stays_one(journey: Tenant, said: dict[str, Any], means: str) -> None:
    account = stands("Alder", "decision", said, status="customer" if means == "always was one" else "prospect")
    deal = open_deal(account)
    move(deal, "closed_won", said)
    if means == "contract":
        contract = Contract.objects.create(account=account, starts_on=TODAY, currency="EUR")
        ContractLine.objects.create(contract=contract, account=account, starts_on=TODAY, arr_minor=1)
    if means == "another deal":
        move(open_deal(account), "closed_won", said)
    move(deal, "negotiation", said, reason="Not yet signed")
    account.refresh_from_db()
    assert account.status == "customer"


def test_a_stage_that_is_skipped_hands_over_once(journey: Tenant, said: dict[str, Any]) -> None:
    account = stands("Alder", "awareness", said)
    for key in ("problem", "needs"):
        give_evidence(criterion_key=key, text="Their mail", account_id=account.pk, **said)
    move_account_stage(account_id=account.pk, stage_key="decision", **said)
    assert list(Handoff.objects.values_list("key", flat=True)) == ["marketing_to_sales"]
    for key in ("awareness", "decision"):
        move_account_stage(account_id=account.pk, stage_key=key, reason="Too soon", **said)
    assert (sweep_handoffs(**said), Handoff.objects.count()) == (0, 1)


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def sign_in(world: World, role: Role) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def test_an_account_leaves_on_its_page_with_a_reason_also_from_the_last_stage(
    world: World, said: dict[str, Any]
) -> None:
    with tenant_context(world.tenant.pk):
        account = stands("Alder", "advocacy", said)
    client = sign_in(world, Role.CSM)
    assert "Leave the journey" in client.get(reverse("journeys:account_move", args=[account.pk])).content.decode()
    leave = reverse("journeys:account_leave", args=[account.pk])
    refused = client.post(leave, {"reason": " "})
    assert (refused.status_code, "Say why they leave" in refused.content.decode()) == (422, True)
    assert sign_in(world, Role.LEADER).post(leave, {"reason": "x"}).status_code == 403
    assert client.post(leave, {"reason": "No need any more"}).status_code == 302
    section = client.get(reverse("journeys:account_stage", args=[account.pk])).content.decode()
    assert "Left the journey" in section
    page = client.get(reverse("dashboards:account", args=[account.pk])).content.decode()
    assert "Alder has left the journey." in page
    assert ("<b>Left the journey, in Advocacy</b>" in page, "No need any more" in page) == (True, True)
    with tenant_context(world.tenant.pk):
        assert [key for key, left_on in stays(account) if left_on is None] == []


def test_with_its_last_open_deal_a_prospect_can_leave_in_the_same_dialog(world: World, said: dict[str, Any]) -> None:
    with tenant_context(world.tenant.pk):
        account = stands("Alder", "decision", said)
        first, last = open_deal(account), open_deal(account)
        lost = PipelineStage.objects.get(pipeline=first.pipeline, kind="lost").pk
    client, offer = sign_in(world, Role.SALES_REP), 'name="leave"'
    for deal, offered in ((first, False), (last, True)):
        address = reverse("journeys:opportunity_move", args=[deal.pk])
        asked = client.post(address, {"stage": lost})
        assert (asked.status_code, offer in asked.content.decode()) == (422, offered)
        assert client.post(address, {"stage": lost, "close_reason": "Price", "leave": "1"}).status_code == 302
        with tenant_context(world.tenant.pk):
            assert (StageVisit.objects.filter(account=account, left_on=None).count() == 0) == offered
    with tenant_context(world.tenant.pk):
        assert AuditEntry.objects.get(verb="left the journey").reason == "Lost: Price"
