"""What the product derives from the facts of a new demo: revenue, past scores, and the main job."""

import io
from datetime import timedelta
from typing import Final

from django.core.management import call_command

from accounts.actions.ledger import refresh_revenue
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from health.actions import backfill_history, recompute
from journeys.actions.lifecycle import sweep_lifecycle
from renewals.actions import sweep_renewals
from revops.demo.owner import analyze
from revops.demo.seed import Demo, Say, run_steps

ACTOR: Final = Actor.system("seed_demo")
MAIN_JOB: Final = ("recompute_health", "sweep_renewals", "assemble_qbrs", "sweep_escalations", "sweep_alerts")


def derive(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Revenue as of the last day, and what history would have shown of scores and renewals, if it is to be told."""
    say("Revenue ledger")
    with tenant_context(tenant.pk):
        refresh_revenue(today=demo.as_of, now=demo.now, actor=ACTOR)
    say("Journey")
    with tenant_context(tenant.pk):
        sweep_lifecycle(today=demo.as_of, now=demo.now, actor=ACTOR)
    if demo.scale.backfill_days == 0:
        return
    say("Past scores")
    step = demo.scale.backfill_every
    with tenant_context(tenant.pk):
        backfill_history(
            actor=ACTOR,
            now=demo.now,
            from_day=demo.as_of - timedelta(days=demo.scale.backfill_days),
            to_day=demo.as_of - timedelta(days=step),
            every_days=step,
        )
    _renewals(demo, tenant, say)


def _renewals(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Current scores and open renewals, their steps as far as they were worked off."""
    say("Renewals")
    analyze()
    with tenant_context(tenant.pk):
        recompute(actor=ACTOR, now=demo.now, as_of=demo.as_of)
    with tenant_context(tenant.pk):
        sweep_renewals(tenant=tenant, actor=ACTOR, today=demo.as_of, now=demo.now)
    analyze()
    with tenant_context(tenant.pk):
        run_steps(demo, tenant, "14_worked")


def main_job(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Scores, renewals, QBRs, escalations and alerts as of the last day: what the night would do."""
    for command in MAIN_JOB:
        say(command)
        call_command(command, tenant=tenant.slug, as_of=demo.as_of, json=True, stdout=io.StringIO())
        analyze()
