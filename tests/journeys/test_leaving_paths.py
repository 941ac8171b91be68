"""Leaving the journey and coming back on every path: page, API, many at once, worker, command; one trail."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from core.choices import Role
from core.jobs import run_job
from core.models import AuditEntry, Job, Tenant
from core.tenancy import tenant_context
from journeys import tasks
from journeys.actions.bulk_moves import JOB, start_moves
from journeys.actions.moving import ASKED
from journeys.actions.stages import move_account_stage
from journeys.models import Opportunity, StageVisit
from tests.factories import gates
from tests.factories.api import Program, make_key
from tests.factories.gates import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db
assert tasks.MOVE_JOB == JOB  # the worker's doors are known to the process that runs the test


@dataclass(frozen=True)
class World:
    """A workspace, a seller who is signed in, and a program."""

    tenant: Tenant
    client: Client
    program: Program


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with time_machine.travel(NOW, tick=False):
        tenant = gates.workspace()
        client = Client()
        client.force_login(gates.member(tenant, Role.SALES_REP, "Sam Reed").user)
        yield World(tenant, client, make_key(tenant, Role.SALES_REP)[1])


def stands(world: World, name: str, key: str = "decision", status: str = "prospect") -> Account:
    with tenant_context(world.tenant.pk):
        account = gates.account(name, status=status)
        move_account_stage(account_id=account.pk, stage_key=key, actor=ACTOR, today=TODAY, now=NOW)
        return account


def stays(world: World, account: Account) -> list[tuple[str, date | None]]:
    with tenant_context(world.tenant.pk):
        return list(StageVisit.objects.filter(account=account).order_by("pk").values_list("stage__key", "left_on"))


def trail(world: World) -> list[tuple[str, Any, str]]:
    with tenant_context(world.tenant.pk):
        found = AuditEntry.objects.filter(verb="left the journey").order_by("subject_label")
        return list(found.values_list("subject_label", "before", "reason"))


def by_page(world: World, account: Account, reason: str) -> bool:
    sent = world.client.post(reverse("journeys:account_leave", args=[account.pk]), {"reason": reason})
    assert sent.status_code in {302, 422}
    return sent.status_code == 302


def by_api(world: World, account: Account, reason: str) -> bool:
    sent = world.program.send("post", f"/api/v1/accounts/{account.pk}/stage/leave/", {"reason": reason})
    assert sent.status_code in {200, 400}
    return sent.status_code == 200


def by_api_of_many(world: World, account: Account, reason: str) -> bool:
    sent = world.program.send("post", "/api/v1/accounts/stages/leave/", {"accounts": [account.pk], "reason": reason})
    assert sent.status_code in {200, 400}
    return sent.status_code == 200 and sent.json() == {"left": 1}


@pytest.mark.parametrize("path", [by_page, by_api, by_api_of_many])
def test_an_account_leaves_with_a_reason_on_every_path(world: World, path: Callable[..., bool]) -> None:
    account = stands(world, "Alder")
    assert path(world, account, " ") is False
    assert (stays(world, account), trail(world)) == ([("decision", None)], [])
    assert path(world, account, "No budget") is True
    assert stays(world, account) == [("decision", TODAY)]
    assert trail(world) == [("Alder", {"stage": "decision"}, "No budget")]


def test_leaving_twice_is_leaving_once_and_strangers_and_readers_are_refused(world: World) -> None:
    account = stands(world, "Alder")
    url = f"/api/v1/accounts/{account.pk}/stage/leave/"
    for _ in range(2):
        assert world.program.send("post", url, {"reason": "No budget"}).json() == {
            "id": account.pk, "stage": None, "edition": None,
        }  # fmt: skip
    assert len(trail(world)) == 1
    assert world.program.send("post", "/api/v1/accounts/987654/stage/leave/", {"reason": "x"}).status_code == 404
    reader = make_key(world.tenant, Role.LEADER)[1]
    for path, body in (
        (url, {"reason": "x"}),
        ("/api/v1/accounts/stages/leave/", {"accounts": [account.pk], "reason": "x"}),
        ("/api/v1/accounts/stages/", {"accounts": [account.pk], "stage": "decision"}),
    ):
        assert reader.send("post", path, body).status_code == 403
    too_many = {"accounts": list(range(1, 1002)), "reason": "x"}
    assert world.program.send("post", "/api/v1/accounts/stages/leave/", too_many).status_code == 400


def test_an_account_that_went_into_another_one_leaves_nothing(world: World) -> None:
    gone, kept = stands(world, "Alder"), stands(world, "Birch")
    with tenant_context(world.tenant.pk):
        Account.objects.filter(pk=gone.pk).update(merged_into=kept)
    refused = world.program.send("post", f"/api/v1/accounts/{gone.pk}/stage/leave/", {"reason": "No budget"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "account_merged")
    many = {"accounts": [gone.pk], "reason": "No budget"}
    assert world.program.send("post", "/api/v1/accounts/stages/leave/", many).json() == {"left": 0}
    assert stays(world, gone) == [("decision", None)]


def test_coming_back_passes_the_same_gates_one_by_one_and_many_at_once(world: World) -> None:
    one, other = stands(world, "Alder"), stands(world, "Birch")
    left = {"accounts": [one.pk, other.pk], "reason": "No budget"}
    assert world.program.send("post", "/api/v1/accounts/stages/leave/", left).json() == {"left": 2}
    gate = world.program.get(f"/api/v1/accounts/{one.pk}/gate/?stage=advocacy").json()
    missing = [line["name"] for line in gate["lines"] if not line["met"]]
    assert missing[0] == "Contract signed"
    alone = world.program.send("post", f"/api/v1/accounts/{one.pk}/stage/", {"stage": "advocacy"})
    assert (alone.status_code, alone.json()["error"]["fields"]["missing"]) == (409, missing)
    page = world.client.post(reverse("journeys:account_move", args=[one.pk]), {"to": "advocacy"})
    assert page.status_code == 422
    assert all(name in page.content.decode() for name in missing)
    many = world.program.send("post", "/api/v1/accounts/stages/", {"accounts": [one.pk, other.pk], "stage": "advocacy"})
    assert many.json()["moved"] == []
    assert [(row["name"], row["code"], row["missing"]) for row in many.json()["refused"]] == [
        ("Alder", "gate", missing), ("Birch", "gate", missing),
    ]  # fmt: skip
    alone = world.program.send("post", f"/api/v1/accounts/{one.pk}/stage/", {"stage": "decision"})
    assert (alone.status_code, alone.json()["stage"]) == (200, "decision")
    many = world.program.send("post", "/api/v1/accounts/stages/", {"accounts": [one.pk, other.pk], "stage": "decision"})
    assert many.json() == {"moved": [other.pk], "refused": []}
    assert stays(world, one) == stays(world, other) == [("decision", TODAY), ("decision", None)]


def test_many_accounts_go_back_only_with_a_reason(world: World) -> None:
    account = stands(world, "Alder")
    body = {"accounts": [account.pk], "stage": "awareness"}
    refused = world.program.send("post", "/api/v1/accounts/stages/", body).json()["refused"]
    assert [(one["code"], one["missing"]) for one in refused] == [("reason", [ASKED["reason"]])]
    assert world.program.send("post", "/api/v1/accounts/stages/", body | {"reason": "Too soon"}).json()["moved"] == [
        account.pk
    ]
    assert world.program.send("post", "/api/v1/accounts/stages/", body | {"stage": "nope"}).status_code == 404


# Deals that are lost take their prospects with them, where that is said.


def lost_by_page(world: World, deal: Opportunity, lost: int, **more: Any) -> None:
    sent = {"stage": lost, "seen": deal.stage_id, "close_reason": "Price", **({"leave": "1"} if more else {})}
    assert world.client.post(reverse("journeys:opportunity_move", args=[deal.pk]), sent).status_code == 302


def lost_by_api(world: World, deal: Opportunity, lost: int, **more: Any) -> None:
    body = {"stage": "closed_lost", "close_reason": "Price", **more}
    assert world.program.send("post", f"/api/v1/opportunities/{deal.pk}/move/", body).status_code == 200


def lost_among_many(world: World, deal: Opportunity, lost: int, **more: Any) -> None:
    sent = {"id": [deal.pk], "stage": lost, "close_reason": "Price", **({"leave": "1"} if more else {})}
    answer = world.client.post(reverse("journeys:opportunities_move"), sent)
    assert answer.status_code == 200
    assert ("1 prospect left the journey" in answer.content.decode()) == bool(more)


def lost_by_job_of_the_api(world: World, deal: Opportunity, lost: int, **more: Any) -> None:
    body = {"pipeline": "sales", "stage": "closed_lost", "opportunities": [deal.pk], "close_reason": "Price", **more}
    job_id = world.program.send("post", "/api/v1/opportunities/moves/", body).json()["id"]
    assert run_job(tenant_id=world.tenant.pk, job_id=job_id) == "done"
    with tenant_context(world.tenant.pk):
        assert Job.objects.get(pk=job_id).result["left"] == int(bool(more))


def lost_by_command(world: World, deal: Opportunity, lost: int, **more: Any) -> None:
    out = StringIO()
    flags = ["--leave"] if more else []
    call_command(
        "move_opportunity", "closed_lost", str(deal.pk), "--tenant", world.tenant.slug, "--close-reason", "Price",
        *flags, "--json", stdout=out,
    )  # fmt: skip
    assert json.loads(out.getvalue())["left"] == len(flags)


LOST = [lost_by_page, lost_by_api, lost_among_many, lost_by_job_of_the_api, lost_by_command]


@pytest.mark.parametrize("path", LOST)
def test_a_prospect_leaves_with_its_last_lost_deal_on_every_path_where_that_is_said(
    world: World, path: Callable[..., None]
) -> None:
    accounts = {name: stands(world, name) for name in ("Asked", "Not asked", "Has another")}
    customer = stands(world, "Customer", "renewal", status="customer")
    with tenant_context(world.tenant.pk):
        lost = gates.stage("closed_lost").pk
        deals = {name: gates.deal(of=account, kind="new") for name, account in accounts.items()}
        deals["Customer"] = gates.deal(of=customer, kind="new")
        gates.deal("More seats", of=accounts["Has another"], kind="new")
    path(world, deals["Not asked"], lost)
    if path in {lost_by_page, lost_by_api}:
        path(world, deals["Has another"], lost, leave=True)
        path(world, deals["Customer"], lost, leave=True)
    path(world, deals["Asked"], lost, leave=True)
    assert trail(world) == [("Asked", {"stage": "decision"}, "Lost: Price")]


def test_two_deals_of_one_prospect_are_lost_in_one_move_and_it_leaves_once(world: World) -> None:
    account, stays_on = stands(world, "Alder"), stands(world, "Birch")
    with tenant_context(world.tenant.pk):
        ids = [gates.deal(name, of=account, kind="new").pk for name in ("Seats", "Support")]
        ids += [gates.deal(of=stays_on, kind="new").pk]
        gates.deal("Still open", of=stays_on, kind="new")
        job = start_moves(
            opportunity_ids=ids, stage_id=gates.stage("closed_lost").pk, actor=ACTOR, today=TODAY, now=NOW,
            close_reason="Price", leave=True,
        )  # fmt: skip
    assert run_job(tenant_id=world.tenant.pk, job_id=job.pk) == "done"
    with tenant_context(world.tenant.pk):
        assert Job.objects.get(pk=job.pk).result == {"moved": 3, "refused": 0, "refusals": [], "left": 1}
    assert trail(world) == [("Alder", {"stage": "decision"}, "Lost: Price")]


def test_who_stays_because_of_a_gate_keeps_its_prospect_in_the_journey(world: World) -> None:
    account = stands(world, "Alder")
    with tenant_context(world.tenant.pk):
        deal = gates.deal(of=account, kind="new")
        lost = gates.stage("closed_lost").pk
    refused = world.client.post(reverse("journeys:opportunities_move"), {"id": [deal.pk], "stage": lost, "leave": "1"})
    assert (refused.status_code, stays(world, account)) == (422, [("decision", None)])
