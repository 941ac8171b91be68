"""Stages and gates: the document behind the editor, and a stage that goes without losing a deal."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from django.db.models import Count
from django.test import Client

from core import clock
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, ProcessVersion
from core.shapes import BadFields
from core.tenancy import tenant_context
from core.versioning import PublishRefused, draft, publish, rollback
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from journeys.queries.pipelines import misplaced_opportunities
from journeys.queries.words import describe_pipeline, pipeline_effects
from journeys.rules.pipeline_editing import acted, edited
from journeys.rules.pipelines import DEFAULT_PIPELINE, parse_pipeline
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
STAGES = [stage["key"] for stage in DEFAULT_PIPELINE["stages"]]


def document(**more: Any) -> dict[str, Any]:
    return {**deepcopy(dict(DEFAULT_PIPELINE)), **more}


def without(key: str, **more: Any) -> dict[str, Any]:
    found = document(**more)
    found["stages"] = [stage for stage in found["stages"] if stage["key"] != key]
    return found


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def go_live(definition: dict[str, Any]) -> ProcessVersion:
    actor, now = Actor.system("test"), clock.now()
    version = draft(kind="pipeline", key="sales", name="Sales", definition=definition, actor=actor, now=now)
    return publish(version=version, actor=actor, now=now, reason="Simpler.")


def with_history(world: World) -> None:
    """One deal stands in Discovery; a won one went through Discovery and Demo."""
    stages = {stage.key: stage for stage in PipelineStage.objects.all()}
    open_deal = Opportunity.objects.get()
    OpportunityStageVisit.objects.create(opportunity=open_deal, stage=stages["discovery"], entered_on=date(2026, 1, 1))
    won = Opportunity.objects.create(
        name="Won one", pipeline=open_deal.pipeline, stage=stages["closed_won"], currency="EUR",
        closed_on=date(2026, 2, 1),
    )  # fmt: skip
    days = [date(2026, 1, 1), date(2026, 1, 10), date(2026, 2, 1), None]
    for key, entered, left in zip(("discovery", "demo", "closed_won"), days, days[1:], strict=False):
        OpportunityStageVisit.objects.create(opportunity=won, stage=stages[key], entered_on=entered, left_on=left)


@pytest.mark.capability("J6")
@pytest.mark.parametrize("key", ["discovery", "demo"])
def test_a_stage_that_holds_or_held_deals_cannot_go_without_saying_where_they_go(world: World, key: str) -> None:
    with tenant_context(world.tenant.pk):
        with_history(world)
        with pytest.raises((PublishRefused, ValueError), match=f"Say where they go, `reassign: {{{key}: STAGE}}`"):
            go_live(without(key))
        assert PipelineStage.objects.filter(key=key).exists()
        assert ProcessVersion.objects.get(kind="pipeline", state="published").number == 1


@pytest.mark.capability("J6")
def test_deals_and_their_history_go_to_the_named_stage_in_one_transaction(world: World) -> None:
    with tenant_context(world.tenant.pk):
        with_history(world)
        deals, stays = Opportunity.objects.count(), OpportunityStageVisit.objects.count()
        gone = without("discovery", reassign={"discovery": "demo"})
        assert "1 opportunity and 2 stays go from Discovery to Demo." in pipeline_effects(
            "sales", gone, date(2026, 3, 2)
        )
        go_live(gone)
        assert not PipelineStage.objects.filter(key="discovery").exists()
        assert (Opportunity.objects.count(), OpportunityStageVisit.objects.count()) == (deals, stays)
        assert Opportunity.objects.filter(stage=None).count() == 0
        assert misplaced_opportunities() == 0
        by_stage = (
            OpportunityStageVisit.objects.order_by("stage__key").values_list("stage__key").annotate(n=Count("pk"))
        )
        assert dict(by_stage) == {"demo": 3, "closed_won": 1}
        told = OpportunityStageVisit.objects.filter(reason="In Discovery, a stage that is no more").count()
        assert told == 2
        entry = AuditEntry.objects.get(verb="reassigned stage")
        assert entry.after == {"stage": "demo", "deals": 1, "stays": 2}
        positions = PipelineStage.objects.order_by("position").values_list("key", "position")
        assert list(positions) == [(key, place) for place, key in enumerate(STAGES[1:], start=1)]


def test_a_stage_that_went_comes_back_empty_when_the_version_before_is_restored(world: World, actor: Actor) -> None:
    with tenant_context(world.tenant.pk):
        with_history(world)
        go_live(without("discovery", reassign={"discovery": "demo"}))
        rollback(kind="pipeline", key="sales", actor=actor, now=clock.now(), reason="We need it after all.")
        assert list(PipelineStage.objects.order_by("position").values_list("key", flat=True)) == STAGES
        assert Opportunity.objects.filter(stage__key="discovery").count() == 0


def test_an_open_stage_cannot_hand_its_deals_to_a_closed_one(world: World) -> None:
    with tenant_context(world.tenant.pk):
        with_history(world)
        with pytest.raises((PublishRefused, ValueError), match="Choose a stage of the same kind"):
            go_live(without("discovery", reassign={"discovery": "closed_won"}))


@pytest.mark.parametrize(
    ("reassign", "words"),
    [
        ({"demo": "proposal"}, "reassign.demo: this stage is still there"),
        ({"older": "nowhere"}, "reassign.older: 'nowhere' is no stage of this pipeline"),
        (["demo"], "reassign: give a block"),
    ],
)
def test_a_bad_reassignment_names_the_remedy(reassign: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_pipeline(document(reassign=reassign))
    assert str(refused.value).startswith(words)


def test_what_is_typed_goes_into_the_document_and_what_is_wrong_names_its_field() -> None:
    fields = {"stages.demo.name": "Show", "stages.demo.probability": "30 %", "stages.demo.forecast": "best_case"}
    stage = edited(document(), fields, ["meddic"])["stages"][1]
    assert (stage["name"], stage["probability"], stage["forecast"]) == ("Show", 30, "best_case")
    with pytest.raises(BadFields) as bad:
        edited(document(), {"stages.demo.probability": "120", "stages.demo.name": " "}, None)
    assert sorted(bad.value.problems) == ["stages.demo.name", "stages.demo.probability"]


def test_each_button_does_its_act() -> None:
    fresh = acted(document(), "add", [], {"new.name": "Legal review"}, currency="EUR")
    assert [stage["key"] for stage in fresh["stages"]][4] == "legal_review"
    assert acted(document(), "up", ["demo"], {}, currency="EUR")["stages"][0]["key"] == "demo"
    assert acted(document(), "down", ["closed_lost"], {}, currency="EUR")["stages"][-1]["key"] == "closed_lost"
    base = "stages.proposal.new."
    asked = {f"{base}name": "Amount over 10,000", f"{base}asks": "fact:opportunity.amount|money", f"{base}op": "gte",
             f"{base}value": "10,000", f"{base}part": "entry"}  # fmt: skip
    with_rule = acted(document(), "criterion", ["proposal"], asked, currency="EUR")
    assert with_rule["stages"][2]["entry"] == [
        {"key": "amount_over_10_000", "name": "Amount over 10,000",
         "rule": {"fact": "opportunity.amount", "op": "gte", "value": 1_000_000}}
    ]  # fmt: skip
    parse_pipeline(with_rule)
    again = acted(with_rule, "drop", ["proposal", "entry", "amount_over_10_000"], {}, currency="EUR")
    assert "entry" not in again["stages"][2]
    gone = acted(
        document(reassign={"old": "demo"}), "remove", ["demo"], {"stages.demo.reassign": "proposal"}, currency="EUR"
    )
    assert gone["reassign"] == {"old": "proposal", "demo": "proposal"}


@pytest.mark.parametrize(("currency", "typed", "minor"), [
    ("EUR", "10,000", 1_000_000), ("JPY", "10,000", 10_000), ("BHD", "10.125", 10_125), ("EUR", "1.15", 115),
])  # fmt: skip
def test_an_amount_is_read_in_the_currency_of_the_workspace(currency: str, typed: str, minor: int) -> None:
    base = "stages.proposal.new."
    asked = {f"{base}name": "Large", f"{base}asks": "fact:opportunity.amount|money", f"{base}op": "gte",
             f"{base}value": typed}  # fmt: skip
    stage = acted(document(), "criterion", ["proposal"], asked, currency=currency)["stages"][2]
    assert stage["exit"][0]["rule"]["value"] == minor


def test_an_open_stage_is_not_forecast_as_won() -> None:
    wrong = edited(document(), {"stages.demo.forecast": "won"}, None)
    with pytest.raises(ValueError, match=r"stages\[1\]\.forecast: an open stage is not won yet; one of not_yet"):
        parse_pipeline(wrong)
    typed = {"stages.demo.kind": "won", "stages.demo.forecast": "won"}
    closed = edited(document(), typed, None)
    again = edited(closed, {**typed, "stages.demo.kind": "open"}, None)
    assert again["stages"][1]["forecast"] == "not_yet"


def test_a_pipeline_is_drafted_compared_and_published_in_the_browser(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.REVOPS_ADMIN].user)
    page = "/stages/pipelines/sales/"
    assert "Live v1" in client.get(page).content.decode()
    assert client.post(f"{page}save/", {"stages.demo.probability": "35", "act": "keep"}).status_code == 302
    draft_page = client.get(page).content.decode()
    assert "Draft v2" in draft_page
    assert "probability of stage Demo" in draft_page
    with tenant_context(world.tenant.pk):
        seen = ProcessVersion.objects.get(kind="pipeline", state="draft").content_hash
    assert client.post(f"{page}publish/", {"seen": seen, "reason": ""}).status_code == 422
    with tenant_context(world.tenant.pk):
        assert PipelineStage.objects.get(key="demo").probability == 25
    assert client.post(f"{page}publish/", {"seen": seen, "reason": "Measured."}).status_code == 302
    with tenant_context(world.tenant.pk):
        assert PipelineStage.objects.get(key="demo").probability == 35
    refused = client.post(f"{page}save/", {"seen": "", "act": "remove:discovery"})
    assert refused.status_code == 302
    assert "Say where they go" in client.get(page).content.decode()
    assert "Sales" in client.get("/stages/").content.decode()


def test_what_was_typed_stays_in_the_editor_and_what_is_wrong_stands_at_its_field(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.REVOPS_ADMIN].user)
    typed = {
        "stages.demo.name": "Show", "stages.demo.probability": "abc", "stages.proposal.new.name": "Budget is named",
        "seen": "0" * 64, "frameworks": ["bant"], "frameworks_shown": "yes", "act": "keep",
    }  # fmt: skip
    refused = client.post("/stages/pipelines/sales/save/", typed)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert 'value="Show"' in page
    assert 'value="abc" inputmode="numeric" aria-invalid="true"' in page
    assert 'aria-describedby="stages.demo.probability-error"' in page
    assert 'id="stages.demo.probability-error" role="alert">' in page
    assert 'value="Budget is named"' in page
    assert page.count("<details open>") == 1
    assert 'name="frameworks" value="bant" checked' in page
    # What was looked at is remembered, so that somebody else's change in between is not written over.
    assert f'name="seen" value="{"0" * 64}"' in page


def test_criteria_are_told_in_the_names_that_people_know(world: World) -> None:
    with tenant_context(world.tenant.pk):
        asks = [
            {"key": "large", "name": "Large", "rule": {"fact": "opportunity.amount", "op": "gte", "value": 1_000_000}},
            {"key": "buyer", "name": "Buyer", "answer": "meddic.economic_buyer"},
            {"key": "whole", "name": "Whole", "framework": "meddic"},
        ]
        stages = [{**one, "exit": asks} if one["key"] == "demo" else one for one in document()["stages"]]
        live = go_live(document(stages=stages, frameworks=["meddic"]))
        lines = {line.label: line.value for line in describe_pipeline(live.definition)}
    assert lines["qualified by"] == "MEDDIC"
    assert [lines[f"{name}, to go on from stage Demo"] for name in ("Large", "Buyer", "Whole")] == [
        "Amount is at least 10,000", "answer “Economic buyer” of MEDDIC", "MEDDIC complete"
    ]  # fmt: skip
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    page = client.get("/stages/pipelines/sales/").content.decode()
    assert "To go on: Amount is at least 10,000" in page


def test_only_those_who_configure_may_change_a_pipeline(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    assert client.get("/stages/pipelines/sales/").status_code == 200
    assert client.post("/stages/pipelines/sales/save/", {"act": "keep"}).status_code == 403
