from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from journeys.actions.lifecycle import sweep_lifecycle


class Command(TenantCommand):
    help = "Makes checkpoints, starts and stops clocks of first value, works out the journey map. Safe to run again."

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        return asdict(sweep_lifecycle(today=options["as_of"], now=options["now"], actor=Actor.system("sweep_journey")))
