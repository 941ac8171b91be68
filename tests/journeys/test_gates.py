"""Gates: what is asked on which way, what is missing, and moves that hold to it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.choices import Role
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.answers import answer_question
from journeys.actions.evidence import EvidenceRefused, give_evidence, take_back_evidence
from journeys.actions.moves import (
    EditionMoved,
    GateShut,
    ReasonNeeded,
    StageElsewhere,
    move_opportunities,
    move_opportunity,
    place_opportunity,
)
from journeys.models import LifecycleStage, Opportunity, OpportunityStageVisit, StageVisit, Waiver
from journeys.queries.gates import opportunity_gate
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, MEDDIC, NOW, PAIN, SEGMENT, SHOWN, TODAY, deal, gated, publish, stage

QUESTIONS = (
    "Metric with baseline and target",
    "Economic buyer",
    "Decision criteria",
    "Decision process",
    "Pain named in the customer's words",
    "Champion named",
)


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    made = gates.workspace()
    with tenant_context(made.pk):
        yield made


def move(of: Opportunity, to: str, **more: Any) -> Opportunity:
    return move_opportunity(
        opportunity_id=of.pk, stage_id=stage(to).pk, **({"actor": ACTOR, "today": TODAY, "now": NOW} | more)
    )


def missing(of: Opportunity, to: str) -> list[str]:
    return [line.key for line in opportunity_gate(opportunity=of, to_stage=stage(to), today=TODAY).missing]


def test_a_gate_lists_what_is_missing_with_what_was_seen_and_how_to_meet_it(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT, SEGMENT]}, demo={"entry": [PAIN, SHOWN, MEDDIC]}))
    gate = opportunity_gate(opportunity=deal(of=gates.account()), to_stage=stage("demo"), today=TODAY)
    assert [(line.key, line.met, line.fix, line.detail) for line in gate.lines] == [
        ("amount", False, "field:amount", "Amount is not known; needs to be over €0"),
        ("segment", False, "", "Segment is empty; needs to be enterprise or mid_market"),
        ("pain", False, "answer:meddic.pain", "Not answered yet"),
        ("demo_seen", False, "evidence:demo_seen", "Nobody has given evidence in this stay yet"),
        (
            "qualified",
            False,
            "answer:meddic.metrics",
            f"0 of 6 answered; missing: {', '.join(QUESTIONS)}",
        ),
    ]
    assert not gate.is_open


@pytest.mark.capability("S1")
def test_each_kind_of_criterion_opens_once_it_is_met(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT, SEGMENT]}, demo={"entry": [PAIN, SHOWN, MEDDIC]}))
    of = gates.account()
    one = deal(of=of)
    assert missing(one, "demo") == ["amount", "segment", "pain", "demo_seen", "qualified"]
    Opportunity.objects.filter(pk=one.pk).update(amount_minor=100)
    type(of).objects.filter(pk=of.pk).update(segment="enterprise")
    assert missing(one, "demo") == ["pain", "demo_seen", "qualified"]
    answer(one, "pain", "Reports take two days")
    give_evidence(criterion_key="demo_seen", text="On video", actor=ACTOR, today=TODAY, now=NOW, opportunity_id=one.pk)
    assert missing(one, "demo") == ["qualified"]
    buyer = gates.contact(of).pk
    for key, value in (
        ("metrics", "From 2 days to 2 hours"),
        ("decision_criteria", "Price, time"),
        ("decision_process", [{"what": "Board", "on": "2026-04-01"}, {"what": "Signature", "on": "2026-04-20"}]),
    ):
        answer(one, key, value)
    for key in ("economic_buyer", "champion"):
        answer(one, key, None, contact_id=buyer)
    assert missing(one, "demo") == []
    assert move(one, "demo").stage.key == "demo"


def answer(of: Opportunity, question: str, value: Any, **more: Any) -> None:
    answer_question(opportunity_id=of.pk, framework="meddic", question=question, value=value, actor=ACTOR,
                    today=TODAY, now=NOW, **more)  # fmt: skip


def test_skipping_a_stage_dodges_nothing(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT]}, demo={"entry": [PAIN], "exit": [SHOWN]}, proposal={"entry": [SEGMENT]}))
    one = deal(of=gates.account())
    assert missing(one, "demo") == ["amount", "pain"]
    assert missing(one, "proposal") == ["amount", "pain", "demo_seen", "segment"]
    assert missing(one, "closed_won") == ["amount", "pain", "demo_seen", "segment"]


def test_nobody_passes_through_a_closed_stage(tenant: Tenant) -> None:
    document = gated(closed_lost={"entry": [PAIN]}, closed_won={"entry": [SEGMENT]})
    document["stages"][-2:] = document["stages"][:-3:-1]
    publish(document)
    assert missing(deal(of=gates.account()), "closed_won") == ["segment"]


def test_a_lost_stage_asks_its_own_entry_criteria_and_the_reason(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT]}, closed_lost={"entry": [PAIN]}))
    one = deal(of=gates.account())
    assert missing(one, "closed_lost") == ["pain"]
    answer(one, "pain", "Reports")
    with pytest.raises(ReasonNeeded) as refused:
        move(one, "closed_lost")
    assert refused.value.field == "close_reason"
    moved = move(one, "closed_lost", close_reason="No budget this year")
    assert (moved.close_reason, moved.closed_on) == ("No budget this year", TODAY)


def test_a_step_back_is_open_but_needs_a_reason(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT]}))
    one = deal(at="proposal")
    with pytest.raises(ReasonNeeded) as refused:
        move(one, "discovery")
    assert refused.value.field == "reason"
    assert move(one, "discovery", reason="They start over").stage.key == "discovery"


def test_lost_and_back_is_no_way_around_a_gate(tenant: Tenant) -> None:
    publish(gated(demo={"exit": [SHOWN]}))
    one = deal(at="demo")
    move(one, "closed_lost", close_reason="Silence", today=TODAY + timedelta(days=1))
    with pytest.raises(GateShut) as shut:
        move(one, "negotiation", reason="They called", today=TODAY + timedelta(days=2))
    assert shut.value.missing == ("They saw the demo",)
    with pytest.raises(ReasonNeeded):
        move(one, "demo", today=TODAY + timedelta(days=2))
    reopened = move(one, "demo", reason="They called", today=TODAY + timedelta(days=2))
    assert (reopened.closed_on, reopened.close_reason) == (None, "")


def test_evidence_counts_for_the_stay_in_which_it_was_given(tenant: Tenant) -> None:
    publish(gated(demo={"exit": [SHOWN]}))
    one = deal(at="demo")
    given = give_evidence(
        criterion_key="demo_seen", text="On video", actor=ACTOR, today=TODAY, now=NOW, opportunity_id=one.pk
    )
    assert missing(one, "proposal") == []
    take_back_evidence(evidence_id=given.pk, actor=ACTOR, now=NOW)
    assert missing(one, "proposal") == ["demo_seen"]
    give_evidence(criterion_key="demo_seen", text="Again", actor=ACTOR, today=TODAY, now=NOW, opportunity_id=one.pk)
    move(one, "proposal")
    move(one, "demo", reason="New people came", today=TODAY + timedelta(days=5))
    assert missing(one, "proposal") == ["demo_seen"]
    with pytest.raises(EvidenceRefused):
        give_evidence(criterion_key="other", text="x", actor=ACTOR, today=TODAY, now=NOW, opportunity_id=one.pk)


def test_a_new_deal_is_asked_for_every_stage_up_to_its_own(tenant: Tenant) -> None:
    publish(gated(discovery={"entry": [AMOUNT], "exit": [PAIN]}, demo={"entry": [SEGMENT], "exit": [SHOWN]}))
    one = deal(at="demo", placed=False, of=gates.account())
    with pytest.raises(GateShut) as shut:
        place_opportunity(opportunity_id=one.pk, actor=ACTOR, today=TODAY, now=NOW)
    assert [line.key for line in shut.value.gate.missing] == ["amount", "pain", "segment"]
    first = deal(at="discovery", placed=False, amount_minor=5)
    place_opportunity(opportunity_id=first.pk, actor=ACTOR, today=TODAY, now=NOW)
    assert list(first.visits.values_list("stage__key", "entered_on", "left_on")) == [("discovery", TODAY, None)]


def test_a_move_keeps_history_version_edition_and_trail(tenant: Tenant) -> None:
    version = publish(gated(discovery={"exit": [AMOUNT]}))
    one = deal(amount_minor=7)
    moved = move(one, "demo", today=TODAY + timedelta(days=3), reason="Booked")
    assert moved.edition == one.edition + 1
    assert list(
        OpportunityStageVisit.objects.order_by("pk").values_list("stage__key", "entered_on", "left_on", "version")
    ) == [
        ("discovery", TODAY, TODAY + timedelta(days=3), None),
        ("demo", TODAY + timedelta(days=3), None, version.pk),
    ]
    trail = AuditEntry.objects.get(verb="moved opportunity")
    assert (trail.before, trail.after, trail.reason) == ({"stage": "discovery"}, {"stage": "demo"}, "Booked")
    assert move(moved, "demo").edition == moved.edition
    with pytest.raises(EditionMoved):
        move(moved, "proposal", seen_edition=1)


def test_a_stage_of_another_pipeline_is_refused(tenant: Tenant) -> None:
    other = gated()
    publish(other, key="partners", name="Partners")
    with pytest.raises(StageElsewhere):
        move_opportunity(
            opportunity_id=deal().pk, stage_id=stage("demo", "partners").pk, actor=ACTOR, today=TODAY, now=NOW
        )


def test_many_go_together_and_each_that_stays_is_named(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT]}, demo={"entry": [SEGMENT]}))
    of = gates.account(segment="enterprise")
    ready = [deal(f"Ready {n}", of=of, amount_minor=1) for n in range(3)]
    short = deal("Short", of=of)
    alone = deal("Alone")
    result = move_opportunities(
        opportunity_ids=[one.pk for one in (*ready, short, alone)],
        stage_id=stage("demo").pk,
        actor=ACTOR,
        today=TODAY,
        now=NOW,
    )
    assert result.moved == tuple(one.pk for one in ready)
    assert [(one.name, one.missing, one.code) for one in result.refused] == [
        ("Short", ("The amount is known",), "gate"),
        ("Alone", ("The amount is known", "The account has a segment"), "gate"),
    ]


def test_the_number_of_statements_does_not_grow_with_the_number_of_deals(tenant: Tenant) -> None:
    publish(gated(discovery={"exit": [AMOUNT]}))
    counts = []
    for many in (2, 40):
        deals = [deal(f"Deal {n}", amount_minor=n % 2) for n in range(many)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            move_opportunities(opportunity_ids=[one.pk for one in deals], stage_id=stage("demo").pk, actor=ACTOR,
                               today=TODAY, now=NOW)  # fmt: skip
        counts.append(len(seen))
    assert counts[0] == counts[1]


RICH: Final = {"key": "rich", "name": "Large enough", "rule": {"fact": "accounts.arr", "op": "gte", "value": 900_000}}


@pytest.mark.parametrize(("role", "saw"), [(Role.SUPPORT_AGENT, False), (Role.CSM, True)])
def test_a_gate_says_no_amount_to_those_who_see_no_money(tenant: Tenant, role: Role, *, saw: bool) -> None:
    with tenant_context(tenant.pk):
        live = gates.publish_of("standard", "journey")
        stages = [{**one, "entry": [RICH]} if n == 1 else one for n, one in enumerate(live.definition["stages"])]
        gates.publish({**live.definition, "stages": stages}, kind="journey", key="standard", name="Journey")
        first, second = LifecycleStage.objects.filter(journey="standard").order_by("position")[:2]
        of = gates.account(arr_minor=123_400)
        StageVisit.objects.create(account=of, stage=first, entered_on=TODAY)
    reader = gates.member(tenant, role)
    client = Client()
    client.force_login(reader.user)
    address = reverse("journeys:api_account_gate", args=[of.pk])
    lines = {one["key"]: one for one in client.get(address, {"stage": second.key}).json()["lines"]}
    assert lines["rich"]["met"] is False
    words = lines["rich"]["detail"]
    assert ("1,234" in words, "9,000" in words, "hidden" in words) == (saw, saw, not saw)


def test_a_gate_of_a_deal_hides_amounts_as_well(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        over = {**AMOUNT, "rule": {"fact": "opportunity.amount", "op": "gt", "value": 5_000_00}}
        gates.publish(gates.gated(demo={"entry": [over]}))
        deal = gates.deal(of=gates.account(), amount_minor=4_321_00)
        said = [
            opportunity_gate(opportunity=deal, to_stage=gates.stage("demo"), today=TODAY, sees_money=sees).lines[0]
            for sees in (True, False)
        ]
    assert ["4,321" in one.detail for one in said] == [True, False]
    assert said[1].detail == "Amount is hidden"


def test_evidence_is_taken_back_on_the_page_and_by_a_program_and_the_gate_asks_again(tenant: Tenant) -> None:
    publish(gated(demo={"exit": [SHOWN]}))
    one = deal(at="demo")
    client = Client()
    client.force_login(gates.member(tenant, Role.SALES_REP, "Sam Reed").user)
    for door in ("/evidence/{}/take-back/", "/api/v1/evidence/{}/take-back/"):
        given = give_evidence(
            criterion_key="demo_seen", text="On video", actor=ACTOR, today=TODAY, now=NOW, opportunity_id=one.pk
        )
        url = door.format(given.pk)
        shown = opportunity_gate(opportunity=one, to_stage=stage("proposal"), today=TODAY)
        assert [line.evidence_id for line in shown.lines] == [given.pk]
        with time_machine.travel(NOW, tick=False):
            dialog = client.get(f"/opportunities/{one.pk}/gate/", {"stage": stage("proposal").pk}).content.decode()
            assert f"/evidence/{given.pk}/take-back/" in dialog
            assert client.get(url).status_code == 405
            assert client.post(url, content_type="application/json").status_code in (200, 302)
            assert client.post(door.format(10**12), content_type="application/json").status_code == 404
        assert missing(one, "proposal") == ["demo_seen"]
    assert AuditEntry.objects.filter(verb="took back evidence").count() == 2


def test_the_trail_of_a_move_names_the_waivers_by_which_it_went(tenant: Tenant) -> None:
    version = publish(gated(discovery={"exit": [AMOUNT]}))
    one, other = deal(), deal("Open", amount_minor=1)
    waiver = Waiver.objects.create(
        opportunity=one, stage_key="demo", version=version, criteria=[{"key": "amount", "name": "x"}], reason="May",
        asked_at=NOW, asked_by="Sam", state="approved", expires_on=TODAY + timedelta(days=1),
    )  # fmt: skip
    move_opportunities(opportunity_ids=[one.pk, other.pk], stage_id=stage("demo").pk, actor=ACTOR, today=TODAY, now=NOW)
    trail = AuditEntry.objects.filter(verb="moved opportunity").order_by("subject_id").values_list("after", flat=True)
    assert list(trail) == [{"stage": "demo", "waivers": [waiver.pk]}, {"stage": "demo"}]
