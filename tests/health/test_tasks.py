"""The doors of the worker: nightly once a day, changes within seconds."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DataError

from accounts.models import Account, Signal
from core.changes import changes_waiting, mark_changed
from core.choices import JobState
from core.jobs import run_job
from core.models import Change, Job, Tenant
from core.versioning import draft
from health import tasks
from health.actions import recompute, recompute_everybody, start_history
from health.actions.shadow import start_shadow
from health.models import Score, ScoreHistory, ScoringState, ShadowScore
from health.queries.checks import CHECKS, set_aside, waiting
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    contract,
    document,
    one_input,
    publish_model,
    signals,
    ticket,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_changed_account_is_scored_and_the_change_is_taken(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    for each in (one, other):
        signals(each, "usage", [60.0])
    publish_model(kestrel, one_input())
    mark_changed([one.pk])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 1
    assert list(Score.objects.values_list("account_id", "score")) == [(one.pk, 60.0)]
    assert not changes_waiting("health")
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 0


def test_an_account_that_cannot_be_scored_waits_aside_and_the_others_are_scored(kestrel: Tenant) -> None:
    sound = [account(f"Sound {number}") for number in range(4)]
    broken = account("Broken")
    for each in sound:
        signals(each, "usage", [30.0, 30.0])
    signals(broken, "usage", [1e308, 1e308])  # their sum is no number that Postgres can hold
    publish_model(kestrel, one_input(aggregate="sum"))
    mark_changed([broken.pk, *(each.pk for each in sound)])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 4
    assert list(Score.objects.values_list("score", flat=True)) == [60.0] * 4
    assert (changes_waiting("health"), set_aside(kestrel, NOW)) == (False, 1)
    Signal.objects.filter(account=broken).update(value=20.0)
    mark_changed([broken.pk])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 1
    assert set_aside(kestrel, NOW) == 0


def test_a_change_that_waits_for_long_is_seen(kestrel: Tenant) -> None:
    mark_changed([account().pk])
    marked = Change.objects.filter(consumer="health").get().at
    assert [waiting(kestrel, marked + timedelta(minutes=minutes)) for minutes in (9, 11)] == [0, 1]


def test_a_workspace_without_a_model_lets_changes_go(kestrel: Tenant) -> None:
    mark_changed([account().pk])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 0
    assert not changes_waiting("health")


def test_when_data_turns_out_to_have_ended_everybody_moves_to_its_last_day(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    publish_model(kestrel, one_input())
    mark_changed([one.pk, other.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert ScoringState.objects.get().as_of == TODAY
    last = TODAY - timedelta(days=400)
    signals(one, "usage", [60.0], until=last)
    signals(other, "usage", [30.0], until=last)
    mark_changed([one.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert sorted(Score.objects.values_list("score", "as_of")) == [(30.0, last), (60.0, last)]
    ticket(one, TODAY)
    mark_changed([one.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert set(Score.objects.values_list("as_of", flat=True)) == {TODAY}


def test_the_nightly_run_is_one_job_a_day_and_doing_it_twice_changes_nothing(kestrel: Tenant) -> None:
    signals(account(), "usage", [60.0])
    publish_model(kestrel, one_input())
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert tasks.nightly.run(tenant_id=kestrel.pk) == job_id
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    job = Job.objects.get(pk=job_id)
    assert job.result == {"as_of": TODAY.isoformat(), "accounts": 1, "scored": 1, "changed": 1}
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        next_id = tasks.nightly.run(tenant_id=kestrel.pk)
        assert next_id != job_id
        assert run_job(tenant_id=kestrel.pk, job_id=next_id) == "done"
    assert ScoreHistory.objects.count() == 1


@pytest.mark.capability("K8")
def test_one_account_that_cannot_be_scored_does_not_stop_the_night(kestrel: Tenant) -> None:
    sound = [account(f"Sound {number}") for number in range(5)]
    broken, former = account("Broken"), account("Former")
    for each in (*sound, broken, former):
        signals(each, "usage", [30.0, 30.0])
    publish_model(kestrel, one_input(aggregate="sum"))
    recompute(actor=ACTOR, now=NOW - timedelta(days=1), as_of=TODAY - timedelta(days=1))
    Signal.objects.filter(account=broken).update(value=1e308)
    Signal.objects.filter(account=sound[0], day=TODAY).update(value=50.0)
    Account.objects.filter(pk=former.pk).update(status="churned")
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    assert Job.objects.get(pk=job_id).result == {
        "as_of": TODAY.isoformat(), "accounts": 5, "scored": 5, "changed": 6, "set_aside": 1,
    }  # fmt: skip
    scores = {row.account_id: (row.score, row.as_of) for row in Score.objects.all()}
    kept = {broken.pk: (30.0, TODAY - timedelta(days=1))}
    assert scores == {one.pk: (80.0 if one is sound[0] else 60.0, TODAY) for one in sound} | kept
    state = ScoringState.objects.get()
    assert (state.as_of, state.full_run_at, state.rolled_on) == (TODAY, NOW, TODAY)
    assert {key: count(kestrel, NOW) for key, _, count in CHECKS if count(kestrel, NOW)} == {"health.set_aside": 1}
    Signal.objects.filter(account=broken).update(value=20.0)
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        run_job(tenant_id=kestrel.pk, job_id=tasks.nightly.run(tenant_id=kestrel.pk))
        assert set_aside(kestrel, NOW) == 0
    assert Score.objects.get(account=broken).score == 40.0


def test_when_nobody_can_be_scored_the_night_fails_and_changes_nothing(kestrel: Tenant) -> None:
    for number in range(22):
        signals(account(f"Broken {number}"), "usage", [1e308, 1e308])
    publish_model(kestrel, one_input(aggregate="sum"))
    with pytest.raises(DataError):
        recompute_everybody(actor=ACTOR, now=NOW, as_of=TODAY)
    assert (Score.objects.count(), set_aside(kestrel, NOW)) == (0, 0)


def test_a_draft_in_shadow_that_cannot_judge_misses_a_night_and_stops_nobody(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [30.0, 30.0])
    live = publish_model(kestrel, one_input())
    signals(one, "other", [30.0, 30.0])
    content = document(one_input("other", aggregate="sum"))
    made = draft(kind=live.kind, key=live.key, name="Sum", definition=content, actor=ACTOR, now=NOW)
    start_shadow(version=made, actor=ACTOR, now=NOW, today=TODAY, as_of=TODAY)
    first = Job.objects.get(kind="health.shadow").pk
    assert run_job(tenant_id=kestrel.pk, job_id=first) == "done"
    Signal.objects.filter(measure__key="other").update(value=1e308)
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    assert (Score.objects.get().score, ShadowScore.objects.get().score) == (30.0, 60.0)


def test_a_nightly_run_that_failed_is_asked_for_again_within_the_day(kestrel: Tenant) -> None:
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "failed"
    publish_model(kestrel, one_input())
    assert tasks.nightly.run(tenant_id=kestrel.pk) == job_id
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    tasks.nightly.run(tenant_id=kestrel.pk)
    assert Job.objects.get(pk=job_id).state == JobState.DONE


def test_a_past_year_that_was_cancelled_keeps_its_weeks_and_can_be_started_again(kestrel: Tenant) -> None:
    one = account()
    signals(one, "usage", [60.0] * 400)
    contract(one, 100_000, starts_on=TODAY - timedelta(days=500))
    publish_model(kestrel, one_input())
    job = start_history(actor=ACTOR, now=NOW, today=TODAY)
    Job.objects.update(cancel_requested=True)
    assert run_job(tenant_id=kestrel.pk, job_id=job.pk) == "cancelled"
    job.refresh_from_db()
    assert job.error == "Cancelled. 0 of 52 weeks are worked out and stay."
    assert start_history(actor=ACTOR, now=NOW, today=TODAY).pk == job.pk
    assert run_job(tenant_id=kestrel.pk, job_id=job.pk) == "done"
    assert ScoreHistory.objects.count() == 1


def test_a_nightly_run_without_a_model_says_so_and_is_not_tried_again(kestrel: Tenant) -> None:
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "failed"
    assert "no published score model" in Job.objects.get(pk=job_id).error
