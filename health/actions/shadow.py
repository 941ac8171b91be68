"""A draft beside the live model for two weeks: it judges every night and decides nothing."""

import logging
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from core import audit
from core.actors import Actor
from core.choices import VersionState
from core.jobs import start_job
from core.models import ProcessVersion
from health.actions.recompute import BROKEN
from health.actions.session import plan_for
from health.engine.shadow import shadow_sql
from health.models import ShadowRun
from health.queries.live import model_of
from health.queries.moments import judged_sql

DAYS: Final = 14
SHADOW_JOB: Final = "health.shadow"

logger = logging.getLogger(__name__)


@transaction.atomic
def start_shadow(
    *, version: ProcessVersion, actor: Actor, now: datetime, today: date, as_of: date, days: int = DAYS
) -> ShadowRun:
    """Lets the draft run beside the live model, from now on and for so many days; one run at a time per draft.

    A job judges everybody for the first time, so that nobody waits for it.
    """
    run, created = ShadowRun.objects.get_or_create(
        model_version=version,
        stopped_at=None,
        defaults={
            "from_day": today,
            "until_day": today + timedelta(days=days),
            "started_at": now,
            "started_by": actor.label,
        },
    )
    if created:
        audit.record(actor=actor, at=now, verb="started shadow run", subject=version, after={"until": run.until_day})
        payload = {"run": run.pk, "as_of": as_of.isoformat()}
        start_job(kind=SHADOW_JOB, key=f"run:{run.pk}", payload=payload, actor=actor, now=now)
    return run


@transaction.atomic
def first_judgement(*, run_id: int, now: datetime, as_of: date) -> int:
    """The first day of a run; returns the rows written. A run that was stopped, or is no draft's any more, writes none.

    A draft that cannot judge somebody's facts misses the day, as it would at night.
    """
    run = ShadowRun.objects.filter(pk=run_id, stopped_at=None, model_version__state__in=VersionState.drafts())
    found = run.select_related("model_version").first()
    return _judge_or_skip(found.model_version, now=now, as_of=as_of) if found else 0


@transaction.atomic
def stop_shadow(*, version: ProcessVersion, actor: Actor, now: datetime) -> None:
    """Ends the run before its time. What it wrote stays."""
    if ShadowRun.objects.filter(model_version=version, stopped_at=None).update(stopped_at=now):
        audit.record(actor=actor, at=now, verb="stopped shadow run", subject=version)


@transaction.atomic
def score_shadows(*, now: datetime, today: date, as_of: date) -> int:
    """The night's work for every draft that runs in shadow; returns the rows written. A second run writes none.

    A run is over on its last day, or when its draft is one no more. A draft that cannot judge some account's facts
    misses this night, and nothing else does.
    """
    over = Q(until_day__lte=today) | ~Q(model_version__state__in=VersionState.drafts())
    ended = ShadowRun.objects.filter(stopped_at=None).filter(over).values_list("pk", flat=True)
    ShadowRun.objects.filter(pk__in=list(ended)).update(stopped_at=now)
    running = ShadowRun.objects.filter(stopped_at=None).select_related("model_version").order_by("pk")
    return sum(_judge_or_skip(run.model_version, now=now, as_of=as_of) for run in running)


def _judge_or_skip(version: ProcessVersion, *, now: datetime, as_of: date) -> int:
    try:
        with transaction.atomic():
            return _judge(version, now=now, as_of=as_of)
    except BROKEN:
        logger.exception("The draft %s cannot judge everybody and misses a night.", version)
        return 0


def _judge(version: ProcessVersion, *, now: datetime, as_of: date) -> int:
    judged, params = judged_sql(model_of(version))
    plan_for(everybody=True)
    with connection.cursor() as cursor:
        cursor.execute(shadow_sql(judged), {**params, "as_of": as_of, "version": version.pk, "now": now})
        return int(cursor.rowcount)
