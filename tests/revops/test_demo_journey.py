"""The demo's journey: its planted time to first value is found again, and its map has something to say."""

import io
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account, ContractLine
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.models import Checkpoint, FirstValue, Opportunity, StageVisit
from journeys.queries.first_value import value_times
from journeys.queries.journey_map import journey_map
from revops.demo import actions, seed

AS_OF = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Tenant, dict[str, Any]]:
    monkeypatch.setattr(actions, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(seed, "VAR", tmp_path)
    out = io.StringIO()
    call_command(
        "seed_demo", tenant="demo", accounts=200, as_of=AS_OF, score_days=0, json=True, stdout=out, stderr=io.StringIO()
    )
    planted = json.loads(Path(json.loads(out.getvalue())["truth_file"]).read_text())
    return Tenant.objects.get(slug="demo"), planted


@pytest.mark.capability("C9", "N16")
def test_the_median_time_to_first_value_is_the_planted_one(demo: tuple[Tenant, dict[str, Any]]) -> None:
    tenant, planted = demo
    with tenant_context(tenant.pk):
        again = sweep_lifecycle(today=AS_OF, now=NOW)
        times = value_times(AS_OF)
        clocks = FirstValue.objects.count()
        waiting = FirstValue.objects.filter(reached_on=None).count()
    assert (again.clocks_started, again.clocks_stopped) == (0, 0)
    medians = {one.segment: one.median for _, one in times.segments}
    for segment, days in planted["first_value"]["median_days"].items():
        assert medians[segment] == pytest.approx(days, abs=0.1), segment
    assert times.all.watched == clocks == 200
    assert times.all.censored == waiting > 0


@pytest.mark.capability("C1", "J1")
def test_the_map_of_the_demo_has_losses_stuck_accounts_and_loops(demo: tuple[Tenant, dict[str, Any]]) -> None:
    tenant, _ = demo
    with tenant_context(tenant.pk):
        page = journey_map(view="cohort", selected="", today=AS_OF, now=NOW)
        loops = StageVisit.objects.filter(stage__key="adoption").count()
        assert loops > StageVisit.objects.filter(stage__key="adoption").values("account").distinct().count()
        assert Checkpoint.objects.filter(held_on=None, due_on__lt=AS_OF).exists()
    assert page is not None
    assert len(page.stages) == 8
    assert page.gaps == []
    assert page.finding.by_value is not None
    assert page.finding.by_value.figures.friction.minor > 0
    assert sum(one.figures.stuck_now.accounts for one in page.stages) > 0
    for one in page.stages:
        assert one.figures.entered == one.figures.went_on + one.figures.missing


def test_deals_are_lost_as_often_as_elsewhere_and_what_was_won_is_in_a_contract(
    demo: tuple[Tenant, dict[str, Any]],
) -> None:
    tenant, _ = demo
    with tenant_context(tenant.pk):
        closed = Opportunity.objects.exclude(stage__kind="open")
        counts = Counter(closed.values_list("kind", "stage__kind"))
        by_product = Counter(closed.values_list("product__external_id", "stage__kind"))
        grown = closed.filter(stage__kind="won", kind="expansion")
        lines = ContractLine.objects.values_list("account_id", "product_id", "starts_on", "arr_minor")
        signed = {(account, product, day - timedelta(days=2), minor) for account, product, day, minor in lines}
        assert set(grown.values_list("account_id", "product_id", "closed_on", "amount_minor")) <= signed
        assert not closed.filter(stage__kind="lost", close_reason="").exists()
        said_no = Account.objects.filter(status="prospect", opportunities__stage__kind="lost")
        here = StageVisit.objects.filter(account__in=said_no, left_on=None)
        held = Opportunity.objects.filter(account__in=said_no, stage__kind="open")
        left = AuditEntry.objects.filter(verb="left the journey", reason__startswith="Lost: ")
        assert (here.count(), held.count()) == (0, 0)
        assert set(left.values_list("subject_id", flat=True)) == set(said_no.values_list("pk", flat=True))
    for kind, least, most in (("new", 0.25, 0.5), ("expansion", 0.45, 0.7)):
        assert least < counts[kind, "won"] / (counts[kind, "won"] + counts[kind, "lost"]) < most, kind
    assert all(by_product[product, end] for product in ("LF-CORE", "LF-INSIGHT") for end in ("won", "lost"))
