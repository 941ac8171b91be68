"""Doors of health for the worker and the scheduler."""

from dataclasses import asdict
from datetime import date
from typing import Any

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.jobs import JobCancelled, JobRefused, RunningJob, job_handler, start_job
from core.models import Job, ProcessVersion, Tenant
from core.permissions import Permission
from health import actions
from health.actions.alert_rules import TRIAL_JOB, WATCH_JOB, start_watch
from health.actions.alerts import sweep_alerts
from health.actions.calibration import CALIBRATE_JOB, CannotCalibrate, propose, prove
from health.actions.publishing import RECOMPUTE_JOB
from health.actions.shadow import SHADOW_JOB, first_judgement, score_shadows
from health.actions.trying import IMPACT_JOB, IMPACT_PARTS, REPLAY_JOB, impact_of, replay_of
from health.actions.validation import VALIDATE_JOB, CannotValidate, assess, store_reports
from health.queries import scoring_day
from health.queries.alert_figures import try_live_rules
from health.queries.validation import LEADS, MAIN_LEAD, nearest_lead

KIND = RECOMPUTE_JOB
_ACTOR = Actor.system("Health scores")
_WATCH = Actor.system("Alert rules")


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
            run = actions.recompute_everybody(actor=_ACTOR, now=now, as_of=scoring_day(job.tenant_id, today))
            score_shadows(now=now, today=today, as_of=run.as_of)
        except actions.NoModel as refusal:
            raise JobRefused(str(refusal)) from refusal
        start_watch(actor=_WATCH, now=clock.now())
    job.progress(1, 1, "Scored")
    result = {"as_of": run.as_of.isoformat(), "accounts": run.accounts, "scored": run.scored, "changed": run.changed}
    return result | ({"set_aside": run.set_aside} if run.set_aside else {})


@shared_task(name="health.watch", base=TenantTask)
def watch(*, tenant_id: int) -> int:
    """Starts the look at every customer that a full run is owed; asked for every hour, done once per run."""
    job = start_watch(actor=_WATCH, now=clock.now())
    return job.pk if job else 0


@shared_task(name="health.watch_accounts", base=TenantTask)
def watch_accounts(*, tenant_id: int, account_ids: list[int]) -> dict[str, int]:
    """Alerts of accounts that were just scored. A lost bell costs time only: the night looks at everybody."""
    now = clock.now()
    tenant = Tenant.objects.get(pk=tenant_id)
    today = tenant.today(now)
    day = scoring_day(tenant_id, today, changed=account_ids)
    return asdict(sweep_alerts(tenant=tenant, actor=_WATCH, as_of=day, today=today, now=now, account_ids=account_ids))


@job_handler(WATCH_JOB, permission=Permission.RECOMPUTE_HEALTH)
def watch_everybody(job: RunningJob) -> dict[str, Any]:
    """Every rule over every customer, in one transaction."""
    job.progress(0, 1, "Looking for alerts")
    now = clock.now()
    with job.transaction():
        tenant = Tenant.objects.get(pk=job.tenant_id)
        as_of = date.fromisoformat(job.payload["as_of"])
        sweep = sweep_alerts(tenant=tenant, actor=_WATCH, as_of=as_of, today=tenant.today(now), now=now)
    job.progress(1, 1, "Looked")
    return asdict(sweep)


@job_handler(TRIAL_JOB, permission=Permission.VIEW_HEALTH)
def try_rules(job: RunningJob) -> dict[str, Any]:
    """Every live rule on the past year, a week at a time. Writes nothing but its result."""
    job.progress(0, 1, "Trying the rules on the past year")
    with job.transaction():
        found = try_live_rules(date.fromisoformat(job.payload["from"]), date.fromisoformat(job.payload["until"]))
    job.progress(1, 1, "Tried")
    return found


@job_handler(IMPACT_JOB, permission=Permission.VIEW_HEALTH, has_amounts=True)
def try_draft(job: RunningJob) -> dict[str, Any]:
    """What a draft would do to today's accounts. Writes nothing but its result."""
    found = {}
    for done, (part, words) in enumerate(IMPACT_PARTS.items()):
        job.progress(done, len(IMPACT_PARTS), words)
        with job.transaction():
            found[part] = impact_of(job.payload, part)
    job.progress(len(IMPACT_PARTS), len(IMPACT_PARTS), "Worked out")
    return found


@job_handler(SHADOW_JOB, permission=Permission.CONFIGURE_PROCESSES)
def judge_in_shadow(job: RunningJob) -> dict[str, Any]:
    """The first day of a draft beside the live model, in one transaction. A second run writes nothing."""
    job.progress(0, 1, "Judging everybody beside the live model")
    with job.transaction():
        as_of = date.fromisoformat(job.payload["as_of"])
        judged = first_judgement(run_id=job.payload["run"], now=clock.now(), as_of=as_of)
    job.progress(1, 1, "Judged")
    return {"judged": judged}


@job_handler(REPLAY_JOB, permission=Permission.CONFIGURE_PROCESSES)
def replay_alerts(job: RunningJob) -> dict[str, Any]:
    """The alert rules over the last half year, with live scores and with a draft's. Writes nothing but its result."""
    job.progress(0, 1, "Replaying the alert rules")
    with job.transaction():
        found = replay_of(job.payload)
    job.progress(1, 1, "Replayed")
    return {"rules": found}


@job_handler(VALIDATE_JOB, permission=Permission.CONFIGURE_PROCESSES)
def validate_model(job: RunningJob) -> dict[str, Any]:
    """Reports on a version, one lead time after the other, and keeps them all or none."""
    leads = job.payload.get("leads", list(LEADS))
    found = {}
    for done, lead in enumerate(leads):
        job.progress(done, len(leads), f"Testing {lead} days before the outcome")
        with job.transaction():
            version, today = _version_and_day(job)
            try:
                found[lead] = assess(version, lead_days=lead, today=today, beside_live=lead == nearest_lead(leads))
            except CannotValidate as refusal:
                raise JobRefused(str(refusal)) from refusal
    with job.transaction():
        version, today = _version_and_day(job)
        reports = store_reports(version=version, found=found, actor=_proof(job), now=clock.now(), today=today)
        made = {report.lead_days: report.pk for report in reports}
    job.progress(len(leads), len(leads), "Tested")
    return {"version": version.pk, "reports": made, "verdicts": {one.lead_days: one.verdict for one in reports}}


@job_handler(CALIBRATE_JOB, permission=Permission.CONFIGURE_PROCESSES)
def calibrate_model(job: RunningJob) -> dict[str, Any]:
    """Proposes weights as a draft, or says why not; tests the draft in a second transaction, which nobody waits for."""
    job.progress(0, 2, "Learning from earlier outcomes")
    lead = job.payload.get("lead_days", MAIN_LEAD)
    until = job.payload.get("train_until")
    with job.transaction():
        version, today = _version_and_day(job)
        try:
            made = propose(
                version=version,
                actor=_proof(job),
                now=clock.now(),
                today=today,
                lead_days=lead,
                train_until=until and date.fromisoformat(until),
            )
        except CannotCalibrate as refusal:
            raise JobRefused(str(refusal)) from refusal
        result = {
            "verdict": made.calibration.verdict,
            "reason": made.calibration.figures["reason"],
            "calibration": made.calibration.pk,
            "draft": made.draft and made.draft.number,
            "report": None,
        }
    if made.draft is not None:
        job.progress(1, 2, "Testing on later outcomes")
        with job.transaction():
            report = prove(draft=made.draft, lead_days=lead, actor=_proof(job), now=clock.now(), today=today)
            result["report"] = report.pk
    job.progress(2, 2, "Learned and tested")
    return result


def _version_and_day(job: RunningJob) -> tuple[ProcessVersion, date]:
    """The version that the job is about, and the workspace's today."""
    return (
        ProcessVersion.objects.get(pk=job.payload["version"]),
        Tenant.objects.get(pk=job.tenant_id).today(clock.now()),
    )


def _proof(job: RunningJob) -> Actor:
    """Whoever asked signs for what the job writes."""
    return Actor.system(Job.objects.get(pk=job.id).created_by)
