"""The funnel against deals counted by hand."""

from datetime import date

import pytest

from journeys.models import PipelineStage
from journeys.queries.analysis.conversion import Sum, conversion
from journeys.queries.analysis.scope import Scope
from tests.journeys.analysis.conftest import Maker


@pytest.fixture
def worked(deal: Maker) -> None:
    """Seven deals. By hand: came to Discovery 7, Demo 6, Proposal 3, Negotiation 2; 2 won, 3 lost, 2 open."""
    deal("discovery", "demo", "proposal", "negotiation", "closed_won", days=10, amount=100)
    deal("discovery", "proposal", "closed_won", days=20, amount=200)  # skips Demo and Negotiation
    deal("discovery", "demo", "discovery", "demo", "closed_lost", days=5, amount=400)  # enters both again
    deal("discovery", "demo", "closed_lost", days=5, amount=50)
    deal("discovery", "demo", "proposal", "closed_lost", days=9, amount=1_000)
    deal("discovery", "demo", amount=30)
    deal("discovery", amount=7)


@pytest.mark.capability("S3")
@pytest.mark.capability("A2")
@pytest.mark.usefixtures("worked")
def test_the_worked_example_with_skipped_and_re_entered_stages_equals_the_hand_calculation(
    stages: dict[str, PipelineStage],
) -> None:
    found = conversion(Scope(stages["demo"].pipeline_id))
    flow = {one.name: (one.entered, one.advanced, one.lost, one.waiting) for one in found.stages}
    assert flow == {
        "Discovery": (Sum(7, 1_787), Sum(6, 1_780), Sum(), Sum(1, 7)),
        "Demo": (Sum(6, 1_780), Sum(3, 1_300), Sum(2, 450), Sum(1, 30)),
        "Proposal": (Sum(3, 1_300), Sum(2, 300), Sum(1, 1_000), Sum()),
        "Negotiation": (Sum(2, 300), Sum(2, 300), Sum(), Sum()),
    }
    assert [one.rate.of_deals for one in found.stages] == [1.0, 3 / 5, 2 / 3, 1.0]  # open deals are in no base
    assert [[share.part.deals for share in row] for row in found.matrix] == [[6, 3, 2, 2], [3, 2, 2], [2, 2], [2]]
    assert [row[-1].of_deals for row in found.matrix] == [2 / 7, 2 / 6, 2 / 3, 1.0]
    assert (found.deals.deals, found.won.deals, found.lost.deals, found.open.deals) == (7, 2, 3, 2)


@pytest.mark.capability("S3")
@pytest.mark.usefixtures("worked")
def test_the_biggest_drop_off_is_named_in_deals_and_in_amount(stages: dict[str, PipelineStage], deal: Maker) -> None:
    for _ in range(3):
        deal("proposal", "closed_won", days=3, amount=1)
    found = conversion(Scope(stages["demo"].pipeline_id))
    in_deals, in_amount = found.biggest_drop, found.biggest_drop_by_amount
    assert in_deals is not None
    assert in_amount is not None
    assert (in_deals.name, in_deals.following, in_deals.lost.deals, in_deals.drop.of_deals) == (
        "Demo", "Proposal", 2, 2 / 8,
    )  # fmt: skip
    assert (in_amount.name, in_amount.following, in_amount.lost.minor) == ("Proposal", "Negotiation", 1_000)


@pytest.mark.usefixtures("worked")
def test_the_months_of_the_cohort_add_up_to_the_whole(stages: dict[str, PipelineStage], deal: Maker) -> None:
    deal("discovery", "closed_lost", days=30, opened=date(2026, 2, 3))
    found = conversion(Scope(stages["demo"].pipeline_id))
    assert [(one.month, one.deals.deals) for one in found.months] == [(date(2026, 1, 1), 7), (date(2026, 2, 1), 1)]
    january = conversion(Scope(stages["demo"].pipeline_id, "created", date(2026, 1, 1), date(2026, 2, 1)))
    assert january.deals.deals == 7
    closed = conversion(Scope(stages["demo"].pipeline_id, "closed", date(2026, 3, 1), date(2026, 4, 1)))
    assert (closed.deals.deals, closed.lost.deals) == (1, 1)


def test_a_pipeline_without_deals_has_no_rate_and_no_drop(stages: dict[str, PipelineStage]) -> None:
    found = conversion(Scope(stages["demo"].pipeline_id))
    assert (found.deals, found.biggest_drop, found.months) == (Sum(), None, [])
    assert [one.rate.of_deals for one in found.stages] == [None] * 4
