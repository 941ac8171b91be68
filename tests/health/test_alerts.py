"""Alerts: episodes that open once, wait when a day is full, close by their margin, and can be tried on the past."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account, Outcome, Person
from core.actions import add_member
from core.actors import Actor
from core.changes import mark_changed
from core.choices import Role
from core.jobs import run_job
from core.models import AuditEntry, Delivery, Job, Notification, ProcessVersion, Tenant
from core.versioning import draft, publish
from health import tasks
from health.actions.alert_rules import publish_alert_rules
from health.actions.alerts import AlertSweep, judge_alert, sweep_alerts
from health.models import Alert, Score, ScoreHistory
from health.queries.alert_figures import rule_book, try_live_rules
from health.queries.alert_trace import trace
from health.queries.alert_trials import Fired, record_of
from health.queries.alerts import DraftScore, DraftScores, find_accounts, would_fire
from health.rules.alerts import parse_alert_rule
from journeys.models import Task
from tests.factories.health import ACTOR, NOW, TODAY, account, measure, one_input, publish_model, signals

pytestmark = pytest.mark.usefixtures("in_kestrel")


def at(day: date) -> datetime:
    return datetime.combine(day, time(5), tzinfo=UTC)


def rule_document(**values: Any) -> dict[str, Any]:
    return {
        "kind": "alert_rule", "key": "low", "name": "Low score",
        "when": {"fact": "health.score", "op": "lt", "value": 50}, **values,
    }  # fmt: skip


def publish_rule(now: datetime = NOW, **values: Any) -> ProcessVersion:
    content = rule_document(**values)
    made = draft(kind="alert_rule", key=content["key"], name=content["name"], definition=content, actor=ACTOR, now=now)
    return publish(version=made, actor=ACTOR, now=now, reason="test")


def customer(name: str = "Brightwater", **values: Any) -> Account:
    return account(name, customer_since=date(2024, 1, 1), **values)


def scored(of: Account, day: date, score: float | None) -> None:
    """What the score was found to be on a day, stored as the engine stores it."""
    measure("usage")
    version = ProcessVersion.objects.filter(kind="score_model").first() or publish_model(of.tenant, one_input())
    band = "none" if score is None else "red" if score < 50 else "yellow" if score < 70 else "green"
    facts: dict[str, Any] = {
        "model_version": version, "as_of": day, "computed_at": at(day), "score": score, "band": band, "coverage": 1.0,
        "values": [score], "sub_scores": [score], "ages": [0], "readings": [0],
    }  # fmt: skip
    ScoreHistory.objects.create(account=of, **facts)
    Score.objects.update_or_create(account=of, defaults=facts)


def sweep(tenant: Tenant, day: date = TODAY, **values: Any) -> AlertSweep:
    return sweep_alerts(tenant=tenant, actor=ACTOR, as_of=day, today=day, now=at(day), **values)


def nights(tenant: Tenant, of: Account, scores: list[float | None], first: date = TODAY) -> None:
    for n, score in enumerate(scores):
        scored(of, first + timedelta(days=n), score)
        sweep(tenant, first + timedelta(days=n))


def test_a_rule_opens_one_alert_with_what_each_condition_saw_and_a_second_run_writes_nothing(kestrel: Tenant) -> None:
    one = customer()
    scored(one, TODAY, 44.0)
    scored(customer("Fine"), TODAY, 88.0)
    version = publish_rule()
    assert sweep(kestrel) == AlertSweep(opened=1, told=1)
    entries = AuditEntry.objects.count()
    assert sweep(kestrel) == AlertSweep()
    assert AuditEntry.objects.count() == entries
    alert = Alert.objects.get()
    assert (alert.account_id, alert.rule_id, alert.opened_on) == (one.pk, version.pk, TODAY)
    assert alert.why == [
        {"fact": "health.score", "label": "Health score", "op": "lt", "value": 50, "saw": 44.0},
    ]


@pytest.mark.capability("H5")
def test_a_series_that_flaps_by_one_around_the_edge_for_thirty_days_yields_exactly_one_alert(kestrel: Tenant) -> None:
    one = customer()
    publish_rule(margin=3, cool_down_days=0)
    nights(kestrel, one, [50.0 + (-1) ** (n + 1) for n in range(30)])
    assert Alert.objects.count() == 1
    assert Alert.objects.get().closed_on is None


@settings(max_examples=15)
@given(series=st.lists(st.floats(49, 51), min_size=30, max_size=30), margin=st.floats(2, 10))
def test_any_series_within_one_point_of_the_edge_yields_at_most_one_alert(
    kestrel: Tenant, series: list[float], margin: float
) -> None:
    """Held against the state machine that trials use; the database is held by the test above."""
    rule = parse_alert_rule(rule_document(margin=margin, cool_down_days=0))
    one = Account.objects.filter(name="Flapper").first() or customer("Flapper")
    ScoreHistory.objects.filter(account=one)
    draft_scores = DraftScores(
        judge=lambda day: (
            {one.pk: DraftScore(series[(day - TODAY).days], "red")} if 0 <= (day - TODAY).days < 30 else {}
        ),
        yellow_from=50,
    )
    trial = would_fire(rule, TODAY, TODAY + timedelta(days=30), 1, draft=draft_scores)
    assert len(trial.fired) == (1 if min(series) < 50 else 0)


def test_an_alert_is_over_only_beyond_the_margin_and_an_unknown_score_ends_nothing(kestrel: Tenant) -> None:
    one = customer()
    publish_rule(margin=5, cool_down_days=0)
    nights(kestrel, one, [45.0, 54.0, None, 55.0])
    alert = Alert.objects.get()
    assert (alert.opened_on, alert.closed_on) == (TODAY, TODAY + timedelta(days=3))


def test_after_an_alert_the_rule_cools_down(kestrel: Tenant) -> None:
    one = customer()
    publish_rule(cool_down_days=5)
    nights(kestrel, one, [40.0, 60.0, 40.0, 40.0, 40.0, 40.0, 40.0])
    assert list(Alert.objects.order_by("opened_on").values_list("opened_on", flat=True)) == [
        TODAY,
        TODAY + timedelta(days=6),
    ]


def test_a_condition_that_has_to_hold_for_days_waits_for_them(kestrel: Tenant) -> None:
    one = customer()
    publish_rule(for_days=3)
    nights(kestrel, one, [40.0, 60.0, 40.0, 40.0])
    assert not Alert.objects.exists()
    sweep(kestrel, TODAY + timedelta(days=4))
    assert Alert.objects.get().opened_on == TODAY + timedelta(days=4)


def owner(kestrel: Tenant, name: str = "Maya Lindqvist", role: Role = Role.CSM) -> Person:
    member = add_member(
        tenant=kestrel, email=f"{name.split()[0].lower()}@kestrel.example", name=name, role=role, password=None,
        actor=ACTOR, now=NOW,
    )  # fmt: skip
    return Person.objects.create(name=name, name_key=name.lower(), membership=member)


def test_over_the_budget_of_the_day_alerts_are_held_back_and_told_on_a_later_day(kestrel: Tenant) -> None:
    maya = owner(kestrel)
    for n in range(5):
        scored(customer(f"Account {n}", owner=maya, arr_minor=100 * n), TODAY, 30.0)
    publish_rule(budget=2, task={"title": "Call", "due_days": 1})
    assert sweep(kestrel) == AlertSweep(opened=5, told=2, held_back=3)
    told = Alert.objects.filter(is_held_back=False).order_by("account__arr_minor")
    assert [alert.account.name for alert in told] == ["Account 3", "Account 4"]
    assert Task.objects.filter(subject_kind="alert", assignee=maya).count() == 2
    assert sweep(kestrel) == AlertSweep(held_back=3)
    assert sweep(kestrel, TODAY + timedelta(days=1)) == AlertSweep(told=2, held_back=1)
    assert sweep(kestrel, TODAY + timedelta(days=2)) == AlertSweep(told=1)
    assert Notification.objects.filter(membership=maya.membership_id).count() == 5
    assert Task.objects.filter(subject_kind="alert").count() == 5


def test_owner_deputy_and_managers_are_told_once_and_managers_in_one_line(kestrel: Tenant) -> None:
    maya, finn = owner(kestrel), owner(kestrel, "Finn Berg")
    boss = owner(kestrel, "Ruth Adeyemi", Role.CS_MANAGER)
    for n in range(2):
        scored(customer(f"Account {n}", owner=maya, deputy=finn), TODAY, 30.0)
    publish_rule(tell=["owner", "deputy", "manager"])
    sweep(kestrel)
    sweep(kestrel)
    texts = {
        person.name: list(
            Notification.objects.filter(membership=person.membership_id).order_by("text").values_list("text", flat=True)
        )
        for person in (maya, finn, boss)
    }
    assert texts == {
        "Maya Lindqvist": ["Account 0: Low score", "Account 1: Low score"],
        "Finn Berg": ["Account 0: Low score", "Account 1: Low score"],
        "Ruth Adeyemi": ["Low score: 2 accounts"],
    }
    assert Delivery.objects.count() == 5


def test_when_it_is_over_its_task_is_no_longer_needed(kestrel: Tenant) -> None:
    one = customer(owner=owner(kestrel))
    publish_rule(task={"title": "Call", "due_days": 1})
    nights(kestrel, one, [40.0, 60.0])
    assert list(Task.objects.values_list("title", "state")) == [("Call", "obsolete")]


def test_alerts_of_accounts_that_left_and_of_rules_that_were_retired_are_over(kestrel: Tenant) -> None:
    one, other = customer(), customer("Other")
    for each in (one, other):
        scored(each, TODAY, 30.0)
    version = publish_rule()
    sweep(kestrel)
    Account.objects.filter(pk=one.pk).update(status="churned")
    assert sweep(kestrel, TODAY + timedelta(days=1)).closed == 1
    ProcessVersion.objects.filter(pk=version.pk).update(state="retired")
    assert sweep(kestrel, TODAY + timedelta(days=2)).closed == 1
    assert not Alert.objects.filter(closed_at=None).exists()


def test_a_sweep_of_some_accounts_leaves_the_others_alone(kestrel: Tenant) -> None:
    one, other = customer(), customer("Other")
    for each in (one, other):
        scored(each, TODAY, 30.0)
    publish_rule()
    assert sweep(kestrel, account_ids=[one.pk]).opened == 1
    scored(one, TODAY + timedelta(days=1), 80.0)
    assert sweep(kestrel, TODAY + timedelta(days=1), account_ids=[other.pk]) == AlertSweep(opened=1, told=1)
    assert Alert.objects.filter(closed_at=None).count() == 2


def test_a_rule_of_a_workspace_says_nothing_about_another(kestrel: Tenant) -> None:
    assert publish_alert_rules(kestrel, ACTOR, NOW) is None
    assert ProcessVersion.objects.filter(kind="alert_rule", state="published").count() == 8
    publish_alert_rules(kestrel, ACTOR, NOW)
    assert ProcessVersion.objects.filter(kind="alert_rule").count() == 8


def test_a_verdict_can_be_given_and_taken_back(kestrel: Tenant, actor: Actor) -> None:
    scored(customer(), TODAY, 30.0)
    publish_rule()
    sweep(kestrel)
    alert_id = Alert.objects.get().pk
    judge_alert(alert_id=alert_id, verdict="too_early", note="They were told", actor=actor, now=NOW)
    assert Alert.objects.values_list("verdict", "note", "verdict_by").get() == ("too_early", "They were told", "test")
    judge_alert(alert_id=alert_id, verdict="", note="", actor=actor, now=NOW)
    assert Alert.objects.values_list("verdict", "note", "verdict_at").get() == ("", "", None)
    with pytest.raises(ValueError, match="no verdict"):
        judge_alert(alert_id=alert_id, verdict="maybe", note="", actor=actor, now=NOW)


def test_each_rule_reports_its_own_precision_and_lead_time(kestrel: Tenant) -> None:
    first = TODAY - timedelta(days=300)
    version = publish_rule(now=at(first))
    for n in range(6):
        one = customer(f"Account {n}")
        Alert.objects.create(account=one, rule=version, rule_key="low", opened_on=first, opened_at=NOW, why=[])
        if n < 3:
            Outcome.objects.create(account=one, day=first + timedelta(days=100 + n), kind="churned")
    line = rule_book(TODAY).lines[0].figures
    assert (line.alerts, line.judged, line.right, line.precision, line.lead_days) == (6, 6, 3, 0.5, 101.0)


@pytest.mark.capability("P3")
@pytest.mark.parametrize(("useful", "weak"), [((1, 1), True), ((1, 4), False)])
def test_a_rule_with_low_precision_in_two_quarters_is_flagged(
    kestrel: Tenant, useful: tuple[int, int], weak: bool
) -> None:
    version = publish_rule(now=at(date(2025, 7, 1)))
    for opened, good in zip((date(2025, 8, 1), date(2025, 11, 1)), useful, strict=True):
        for n in range(6):
            said = "useful" if n < good else "not_useful"
            Alert.objects.create(
                account=customer(f"{opened} {n}"), rule=version, rule_key="low", opened_on=opened, opened_at=NOW,
                why=[], verdict=said,
            )  # fmt: skip
    line = rule_book(TODAY).lines[0]
    assert [(one.part, one.of) for one in line.quarters] == [(useful[1], 6), (useful[0], 6)]
    assert line.is_weak is weak


def test_young_alerts_do_not_count_as_hits_alone(kestrel: Tenant) -> None:
    """Of two alerts of 30 days ago one account is lost: the other may still be, so neither says anything yet."""
    old, young = TODAY - timedelta(days=200), TODAY - timedelta(days=30)
    version = publish_rule(now=at(old))
    lost: dict[int, date] = {}
    fired = []
    for n, opened in enumerate([old] * 5 + [young] * 2):
        one = customer(f"Account {n}")
        Alert.objects.create(account=one, rule=version, rule_key="low", opened_on=opened, opened_at=NOW, why=[])
        fired.append(Fired(one.pk, opened, None))
        if n in {0, 5}:
            lost[one.pk] = opened + timedelta(days=20)
            Outcome.objects.create(account=one, day=lost[one.pk], kind="churned")
    line = rule_book(TODAY).lines[0].figures
    assert (line.alerts, line.judged, line.right, line.precision, line.young) == (7, 5, 1, 0.2, 1)
    record = record_of(tuple(fired), lost, today=TODAY)
    assert (record.fired, record.judged, record.right, record.precision, record.young) == (7, 5, 1, 0.2, 1)


def test_managers_hear_of_every_sweep_of_a_day_that_finds_something(kestrel: Tenant) -> None:
    owner(kestrel, "Ines Manager", Role.CS_MANAGER)
    publish_rule(tell=["manager"])
    for hour, name in enumerate(["Morning", "Noon"]):
        scored(customer(name), TODAY, 40.0)
        sweep_alerts(tenant=kestrel, actor=ACTOR, as_of=TODAY, today=TODAY, now=at(TODAY) + timedelta(hours=hour))
    assert sorted(Notification.objects.values_list("text", flat=True)) == ["Low score: Morning", "Low score: Noon"]


def test_a_trial_says_what_would_have_fired_and_writes_nothing(kestrel: Tenant) -> None:
    one = customer()
    first = TODAY - timedelta(days=70)
    for n, score in enumerate([80.0, 80.0, 45.0, 45.0, 80.0, 80.0, 45.0, 80.0]):
        scored(one, first + timedelta(days=7 * n), score)
    publish_rule(cool_down_days=0)
    before = (Alert.objects.count(), AuditEntry.objects.count(), Task.objects.count())
    trial = would_fire(ProcessVersion.objects.get(kind="alert_rule"), first, first + timedelta(days=56))
    assert [(fired.account_id, fired.opened_on, fired.closed_on) for fired in trial.fired] == [
        (one.pk, first + timedelta(days=14), first + timedelta(days=28)),
        (one.pk, first + timedelta(days=42), first + timedelta(days=49)),
    ]
    assert (trial.days, trial.accounts) == (8, 1)
    assert (Alert.objects.count(), AuditEntry.objects.count(), Task.objects.count()) == before


def test_a_trial_sees_only_what_was_known_then(kestrel: Tenant) -> None:
    one = customer()
    scored(one, TODAY - timedelta(days=10), 80.0)
    scored(one, TODAY, 20.0)
    rule = parse_alert_rule(rule_document())
    assert would_fire(rule, TODAY - timedelta(days=20), TODAY, 1).fired == ()
    assert len(would_fire(rule, TODAY - timedelta(days=20), TODAY + timedelta(days=1), 1).fired) == 1


def test_trials_with_a_draft_and_with_stored_scores_agree_where_the_draft_says_the_same(kestrel: Tenant) -> None:
    first = TODAY - timedelta(days=70)
    said: dict[date, dict[int, DraftScore]] = {}
    for number in range(3):
        one = customer(f"Account {number}", last_contact_on=TODAY - timedelta(days=65 * number))
        for week in range(10):
            day, score = first + timedelta(days=7 * week), 40.0 + (number * 7 + week * 13) % 40
            scored(one, day, score)
            said.setdefault(day, {})[one.pk] = DraftScore(score, "red" if score < 50 else "yellow")

    def judge(day: date) -> dict[int, DraftScore]:
        known = [then for then in said if then <= day]
        return said[max(known)] if known else {}

    when = {
        "any": [
            {"fact": "health.change_30d", "op": "lte", "value": -10},
            {"not": {"fact": "accounts.days_since_contact", "op": "lt", "value": 90}},
        ]
    }
    rule = parse_alert_rule(rule_document(when=when, cool_down_days=7))
    stored = would_fire(rule, first, TODAY)
    assert would_fire(rule, first, TODAY, draft=DraftScores(judge, 50.0)) == stored
    assert len(stored.fired) > 0


def test_the_trace_names_every_condition_and_what_stood_against_an_alert(kestrel: Tenant) -> None:
    one = customer()
    publish_rule(now=at(TODAY), cool_down_days=10)
    nights(kestrel, one, [40.0, 41.0, 60.0, 45.0])

    def ask(n: int) -> tuple[bool, str, list[str]]:
        found = trace(account=one, rule_key="low", day=TODAY + timedelta(days=n), tenant=kestrel, hidden=frozenset())
        assert found is not None
        return found.fired, found.conditions[0].saw, [line.replace("\xa0", " ") for line in found.lines]

    assert ask(0) == (True, "40", [])
    assert ask(1) == (False, "41", ["An alert was open already, since 2 Mar 2026: one episode, one alert."])
    assert ask(2)[:2] == (False, "60")
    assert ask(3) == (False, "45", ["Cooling down until 14 Mar 2026: the last alert was over on 4 Mar 2026."])
    assert ask(-5)[2][0] == "The rule was not live yet; the values are those of its first version."


def test_a_held_back_alert_says_so_in_the_trace(kestrel: Tenant) -> None:
    maya = owner(kestrel)
    ones = [customer(f"Account {n}", owner=maya, arr_minor=n) for n in range(2)]
    for one in ones:
        scored(one, TODAY, 30.0)
    publish_rule(budget=1)
    sweep(kestrel)
    found = trace(account=ones[0], rule_key="low", day=TODAY, tenant=kestrel, hidden=frozenset())
    assert found is not None
    assert found.lines == ("Held back: Maya Lindqvist was told 1 alert on that day already.",)
    assert find_accounts("account") == ones
    assert find_accounts(" ACCOUNT  1 ") == [ones[1]]


def test_the_rules_of_a_workspace_can_be_tried_on_its_past(kestrel: Tenant) -> None:
    one = customer(status="customer")
    first = TODAY - timedelta(days=364)
    for n, score in enumerate([80.0, 40.0]):
        scored(one, first + timedelta(days=180 * n), score)
    Outcome.objects.create(account=one, day=TODAY - timedelta(days=30), kind="churned")
    publish_rule()
    found = try_live_rules(first, TODAY)
    assert found["early"]["share"] == 1.0
    assert (found["rules"]["low"]["fired"], found["rules"]["low"]["right"]) == (1, 1)


def test_the_night_looks_for_alerts_after_it_has_scored_and_only_once(kestrel: Tenant) -> None:
    one = customer()
    signals(one, "usage", [30.0])
    publish_model(kestrel, one_input())
    publish_rule()
    with time_machine.travel(NOW, tick=False):
        assert tasks.watch.run(tenant_id=kestrel.pk) == 0
        assert run_job(tenant_id=kestrel.pk, job_id=tasks.nightly.run(tenant_id=kestrel.pk)) == "done"
        job_id = Job.objects.get(kind="health.alerts").pk
        assert tasks.watch.run(tenant_id=kestrel.pk) == job_id
        assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    assert Job.objects.get(pk=job_id).result == {"opened": 1, "closed": 0, "told": 1, "held_back": 0}
    assert Alert.objects.get().account_id == one.pk


def test_a_changed_account_is_looked_at_right_after_it_was_scored(kestrel: Tenant) -> None:
    one, other = customer(), customer("Other")
    for each in (one, other):
        signals(each, "usage", [30.0])
    publish_model(kestrel, one_input())
    publish_rule()
    mark_changed([one.pk])
    with time_machine.travel(NOW, tick=False):
        tasks.score_changes.run(tenant_id=kestrel.pk)
        assert tasks.watch_accounts.run(tenant_id=kestrel.pk, account_ids=[one.pk])["opened"] == 1
    assert Alert.objects.get().account_id == one.pk
