"""The pipeline report against hand-counted deals."""

import json
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Person
from core.actors import Actor
from core.management.base import CommandRefused
from core.models import Tenant
from journeys.actions.pipelines import ensure_default_pipeline
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.queries.analysis.page import analysis
from journeys.queries.analysis.scope import Scope
from journeys.queries.pipeline_report import as_json, pipeline_report

START = date(2026, 1, 1)


@pytest.fixture
def stages(in_kestrel: Tenant, actor: Actor, now: datetime) -> dict[str, PipelineStage]:
    pipeline = ensure_default_pipeline(actor=actor, now=now)
    return {stage.key: stage for stage in pipeline.stages.all()}


def deal(stages: dict[str, PipelineStage], *path: str, days: int | None = None, amount: int = 0) -> Opportunity:
    """A deal that went through the stages in this order and is in the last one."""
    last = stages[path[-1]]
    made = Opportunity.objects.create(
        pipeline=last.pipeline,
        stage=last,
        name="Deal",
        amount_minor=amount,
        currency="EUR",
        opened_on=START,
        closed_on=None if days is None else START + timedelta(days),
    )
    for place, key in enumerate(path):
        left = None if place == len(path) - 1 else START + timedelta(place + 1)
        OpportunityStageVisit.objects.create(
            opportunity=made, stage=stages[key], entered_on=START + timedelta(place), left_on=left
        )
    return made


@pytest.mark.capability("S3")
def test_skipped_and_re_entered_stages_count_once_and_the_biggest_drop_is_named(
    stages: dict[str, PipelineStage],
) -> None:
    deal(stages, "discovery", "demo", "proposal", "negotiation", "closed_won", days=10)
    deal(stages, "discovery", "proposal", "closed_won", days=20)  # skips demo and negotiation
    deal(stages, "discovery", "demo", "discovery", "demo", "closed_lost", days=5)  # goes back once
    deal(stages, "discovery", "demo", "closed_lost", days=5)
    deal(stages, "discovery", "demo")
    deal(stages, "discovery")
    report = pipeline_report()
    flow = {stage.key: (stage.entered, stage.advanced, stage.current, stage.lost_here) for stage in report.stages}
    assert flow == {
        "discovery": (6, 5, 1, 0),
        "demo": (5, 2, 1, 2),
        "proposal": (2, 2, 0, 0),
        "negotiation": (2, 2, 0, 0),
        "closed_won": (2, 0, 2, 0),
        "closed_lost": (2, 0, 2, 0),
    }
    assert as_json(report)["biggest_drop_off"] == "Demo"


def test_people_of_one_name_are_told_apart(stages: dict[str, PipelineStage]) -> None:
    twins = [
        Person.objects.create(name="Ana Lind", name_key="ana lind", email_key=mail)
        for mail in ("a@kestrel.example", "b@kestrel.example")
    ]
    for twin, amount in zip(twins, (300, 100), strict=True):
        won = deal(stages, "closed_won", days=3, amount=amount)
        Opportunity.objects.filter(pk=won.pk).update(owner=twin)
    by = as_json(pipeline_report())["by"]["owner"]
    assert {name: one["won_value_minor"] for name, one in by.items()} == {"Ana Lind": 300, "Ana Lind (2)": 100}


def test_without_lost_deals_the_rate_by_amount_says_so(stages: dict[str, PipelineStage]) -> None:
    deal(stages, "closed_won", days=3, amount=300)
    printed = as_json(pipeline_report())
    assert printed["win_rate_by_amount"] is None
    assert printed["win_rate_by_amount_reason"].startswith("No opportunity is lost yet")


@pytest.mark.capability("K5")
def test_win_rate_by_count_and_by_amount_say_which_they_are(stages: dict[str, PipelineStage]) -> None:
    deal(stages, "demo", "closed_won", days=1, amount=300)
    deal(stages, "demo", "closed_lost", days=1, amount=100)
    deal(stages, "demo", "closed_lost", days=1, amount=100)
    deal(stages, "demo", amount=900)
    printed = as_json(pipeline_report())
    assert (printed["win_rate"], printed["win_rate_by_amount"]) == (1 / 3, 0.6)


def test_lost_deals_without_value_make_no_rate_by_amount(stages: dict[str, PipelineStage]) -> None:
    deal(stages, "demo", "closed_won", days=1, amount=300)
    deal(stages, "demo", "closed_lost", days=1)
    printed = as_json(pipeline_report())
    assert printed["win_rate_by_amount"] is None
    assert "no value" in printed["win_rate_by_amount_reason"]
    assert printed["average_won_minor"] == 300


@pytest.mark.capability("K4")
def test_the_sales_cycle_has_mean_median_and_ninetieth_percentile_and_leaves_open_deals_out(
    stages: dict[str, PipelineStage],
) -> None:
    for days in (10, 20, 40):
        deal(stages, "demo", "closed_won", days=days)
    deal(stages, "demo")
    won = pipeline_report().won_cycle
    assert (round(won.mean or 0, 4), won.median, won.p90, won.deals) == (23.3333, 20, 36, 3)


def test_deals_can_be_chosen_by_the_day_they_were_created_or_closed(stages: dict[str, PipelineStage]) -> None:
    deal(stages, "demo", "closed_won", days=10)
    deal(stages, "demo", "closed_won", days=40)
    start, end = date(2026, 1, 1), date(2026, 2, 1)
    assert pipeline_report(cohort="created", start=start, end=end).won == 2
    assert pipeline_report(cohort="closed", start=start, end=end).won == 1


def test_a_workspace_without_deals_says_that_nothing_is_closed(stages: dict[str, PipelineStage]) -> None:
    printed = as_json(pipeline_report())
    assert (printed["win_rate"], printed["win_rate_reason"]) == (None, "No opportunity is closed yet.")
    assert (printed["stages"], printed["biggest_drop_off"]) == ([], None)


def test_the_command_takes_a_pipeline_by_key_or_name_and_names_the_known_ones(
    stages: dict[str, PipelineStage],
) -> None:
    deal(stages, "discovery", "closed_won", days=10, amount=500)
    out = StringIO()
    call_command("pipeline_report", "--tenant", "kestrel", "--pipeline", "sales", "--json", stdout=out)
    printed = json.loads(out.getvalue())
    assert (printed["opportunities"], printed["won"], printed["won_value_minor"]) == (1, 1, 500)
    assert printed["by"]["owner"] == {
        "No owner": {"opportunities": 1, "won": 1, "lost": 0, "open": 0, "win_rate": 1.0, "won_value_minor": 500}
    }
    assert Pipeline.objects.get().key == "sales"
    with pytest.raises(CommandRefused, match="There are: sales"):
        call_command("pipeline_report", "--tenant", "kestrel", "--pipeline", "nope")


@pytest.mark.capability("A2")
def test_deals_that_are_still_open_are_no_drop_off_here_nor_in_the_analysis(stages: dict[str, PipelineStage]) -> None:
    for _ in range(6):
        deal(stages, "discovery", "demo")  # waiting, not lost
    for _ in range(5):
        deal(stages, "discovery", "demo", "proposal", "closed_won", days=9)
    deal(stages, "discovery", "demo", "closed_lost", days=5)
    for _ in range(2):
        deal(stages, "discovery", "demo", "proposal", "closed_lost", days=5)
    report, pipeline = pipeline_report(), stages["demo"].pipeline
    page = analysis(Scope(pipeline.pk), today=START + timedelta(30))
    assert min((one for one in report.stages if one.conversion), key=lambda one: one.conversion or 0).name == "Demo"
    assert as_json(report)["biggest_drop_off"] == "Proposal"
    assert page.conversion.biggest_drop is not None
    assert page.conversion.biggest_drop.name == "Proposal"


@pytest.mark.capability("K4")
def test_a_deal_closed_before_it_was_opened_has_no_cycle_and_is_counted_as_left_out(
    stages: dict[str, PipelineStage],
) -> None:
    for days in (10, 20, -40):
        deal(stages, "discovery", "closed_won", days=days)
    won = as_json(pipeline_report())["cycle_days"]["won"]
    page = analysis(Scope(stages["demo"].pipeline.pk), today=START + timedelta(30))
    assert (won["mean"], won["median"], won["deals"]) == (15, 15, 2)
    assert (page.cycles.whole.median, page.cycles.whole.won, page.won_without_cycle) == (15, 2, 1)
