from dataclasses import asdict
from typing import Any

from core.actors import Actor
from core.management.base import TenantCommand
from core.models import Tenant
from qbr.actions import assemble_qbrs


class Command(TenantCommand):
    help = "Opens the QBRs that are due and freezes their data packages. Safe to run any number of times."

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        actor = Actor.system("assemble_qbrs")
        return asdict(assemble_qbrs(tenant=tenant, actor=actor, today=options["as_of"], now=options["now"]))
