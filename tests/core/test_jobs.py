"""Jobs: the row is the record. Handlers here are real and registered once for the module."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import clock, jobs
from core.actors import Actor
from core.choices import JobState
from core.models import Job, Tenant
from core.queries import due_jobs
from core.tenancy import tenant_context

calls: list[int] = []


@jobs.job_handler("test.count")
def count(job: jobs.RunningJob) -> dict[str, Any]:
    calls.append(job.attempt)
    job.progress(1, 2, "halfway")
    return {"counted": job.payload["n"]}


@jobs.job_handler("test.poison")
def poison(job: jobs.RunningJob) -> dict[str, Any]:
    raise ZeroDivisionError("always")


@jobs.job_handler("test.refused")
def refused(job: jobs.RunningJob) -> dict[str, Any]:
    raise jobs.JobRefused("Line 3 has no account. Add the column 'account'.")


@jobs.job_handler("test.cancelled")
def cancelled(job: jobs.RunningJob) -> dict[str, Any]:
    with job.transaction():
        Job.objects.filter(pk=job.id).update(cancel_requested=True)
    job.progress(1, 2)
    raise AssertionError("The step after a cancel must not run.")


@pytest.fixture(autouse=True)
def _fresh_calls() -> None:
    calls.clear()


def started(tenant: Tenant, kind: str, actor: Actor, now: datetime, **payload: Any) -> Job:
    with tenant_context(tenant.pk):
        return jobs.start_job(kind=kind, key="k", payload=payload, actor=actor, now=now, max_attempts=2)


def state_of(tenant: Tenant, job: Job) -> tuple[str, str]:
    with tenant_context(tenant.pk):
        job.refresh_from_db()
        return job.state, job.error


def test_a_job_asked_for_twice_is_one_job(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    first = jobs.start_job(kind="test.count", key="k", payload={"n": 1}, actor=actor, now=now)
    second = jobs.start_job(kind="test.count", key="k", payload={"n": 2}, actor=actor, now=now)
    assert (first.pk, second.payload) == (second.pk, {"n": 1})


def test_a_job_runs_once_and_keeps_its_result(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.count", actor, now, n=3)
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "done"
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "taken"
    assert calls == [1]
    with tenant_context(kestrel.pk):
        job.refresh_from_db()
    assert (job.result, job.done, job.total, job.step) == ({"counted": 3}, 1, 2, "halfway")


def test_poison_stops_after_its_attempts_and_says_why(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.poison", actor, now)
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "queued"
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "failed"
    assert state_of(kestrel, job) == ("failed", "Failed 2 times. Last error: ZeroDivisionError: always")


def test_a_refusal_is_final_and_its_words_reach_the_person(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.refused", actor, now)
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "failed"
    assert state_of(kestrel, job) == ("failed", "Line 3 has no account. Add the column 'account'.")


def test_a_running_job_stops_at_its_next_step_after_cancel(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.cancelled", actor, now)
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "cancelled"
    assert state_of(kestrel, job) == ("cancelled", "Cancelled. Nothing was written.")


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.count", actor, now, n=1)
    with tenant_context(kestrel.pk):
        assert jobs.cancel_job(job_id=job.pk, actor=actor, now=now)
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "taken"
    assert calls == []


def test_a_job_whose_worker_died_is_due_again_and_counts_the_attempt(
    kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    job = started(kestrel, "test.count", actor, now, n=1)
    with tenant_context(kestrel.pk):
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, attempts=1, lease_until=clock.now() - timedelta(seconds=1)
        )
        assert list(due_jobs(clock.now())) == [job]
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "done"
    assert calls == [2]


def test_a_job_under_lease_belongs_to_its_worker(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.count", actor, now, n=1)
    with tenant_context(kestrel.pk):
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, attempts=1, lease_until=clock.now() + timedelta(minutes=1)
        )
        assert list(due_jobs(clock.now())) == []
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "taken"


def test_a_job_killed_at_every_attempt_is_stopped_and_shown(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.count", actor, now, n=1)
    with tenant_context(kestrel.pk):
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, attempts=2, lease_until=clock.now() - timedelta(seconds=1)
        )
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "failed"
    assert calls == []
    assert state_of(kestrel, job)[1].startswith("Stopped after 2 attempts.")


def test_a_failed_job_starts_anew_when_asked_again_and_a_done_one_does_not(
    kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    with tenant_context(kestrel.pk):
        job = jobs.start_job(kind="test.count", key="k", payload={"n": 1}, actor=actor, now=now)
        Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, attempts=5, error="broken")
        revived = jobs.start_job(kind="test.count", key="k", payload={"n": 2}, actor=actor, now=now, again=True)
        assert (revived.state, revived.attempts, revived.error, revived.payload) == ("queued", 0, "", {"n": 2})
    assert jobs.run_job(tenant_id=kestrel.pk, job_id=job.pk) == "done"
    with tenant_context(kestrel.pk):
        same = jobs.start_job(kind="test.count", key="k", payload={"n": 3}, actor=actor, now=now, again=True)
        assert (same.state, same.result) == ("done", {"counted": 2})


def test_a_worker_that_has_lost_its_job_stops_at_its_next_step(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    job = started(kestrel, "test.count", actor, now, n=1)
    with tenant_context(kestrel.pk):
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempts=2)
    stale = jobs.RunningJob(id=job.pk, tenant_id=kestrel.pk, payload={}, attempt=1)
    with pytest.raises(jobs.LeaseLost):
        stale.progress(1, 2)


def test_a_job_is_rung_once_a_minute_at_most(kestrel: Tenant, actor: Actor, now: datetime) -> None:
    started(kestrel, "test.count", actor, now, n=1)
    rings = []
    for seconds in (30, 61, 62, 125):
        with tenant_context(kestrel.pk):
            rings.append(jobs.ring_due_jobs(tenant_id=kestrel.pk, now=now + timedelta(seconds=seconds)))
    assert rings == [0, 1, 0, 1]
