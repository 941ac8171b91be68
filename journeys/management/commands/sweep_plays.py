from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from journeys.actions.plays import sweep_plays


class Command(TenantCommand):
    help = "Starts the plays that are due, and decides outcomes. Safe to run any number of times."

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        actor = Actor.system("sweep_plays")
        return asdict(sweep_plays(tenant=tenant, actor=actor, today=options["as_of"], now=options["now"]))
