"""Waivers: asked by one, signed by another, for what was missing, until a day; all of it kept and counted."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from core.choices import Role
from core.models import AuditEntry, Membership, Notification, Tenant
from core.tenancy import tenant_context
from journeys.actions.moves import move_opportunity
from journeys.actions.waivers import WaiverRefused, approve_waiver, ask_waiver, refuse_waiver, revoke_waiver
from journeys.models import Opportunity, Waiver
from journeys.queries.waivers import LedgerFilters, ledger, report, state_counts, state_of
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, NOW, TODAY

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Team:
    tenant: Tenant
    seller: Membership
    manager: Membership
    deal: Opportunity


@pytest.fixture
def team() -> Iterator[Team]:
    with time_machine.travel(NOW, tick=False):
        tenant = gates.workspace()
        seller = gates.member(tenant, Role.SALES_REP, "Sam Reed")
        manager = gates.member(tenant, Role.CS_MANAGER, "Noor Haddad")
        with tenant_context(tenant.pk):
            gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
            deal = gates.deal(of=gates.account())
        yield Team(tenant, seller, manager, deal)


@pytest.fixture
def inside(team: Team) -> Iterator[Team]:
    with tenant_context(team.tenant.pk):
        yield team


def ask(team: Team, *, days: int = 7, reason: str = "The board meets in May", asker: Membership | None = None
        ) -> Waiver:  # fmt: skip
    return ask_waiver(
        to_stage="demo", reason=reason, expires_on=TODAY + timedelta(days=days), asker=asker or team.seller,
        tenant=team.tenant, today=TODAY, now=NOW, opportunity_id=team.deal.pk,
    )  # fmt: skip


def approve(team: Team, waiver: Waiver, by: Membership | None = None) -> Waiver:
    return approve_waiver(waiver_id=waiver.pk, approver=by or team.manager, answer="", today=TODAY, now=NOW)


def test_what_is_missing_is_stored_and_those_who_may_approve_are_told(inside: Team) -> None:
    waiver = ask(inside)
    assert waiver.criteria == [{"key": "amount", "name": "The amount is known"}]
    assert list(Notification.objects.values_list("membership_id", "text")) == [
        (inside.manager.pk, "Sam Reed asks for a waiver: Seats into Demo")
    ]
    approve(inside, waiver)
    assert Notification.objects.filter(membership_id=inside.seller.pk).count() == 1
    trail = AuditEntry.objects.filter(subject_type="journeys.waiver").order_by("pk")
    assert list(trail.values_list("verb", flat=True)) == ["asked for a waiver", "approved waiver"]


@pytest.mark.parametrize(
    ("days", "reason", "words"), [(0, "x", "lie ahead"), (400, "x", "90 days at most"), (7, "  ", "Say why")]
)
def test_it_needs_a_reason_and_a_day_that_lies_ahead(inside: Team, days: int, reason: str, words: str) -> None:
    with pytest.raises(WaiverRefused, match=words):
        ask(inside, days=days, reason=reason)


def test_an_open_gate_and_one_that_is_asked_for_already_need_none(inside: Team) -> None:
    ask(inside)
    with pytest.raises(WaiverRefused, match="Sam Reed has asked for one already"):
        ask(inside)
    Opportunity.objects.update(amount_minor=1)
    with pytest.raises(WaiverRefused, match="Nothing is missing"):
        ask(inside)


@pytest.mark.capability("J3")
def test_nobody_signs_their_own_waiver_and_nobody_without_the_right(inside: Team) -> None:
    own = ask(inside, asker=inside.manager)
    with pytest.raises(WaiverRefused, match="somebody else"):
        approve(inside, own)
    with pytest.raises(WaiverRefused, match="role"):
        approve(inside, own, by=inside.seller)
    assert Waiver.objects.get().state == "asked"


def test_it_is_answered_once_refused_with_words_and_revoked_by_those_concerned(inside: Team) -> None:
    waiver = ask(inside)
    with pytest.raises(WaiverRefused, match="Say why"):
        refuse_waiver(waiver_id=waiver.pk, approver=inside.manager, answer=" ", now=NOW)
    refuse_waiver(waiver_id=waiver.pk, approver=inside.manager, answer="Ask them first", now=NOW)
    with pytest.raises(WaiverRefused, match="answered already"):
        approve(inside, waiver)
    second = approve(inside, ask(inside))
    other = gates.member(inside.tenant, Role.SALES_REP, "Ida Berg")
    with pytest.raises(WaiverRefused, match="Only who asked"):
        revoke_waiver(waiver_id=second.pk, by=other, answer="", now=NOW)
    revoke_waiver(waiver_id=second.pk, by=inside.seller, answer="", now=NOW)
    assert state_counts(TODAY) == {"asked": 0, "open": 0, "used": 0, "expired": 0, "refused": 1, "revoked": 1}


def test_every_waiver_is_in_exactly_one_state_of_the_ledger(inside: Team) -> None:
    made = []
    for number, (state, used, days) in enumerate(
        (s, u, d) for s in ("asked", "approved", "refused", "revoked") for u in (None, NOW) for d in (-1, 0, 1)
    ):
        waiver = Waiver(
            opportunity=inside.deal, stage_key=f"s{number}", version=gates.publish_of("sales"), criteria=[],
            reason="x", asked_at=NOW, asked_by="Sam", state=state, used_at=used if state == "approved" else None,
            expires_on=TODAY + timedelta(days=days),
        )  # fmt: skip
        waiver.tenant_id = inside.tenant.pk
        made.append(waiver)
    Waiver.objects.bulk_create(made)
    counts = state_counts(TODAY)
    assert sum(counts.values()) == len(made)
    for state, count in counts.items():
        found = list(ledger(LedgerFilters(state), TODAY))
        assert len(found) == count
        assert {state_of(one, TODAY) for one in found} <= {state}


@pytest.mark.capability("J3")
def test_the_report_says_how_the_deals_ended_that_passed_with_a_waiver(inside: Team) -> None:
    approve(inside, ask(inside))
    move_opportunity(opportunity_id=inside.deal.pk, stage_id=gates.stage("demo").pk, actor=ACTOR, today=TODAY, now=NOW)
    move_opportunity(
        opportunity_id=inside.deal.pk, stage_id=gates.stage("closed_won").pk, actor=ACTOR, today=TODAY, now=NOW
    )
    found = report(TODAY - timedelta(days=30), TODAY, UTC)
    gate, asker = found.gates[0], found.askers[0]
    assert (gate.name, gate.asked, gate.approved, gate.used, gate.won, gate.lost) == ("Sales: Demo", 1, 1, 1, 1, 0)
    assert (asker.name, asker.used, asker.won_share, asker.still_open) == ("Sam Reed", 1, 1.0, 0)


def test_the_ledger_is_answered_on_its_page_and_taken_away_as_a_file(team: Team) -> None:
    with tenant_context(team.tenant.pk):
        waiver = ask(team)
    manager, seller = Client(), Client()
    manager.force_login(team.manager.user)
    seller.force_login(team.seller.user)
    page = manager.get(reverse("journeys:waivers"), {"state": "asked", "gate": "pipeline:sales:demo"})
    assert page.status_code == 200
    assert all(words in page.content.decode() for words in ("Seats", "The amount is known", "Approve"))
    assert "Approve</button>" not in seller.get(reverse("journeys:waivers")).content.decode()
    seller.post(reverse("journeys:waiver_answer", args=[waiver.pk]), {"verdict": "approve"})
    with tenant_context(team.tenant.pk):
        assert Waiver.objects.get().state == "asked"
    manager.post(reverse("journeys:waiver_answer", args=[waiver.pk]), {"verdict": "approve", "answer": "Go"})
    with tenant_context(team.tenant.pk):
        assert Waiver.objects.get().state == "approved"
    rows = list(csv.DictReader(io.StringIO(manager.get(reverse("journeys:waivers_file")).content.decode())))
    assert [(row["state"], row["about"], row["gate"], row["answer"]) for row in rows] == [
        ("open", "Seats", "Sales: Demo", "Go")
    ]
    with time_machine.travel(NOW + timedelta(days=30), tick=False):
        manager.force_login(team.manager.user)
        over = manager.get(reverse("journeys:waivers"), {"state": "expired"}).content.decode()
    assert ("<dt>Expired</dt>" in over, "days late" in over) == (True, False)
    manager.force_login(team.manager.user)
    assert manager.get(reverse("journeys:waiver_report")).status_code == 200
    assert manager.post(reverse("journeys:waiver_answer", args=[10**12]), {"verdict": "approve"}).status_code == 404


def test_the_api_asks_answers_and_lists(team: Team) -> None:
    manager, seller = Client(), Client()
    manager.force_login(team.manager.user)
    seller.force_login(team.seller.user)
    asked = seller.post(
        "/api/v1/waivers/",
        json.dumps({"opportunity": team.deal.pk, "stage": "demo", "reason": "May", "expires_on": "2026-03-20"}),
        "application/json",
    )
    assert asked.status_code == 201, asked.content
    pk = asked.json()["id"]
    answer = json.dumps({"verdict": "approve"})
    assert seller.post(f"/api/v1/waivers/{pk}/answer/", answer, "application/json").status_code == 403
    assert manager.post(f"/api/v1/waivers/{pk}/answer/", answer, "application/json").json()["state"] == "open"
    assert [one["id"] for one in seller.get("/api/v1/waivers/?state=open").json()["results"]] == [pk]
    gate = seller.get(f"/api/v1/opportunities/{team.deal.pk}/gate/?stage=demo").json()
    assert (gate["is_open"], gate["lines"][0]["waived"], gate["lines"][0]["fix"]) == (True, True, "field:amount")
