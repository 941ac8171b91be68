"""Properties of histories: stays never overlap, exactly one is open, and the counts of any moves add up."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.moves import move_opportunities
from journeys.actions.stages import move_accounts
from journeys.models import LifecycleStage, Opportunity, OpportunityStageVisit, StageVisit
from journeys.queries.pipelines import misplaced_opportunities
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, NOW, PAIN, TODAY

pytestmark = pytest.mark.django_db
STAGES = ("discovery", "demo", "proposal", "negotiation", "closed_won", "closed_lost")
JOURNEY = ("awareness", "consideration", "decision", "onboarding", "adoption", "renewal")
# Days go forward or stay; a clock that was set back must not break a history either.
MOVES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-2, 3), st.booleans(), st.sets(st.integers(0, 2), min_size=1)), max_size=8
)


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    made = gates.workspace()
    with tenant_context(made.pk):
        gates.publish(gates.gated(demo={"exit": [AMOUNT]}, closed_won={"entry": [PAIN]}))
        yield made


def overlaps(stays: list[tuple[int, date, date | None]]) -> list[tuple[Any, Any]]:
    """Neighbours in time of one subject where the later begins before the earlier has ended."""
    found = []
    for before, after in pairwise(stays):
        if before[0] == after[0] and (before[2] is None or after[1] < before[2]):
            found.append((before, after))
    return found


@settings(max_examples=12)
@given(moves=MOVES)
def test_stays_of_deals_never_overlap_and_counts_add_up(tenant: Tenant, moves: list[Any]) -> None:
    Opportunity.objects.all().delete()
    deals = [gates.deal(f"Deal {n}", amount_minor=n) for n in range(3)]
    day, gone = TODAY, 0
    trail = AuditEntry.objects.filter(verb="moved opportunity").count()
    for to, forward, has_words, chosen in moves:
        day += timedelta(days=forward)
        words = {"reason": "So it is", "close_reason": "Price"} if has_words else {}
        stage = gates.stage(STAGES[to])
        asked = [deals[n].pk for n in chosen]
        here = Opportunity.objects.filter(pk__in=asked, stage=stage).count()
        result = move_opportunities(opportunity_ids=asked, stage_id=stage.pk, actor=ACTOR, today=day, now=NOW, **words)
        assert len(result.moved) + len(result.refused) + here == len(asked)
        gone += len(result.moved)
    stays = OpportunityStageVisit.objects.order_by("opportunity_id", "pk")
    assert overlaps(list(stays.values_list("opportunity_id", "entered_on", "left_on"))) == []
    assert stays.count() == len(deals) + gone
    assert stays.filter(left_on=None).count() == len(deals)
    assert AuditEntry.objects.filter(verb="moved opportunity").count() == trail + gone
    assert misplaced_opportunities() == 0


@settings(max_examples=12)
@given(moves=MOVES)
def test_stays_of_accounts_never_overlap_and_counts_add_up(tenant: Tenant, moves: list[Any]) -> None:
    StageVisit.objects.all().delete()
    accounts = [gates.account(f"Account {n}") for n in range(3)]
    first = LifecycleStage.objects.get(journey="standard", key="awareness")
    for one in accounts:
        StageVisit.objects.create(account=one, stage=first, entered_on=TODAY)
    day, gone = TODAY, 0
    for to, forward, has_words, chosen in moves:
        day += timedelta(days=forward)
        words = {"reason": "So it is"} if has_words else {}
        asked = [accounts[n].pk for n in chosen]
        here = StageVisit.objects.filter(account_id__in=asked, left_on=None, stage__key=JOURNEY[to]).count()
        result = move_accounts(account_ids=asked, stage_key=JOURNEY[to], actor=ACTOR, today=day, now=NOW, **words)
        assert len(result.moved) + len(result.refused) + here == len(asked)
        gone += len(result.moved)
    stays = StageVisit.objects.order_by("account_id", "pk")
    assert overlaps(list(stays.values_list("account_id", "entered_on", "left_on"))) == []
    assert (stays.count(), stays.filter(left_on=None).count()) == (len(accounts) + gone, len(accounts))
