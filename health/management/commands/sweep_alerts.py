"""Looks for alerts: opens, tells and closes them by the live rules, as the night does."""

from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from health.actions.alerts import sweep_alerts
from health.queries import scoring_day

ACTOR = Actor.system("sweep_alerts")


class Command(TenantCommand):
    help = __doc__

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        options["asked_day"] = options["as_of"]
        return super().report(options)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        """Without --as-of the day is today, or the last day of data in a workspace whose data ended."""
        today = options["as_of"]
        day = options["asked_day"] or scoring_day(tenant.pk, today)
        return asdict(sweep_alerts(tenant=tenant, actor=ACTOR, as_of=day, today=today, now=options["now"]))
