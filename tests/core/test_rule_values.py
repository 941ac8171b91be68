"""What rules name: stages of the live journey, and values that a fact can have."""

from copy import deepcopy
from typing import Any, Final

import pytest

from core import process_files, versioning
from core.models import Tenant
from core.process_files.documents import Document
from core.tenancy import tenant_context
from tests.factories import gates
from tests.factories.gates import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db
ADVOCATES: Final[dict[str, Any]] = {
    "starts": [{"on": "stage", "stage": "advocacy"}],
    "steps": [{"key": "ask", "title": "Ask", "done_when": "They said yes.", "owner": "account_owner",
               "due": {"days": 2, "from": "start"}}],
}  # fmt: skip


@pytest.fixture
def tenant(db: None) -> Tenant:
    return gates.workspace("values")


def criterion(fact: str, value: object, op: str = "eq") -> dict[str, Any]:
    return {"key": "asked", "name": "Asked", "rule": {"all": [{"fact": fact, "op": op, "value": value}]}}


def without_advocacy() -> dict[str, Any]:
    live: dict[str, Any] = deepcopy(gates.publish_of("standard", "journey").definition)
    live["stages"] = [stage for stage in live["stages"] if stage["key"] != "advocacy"]
    for stage in live["stages"]:
        if back := [key for key in stage.pop("back_to", []) if key != "advocacy"]:
            stage["back_to"] = back
    live["handoffs"] = [one for one in live["handoffs"] if "advocacy" not in (one["from_stage"], one["to_stage"])]
    return live


def refused(definition: dict[str, Any], kind: str = "pipeline", key: str = "sales") -> list[str]:
    try:
        gates.publish(definition, kind=kind, key=key, name=key)
    except versioning.PublishRefused as refusal:
        return [] if refusal.waivable else refusal.lines
    return []


def test_a_stage_of_the_journey_that_live_processes_name_stays_until_they_do_not(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        whole = gates.publish_of("standard", "journey").definition
        gates.publish(ADVOCATES, kind="playbook", key="ask", name="Ask for a word")
        asks = {**ADVOCATES, "starts": [{"on": "manual"}], "audience": {"fact": "journeys.stage", "op": "in",
                                                                       "value": ["renewal", "advocacy"]}}  # fmt: skip
        gates.publish(asks, kind="playbook", key="books", name="Books")
        words = (
            "stages: 'advocacy' is missing, but the live playbook “{}” names it ({}). Keep it, or change the playbook "
            "first."
        )
        assert refused(without_advocacy(), "journey", "standard") == [
            words.format("Ask for a word", "starts[0].stage"), words.format("Books", "audience"),
        ]  # fmt: skip
        for key in ("ask", "books"):
            gates.publish({**ADVOCATES, "starts": [{"on": "manual"}]}, kind="playbook", key=key, name=key)
        assert refused(without_advocacy(), "journey", "standard") == []
        assert refused(ADVOCATES, "playbook", "ask")[0].startswith(
            "starts[0].stage: customer journey 'standard' has no 'advocacy' among its stages. There are: "
        )
        gates.publish(whole, kind="journey", key="standard", name="Journey")
        gates.publish(ADVOCATES, kind="playbook", key="ask", name="Ask for a word")
        with pytest.raises(versioning.PublishRefused, match="Keep it, or change the playbook first"):
            versioning.rollback(kind="journey", key="standard", actor=ACTOR, now=NOW, reason="Simpler.")


def test_files_are_told_in_the_plan_and_go_together(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gates.publish(ADVOCATES, kind="playbook", key="ask", name="Ask")
        journey = Document("journey", "standard", "Customer journey", without_advocacy(), "journey.yaml")
        same = Document("playbook", "ask", "Ask", ADVOCATES, "ask.yaml")
        other = Document("playbook", "ask", "Ask", {**ADVOCATES, "starts": [{"on": "manual"}]}, "ask.yaml")
        alone = process_files.plan([journey], actor=ACTOR, now=NOW, today=TODAY)
        assert [len(one.refused) for one in alone] == [1]
        told = process_files.plan([journey, same], actor=ACTOR, now=NOW, today=TODAY)
        assert [one.refused[:1] != () for one in told] == [False, True]
        with pytest.raises(process_files.BadFiles, match="has no 'advocacy' among its stages"):
            process_files.apply([journey, same], publish=True, reason="r", actor=ACTOR, now=NOW)
        assert all(one.refused == () for one in process_files.plan([other, journey], actor=ACTOR, now=NOW, today=TODAY))
        done = process_files.apply([other, journey], publish=True, reason="r", actor=ACTOR, now=NOW)
        assert [one.outcome for one in done] == ["published", "published"]


@pytest.mark.parametrize(
    ("fact", "value", "known"),
    [
        ("accounts.segment", "nosuch", "enterprise, mid_market, small"),
        ("accounts.status", "active", "prospect, customer, churned, merged"),
        ("opportunity.kind", "upsell", "new, renewal, expansion"),
        ("health.band", "orange", "green, yellow, red, none"),
        ("opportunity.stage", "demo", "discovery, proposal, negotiation, closed_won, closed_lost"),
    ],
)
def test_a_gate_over_a_value_that_never_comes_does_not_go_live(
    tenant: Tenant, fact: str, value: str, known: str
) -> None:
    definition = gates.gated(proposal={"entry": [criterion(fact, [value], "in")]})
    definition["stages"] = [stage for stage in definition["stages"] if stage["key"] != "demo"]
    with tenant_context(tenant.pk):
        words = f"stages[1].entry[0].rule.all[0]: '{fact}' is never '{value}'. One of {known}."
        assert refused(definition) == [words]


def test_a_stage_of_the_journey_that_is_not_there_is_no_value_either(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        lines = refused(gates.gated(proposal={"entry": [criterion("journeys.stage", "nowhere")]}))
        assert [line.partition(". There")[0] for line in lines] == [
            "stages[2].entry[0].rule.all[0]: customer journey 'standard' has no 'nowhere' among its stages"
        ]
        own = deepcopy(gates.publish_of("standard", "journey").definition)
        own["stages"][2]["entry"] = [criterion("journeys.stage", "consideration")]
        assert refused(own, "journey", "standard") == []
        own["stages"][2]["entry"] = [criterion("journeys.stage", "nowhere")]
        assert len(refused(own, "journey", "standard")) == 1
