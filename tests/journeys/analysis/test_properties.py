"""Any pipeline, any history: the statements agree with a plain count in Python."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import Tenant
from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.queries.analysis.conversion import conversion
from journeys.queries.analysis.cycles import cycles
from journeys.queries.analysis.scope import Scope
from journeys.queries.analysis.win_rates import win_rates

START, TODAY = date(2026, 1, 1), date(2026, 6, 1)
# A deal: the open stages it was in (as places), how it ended, its days, its amount, the days after START it was opened.
DEALS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 9), max_size=5),
        st.sampled_from(["open", "won", "lost"]),
        st.integers(0, 90),
        st.integers(0, 5_000),
        st.integers(0, 60),
    ),
    max_size=25,
)
Drawn = list[tuple[list[int], str, int, int, int]]


@pytest.fixture
def pipeline(in_kestrel: Tenant) -> Pipeline:
    return Pipeline.objects.create(key="any", name="Any")


def build(pipeline: Pipeline, count: int, deals: Drawn) -> list[PipelineStage]:
    OpportunityStageVisit.objects.all().delete()
    Opportunity.objects.all().delete()
    PipelineStage.objects.all().delete()
    kinds = ["open"] * count + ["won", "lost"]
    stages = [
        PipelineStage.objects.create(pipeline=pipeline, key=f"s{n}", name=f"S{n}", position=n + 1, kind=kind)
        for n, kind in enumerate(kinds)
    ]
    ends = {"won": stages[count], "lost": stages[count + 1]}
    for path, kind, days, amount, late in deals:
        walked = [stages[place % count] for place in path]
        opened = START + timedelta(late)
        last = ends[kind] if kind != "open" else walked[-1] if walked else stages[0]
        made = Opportunity.objects.create(
            pipeline=pipeline, stage=last, name="d", amount_minor=amount, currency="EUR", opened_on=opened,
            closed_on=None if kind == "open" else opened + timedelta(days),
        )  # fmt: skip
        for stage in [*walked, *([last] if kind != "open" else [])][:-1]:
            OpportunityStageVisit.objects.create(opportunity=made, stage=stage, entered_on=opened, left_on=opened)
        OpportunityStageVisit.objects.create(opportunity=made, stage=last, entered_on=opened)
    return stages


@pytest.mark.django_db
@pytest.mark.capability("S3")
@settings(max_examples=40)
@given(count=st.integers(1, 5), deals=DEALS)
def test_counts_of_the_funnel_add_up_and_equal_a_plain_count(pipeline: Pipeline, count: int, deals: Drawn) -> None:
    build(pipeline, count, deals)
    found = conversion(Scope(pipeline.pk))
    furthest = [max((place % count for place in path), default=0) for path, *_ in deals]
    for place, stage in enumerate(found.stages):
        came = [d for d, far in zip(deals, furthest, strict=True) if d[1] == "won" or far >= place]
        went = [d for d, far in zip(deals, furthest, strict=True) if d[1] == "won" or far > place]
        lost = [d for d, far in zip(deals, furthest, strict=True) if d[1] == "lost" and far == place]
        assert (stage.entered.deals, stage.entered.minor) == (len(came), sum(d[3] for d in came))
        assert (stage.advanced.deals, stage.lost.deals) == (len(went), len(lost))
        assert stage.entered == stage.advanced + stage.lost + stage.waiting
    assert found.deals == found.won + found.lost + found.open
    assert sum(one.deals.deals for one in found.months) == len(deals)
    assert [row[-1].part for row in found.matrix] == [found.won] * count


@pytest.mark.django_db
@pytest.mark.capability("K5")
@settings(max_examples=25)
@given(deals=DEALS)
def test_rates_and_cycles_equal_a_plain_count(pipeline: Pipeline, deals: Drawn) -> None:
    build(pipeline, 3, deals)
    start, end = date(2026, 1, 10), date(2026, 2, 20)
    closed = win_rates(Scope(pipeline.pk, "closed", start, end)).whole
    mine = [d for d in deals if d[1] != "open" and start <= START + timedelta(d[4] + d[2]) < end]
    assert (closed.won, closed.lost) == (sum(d[1] == "won" for d in mine), sum(d[1] == "lost" for d in mine))
    assert closed.won_minor == sum(d[3] for d in mine if d[1] == "won")
    whole = cycles(Scope(pipeline.pk), today=TODAY).whole
    days = sorted(d[2] for d in deals if d[1] == "won")
    assert (whole.won, whole.open) == (len(days), sum(d[1] == "open" for d in deals))
    if days:
        middle = (days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2
        assert whole.median == middle
    assert whole.curve.watched == whole.won + whole.open
