"""Doors of health for the worker and the scheduler."""

from datetime import date
from typing import Any

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.jobs import JobCancelled, JobRefused, RunningJob, job_handler, start_job
from core.models import Tenant
from core.permissions import Permission
from health import actions
from health.actions.publishing import RECOMPUTE_JOB
from health.queries import scoring_day

KIND = RECOMPUTE_JOB
_ACTOR = Actor.system("Health scores")


@shared_task(name="health.nightly", base=TenantTask)
def nightly(*, tenant_id: int) -> int:
    """The full run of the workspace's day. Asked for every hour, done once a day, again where it failed."""
    now = clock.now()
    today = Tenant.objects.get(pk=tenant_id).today(now)
    return start_job(kind=KIND, key=today.isoformat(), payload={"today": today}, actor=_ACTOR, now=now, again=True).pk


@shared_task(name="health.score_changes", base=TenantTask)
def score_changes(*, tenant_id: int) -> int:
    """Scores accounts whose facts changed; returns how many stored histories grew."""
    now = clock.now()
    today = Tenant.objects.get(pk=tenant_id).today(now)
    return actions.score_changes(actor=_ACTOR, now=now, today=today).changed


@job_handler(actions.HISTORY_JOB, permission=Permission.RECOMPUTE_HEALTH)
def history(job: RunningJob) -> dict[str, Any]:
    """The past year, a week at a time: each week is one transaction and is left alone when it is there already."""
    days = [date.fromisoformat(day) for day in job.payload["days"]]
    rows = 0
    for done, day in enumerate(days):
        try:
            job.progress(done, len(days), f"Week of {day}")
        except JobCancelled as cancelled:
            raise JobCancelled(f"Cancelled. {done} of {len(days)} weeks are worked out and stay.") from cancelled
        with job.transaction():
            try:
                rows += actions.backfill_history(actor=_ACTOR, now=clock.now(), from_day=day, to_day=day)
            except actions.NoModel as refusal:
                raise JobRefused(str(refusal)) from refusal
    job.progress(len(days), len(days), "The past year is worked out")
    return {"weeks": len(days), "rows": rows}


@job_handler(KIND, permission=Permission.RECOMPUTE_HEALTH)
def recompute(job: RunningJob) -> dict[str, Any]:
    """The full run: one transaction, so that a killed worker leaves nothing half-written."""
    job.progress(0, 1, "Scoring all accounts")
    now = clock.now()
    with job.transaction():
        today = Tenant.objects.get(pk=job.tenant_id).today(now)
        try:
            run = actions.recompute(actor=_ACTOR, now=now, as_of=scoring_day(job.tenant_id, today))
        except actions.NoModel as refusal:
            raise JobRefused(str(refusal)) from refusal
    job.progress(1, 1, "Scored")
    return {"as_of": run.as_of.isoformat(), "accounts": run.accounts, "scored": run.scored, "changed": run.changed}
