"""Win rate, cycle, consistency, friction and recurring problems against hand-counted deals and plain SQL."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import Account, Outcome, Person, Ticket
from core.actors import Actor
from core.models import Tenant
from core.versioning import draft, publish
from journeys.models import Answer, Handoff, LifecycleStage, PipelineStage, StageVisit
from journeys.queries.analysis.consistency import consistency
from journeys.queries.analysis.cycles import cycles
from journeys.queries.analysis.deals import deals_behind
from journeys.queries.analysis.friction import friction
from journeys.queries.analysis.recurring import cases, recurring
from journeys.queries.analysis.scope import Scope, choices
from journeys.queries.analysis.win_rates import win_rates
from tests.journeys.analysis.conftest import START, Maker

TODAY = date(2026, 3, 2)


@pytest.mark.capability("K5")
def test_the_cohort_of_creation_and_the_cohort_of_close_are_two_labelled_rates(
    stages: dict[str, PipelineStage], deal: Maker
) -> None:
    for days in (10, 40, 41, 42):
        deal("demo", "closed_won", days=days, amount=300)
    for days in (5, 45):
        deal("demo", "closed_lost", days=days, amount=100)
    deal("demo", amount=900)
    pipeline = stages["demo"].pipeline_id
    created = win_rates(Scope(pipeline, "created", START, date(2026, 2, 1))).whole
    assert (created.by_count.value, created.by_amount.value, created.open) == (4 / 6, 1_200 / 1_400, 1)
    closed = win_rates(Scope(pipeline, "closed", START, date(2026, 2, 1))).whole
    assert (closed.by_count.value, closed.by_amount.value, closed.is_small) == (1 / 2, 300 / 400, True)
    february = win_rates(Scope(pipeline, "closed")).months[1]
    assert (february.month, february.won, february.lost) == (date(2026, 2, 1), 3, 1)


@pytest.mark.capability("K4")
def test_the_cycle_of_won_deals_equals_percentile_cont_and_open_deals_make_the_other_one_longer(
    stages: dict[str, PipelineStage], deal: Maker, maya: Person, brightwater: Account
) -> None:
    for days in (10, 20, 40, 50, 60):
        deal("demo", "closed_won", days=days, owner=maya, account=brightwater)
    deal("demo", "closed_lost", days=3)
    for _ in range(5):
        deal("demo", owner=maya)  # 60 days old, and still open
    found = cycles(Scope(stages["demo"].pipeline_id), today=TODAY)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY won.entered_on - first.entered_on + o.closed_on - "
            "won.entered_on), percentile_cont(0.9) WITHIN GROUP (ORDER BY o.closed_on - o.opened_on) "
            "FROM journeys_opportunity o "
            "JOIN journeys_opportunitystagevisit won ON won.opportunity_id = o.id AND won.left_on IS NULL "
            "JOIN journeys_opportunitystagevisit first ON first.opportunity_id = o.id "
            "AND first.entered_on = o.opened_on "
            "JOIN journeys_pipelinestage s ON s.id = o.stage_id AND s.kind = 'won'"
        )
        assert (found.whole.median, found.whole.p90) == cursor.fetchone() == (40, 56)
    assert (found.whole.won, found.whole.open) == (5, 5)
    # Of ten watched, five won by day 60: half had arrived exactly then.
    assert (found.whole.curve_median, found.whole.curve_p90) == (60, None)
    assert [(one.name, one.won, one.open, one.curve_median) for one in found.owners] == [("Maya", 5, 5, 60)]
    assert [(one.name, one.won, one.median) for one in found.segments] == [
        ("Enterprise", 5, 40),
        ("No segment", 0, None),
    ]


@pytest.fixture
def framework(stages: dict[str, PipelineStage], actor: Actor, now: datetime) -> None:
    questions = [
        {"key": "pain", "name": "Pain", "type": "text"},
        {"key": "buyer", "name": "Buyer", "type": "text"},
        {"key": "extra", "name": "Extra", "type": "text", "required": False},
    ]
    rows = [{"key": s.key, "name": s.name, "kind": s.kind, "probability": s.probability, "forecast": s.forecast}
            for s in sorted(stages.values(), key=lambda s: s.position)]  # fmt: skip
    for kind, key, definition in (
        ("qualification", "duo", {"questions": questions}),
        ("pipeline", "sales", {"frameworks": ["duo"], "stages": rows}),
    ):
        one = draft(kind=kind, key=key, name=key.title(), definition=definition, actor=actor, now=now)
        publish(version=one, reason="test", actor=actor, now=now)


@pytest.mark.capability("S2")
@pytest.mark.usefixtures("framework")
def test_the_share_of_complete_deals_per_person_equals_the_query(
    stages: dict[str, PipelineStage], deal: Maker, maya: Person
) -> None:
    noah = Person.objects.create(name="Noah", name_key="noah")
    for owner, answered in ((maya, 2), (maya, 1), (noah, 2), (noah, 0), (noah, 2)):
        one = deal("discovery", owner=owner)
        for question in ("pain", "buyer")[:answered]:
            Answer.objects.create(
                opportunity=one, framework="duo", question=question, value="yes", is_complete=True,
                answered_on=TODAY, answered_by="test",
            )  # fmt: skip
        Answer.objects.create(
            opportunity=one, framework="duo", question="extra", value="yes", is_complete=True, answered_on=TODAY,
            answered_by="test",
        )  # fmt: skip
    found = consistency(Scope(stages["demo"].pipeline_id))
    assert [(one.name, one.deals, one.complete, one.share) for one in found.people] == [
        ("Maya", 2, 1, 1 / 2), ("Noah", 3, 2, 2 / 3),
    ]  # fmt: skip
    assert found.whole is not None
    assert (found.whole.share, found.whole.answered, found.names) == (3 / 5, 7 / 10, "Duo")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.name, count(*), count(*) FILTER (WHERE (SELECT count(*) FROM journeys_answer a WHERE "
            "a.opportunity_id = o.id AND a.is_complete AND a.question IN ('pain', 'buyer')) = 2) "
            "FROM journeys_opportunity o JOIN accounts_person p ON p.id = o.owner_id GROUP BY p.name ORDER BY 1"
        )
        assert cursor.fetchall() == [(one.name, one.deals, one.complete) for one in found.people]


def test_a_pipeline_without_a_framework_has_no_consistency_figure(stages: dict[str, PipelineStage]) -> None:
    found = consistency(Scope(stages["demo"].pipeline_id))
    assert (found.questions, found.people, found.whole) == (0, [], None)


@pytest.mark.capability("N34")
def test_stages_stand_by_the_money_lost_there_with_what_waits_beyond_the_usual_time(
    stages: dict[str, PipelineStage], deal: Maker
) -> None:
    for _ in range(5):
        deal("discovery", "demo", "closed_won", days=9)  # a day in each: usual is one day
    deal("discovery", "demo", "closed_lost", days=9, amount=70_000)
    deal("discovery", "closed_lost", days=9, amount=90_000)
    deal("discovery", "demo", amount=5_000)  # in Demo for 59 days
    deal("discovery", "demo", amount=800, opened=TODAY - timedelta(1))  # since today
    deal("discovery", "proposal", amount=1_000)  # nobody ever left Proposal: nothing is called long
    found = friction(Scope(stages["demo"].pipeline_id), today=TODAY)
    assert [(one.name, one.lost, one.lost_minor, one.waiting, one.waiting_minor) for one in found] == [
        ("Discovery", 1, 90_000, 0, 0),
        ("Demo", 1, 70_000, 1, 5_000),
        ("Proposal", 0, 0, 0, 0),
        ("Negotiation", 0, 0, 0, 0),
    ]
    assert [one.usual_days for one in found] == [1, 1, None, None]
    demo = stages["demo"]
    behind = deals_behind(Scope(demo.pipeline_id), "waiting", today=TODAY, position=demo.position)
    assert [(one.amount_minor, one.days_here) for one in behind.deals] == [(5_000, 59)]


def test_the_deals_behind_a_figure_are_as_many_as_it_says(stages: dict[str, PipelineStage], deal: Maker) -> None:
    deal("discovery", "demo", "closed_lost", days=5, amount=400)
    deal("discovery", "proposal", "closed_won", days=20, amount=200)
    deal("discovery", amount=7)
    demo = stages["demo"]
    counted = {
        which: len(deals_behind(Scope(demo.pipeline_id), which, today=TODAY, position=demo.position).deals)
        for which in ("all", "open", "won", "lost", "decided", "came", "advanced", "dropped", "furthest", "cycle")
    }
    assert counted == {
        "all": 3, "open": 1, "won": 1, "lost": 1, "decided": 2, "came": 2, "advanced": 1, "dropped": 1, "furthest": 0,
        "cycle": 2,
    }  # fmt: skip


def test_filters_by_owner_segment_and_product_choose_deals(
    stages: dict[str, PipelineStage], deal: Maker, maya: Person, brightwater: Account
) -> None:
    deal("demo", "closed_won", days=5, owner=maya, account=brightwater)
    deal("demo", "closed_lost", days=5)
    pipeline = stages["demo"].pipeline_id
    assert win_rates(Scope(pipeline, owner_id=maya.pk)).whole.won == 1
    assert win_rates(Scope(pipeline, owner_id=0)).whole.lost == 1
    assert win_rates(Scope(pipeline, segment="enterprise")).whole.decided == 1
    assert win_rates(Scope(pipeline, product_id=0)).whole.decided == 2


def test_the_kind_chooses_deals_in_every_figure(stages: dict[str, PipelineStage], deal: Maker) -> None:
    deal("demo", "closed_won", days=5, amount=100)
    renewal = deal("demo", "closed_lost", days=5, amount=300)
    deal("demo", amount=50)
    type(renewal).objects.filter(pk=renewal.pk).update(kind="renewal")
    demo = stages["demo"]
    assert list(choices(demo.pipeline_id).kinds) == ["new", "renewal"]
    expected = {"new": (1, 2, 0, 2), "renewal": (1, 0, 300, 1), "expansion": (0, 0, 0, 0), None: (2, 2, 300, 3)}
    for kind, (decided, on_the_way, lost, deals) in expected.items():
        scope = Scope(demo.pipeline_id, kind=kind)
        assert win_rates(scope).whole.decided == decided
        assert cycles(scope, today=TODAY).whole.curve.watched == on_the_way
        assert sum(one.lost_minor for one in friction(scope, today=TODAY)) == lost
        assert len(deals_behind(scope, "all", today=TODAY).deals) == deals


def _ticket(account: Account, day: date, subject: str, **fields: object) -> None:
    Ticket.objects.create(account=account, opened_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                          subject=subject, **fields)  # fmt: skip


@pytest.mark.capability("N35")
def test_three_cases_in_ninety_days_are_a_recurring_problem_with_the_rows_behind(
    kestrel: Tenant, stages: dict[str, PipelineStage], deal: Maker, brightwater: Account, actor: Actor, now: datetime
) -> None:
    stage = LifecycleStage.objects.create(key="adoption", name="Adoption", position=1)
    StageVisit.objects.create(account=brightwater, stage=stage, entered_on=date(2025, 1, 1))
    for n, words in enumerate(("Export fails", "export  fails.", "EXPORT FAILS")):
        _ticket(brightwater, TODAY - timedelta(n), words, attributes={"product": "Core"})
    _ticket(brightwater, TODAY - timedelta(90), "Export fails")  # a day too old: stands in the 90 days before
    _ticket(brightwater, TODAY, "Cannot sign in")
    for _ in range(3):
        deal("demo", "closed_lost", days=20, amount=500, close_reason="Price", account=brightwater)
    for n in range(2):
        Outcome.objects.create(account=brightwater, day=TODAY - timedelta(n), kind="churned", reason="Price")
    for n in range(3):
        Handoff.objects.create(
            account=brightwater, key="sales_to_cs", name="Sales to CS", origin_key=f"h{n}", state="returned",
            created_at=now, due_at=now, answered_at=now, return_reason="No goals recorded",
        )  # fmt: skip
    found = recurring(zone="Europe/Berlin", today=TODAY)
    said = {(one.source, one.title, one.count, one.before) for one in found.clusters}
    assert said == {
        ("ticket", "EXPORT FAILS · Core · Adoption", 3, 0),
        ("deal", "Price · Demo", 3, 0),
        ("handoff", "No goals recorded · Sales to CS", 3, 0),
    }
    assert found.cases == {"ticket": 4, "deal": 3, "outcome": 2, "handoff": 3}
    by_reason = recurring(zone="Europe/Berlin", today=TODAY, way="reason", source="ticket").clusters
    assert [(one.reason, one.count, one.before, one.accounts) for one in by_reason] == [("export fails", 3, 1, 1)]
    by_stage = recurring(zone="Europe/Berlin", today=TODAY, way="stage", source="ticket").clusters
    assert [(one.title, one.count) for one in by_stage] == [("Adoption", 4)]
    behind = cases(zone="Europe/Berlin", today=TODAY, **by_reason[0].address)
    assert [one.day for one in behind] == [TODAY - timedelta(n) for n in range(3)]
