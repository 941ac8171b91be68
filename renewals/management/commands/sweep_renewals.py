from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from renewals.actions import sweep_renewals


class Command(TenantCommand):
    help = "Opens renewals and makes, moves and closes their tasks. Safe to run any number of times."

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        actor = Actor.system("sweep_renewals")
        return asdict(sweep_renewals(tenant=tenant, actor=actor, today=options["as_of"], now=options["now"]))
