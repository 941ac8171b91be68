"""The alert rules of a new workspace, and the work of looking for alerts."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction

from core.actors import Actor
from core.jobs import start_job
from core.models import Job, Tenant
from core.versioning import ensure_published
from health.models import ScoringState
from health.queries.alert_rules import KIND
from health.rules.alert_defaults import DEFAULT_RULES

WATCH_JOB: Final = "health.alerts"
TRIAL_JOB: Final = "health.alert_trial"
TRIAL_DAYS: Final = 365


def publish_alert_rules(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    """The rules of every new workspace. One that was published under the same key stays as it is."""
    for rule in DEFAULT_RULES:
        ensure_published(kind=KIND, key=rule["key"], name=rule["name"], definition=rule, actor=actor, now=now)


@transaction.atomic
def start_watch(*, actor: Actor, now: datetime) -> Job | None:
    """The job that looks at every customer after a full run of the scores, once per run; None before the first."""
    state = ScoringState.objects.first()
    if state is None or state.full_run_at is None:
        return None
    key = state.full_run_at.isoformat()
    return start_job(kind=WATCH_JOB, key=key, payload={"as_of": state.as_of}, actor=actor, now=now, again=True)


@transaction.atomic
def start_trial(*, actor: Actor, now: datetime, today: date) -> Job:
    """The job that tries every live rule on the past year, once a day; its result is the figures of the rules page."""
    payload = {"from": today - timedelta(days=TRIAL_DAYS), "until": today}
    return start_job(kind=TRIAL_JOB, key=today.isoformat(), payload=payload, actor=actor, now=now, again=True)
