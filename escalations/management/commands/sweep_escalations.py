from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from escalations.actions import sweep_escalations


class Command(TenantCommand):
    help = "Opens escalations where a policy holds and closes them where it no longer does. Safe to run again."

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        actor = Actor.system("sweep_escalations")
        return asdict(sweep_escalations(tenant=tenant, actor=actor, today=options["as_of"], now=options["now"]))
