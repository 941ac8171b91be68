"""History from before the workspace was here, made from facts that are dated by then and marked as imported."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.jobs import start_job
from core.models import Job, ProcessVersion, Tenant
from core.money import digits
from core.tenancy import require_tenant_id
from health.actions.recompute import NoModel
from health.actions.session import lock_scores, plan_for
from health.engine import backfill_sql
from health.models import HealthDay
from health.queries.live import LiveModel, compiled, covered_segments, live_models, model_of
from health.queries.state import facts_day, scoring_day

HISTORY_JOB = "health.history"
WEEKS = 52


@transaction.atomic
def start_history(*, actor: Actor, now: datetime, today: date) -> Job:
    """A job that works out the past year, week by week, as the live model would have scored it; once per end day.

    One that failed or was cancelled goes on where it stopped: weeks that are there are left alone.
    """
    end = scoring_day(require_tenant_id(), today)
    payload = {"days": [(end - timedelta(days=7 * back)).isoformat() for back in range(WEEKS, 0, -1)]}
    return start_job(kind=HISTORY_JOB, key=end.isoformat(), payload=payload, actor=actor, now=now, again=True)


@transaction.atomic
def backfill_history(
    *,
    actor: Actor,
    now: datetime,
    from_day: date,
    to_day: date,
    every_days: int = 7,
    version: ProcessVersion | None = None,
) -> int:
    """Stores the scores of past days, `to_day` and every `every_days` before it; returns the rows of history written.

    One statement per day. A day that has cells in the roll-up already is left alone, so a second run writes nothing.
    Current scores are not touched. `version`: another version than the live one, for a history with several.
    """
    tenant = Tenant.objects.get(pk=require_tenant_id())
    lock_scores(tenant.pk)
    live = (
        live_models() if version is None else [LiveModel(version.pk, version.number, version.name, model_of(version))]
    )
    if not live:
        raise NoModel("This workspace has no published score model. Publish one, then run again.")
    plan_for(everybody=True)
    days = [to_day - timedelta(days=back) for back in range(0, (to_day - from_day).days + 1, every_days)]
    there = set(HealthDay.objects.filter(day__in=days).values_list("day", flat=True).distinct())
    written = sum(_store(tenant, live, day) for day in sorted(days) if day not in there)
    if written:
        audit.record(
            actor=actor,
            at=now,
            verb="imported history",
            subject_type="health.scorehistory",
            after={"from": from_day, "to": to_day, "rows": written},
        )
    return written


def _store(tenant: Tenant, live: list[LiveModel], day: date) -> int:
    written = 0
    covered = covered_segments(live)
    for one in live:
        plan = compiled(one, [other for other in live if other is not one])
        sql = backfill_sql(plan, beside_others=len(live) > 1, leaves_some=covered is not None)
        params: dict[str, Any] = {
            "tenant": tenant.pk,
            "as_of": day,
            "zone": tenant.timezone,
            "minor_units": 10 ** digits(tenant.currency),
            "facts_day": facts_day(),
            "version": one.version_id,
            "now": datetime.combine(day, time(6), tzinfo=UTC),
            "roll": day,
            "covered": covered,
            **plan.params,
        }
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            written += cursor.fetchone()[2]
    return written
