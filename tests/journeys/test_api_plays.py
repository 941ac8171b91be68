"""Playbooks and plays by the API."""

import pytest
from django.test import Client

from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.models import Opportunity, Pipeline, PipelineStage, PlaybookRun, RunStep, Waiver
from tests.factories.api import Program, make_key
from tests.factories.plays import TODAY, account, member, publish_playbook, step

pytestmark = pytest.mark.django_db


@pytest.fixture
def account_id(kestrel: Tenant) -> int:
    with tenant_context(kestrel.pk):
        publish_playbook(
            steps=[step("plan", 2), step("call", 7, "step:plan")],
            requires={"fact": "accounts.arr", "op": "gte", "value": 2_000_000},
        )
        return account().pk


def signed_in(tenant: Tenant) -> Client:
    """A CS manager at the API, as a person."""
    with tenant_context(tenant.pk):
        membership = member(tenant, Role.CS_MANAGER, "Ruth Adler").membership
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def program(kestrel: Tenant, account_id: int) -> Program:
    return make_key(kestrel, Role.CSM)[1]


def test_a_play_is_started_once_worked_and_explained(program: Program, kestrel: Tenant, account_id: int) -> None:
    address = f"/api/v1/accounts/{account_id}/plays/"
    asked = {"playbook": "low_usage", "origin_key": "crm-7"}
    refused = program.send("post", address, asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "needs_waiver")
    asked["waiver_reason"] = "Pilot, agreed by Ruth"
    refused = program.send("post", address, asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    key = make_key(kestrel, Role.CS_MANAGER)[1].send("post", address, asked)
    assert (key.status_code, key.json()["error"]["code"]) == (403, "person_needed")  # as at every other waiver
    manager = signed_in(kestrel)
    made = manager.post(address, asked, "application/json")
    assert (made.status_code, made["Location"]) == (201, f"/api/v1/plays/{made.json()['id']}/")
    with tenant_context(kestrel.pk):
        waiver = Waiver.objects.get()
        assert (waiver.asked_by, waiver.answer[:24]) == ("Ruth Adler", "Started on own authority")
        assert waiver.reason == "Pilot, agreed by Ruth"
    body = made.json()
    assert (body["state"], body["trigger"], body["version"], body["origin_key"]) == ("running", "api", 1, "api:crm-7")
    assert [(one["key"], one["state"]) for one in body["steps"]] == [("plan", "open"), ("call", "ahead")]
    assert manager.post(address, asked, "application/json").json()["id"] == body["id"]
    second = program.send("post", address, {"playbook": "low_usage"})
    assert (second.status_code, second.json()["error"]["code"]) == (409, "running")
    plan = body["steps"][0]["id"]
    done = program.send("post", f"/api/v1/plays/steps/{plan}/finish/", {"note": "Mail", "unaided": True})
    assert (done.status_code, done.json()["state"], done.json()["unaided"]) == (200, "done", True)
    call = program.send("get", f"/api/v1/plays/{body['id']}/").json()["steps"][1]
    assert call["state"] == "open"
    skipped = program.send("post", f"/api/v1/plays/steps/{call['id']}/skip/", {"reason": "They called us"})
    assert (skipped.status_code, skipped.json()["note"]) == (200, "They called us")
    assert program.send("post", f"/api/v1/plays/steps/{plan}/finish/", {}).status_code == 200
    again = program.send("post", f"/api/v1/plays/steps/{call['id']}/finish/", {})
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "step_is_over"
    found = program.send("get", f"/api/v1/plays/?playbook=low_usage&account={account_id}").json()
    assert [(one["id"], one["state"]) for one in found["results"]] == [(body["id"], "finished")]
    figures = program.send("get", "/api/v1/playbooks/").json()["playbooks"]
    assert [(one["key"], one["figures"][0]["finished"]) for one in figures] == [("low_usage", 1)]
    why = program.send("get", f"/api/v1/plays/why/?playbook=low_usage&account={account_id}").json()
    assert why["started_id"] == body["id"]
    assert [one["name"] for one in why["parts"]] == ["Live", "Account", "Trigger", "Required", "One at a time"]


def test_amounts_are_hidden_from_those_who_see_no_money(kestrel: Tenant, account_id: int) -> None:
    _, support = make_key(kestrel, Role.SUPPORT_AGENT)
    why = support.send("get", f"/api/v1/plays/why/?playbook=low_usage&account={account_id}").json()
    required = next(one for one in why["parts"] if one["name"] == "Required")
    assert [one["saw"] for one in required["lines"]] == ["Hidden"]


def test_starting_many_is_a_job_and_a_stop_has_a_reason(program: Program, kestrel: Tenant, account_id: int) -> None:
    asked = {"playbook": "low_usage", "account_ids": [account_id], "key": "night"}
    assert program.send("post", "/api/v1/plays/start/", {**asked, "waiver_reason": "All"}).status_code == 400
    first, second = (program.send("post", "/api/v1/plays/start/", asked) for _ in range(2))
    assert (first.status_code, first.json()["kind"]) == (202, "journeys.start_plays")
    assert second.json()["id"] == first.json()["id"]
    asked = {"playbook": "low_usage", "waiver_reason": "x"}
    made = signed_in(kestrel).post(f"/api/v1/accounts/{account_id}/plays/", asked, "application/json").json()
    stopped = program.send("post", f"/api/v1/plays/{made['id']}/stop/", {"reason": "Wrong account"})
    assert (stopped.json()["state"], stopped.json()["end_reason"]) == ("stopped", "Wrong account")
    with tenant_context(kestrel.pk):
        assert PlaybookRun.objects.get().state == "stopped"
        assert RunStep.objects.filter(state="done").count() == 0


def test_a_key_of_another_start_and_a_foreign_opportunity_are_refused(kestrel: Tenant, program: Program) -> None:
    with tenant_context(kestrel.pk):
        publish_playbook("check_in", steps=[step("plan", 2)])
        one, other = account("One"), account("Other")
        line = Pipeline.objects.create(key="p", name="P")
        stage = PipelineStage.objects.create(pipeline=line, key="open", name="Open", position=1)
        theirs = Opportunity.objects.create(
            account=other, pipeline=line, stage=stage, name="Theirs", currency="EUR", opened_on=TODAY
        )
    address = f"/api/v1/accounts/{one.pk}/plays/"
    asked = {"playbook": "check_in", "origin_key": "crm-9"}
    for foreign in (theirs.pk, 987_654_321):
        refused = program.send("post", address, {**asked, "opportunity_id": foreign})
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["opportunity_id"])
    first = program.send("post", address, asked)
    assert first.status_code == 201
    taken = program.send("post", f"/api/v1/accounts/{other.pk}/plays/", asked)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "key_reused")
    assert program.send("post", address, asked).json()["id"] == first.json()["id"]
    elsewhere = program.send("post", address, {**asked, "playbook": "low_usage"})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (409, "key_reused")
