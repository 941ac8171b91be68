"""A figure that stands on several pages is the same figure on each of them."""

from datetime import UTC, datetime, timedelta

import pytest

from core.models import ProcessVersion, Tenant
from qbr.contributions import publish_defaults
from qbr.models import QBR
from qbr.queries import held_this_quarter
from renewals.actions import sweep_renewals
from renewals.models import Renewal
from renewals.queries import on_time_rate, rate_window
from revops.dashboards.queries.book import motions
from revops.dashboards.queries.leadership import snapshot
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

ZONE = "Europe/Berlin"


@pytest.mark.capability("K9")
def test_renewed_on_time_is_one_figure_on_my_day_the_trend_and_the_renewals_page(in_kestrel: Tenant) -> None:
    first, end = rate_window(TODAY)
    for number in range(8):
        make.contract(make.account(f"A{number}"), ends_on=make.ends_in(400), learnt_on=TODAY)
    make.contract(make.account("Ran on"), starts_on=TODAY - timedelta(days=700), learnt_on=TODAY)
    sweep_renewals(tenant=in_kestrel, actor=ACTOR, today=TODAY, now=NOW)
    due = [first - timedelta(days=1), first, TODAY - timedelta(days=200), TODAY - timedelta(days=1), TODAY, end]
    for renewal, day in zip(Renewal.objects.filter(basis="end_date").order_by("pk"), due, strict=False):
        late = day == TODAY - timedelta(days=200)
        decided = datetime.combine(day, NOW.time(), tzinfo=UTC) + timedelta(days=late)
        Renewal.objects.filter(pk=renewal.pk).update(due_on=day, state="won", decided_at=decided, final_minor=1)
    Renewal.objects.filter(basis="anniversary").update(
        due_on=TODAY - timedelta(days=9), state="won", decided_at=NOW - timedelta(days=9), is_automatic=True
    )
    listed = on_time_rate(start=first, end=end, zone=ZONE)
    day = motions(owner_id=None, today=TODAY, zone=ZONE)
    trend = snapshot(today=TODAY, now=NOW, zone=ZONE).of(None)
    assert (listed.won_on_time, listed.won, listed.automatic) == (3, 4, 1)
    assert (day.on_time, day.won) == (3, 4)
    assert (trend.on_time.part, trend.on_time.whole, trend.on_time_before.whole) == (3, 4, 1)


def test_reviews_held_are_counted_alike_on_my_day_the_trend_and_the_list(in_kestrel: Tenant) -> None:
    publish_defaults(in_kestrel, ACTOR, NOW)
    version = ProcessVersion.objects.get(kind="qbr_cadence")
    for number, state in enumerate(("held", "held", "cancelled", "draft", "sent")):
        QBR.objects.create(
            account=make.account(f"A{number}"), cadence_version=version, due_on=TODAY - timedelta(days=number),
            period_start=TODAY, period_end=TODAY, created_at=NOW, state=state,
        )  # fmt: skip
    listed = held_this_quarter(None, TODAY)
    day = motions(owner_id=None, today=TODAY, zone=ZONE)
    trend = snapshot(today=TODAY, now=NOW, zone=ZONE).of(None)
    assert (listed.required, listed.held, listed.cancelled) == (5, 2, 1)
    assert (day.qbrs_due, day.qbrs_held, day.qbrs_cancelled, day.qbrs_sent) == (5, 2, 1, 1)
    assert (trend.reviews.whole, trend.reviews.part) == (5, 2)
