"""Plays that start by themselves, once per episode, however often and however late the sweep runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Activity
from core.choices import Role
from core.formatting import day as words
from core.models import Notification, ProcessVersion, Tenant
from journeys.actions.plays import PlayRefused, PlaySweep, finish_step, note_review, stop_play, sweep_plays
from journeys.models import LifecycleStage, PlaybookRun, RunStep, StageVisit, Task
from journeys.queries.plays import playbook_figures, ramp, why_started
from journeys.queries.plays.checks import plays_at_rest, steps_without_task, tasks_of_ended_plays
from journeys.queries.plays.firing import rule_key
from journeys.rules.playbooks import parse_playbook
from tests.factories.plays import (
    ACTOR,
    NOW,
    TODAY,
    account,
    at,
    member,
    person,
    play,
    publish_playbook,
    states,
    step,
    steps_of,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)
LARGE = {"fact": "accounts.arr", "op": "gte", "value": 1_000_000}
QUIET = {"fact": "accounts.days_since_contact", "op": "gte", "value": 30}


def sweep(tenant: Tenant, day: date = TODAY) -> PlaySweep:
    return sweep_plays(tenant=tenant, today=day, now=at(day))


def contacted(of: Account, day: date) -> None:
    """As a logged call leaves it."""
    Activity.objects.create(
        account=of, kind="call", occurred_at=datetime(day.year, day.month, day.day, 8, tzinfo=UTC), subject="Call"
    )
    Account.objects.filter(pk=of.pk).update(last_contact_on=day)


def rule_of(place: int = 0) -> str:
    """How the keys begin of what the rule at that place of the live version starts."""
    live = ProcessVersion.objects.get(kind="playbook", key="low_usage", state="published")
    return rule_key("low_usage", parse_playbook(live.definition).starts[place])


def assert_sound(tenant: Tenant) -> None:
    assert [check(tenant, NOW) for check in (steps_without_task, tasks_of_ended_plays, plays_at_rest)] == [0, 0, 0]


def signal(**values: Any) -> dict[str, Any]:
    return {"on": "signal", "rule": QUIET, "cool_down_days": 10, **values}


def test_a_signal_starts_one_play_per_episode_and_none_while_it_cools_down(kestrel: Tenant) -> None:
    publish_playbook(audience=LARGE, starts=[signal()], steps=[step("call", 2)])
    one, small = account(), account("Small", arr_minor=10)
    contacted(one, TODAY - 40 * DAY)
    contacted(small, TODAY - 40 * DAY)
    assert sweep(kestrel).started == 1
    run = PlaybookRun.objects.get()
    assert (run.account_id, run.trigger, run.started_by) == (one.pk, "signal", "Playbooks")
    assert [(entry["fact"], entry["saw"], entry["met"]) for entry in run.trace["conditions"]] == [
        ("accounts.arr", 1_200_000, True), ("accounts.days_since_contact", 40, True),
    ]  # fmt: skip
    assert sweep(kestrel) == PlaySweep(by_playbook={})
    finish_step(step_id=steps_of(run)["call"].pk, actor=ACTOR, person_id=None, today=TODAY, now=NOW)
    assert sweep(kestrel, TODAY + 60 * DAY).started == 0  # the same silence goes on: the same episode
    contacted(one, TODAY + 61 * DAY)
    assert sweep(kestrel, TODAY + 62 * DAY).started == 0
    run.refresh_from_db()
    assert run.trace["over_on"] == (TODAY + 62 * DAY).isoformat()
    assert sweep(kestrel, TODAY + 95 * DAY).started == 1
    assert_sound(kestrel)


def test_cool_down_counts_from_the_last_start(kestrel: Tenant) -> None:
    publish_playbook(starts=[signal(cool_down_days=50)], steps=[step("call", 2)])
    one = account()
    contacted(one, TODAY - 40 * DAY)
    sweep(kestrel)
    finish_step(
        step_id=steps_of(PlaybookRun.objects.get())["call"].pk, actor=ACTOR, person_id=None, today=TODAY, now=NOW
    )
    contacted(one, TODAY + 5 * DAY)
    sweep(kestrel, TODAY + 6 * DAY)
    assert sweep(kestrel, TODAY + 40 * DAY).started == 0
    trace = why_started("low_usage", one.pk, TODAY + 40 * DAY)
    assert trace is not None
    assert f"Cooling down until {words(date(2026, 4, 21))}: the last one started on {words(TODAY)}." in trace.verdict
    assert sweep(kestrel, TODAY + 50 * DAY).started == 1


@pytest.mark.parametrize("outage", [0, 1, 9])
def test_a_date_starts_its_play_after_an_outage_too_while_the_date_lies_ahead(kestrel: Tenant, outage: int) -> None:
    days = {"before": 10, "of": "close"}
    publish_playbook(anchor="close", starts=[{"on": "date", "days": days}], steps=[step("call", 3, "anchor")])
    close = TODAY + 30 * DAY
    one = account(customer_since=close)
    account("Never")
    assert sweep(kestrel, close - 11 * DAY).started == 0
    assert sweep(kestrel, close - 10 * DAY + outage * DAY).started == 1
    run = PlaybookRun.objects.get()
    assert (run.account_id, run.anchor_on, run.origin_key) == (one.pk, close, f"{rule_of()}{one.pk}:{close}")
    stop_play(run_id=run.pk, reason="test", actor=ACTOR, today=TODAY, now=NOW)
    assert sweep(kestrel, close).started == 0  # fired for this date already


def test_a_date_that_was_past_when_the_playbook_went_live_starts_nothing(kestrel: Tenant) -> None:
    publish_playbook(anchor="close", starts=[{"on": "date", "days": {"after": 5, "of": "close"}}])
    account(customer_since=TODAY - 20 * DAY)
    late = account("Late", customer_since=TODAY - 3 * DAY)
    assert sweep(kestrel).started == 0
    assert sweep(kestrel, TODAY + 2 * DAY).started == 1
    assert PlaybookRun.objects.get().account_id == late.pk


def test_a_stage_starts_its_play_once_per_stay(kestrel: Tenant) -> None:
    stage = LifecycleStage.objects.create(key="onboarding", name="Onboarding", position=1)
    one, earlier = account(), account("Earlier")
    StageVisit.objects.create(account=earlier, stage=stage, entered_on=TODAY - DAY)
    visit = StageVisit.objects.create(account=one, stage=stage, entered_on=TODAY)
    publish_playbook(starts=[{"on": "stage", "stage": "onboarding", "cool_down_days": 0}])
    assert [sweep(kestrel, TODAY + n * DAY).started for n in range(3)] == [1, 0, 0]
    run = PlaybookRun.objects.get()
    assert (run.account_id, run.origin_key) == (one.pk, f"{rule_of()}{visit.pk}")


def test_what_is_required_holds_for_starts_by_rule_and_former_accounts_are_passed_by(kestrel: Tenant) -> None:
    publish_playbook(starts=[signal()], requires=LARGE)
    for name, values in (("Small", {"arr_minor": 5}), ("Gone", {"status": "churned"}), ("Large", {})):
        contacted(account(name, **values), TODAY - 40 * DAY)
    found = sweep(kestrel)
    assert (found.started, found.refused) == (1, 1)
    assert PlaybookRun.objects.get().account.name == "Large"


def test_an_alert_starts_plays_for_the_audience_and_none_while_the_last_one_cools_down(kestrel: Tenant) -> None:
    publish_playbook(audience=LARGE, starts=[{"on": "alert", "cool_down_days": 30}], steps=[step("call", 2)])
    one, small = account(), account("Small", arr_minor=5)
    run = play(one, trigger="alert", origin_key="alert:1")
    assert play(one, trigger="alert", origin_key="alert:1").pk == run.pk
    stop_play(run_id=run.pk, reason="test", actor=ACTOR, today=TODAY, now=NOW)
    with pytest.raises(PlayRefused, match="Cooling down: one started in the last 30 days"):
        play(one, trigger="alert", origin_key="alert:2", today=TODAY + 29 * DAY)
    with pytest.raises(PlayRefused, match="Not in the audience: ARR is at least 10,000"):
        play(small, trigger="alert", origin_key="alert:3")
    assert play(small).trigger == "manual"
    assert play(one, trigger="alert", origin_key="alert:4", today=TODAY + 30 * DAY).pk != run.pk


def test_plays_follow_the_account_to_its_new_owner_unless_somebody_gave_them_away(kestrel: Tenant) -> None:
    maya, jonas = person(), person("Jonas Weber")
    publish_playbook()
    run = play(account(owner=maya))
    deputy = person("Deputy")
    Task.objects.filter(state="open").update(assignee=deputy, covered_for=maya)
    RunStep.objects.filter(state="open").update(assignee=deputy)
    Account.objects.update(owner=jonas)
    assert sweep(kestrel).handed_over == 1
    assert not Task.objects.exclude(covered_for=None).exists()
    run.refresh_from_db()
    assert run.owner_id == jonas.pk
    assert set(Task.objects.filter(state="open").values_list("assignee_id", flat=True)) == {jonas.pk}
    assert set(RunStep.objects.filter(state="open").values_list("assignee_id", flat=True)) == {jonas.pk}
    assert sweep(kestrel).handed_over == 0


def test_a_task_that_was_closed_without_telling_the_play_is_followed_by_the_sweep(kestrel: Tenant) -> None:
    publish_playbook()
    run = play(account())
    Task.objects.filter(pk=steps_of(run)["plan"].task_id).update(state="skipped", closed_at=NOW, closed_by="Ruth")
    assert sweep(kestrel).followed == 1
    assert states(run) == {"plan": "skipped", "call": "open", "report": "open"}
    assert steps_of(run)["plan"].done_by == "Ruth"


OUTCOME = {"name": "Spoken to", "rule": {"fact": "accounts.days_since_contact", "op": "lte", "value": 3},
           "within_days": 10}  # fmt: skip


@pytest.mark.capability("P3")
def test_outcomes_are_decided_by_the_rule_also_for_days_that_nobody_looked_at(kestrel: Tenant) -> None:
    publish_playbook(outcome=OUTCOME)
    reached, late, missed = account("Reached"), account("Late"), account("Missed")
    for one in (reached, late, missed):
        play(one)
    contacted(reached, TODAY + 4 * DAY)
    sweep(kestrel, TODAY + 5 * DAY)
    contacted(late, TODAY + 9 * DAY)
    contacted(late, TODAY + 30 * DAY)
    sweep(kestrel, TODAY + 31 * DAY)
    found = {run.account.name: (run.outcome, run.outcome_on) for run in PlaybookRun.objects.select_related("account")}
    assert found == {
        "Reached": ("reached", TODAY + 5 * DAY),
        "Late": ("reached", TODAY + 10 * DAY),
        "Missed": ("missed", TODAY + 10 * DAY),
    }
    assert sweep(kestrel, TODAY + 31 * DAY) == PlaySweep(by_playbook={})


@pytest.mark.capability("P3")
def test_after_n_outcomes_the_owner_is_asked_for_a_review_once_until_it_is_noted(kestrel: Tenant) -> None:
    ruth = member(kestrel, Role.REVOPS_ADMIN, "Ruth Adler")
    version = publish_playbook(outcome=OUTCOME, review_after_runs=3)
    for n in range(3):
        play(account(f"A{n}"))
    contacted(Account.objects.get(name="A0"), TODAY + 4 * DAY)
    sweep(kestrel, TODAY + 5 * DAY)
    assert Notification.objects.filter(kind="playbook_review").count() == 0
    for n in range(11, 14):
        sweep(kestrel, TODAY + n * DAY)
    told = Notification.objects.get(kind="playbook_review")
    assert (told.membership_id, told.text) == (
        ruth.membership_id, "Low usage v1: 1 of 3 reached their outcome. Time for a review.",
    )  # fmt: skip
    figures = playbook_figures(["low_usage"], TODAY + 14 * DAY)["low_usage"][0]
    assert (figures.runs, figures.reached.part, figures.reached.of, figures.asks_for_review) == (3, 1, 3, True)
    assert (round(figures.reached.low or 0, 3), round(figures.reached.high or 0, 3)) == (0.061, 0.792)
    note_review(version=version, note="Scripts are too long", actor=ACTOR, now=at(TODAY + 14 * DAY))
    assert not playbook_figures(["low_usage"], TODAY + 14 * DAY)["low_usage"][0].asks_for_review


@pytest.mark.capability("P3")
def test_a_playbook_below_its_floor_in_two_quarters_is_flagged_and_in_one_is_not(kestrel: Tenant) -> None:
    publish_playbook(outcome=OUTCOME, floor=50, review_after_runs=1000)
    for quarter, reached in ((date(2026, 4, 10), 2), (date(2026, 7, 10), 1)):
        for n in range(6):
            run = play(account(f"{quarter} {n}"), today=quarter)
            PlaybookRun.objects.filter(pk=run.pk).update(
                outcome="reached" if n < reached else "missed", outcome_on=quarter
            )
    july = playbook_figures(["low_usage"], date(2026, 8, 1))["low_usage"][0]
    october = playbook_figures(["low_usage"], date(2026, 10, 2))["low_usage"][0]
    assert [(one.part, one.of) for one in october.periods] == [(1, 6), (2, 6)]
    assert (july.is_weak, october.is_weak, october.asks_for_review) == (False, True, True)


def test_figures_count_what_was_finished_on_time_and_how_long_it_took(kestrel: Tenant) -> None:
    publish_playbook(steps=[step("call", 7)])
    for n, days in enumerate((2, 6, 12)):
        run = play(account(f"A{n}"))
        day = TODAY + days * DAY
        finish_step(step_id=steps_of(run)["call"].pk, actor=ACTOR, person_id=None, today=day, now=at(day))
    stop_play(run_id=play(account("B")).pk, reason="gone", actor=ACTOR, today=TODAY, now=NOW)
    play(account("C"))
    one = playbook_figures(["low_usage"], TODAY)["low_usage"][0]
    assert (one.runs, one.running, one.finished, one.stopped) == (5, 1, 3, 1)
    assert (one.on_time.part, one.on_time.of, one.median_days) == (2, 3, 6.0)
    assert (one.steps_done, one.steps_late) == (3, 1)


@pytest.mark.capability("P2")
def test_the_ramp_counts_steps_done_and_unaided_per_week_of_the_first_month(kestrel: Tenant) -> None:
    publish_playbook(steps=[step(f"s{n}", n) for n in range(1, 7)])
    nele = person("Nele Brandt")
    type(nele).objects.filter(pk=nele.pk).update(guided_until=TODAY + 30 * DAY)
    run = play(account(owner=nele))
    for n, (days, unaided) in enumerate(
        ((1, False), (2, False), (8, True), (9, None), (16, True), (35, True)), start=1
    ):
        day = TODAY + days * DAY
        finish_step(
            step_id=steps_of(run)[f"s{n}"].pk, actor=ACTOR, person_id=nele.pk, today=day, now=at(day), unaided=unaided
        )
    rows = ramp(TODAY + 40 * DAY, kestrel.timezone)
    assert [(row.name, row.from_on, row.is_over) for row in rows] == [("Nele Brandt", TODAY, True)]
    assert [(week.done, week.unaided, week.answered) for week in rows[0].weeks] == [
        (2, 0, 2), (2, 1, 1), (1, 1, 1), (0, 0, 0),
    ]  # fmt: skip
    assert (rows[0].total.done, rows[0].total.share) == (5, 0.5)


@pytest.mark.capability("R3")
def test_why_it_did_or_did_not_start_says_every_condition_with_its_value_then(kestrel: Tenant) -> None:
    publish_playbook(audience=LARGE, starts=[signal()])
    one = account()
    contacted(one, TODAY - 20 * DAY)
    before = why_started("low_usage", one.pk, TODAY)
    assert before is not None
    assert before.verdict.startswith(
        f"Low usage v1 did not start on {words(TODAY)}. Trigger: When Days since the last contact is at least 30."
    )
    trigger = next(part for part in before.parts if part.name == "Trigger")
    assert [(line.label, line.rule, line.saw, line.met, line.now_only) for line in trigger.lines] == [
        ("Days since the last contact", "is at least 30", "20", False, False)
    ]
    audience = next(part for part in before.parts if part.name == "Audience")
    assert [(line.saw, line.met, line.now_only) for line in audience.lines] == [("12,000", True, True)]
    sweep(kestrel, TODAY + 10 * DAY)
    then = why_started("low_usage", one.pk, TODAY + 10 * DAY)
    assert then is not None
    assert then.started is not None
    assert then.verdict == f"Low usage v1 started on {words(TODAY + 10 * DAY)}, by Playbooks."
    later = why_started("low_usage", one.pk, TODAY + 11 * DAY)
    assert later is not None
    assert f"One ran already, since {words(TODAY + 10 * DAY)}." in [part.words for part in later.parts]
    early = why_started("low_usage", one.pk, TODAY - 5 * DAY)
    assert early is not None
    assert (early.was_live, why_started("nothing", one.pk, TODAY)) == (False, None)


def test_two_signal_rules_have_episodes_of_their_own(kestrel: Tenant) -> None:
    fresh = {"fact": "accounts.days_since_contact", "op": "lte", "value": 3}
    publish_playbook(
        starts=[signal(cool_down_days=0), signal(rule=fresh, cool_down_days=0)], one_at_a_time=False,
        steps=[step("call", 2)],
    )  # fmt: skip
    one = account()
    contacted(one, TODAY - 40 * DAY)
    assert sweep(kestrel).started == 1
    assert [sweep(kestrel).started for _ in range(2)] == [0, 0]  # the other rule does not end its episode
    contacted(one, TODAY + DAY)
    assert sweep(kestrel, TODAY + DAY).started == 1
    assert sweep(kestrel, TODAY + 2 * DAY).started == 0
    first, second = PlaybookRun.objects.order_by("pk")
    assert (first.origin_key, first.trace["over_on"]) == (f"{rule_of(0)}{one.pk}:{TODAY}", str(TODAY + DAY))
    assert (second.origin_key, "over_on" in second.trace) == (f"{rule_of(1)}{one.pk}:{TODAY + DAY}", False)


def test_what_has_fired_costs_the_sweep_nothing_any_more(kestrel: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = LifecycleStage.objects.create(key="onboarding", name="Onboarding", position=1)
    publish_playbook(
        "dated", anchor="close", one_at_a_time=False,
        starts=[{"on": "date", "days": {"after": 0, "of": "close"}, "cool_down_days": 0}],
    )  # fmt: skip
    publish_playbook(
        "staged", one_at_a_time=False, starts=[{"on": "stage", "stage": "onboarding", "cool_down_days": 0}]
    )
    one = account(customer_since=TODAY)
    StageVisit.objects.create(account=one, stage=stage, entered_on=TODAY)
    assert sweep(kestrel).by_playbook == {"dated": 1, "staged": 1}
    asked: list[int] = []
    monkeypatch.setattr("journeys.actions.plays.sweeping.begin", lambda _request, ids: asked.extend(ids))
    assert sweep(kestrel, TODAY + 40 * DAY).started == 0
    assert asked == []


def test_outcomes_read_only_what_can_still_be_decided(kestrel: Tenant) -> None:
    publish_playbook(steps=[step("call", 2)])
    play(account())
    with CaptureQueriesContext(connection) as caught:
        sweep(kestrel, TODAY + 40 * DAY)
    read = [one["sql"] for one in caught if "\"outcome\" = ''" in one["sql"]]
    assert read == []  # no playbook has an outcome: no play is looked at


def test_each_playbook_is_a_step_of_its_own(kestrel: Tenant) -> None:
    publish_playbook("first", starts=[signal()], steps=[step("call", 2)])
    publish_playbook("second", starts=[signal()], steps=[step("call", 2)])
    contacted(account(), TODAY - 40 * DAY)
    seen: list[int] = []

    @contextmanager
    def in_step() -> Iterator[None]:
        with transaction.atomic():
            yield
        seen.append(PlaybookRun.objects.count())

    assert sweep_plays(tenant=kestrel, today=TODAY, now=NOW, in_step=in_step).started == 2
    assert seen == [0, 1, 2, 2]


def _trace_scenes() -> dict[str, dict[str, Any]]:
    after = {"on": "date", "days": {"after": 5, "of": "close"}, "cool_down_days": 0}
    before = {"on": "date", "days": {"before": 10, "of": "close"}, "cool_down_days": 0}
    stage = {"on": "stage", "stage": "onboarding", "cool_down_days": 0}
    return {
        "signal": {"starts": [signal(cool_down_days=0)], "contact": -40},
        "after": {"starts": [after], "close": 1},
        "after, too old": {"starts": [after], "close": -7},
        "after, due on day one": {"starts": [after], "close": -5},
        "before": {"starts": [before], "close": 12},
        "stage": {"starts": [stage], "entered": 1},
        "stage, too old": {"starts": [stage], "entered": -1},
        "one of two": {"starts": [stage, signal(cool_down_days=0)], "contact": -40, "entered": -1},
    }


@pytest.mark.capability("R3")
@pytest.mark.parametrize("scene", _trace_scenes())
def test_the_trace_says_of_each_day_what_the_sweep_does(kestrel: Tenant, scene: str) -> None:
    asked = _trace_scenes()[scene]
    stage = LifecycleStage.objects.create(key="onboarding", name="Onboarding", position=1)
    close = TODAY + asked["close"] * DAY if "close" in asked else None
    one = account(customer_since=close)
    publish_playbook(anchor="start", starts=asked["starts"], steps=[step("call", 2)])
    if "contact" in asked:
        contacted(one, TODAY + asked["contact"] * DAY)
    if "entered" in asked:
        StageVisit.objects.create(account=one, stage=stage, entered_on=TODAY + asked["entered"] * DAY)
    started = 0
    for n in range(14):
        day = TODAY + n * DAY
        trace = why_started("low_usage", one.pk, day)
        assert trace is not None
        fires = "The next look starts it" in trace.verdict
        begun = sweep(kestrel, day).started
        assert fires == (begun == 1), (day, trace.verdict)
        if begun:  # it ends the next day, by hand: what is left to say is that it has fired
            run = PlaybookRun.objects.latest("pk")
            stop_play(run_id=run.pk, reason="test", actor=ACTOR, today=day + DAY, now=at(day + DAY))
        started += begun
    assert started == (0 if "too old" in scene else 1)
    trace = why_started("low_usage", one.pk, TODAY + 13 * DAY)
    assert trace is not None
    why = {
        "signal": "Episode",
        "after": "Started already",
        "after, due on day one": "Started already",
        "before": "Trigger",
        "stage": "Started already",
    }
    assert (
        f". {why.get(scene, 'Live since' if started == 0 else 'Episode')}: " in trace.verdict or scene == "one of two"
    )


@pytest.mark.capability("R3")
def test_the_trace_of_an_alert_start_names_the_alert_rules_of_the_playbook(kestrel: Tenant) -> None:
    publish_playbook(starts=[{"on": "alert", "cool_down_days": 30}])
    one = account()
    trace = why_started("low_usage", one.pk, TODAY)
    assert trace is not None
    assert "no live alert rule names it" in trace.verdict
    ProcessVersion.objects.create(
        kind="alert_rule", key="usage_drop", name="Usage drops", number=1, state="published", published_at=NOW,
        definition={"playbook": "low_usage"}, created_at=NOW,
    )  # fmt: skip
    trace = why_started("low_usage", one.pk, TODAY)
    assert trace is not None
    assert [part.alerts for part in trace.parts if part.name == "Trigger"] == [(("usage_drop", "Usage drops"),)]
    assert "An alert starts it: Usage drops." in trace.verdict
