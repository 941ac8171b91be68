"""Every rule through every path: page, API, file, worker, operator's command, many at once. One refusal, one list.

Beside the refusal: an approved waiver opens the gate on each path, an expired one on none, and a reason that is given
is enough for a step back or a loss.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.actions.accounts import NOT_AFTER_ALL
from accounts.models import Account
from core.choices import Role
from core.jobs import run_job
from core.management.base import CommandRefused
from core.models import AuditEntry, Job, Membership, Tenant
from core.tenancy import tenant_context
from journeys import tasks
from journeys.actions.bulk_moves import JOB, start_moves
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.actions.moves import move_opportunities
from journeys.actions.moving import ASKED
from journeys.actions.waivers import approve_waiver, ask_waiver
from journeys.models import (
    FirstValue,
    Handoff,
    Opportunity,
    OpportunityStageVisit,
    PipelineStage,
    Task,
    Waiver,
)
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, MEDDIC, NOW, PAIN, SEGMENT, SHOWN, TODAY

pytestmark = pytest.mark.django_db
assert tasks.MOVE_JOB == JOB  # the worker's doors are known to the process that runs the test


@dataclass(frozen=True)
class World:
    """A workspace, a seller who is signed in, and somebody who may approve."""

    tenant: Tenant
    seller: Membership
    manager: Membership
    client: Client
    folder: Path


@dataclass(frozen=True)
class Case:
    """A rule: the criteria by stage, where the deal stands, where it wants to go, and what is missing."""

    name: str
    criteria: dict[str, Any]
    at: str
    to: str
    missing: tuple[str, ...]

    @property
    def waivable(self) -> bool:
        return not set(self.missing) & set(ASKED.values())


CASES = (
    Case("rule", {"discovery": {"exit": [AMOUNT]}}, "discovery", "demo", ("The amount is known",)),
    Case("rule_of_the_account", {"demo": {"entry": [SEGMENT]}}, "discovery", "demo", ("The account has a segment",)),
    Case("answer", {"demo": {"entry": [PAIN]}}, "discovery", "demo", ("The pain is named",)),
    Case("framework", {"demo": {"exit": [MEDDIC]}}, "demo", "proposal", ("MEDDIC is complete",)),
    Case("evidence", {"demo": {"exit": [SHOWN]}}, "demo", "proposal", ("They saw the demo",)),
    Case(
        "skipped_stage",
        {"discovery": {"exit": [AMOUNT]}, "demo": {"entry": [PAIN], "exit": [SHOWN]}, "proposal": {"entry": [SEGMENT]}},
        "discovery",
        "proposal",
        ("The amount is known", "The pain is named", "They saw the demo", "The account has a segment"),
    ),
    Case("won", {"closed_won": {"entry": [SEGMENT]}}, "negotiation", "closed_won", ("The account has a segment",)),
    Case("lost", {"demo": {"entry": [PAIN]}}, "demo", "closed_lost", (ASKED["close_reason"],)),
    Case("step_back", {"demo": {"entry": [PAIN]}}, "proposal", "demo", (ASKED["reason"],)),
    Case(
        "lost_with_a_criterion",
        {"closed_lost": {"entry": [PAIN]}},
        "demo",
        "closed_lost",
        ("The pain is named", ASKED["close_reason"]),
    ),
)

Said = tuple[str, ...]
Walk = Callable[..., Said]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with time_machine.travel(NOW, tick=False):
        tenant = gates.workspace()
        seller = gates.member(tenant, Role.REVOPS_ADMIN, "Sam Reed")
        manager = gates.member(tenant, Role.CS_MANAGER, "Noor Haddad")
        client = Client()
        client.force_login(seller.user)
        yield World(tenant, seller, manager, client, tmp_path)


def by_page(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    asked = {"stage": stage.pk, "seen": deal.stage_id, **words}
    response = world.client.post(reverse("journeys:opportunity_move", args=[deal.pk]), asked)
    if response.status_code == 302:
        return ()
    assert response.status_code == 422
    if "field" in response.context:
        return (ASKED[response.context["field"]],)
    gate = response.context["gate"]
    assert all(line.name in response.content.decode() for line in gate.missing)
    more = [ASKED["close_reason"]] if gate.needs_close_reason and "close_reason" not in words else []
    return (*(line.name for line in gate.missing), *more)


def by_api(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    response = world.client.post(
        f"/api/v1/opportunities/{deal.pk}/move/", json.dumps({"stage": stage.key, **words}), "application/json"
    )
    if response.status_code == 200:
        return ()
    assert response.status_code == 409, response.content
    return tuple(response.json()["error"]["fields"]["missing"])


def by_file(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    """The dry run says what the import says; only the import moves anything."""
    names = {"reason": "Reason for the move", "close_reason": "Closed lost reason"}
    file = world.folder / "deals.csv"
    head = ["Opportunity ID", "Stage", *(names[key] for key in words)]
    file.write_text("\n".join([",".join(head), ",".join([deal.external_id, stage.name, *words.values()])]))
    tried, done = import_file(world, file, "--dry-run"), import_file(world, file)
    assert tried == done
    return done


def import_file(world: World, file: Path, *more: str) -> Said:
    out = StringIO()
    call_command("import_data", "opportunities", str(file), "--tenant", world.tenant.slug, *more, "--json", stdout=out)
    report = json.loads(out.getvalue())
    if not report["rejected"]:
        assert report["updated"] == 1
        return ()
    refusal = report["refusals"][0]
    assert refusal["code"] == "gate"
    found = re.search(r"Missing: (.+?)\. [A-Z]", refusal["example"])
    assert found is not None, refusal
    return tuple(found.group(1).split("; "))


def by_worker(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    with tenant_context(world.tenant.pk):
        job = start_moves(opportunity_ids=[deal.pk], stage_id=stage.pk, actor=ACTOR, today=TODAY, now=NOW, **words)
        # The same words within one minute are the same job: here each walk is a job of its own.
        Job.objects.filter(pk=job.pk).update(key=f"walk {job.pk} {Job.objects.count()}")
    assert run_job(tenant_id=world.tenant.pk, job_id=job.pk) == "done"
    with tenant_context(world.tenant.pk):
        result = Job.objects.get(pk=job.pk).result
    return tuple(result["refusals"][0]["missing"]) if result["refused"] else ()


def by_command(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    out = StringIO()
    named = [part for key, value in words.items() for part in (f"--{key.replace('_', '-')}", value)]
    asked = ["move_opportunity", stage.key, deal.external_id, "--tenant", world.tenant.slug, *named, "--json"]
    try:
        call_command(*asked, stdout=out)
    except CommandRefused:
        return tuple(json.loads(out.getvalue())["refused"][0]["missing"])
    assert json.loads(out.getvalue())["moved"] == 1
    return ()


def by_many(world: World, deal: Opportunity, stage: PipelineStage, **words: str) -> Said:
    response = world.client.post(reverse("journeys:opportunities_move"), {"id": [deal.pk], "stage": stage.pk, **words})
    if response.status_code == 200:
        return ()
    assert response.status_code == 422
    refused: Said = response.context["result"].refused[0].missing
    assert all(name in response.content.decode() for name in refused)
    return refused


WALKS: tuple[Walk, ...] = (by_page, by_api, by_file, by_worker, by_command, by_many)


def set_up(world: World, case: Case) -> dict[Walk, Opportunity]:
    """A deal for each path, in the stage of the case; then the gates go live."""
    with tenant_context(world.tenant.pk):
        account = gates.account()
        deals = {walk: gates.deal(at=case.at, of=account, external_id=walk.__name__) for walk in WALKS}
        gates.publish(gates.gated(**case.criteria))
        return deals


def walked(world: World, deals: dict[Walk, Opportunity], to: str, **words: str) -> dict[str, Said]:
    """What each path says, by its name."""
    with tenant_context(world.tenant.pk):
        stage = gates.stage(to)
    return {walk.__name__: walk(world, deal, stage, **words) for walk, deal in deals.items()}


def on_each(value: Any) -> dict[str, Any]:
    return {walk.__name__: value for walk in WALKS}


def places(world: World, deals: dict[Walk, Opportunity]) -> dict[str, str]:
    with tenant_context(world.tenant.pk):
        stays = OpportunityStageVisit.objects.filter(left_on=None).select_related("stage", "opportunity")
        here = {stay.opportunity_id: stay for stay in stays}
        assert all(stay.stage_id == stay.opportunity.stage_id for stay in here.values())
    return {walk.__name__: here[deal.pk].stage.key for walk, deal in deals.items()}


def sign(world: World, deals: dict[Walk, Opportunity], to: str) -> None:
    with tenant_context(world.tenant.pk):
        for deal in deals.values():
            asked = ask_waiver(
                to_stage=to,
                reason="The board meets only in May",
                expires_on=TODAY + timedelta(days=14),
                asker=world.seller,
                tenant=world.tenant,
                today=TODAY,
                now=NOW,
                opportunity_id=deal.pk,
            )
            approve_waiver(waiver_id=asked.pk, approver=world.manager, answer="Fine", today=TODAY, now=NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.capability("S1")
def test_every_path_refuses_with_the_same_list(world: World, case: Case) -> None:
    deals = set_up(world, case)
    assert walked(world, deals, case.to) == on_each(case.missing)
    assert places(world, deals) == on_each(case.at)


@pytest.mark.parametrize("case", [case for case in CASES if case.waivable], ids=lambda case: case.name)
@pytest.mark.capability("J3")
def test_an_approved_waiver_opens_the_gate_once_on_every_path(world: World, case: Case) -> None:
    deals = set_up(world, case)
    sign(world, deals, case.to)
    assert walked(world, deals, case.to) == on_each(())
    assert places(world, deals) == on_each(case.to)
    with tenant_context(world.tenant.pk):
        assert list(Waiver.objects.values_list("used_at", flat=True)) == [NOW] * len(WALKS)


def test_an_expired_waiver_opens_no_path(world: World) -> None:
    deals = set_up(world, CASES[0])
    sign(world, deals, "demo")
    with tenant_context(world.tenant.pk):
        Waiver.objects.update(expires_on=TODAY)
    assert walked(world, deals, "demo") == on_each(CASES[0].missing)


def test_a_waiver_helps_with_what_it_names_and_nothing_else(world: World) -> None:
    deals = set_up(world, CASES[0])
    sign(world, deals, "demo")
    with tenant_context(world.tenant.pk):
        gates.publish(gates.gated(discovery={"exit": [AMOUNT, SHOWN]}))
    assert walked(world, deals, "demo") == on_each(("They saw the demo",))


@pytest.mark.parametrize(("index", "words"), [(7, {"close_reason": "Price"}), (8, {"reason": "New buyer"})])
def test_a_reason_given_is_enough_on_every_path(world: World, index: int, words: dict[str, str]) -> None:
    case = CASES[index]
    deals = set_up(world, case)
    assert walked(world, deals, case.to, **words) == on_each(())
    assert places(world, deals) == on_each(case.to)
    with tenant_context(world.tenant.pk):
        said = set(OpportunityStageVisit.objects.filter(left_on=None).values_list("reason", flat=True))
    assert said == set(words.values())


def test_what_is_met_opens_on_every_path(world: World) -> None:
    deals = set_up(world, CASES[0])
    with tenant_context(world.tenant.pk):
        Opportunity.objects.update(amount_minor=1)
    assert walked(world, deals, "demo") == on_each(())
    assert places(world, deals) == on_each("demo")


@pytest.mark.capability("S1")
def test_a_win_that_was_none_is_taken_back_on_every_path_with_all_that_it_brought(world: World) -> None:
    with tenant_context(world.tenant.pk):
        deals = {
            walk: gates.deal(at="negotiation", of=gates.account(name, status="prospect"), external_id=name)
            for walk, name in ((one, one.__name__) for one in WALKS)
        }
        won = gates.stage("closed_won")
        move_opportunities(
            opportunity_ids=[one.pk for one in deals.values()], stage_id=won.pk, actor=ACTOR, today=TODAY, now=NOW
        )
        sweep_lifecycle(today=TODAY, now=NOW)
        assert (FirstValue.objects.count(), Handoff.objects.filter(state="waiting").count()) == (6, 6)
        for deal in deals.values():
            deal.refresh_from_db()
    assert walked(world, deals, "demo", reason="Not yet signed") == on_each(())
    with tenant_context(world.tenant.pk):
        accounts = {one.name: (one.status, one.customer_since) for one in Account.objects.all()}
        assert accounts == on_each(("prospect", None))
        off = {one.account.name: (one.state, one.return_reason) for one in Handoff.objects.select_related("account")}
        assert off == on_each(("cancelled", "Not yet signed"))
        assert set(Task.objects.filter(subject_kind="handoff").values_list("state", flat=True)) == {"obsolete"}
        assert FirstValue.objects.count() == 0
        told = AuditEntry.objects.filter(verb=NOT_AFTER_ALL).values_list("subject_label", "reason")
        assert dict(told) == on_each("Not yet signed")


HEAD = ["Opportunity ID", "Pipeline", "Stage", "Close date", "Closed lost reason"]


def files(world: World, *row: str) -> list[tuple[str, str]]:
    """Code and words of each refused row, the same in the dry run and in the import."""
    file = world.folder / "deals.csv"
    file.write_text("\n".join([",".join(HEAD), ",".join([*row, *[""] * (len(HEAD) - len(row))])]))
    said = []
    for more in (["--dry-run"], []):
        out = StringIO()
        asked = ["opportunities", str(file), "--tenant", world.tenant.slug, *more, "--json"]
        call_command("import_data", *asked, stdout=out)
        said.append([(one["code"], one["example"]) for one in json.loads(out.getvalue())["refusals"]])
    assert said[0] == said[1]
    return said[1]


def partners(criteria: dict[str, Any]) -> None:
    with time_machine.travel(NOW - timedelta(days=400), tick=False):
        gates.publish(gates.gated(**criteria), key="partners", name="Partners")


@pytest.mark.capability("S1")
@pytest.mark.parametrize("named", ["Partners", "Somewhere new"])
def test_a_file_takes_no_deal_out_of_a_pipeline_with_criteria(world: World, named: str) -> None:
    with tenant_context(world.tenant.pk):
        gates.deal(external_id="walker")
        partners({})
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
    [(code, words)] = files(world, "walker", named, "Demo")
    assert code == "pipeline"
    assert "It is in the pipeline Sales, which has criteria. Give the row “Sales” in a column “Pipeline”" in words
    with tenant_context(world.tenant.pk):
        assert (Opportunity.objects.get().stage.key, Opportunity.objects.get().pipeline.key) == ("discovery", "sales")


def test_a_file_takes_a_deal_out_of_a_pipeline_without_criteria_through_the_gates_of_the_other(world: World) -> None:
    with tenant_context(world.tenant.pk):
        gates.deal(external_id="walker")
        partners({"discovery": {"exit": [AMOUNT]}})
    [(code, words)] = files(world, "walker", "Partners", "Demo")
    assert (code, "The amount is known" in words) == ("gate", True)
    [(code, words)] = files(world, "walker", "Partners", "Closed lost")
    assert (code, ASKED["close_reason"] in words) == ("gate", True)
    assert files(world, "walker", "Partners", "Discovery") == []


def test_a_file_brings_no_stage_into_a_pipeline_with_criteria(world: World) -> None:
    with tenant_context(world.tenant.pk):
        gates.deal(external_id="walker")
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
    [(code, words)] = files(world, "walker", "Sales", "Backdoor")
    assert code == "stage"
    assert "Sales has criteria and knows no stage “Backdoor”: add the stage in Stages and gates" in words
    with tenant_context(world.tenant.pk):
        assert not PipelineStage.objects.filter(name="Backdoor").exists()
        gates.publish(gates.gated())
    assert files(world, "walker", "Sales", "Backdoor") == []


@pytest.mark.parametrize(
    ("closed", "refused"), [("2026-03-01", False), ("2026-03-02", True), ("2026-03-20", True), ("", True)]
)
def test_a_closed_deal_is_history_only_where_it_closed_before_the_gates(
    world: World, closed: str, refused: bool
) -> None:
    with tenant_context(world.tenant.pk):
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
    said = files(world, "never seen", "Sales", "Closed won", closed)
    assert [code for code, _ in said] == (["gate"] if refused else [])
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.count() == (0 if refused else 1)


def test_a_lost_deal_that_nobody_has_seen_is_asked_why(world: World) -> None:
    with tenant_context(world.tenant.pk):
        gates.publish(gates.gated(discovery={"exit": [AMOUNT]}))
    [(code, words)] = files(world, "never seen", "Sales", "Closed lost")
    assert (code, ASKED["close_reason"] in words) == ("gate", True)
    assert files(world, "never seen", "Sales", "Closed lost", "", "No budget") == []


def test_a_waiver_opens_nothing_once_its_criterion_asks_something_else(world: World) -> None:
    deals = set_up(world, CASES[0])
    sign(world, deals, "demo")
    with tenant_context(world.tenant.pk):
        stricter = {**AMOUNT, "name": "The amount is over 500", "rule": {**AMOUNT["rule"], "value": 500_00}}
        gates.publish(gates.gated(discovery={"exit": [stricter]}))
    assert walked(world, deals, "demo") == on_each(("The amount is over 500",))
    with tenant_context(world.tenant.pk):
        assert not Waiver.objects.exclude(used_at=None).exists()
        gates.publish(gates.gated(discovery={"exit": [{**AMOUNT, "name": "Amount, please"}]}))
    assert walked(world, deals, "demo") == on_each(())
