"""Accounts that stand in no stage: kept out by a gate, let in by a waiver, back in business, and their list."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from core.choices import Role
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.leaving import leave_journey
from journeys.actions.lifecycle import refresh_figures, sweep_lifecycle
from journeys.actions.stages import move_account_stage, place_accounts
from journeys.actions.waivers import approve_waiver, ask_waiver
from journeys.models import LifecycleStage, StageVisit, Waiver
from journeys.queries.outside import accounts_outside
from tests.factories import gates
from tests.factories.gates import ACTOR, NOW, SEGMENT, SHOWN, TODAY

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}
NEXT: dict[str, Any] = {"actor": ACTOR, "today": TODAY + timedelta(days=1), "now": NOW + timedelta(days=1)}


@pytest.fixture
def tenant(db: None) -> Tenant:
    return gates.workspace()


def publish(**criteria: dict[str, Any]) -> None:
    journey = deepcopy(gates.publish_of("standard", "journey").definition)
    journey["stages"] = [one | criteria.get(one["key"], {}) for one in journey["stages"]]
    gates.publish(journey, kind="journey", key="standard", name="Ours")


def standing() -> list[tuple[str, str]]:
    found = StageVisit.objects.filter(left_on=None).order_by("account__name")
    return list(found.values_list("account__name", "stage__key"))


@pytest.mark.capability("J1")
@pytest.mark.parametrize("stage", ["onboarding", "adoption", "renewal", "expansion"])
def test_a_customer_that_is_back_enters_the_stage_that_it_left(tenant: Tenant, stage: str) -> None:
    with tenant_context(tenant.pk):
        account = gates.account("Alder", status="prospect")
        for key in ("decision", stage):
            StageVisit.objects.filter(left_on=None).update(left_on=TODAY)
            StageVisit.objects.create(
                account=account,
                stage=gates_stage(key),
                entered_on=TODAY - timedelta(days=5 if key == "decision" else 0),
            )
        Account.objects.update(status="churned")
        sweep_lifecycle(today=TODAY, now=NOW)
        assert (standing(), place_accounts(**NEXT)) == ([], 0)
        Account.objects.update(status="customer")
        assert (place_accounts(**NEXT), place_accounts(**NEXT)) == (1, 0)
        assert standing() == [("Alder", stage)]
        stay = StageVisit.objects.get(left_on=None)
        assert (stay.entered_on, stay.is_start_known, stay.reason) == (NEXT["today"], True, "In business again")


def gates_stage(key: str) -> LifecycleStage:
    return LifecycleStage.objects.get(journey="standard", key=key)


def test_a_prospect_that_is_back_begins_where_prospects_do(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.account("Alder", status="customer")
        place_accounts(**BY)
        Account.objects.update(status="churned")
        sweep_lifecycle(today=TODAY, now=NOW)
        Account.objects.update(status="prospect")
        place_accounts(**NEXT)
        assert standing() == [("Alder", "consideration")]


@pytest.mark.parametrize("reason", ["Churned.", "The account has churned."])
def test_a_customer_that_somebody_let_go_stays_out_whatever_the_words(tenant: Tenant, reason: str) -> None:
    with tenant_context(tenant.pk):
        account = gates.account("Alder", status="customer")
        place_accounts(**BY)
        leave_journey(account_ids=[account.pk], reason=reason, **BY)
        assert AuditEntry.objects.get(verb="left the journey").after == {"stage": None, "churned": False}
        assert (place_accounts(**NEXT), standing()) == (0, [])


def test_whoever_left_before_the_trail_had_a_mark_comes_back_where_the_sweep_let_it_go(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        account = gates.account("Alder", status="customer")
        StageVisit.objects.create(account=account, stage=gates_stage("adoption"), entered_on=TODAY, left_on=TODAY)
        AuditEntry.objects.create(
            at=NOW, actor_label="Journey", verb="left the journey", subject_type="accounts.account",
            subject_id=account.pk, before={"stage": "adoption"}, after={"stage": None}, reason="Churned.",
        )  # fmt: skip
        assert (place_accounts(**NEXT), standing()) == (1, [("Alder", "adoption")])


@pytest.mark.capability("J1")
def test_the_trail_says_that_all_were_kept_out_and_says_it_once(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        publish(adoption={"entry": [SEGMENT]})
        accounts = [gates.account(name, status="customer") for name in ("Alder", "Birch")]
        assert [place_accounts(**BY) for _ in range(3)] == [0, 0, 0]
        assert [one.after for one in AuditEntry.objects.filter(verb="placed accounts")] == [
            {"accounts": 0, "gate shut": 2}
        ]
        told = AuditEntry.objects.filter(verb="kept out of a stage").order_by("subject_id")
        assert [(one.subject_id, one.after) for one in told] == [
            (one.pk, {"stage": "adoption", "missing": [SEGMENT["name"]]}) for one in accounts
        ]
        Account.objects.filter(name="Alder").update(segment="enterprise")
        assert (place_accounts(**NEXT), standing()) == (1, [("Alder", "adoption")])
        latest = AuditEntry.objects.filter(verb="placed accounts").order_by("-pk")[0]
        assert latest.after == {"accounts": 1, "gate shut": 1}


@pytest.mark.capability("J3")
def test_an_approved_waiver_opens_the_first_stage_as_it_opens_a_move(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        publish(adoption={"entry": [SHOWN]})
        named, other = (gates.account(name, status="customer") for name in ("Alder", "Birch"))
        assert place_accounts(**BY) == 0
        waiver = ask_waiver(
            to_stage="adoption", reason="It is in use", expires_on=TODAY + timedelta(days=9), tenant=tenant,
            asker=gates.member(tenant, Role.CSM), account_id=named.pk, today=TODAY, now=NOW,
        )  # fmt: skip
        assert place_accounts(**BY) == 0
        approver = gates.member(tenant, Role.REVOPS_ADMIN)
        approve_waiver(waiver_id=waiver.pk, approver=approver, answer="", today=TODAY, now=NOW)
        assert (place_accounts(**NEXT), place_accounts(**NEXT)) == (1, 0)
        stay = StageVisit.objects.get()
        assert (stay.account_id, stay.stage.key, stay.is_start_known) == (named.pk, "adoption", False)
        assert Waiver.objects.get().used_at == NEXT["now"]
        assert AuditEntry.objects.get(verb="moved account").after == {"stage": "adoption", "waivers": [waiver.pk]}
        assert move_account_stage(account_id=other.pk, stage_key="consideration", **NEXT).stage.key == "consideration"


@pytest.mark.capability("C1")
def test_the_map_counts_who_is_in_no_stage_and_opens_the_list_with_the_reasons(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        publish(adoption={"entry": [SEGMENT]})
        kept = gates.account("Alder & Sons", status="customer", arr_minor=900_00)
        gone = gates.account("Birch", status="prospect")
        gates.account("Cedar", status="customer", segment="enterprise")
        gates.account("Dogwood", status="churned")
        place_accounts(**BY)
        leave_journey(account_ids=[gone.pk], reason="No budget", **BY)
        refresh_figures(today=TODAY, now=NOW)
        rows = accounts_outside(today=TODAY).rows
        assert [(one.name, one.left_on, one.stage, one.missing, one.minor) for one in rows] == [
            ("Alder & Sons", None, "Adoption", (SEGMENT["name"],), 900_00),
            ("Birch", TODAY, "Consideration", (), 0),
        ]
        first = accounts_outside(today=TODAY, most=1)
        assert (first.rows[0].account_id, first.after) == (kept.pk, str(kept.pk))
        assert [one.name for one in accounts_outside(today=TODAY, after=first.after).rows] == ["Birch"]
        assert [one.name for one in accounts_outside(today=TODAY, after="-1x").rows] == ["Alder & Sons", "Birch"]
        member = gates.member(tenant, Role.REVOPS_ADMIN)
        clerk = gates.member(tenant, Role.SUPPORT_AGENT)
    with time_machine.travel(NOW, tick=False):
        pages = {}
        for one in (member, clerk):
            client = Client()
            client.force_login(one.user)
            pages[one.role] = [
                client.get(reverse(name)).content.decode() for name in ("journeys:journey", "journeys:journey_outside")
            ]
    for page, listed in pages.values():
        assert (
            f'<a class="link" href="{reverse("journeys:journey_outside")}">2 accounts in no stage</a>'
            in page.replace("\xa0", " ")
        )
        assert f"Missing for Adoption: {SEGMENT['name']}" in listed
        assert "Alder &amp; Sons" in listed
        assert "Cedar" not in listed
    assert ("900" in pages[Role.REVOPS_ADMIN][1], "900" in pages[Role.SUPPORT_AGENT][1]) == (True, False)


@pytest.mark.capability("J1")
def test_a_customer_no_stage_is_for_is_listed_as_such_and_one_to_be_placed_is_too(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.account("Alder", status="customer")
        assert [(one.stage, one.missing) for one in accounts_outside(today=TODAY).rows] == [("Adoption", ())]
        publish(adoption={"first_for": []}, consideration={"first_for": ["prospect"]})
        assert [(one.stage, one.missing) for one in accounts_outside(today=TODAY).rows] == [("", ())]
