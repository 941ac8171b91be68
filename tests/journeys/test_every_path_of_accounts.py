"""Every gate of the journey on every path that brings an account into a stage: page, API, many at once, file, hand-off,
worker. One refusal, one list.

The worker places by status, so it walks where an account stands in no stage yet.
"""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from core.changes import mark_changed
from core.choices import Role
from core.models import AuditEntry, Membership, Tenant
from core.tenancy import tenant_context
from journeys import tasks
from journeys.actions.handoffs import open_handoff
from journeys.actions.moves import move_opportunity
from journeys.actions.moving import ASKED
from journeys.actions.stages import move_account_stage
from journeys.actions.waivers import approve_waiver, ask_waiver
from journeys.models import Checkpoint, Handoff, StageVisit, Waiver
from journeys.queries.account_stage import stage_section
from journeys.queries.gates import account_gate
from journeys.queries.journey_figures import work_out
from journeys.rules.journeys import DEFAULT_JOURNEY
from tests.factories import gates
from tests.factories.api import Program, make_key
from tests.factories.gates import ACTOR, NOW, SEGMENT, SHOWN, TODAY

pytestmark = pytest.mark.django_db
KNOWN = {"key": "known", "name": "They know us", "evidence": True}
SIZE = {"key": "size", "name": "The size is known", "rule": {"fact": "accounts.employees", "op": "gt", "value": 0}}


@dataclass(frozen=True)
class World:
    """A workspace, somebody who is signed in, a program, and somebody who may approve."""

    tenant: Tenant
    admin: Membership
    manager: Membership
    client: Client
    program: Program
    folder: Path


@dataclass(frozen=True)
class Case:
    """The criteria by stage, where the account stands ("" for nowhere), where it wants to go, and what is missing."""

    name: str
    criteria: dict[str, Any]
    at: str
    to: str
    missing: tuple[str, ...]


CASES = (
    Case("exit", {"awareness": {"exit": [SEGMENT]}}, "awareness", "consideration", (SEGMENT["name"],)),
    Case("entry", {"consideration": {"entry": [KNOWN]}}, "awareness", "consideration", (KNOWN["name"],)),
    Case(
        "skipped_stage",
        {"awareness": {"exit": [SEGMENT]}, "consideration": {"entry": [KNOWN], "exit": [SHOWN]},
         "decision": {"entry": [SIZE]}},
        "awareness",
        "decision",
        (SEGMENT["name"], KNOWN["name"], SHOWN["name"], SIZE["name"]),
    ),
    Case("first_stage", {"consideration": {"entry": [SEGMENT, KNOWN]}}, "", "consideration",
         (SEGMENT["name"], KNOWN["name"])),
    Case("step_back", {"awareness": {"entry": [SEGMENT]}}, "decision", "awareness", (ASKED["reason"],)),
)  # fmt: skip

Said = tuple[str, ...]
Walk = Callable[[World, Account, str], Said]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with time_machine.travel(NOW, tick=False):
        tenant = gates.workspace()
        admin = gates.member(tenant, Role.REVOPS_ADMIN, "Sam Reed")
        manager = gates.member(tenant, Role.CS_MANAGER, "Noor Haddad")
        client = Client()
        client.force_login(admin.user)
        yield World(tenant, admin, manager, client, make_key(tenant)[1], tmp_path)


def journey(**criteria: dict[str, Any]) -> dict[str, Any]:
    """The stages of a new workspace with these criteria and no others."""
    document: dict[str, Any] = json.loads(json.dumps(DEFAULT_JOURNEY))
    for stage in document["stages"]:
        stage.pop("entry", None)
        stage.pop("exit", None)
        stage.update(deepcopy(criteria.get(stage["key"], {})))
    return document


def publish(document: dict[str, Any]) -> None:
    gates.publish(document, kind="journey", key="standard", name="Customer journey")


def by_page(world: World, account: Account, to: str) -> Said:
    sent = world.client.post(reverse("journeys:account_move", args=[account.pk]), {"to": to})
    if sent.status_code == 302:
        return ()
    assert sent.status_code == 422
    page = sent.content.decode()
    if "Say why it goes back" in page:
        return (ASKED["reason"],)
    return tuple(name for name in asked(world, account, to) if name in page)


def asked(world: World, account: Account, to: str) -> Said:
    """What the gate lists, for the doors that say only that it is shut."""
    with tenant_context(world.tenant.pk):
        return tuple(line.name for line in account_gate(account_id=account.pk, to_stage=to, today=TODAY).missing)


def by_api(world: World, account: Account, to: str) -> Said:
    sent = world.program.send("post", f"/api/v1/accounts/{account.pk}/stage/", {"stage": to})
    if sent.status_code == 200:
        return ()
    assert sent.status_code == 409, sent.content
    return tuple(sent.json()["error"]["fields"]["missing"])


def by_api_of_many(world: World, account: Account, to: str) -> Said:
    sent = world.program.send("post", "/api/v1/accounts/stages/", {"accounts": [account.pk], "stage": to}).json()
    if sent["moved"] == [account.pk]:
        return ()
    return tuple(sent["refused"][0]["missing"])


def by_file(world: World, account: Account, to: str) -> Said:
    file = world.folder / "accounts.csv"
    file.write_text(
        f"Account ID,Account Name,Status,Lifecycle Stage\n{account.external_id},{account.name},prospect,{to}\n"
    )
    out = StringIO()
    call_command("import_data", "accounts", str(file), "--tenant", world.tenant.slug, "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["rejected"] == 0
    warned = {one["code"]: one["count"] for one in report["warnings"]}
    if warned == {"lifecycle_backward": 1}:
        return (ASKED["reason"],)
    assert warned in ({}, {"lifecycle_gate_shut": 1})
    return asked(world, account, to) if warned else ()


def by_handoff(world: World, account: Account, to: str) -> Said:
    with tenant_context(world.tenant.pk):
        handoff = open_handoff(
            account_id=account.pk, key="walk", actor=ACTOR, from_person_id=None, to_person_id=None, today=TODAY, now=NOW
        )
    sent = world.program.send("post", f"/api/v1/handoffs/{handoff.pk}/accept/", {})
    if sent.status_code == 200:
        return ()
    assert sent.status_code == 409, sent.content
    found = re.search(r"Not yet: (.+)\.", sent.json()["error"]["message"])
    assert found is not None
    return tuple(found.group(1).split(", "))


def by_worker(world: World, account: Account, to: str) -> Said:
    with tenant_context(world.tenant.pk):
        mark_changed([account.pk])
    tasks.place_accounts(tenant_id=world.tenant.pk)
    return () if place(world, account) == to else asked(world, account, to)


MOVES: tuple[Walk, ...] = (by_page, by_api, by_api_of_many, by_file, by_handoff)


def walks(case: Case) -> tuple[Walk, ...]:
    if not case.at:
        return (by_worker, *MOVES)
    # A hand-off leads on: whoever is past its stage stays there.
    return tuple(walk for walk in MOVES if walk is not by_handoff) if case.name == "step_back" else MOVES


def set_up(world: World, case: Case) -> dict[Walk, Account]:
    """An account for each path, in the stage of the case; then the gates go live."""
    with tenant_context(world.tenant.pk):
        publish(journey())
        made = {}
        for walk in walks(case):
            made[walk] = gates.account(walk.__name__, status="prospect", external_id=walk.__name__)
            if case.at:
                move_account_stage(account_id=made[walk].pk, stage_key=case.at, actor=ACTOR, today=TODAY, now=NOW)
        document = journey(**case.criteria)
        document["handoffs"] = [
            {"key": "walk", "name": "Walk", "from_stage": case.at or "awareness", "to_stage": case.to,
             "from_team": "Sales", "to_team": "Customer success"}
        ]  # fmt: skip
        publish(document)
        return made


def place(world: World, account: Account) -> str:
    with tenant_context(world.tenant.pk):
        here = StageVisit.objects.filter(account=account, left_on=None).values_list("stage__key", flat=True)
        return next(iter(here), "")


def walked(world: World, accounts: dict[Walk, Account], to: str) -> dict[str, Said]:
    return {walk.__name__: walk(world, account, to) for walk, account in accounts.items()}


def places(world: World, accounts: dict[Walk, Account]) -> dict[str, str]:
    return {walk.__name__: place(world, account) for walk, account in accounts.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.capability("J1", "J5")
def test_every_path_refuses_with_the_same_list(world: World, case: Case) -> None:
    accounts = set_up(world, case)
    assert walked(world, accounts, case.to) == {walk.__name__: case.missing for walk in accounts}
    assert places(world, accounts) == {walk.__name__: case.at for walk in accounts}


@pytest.mark.parametrize("case", CASES[:4], ids=lambda case: case.name)
def test_what_is_met_opens_on_every_path(world: World, case: Case) -> None:
    accounts = set_up(world, case)
    with tenant_context(world.tenant.pk):
        document = journey()
        document["handoffs"] = gates.publish_of("standard", "journey").definition["handoffs"]
        publish(document)
    assert walked(world, accounts, case.to) == {walk.__name__: () for walk in accounts}
    assert places(world, accounts) == {walk.__name__: case.to for walk in accounts}


@pytest.mark.capability("J3")
@pytest.mark.parametrize("case", CASES[:4], ids=lambda case: case.name)
def test_an_approved_waiver_opens_the_gate_once_on_every_path_of_a_move(world: World, case: Case) -> None:
    accounts = {walk: one for walk, one in set_up(world, case).items() if walk is not by_worker}
    with tenant_context(world.tenant.pk):
        for account in accounts.values():
            waiver = ask_waiver(
                to_stage=case.to, reason="The board meets only in May", expires_on=TODAY + timedelta(days=14),
                asker=world.admin, tenant=world.tenant, today=TODAY, now=NOW, account_id=account.pk,
            )  # fmt: skip
            approve_waiver(waiver_id=waiver.pk, approver=world.manager, answer="Fine", today=TODAY, now=NOW)
    assert walked(world, accounts, case.to) == {walk.__name__: () for walk in accounts}
    assert places(world, accounts) == {walk.__name__: case.to for walk in accounts}
    with tenant_context(world.tenant.pk):
        assert list(Waiver.objects.values_list("used_at", flat=True)) == [NOW] * len(accounts)


def test_the_trail_says_how_many_the_worker_could_not_place(world: World) -> None:
    with tenant_context(world.tenant.pk):
        publish(journey(adoption={"entry": [SEGMENT]}))
        gates.account("Alder", status="customer", segment="enterprise")
        gates.account("Birch", status="customer")
        mark_changed(Account.objects.values_list("pk", flat=True))
    assert tasks.place_accounts(tenant_id=world.tenant.pk) == 1
    with tenant_context(world.tenant.pk):
        assert list(StageVisit.objects.values_list("account__name", "stage__key")) == [("Alder", "adoption")]
        assert AuditEntry.objects.get(verb="placed accounts").after == {"accounts": 1, "gate shut": 1}


@pytest.mark.capability("S4")
def test_a_prospect_won_before_it_was_placed_waits_for_its_hand_off_like_one_placed_before(world: World) -> None:
    with tenant_context(world.tenant.pk):
        publish(journey(onboarding={"entry": [SEGMENT]}))
        accounts = [gates.account(name, status="prospect") for name in ("Placed before", "Won before")]
        deals = [gates.deal(of=one, at="negotiation") for one in accounts]
        move_account_stage(account_id=accounts[0].pk, stage_key="consideration", actor=ACTOR, today=TODAY, now=NOW)
        won = gates.stage("closed_won").pk
        for deal in deals:
            move_opportunity(opportunity_id=deal.pk, stage_id=won, actor=ACTOR, today=TODAY, now=NOW)
    tasks.place_accounts(tenant_id=world.tenant.pk)
    assert [place(world, one) for one in accounts] == ["consideration", "consideration"]
    with tenant_context(world.tenant.pk):
        waiting = list(Handoff.objects.filter(state="waiting").values_list("account_id", "pk"))
        said = [asked(world, one, "onboarding") for one in accounts]
    assert sorted(pk for pk, _ in waiting) == sorted(one.pk for one in accounts)
    assert said == [(SEGMENT["name"],)] * 2
    sent = [world.program.send("post", f"/api/v1/handoffs/{pk}/accept/", {}) for _, pk in waiting]
    assert [SEGMENT["name"] in one.json()["error"]["message"] for one in sent] == [True, True]


def customers(world: World, number: int) -> None:
    file = world.folder / "accounts.csv"
    rows = [f"Acct {n},customer,2023-0{1 + n % 9}-10" for n in range(number)]
    file.write_text("\n".join(["Account Name,Status,Customer since", *rows]))
    call_command("import_data", "accounts", str(file), "--tenant", world.tenant.slug, "--json", stdout=StringIO())
    tasks.place_accounts(tenant_id=world.tenant.pk)
    tasks.hourly_lifecycle(tenant_id=world.tenant.pk)


@pytest.mark.capability("C1", "J1")
def test_customers_of_long_ago_are_stuck_only_by_the_days_since_they_were_seen(world: World) -> None:
    customers(world, 30)
    later = NOW + timedelta(days=400)
    with tenant_context(world.tenant.pk):
        known = gates.account("Known", status="customer")
        move_account_stage(account_id=known.pk, stage_key="adoption", actor=ACTOR, today=TODAY, now=NOW)
        assert Checkpoint.objects.count() == 0
        for day, at in ((TODAY, NOW), (later.date(), later)):
            figures = next(one for one in work_out(today=day, now=at).stages if one.key == "adoption")
            assert (figures.now.accounts, figures.entered.accounts, figures.stays) == (
                (31, 1, 1) if day == TODAY else (31, 0, 0)
            )
            assert figures.stuck_now.accounts == (0 if day == TODAY else 31)
        one = Account.objects.get(name="Acct 0")
        section = stage_section(account=one, today=later.date(), sees_money=True)
        assert (section.key, section.since, section.days, section.is_at_least) == ("adoption", TODAY, 400, True)
        assert section.is_stuck
    page = world.client.get(reverse("journeys:stage_accounts", args=["adoption"])).content.decode()
    assert page.count("seen today") == 30
    stuck = world.client.get(reverse("journeys:stage_accounts", args=["adoption"]) + "?show=stuck").content.decode()
    assert "Acct 0" not in stuck
    file = world.client.get(reverse("journeys:stage_file", args=["adoption"])).content.decode()
    assert file.count(f",{TODAY},0,at the latest,") == 30
    for name in ("journeys:account_stage", "dashboards:account"):
        shown = world.client.get(reverse(name, args=[one.pk])).content.decode().replace("\xa0", " ")
        assert "Adoption, since 2 Mar at the latest" in shown


def test_a_stay_goes_on_from_an_unknown_start_and_counts_in_no_median(world: World) -> None:
    customers(world, 12)
    day = date(2026, 3, 12)
    with tenant_context(world.tenant.pk):
        publish(journey())
        for one in Account.objects.all():
            move_account_stage(account_id=one.pk, stage_key="renewal", actor=ACTOR, today=day, now=NOW)
        figures = {one.key: one for one in work_out(today=day, now=NOW).stages}
        assert (figures["adoption"].median, figures["adoption"].peers) == (None, 0)
        assert (figures["adoption"].entered.accounts, figures["renewal"].entered.accounts) == (0, 12)
        stays = StageVisit.objects.filter(account__name="Acct 0").order_by("pk")
        assert list(stays.values_list("stage__key", "entered_on", "left_on", "is_start_known")) == [
            ("adoption", TODAY, day, False), ("renewal", day, None, True),
        ]  # fmt: skip
