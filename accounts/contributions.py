"""What accounts contributes to the registry."""

from datetime import datetime

from accounts.importing.builtin import KINDS
from accounts.queries.account_facts import ACCOUNT_FACTS
from accounts.queries.revenue import ledger_breaks
from core import registry
from core.models import Tenant


def register() -> None:
    """Called once at start."""
    registry.add_facts(ACCOUNT_FACTS)
    for kind in KINDS:
        registry.add_import_kind(kind.key, kind)
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="revenue_ledger",
            label="The ledger's movements add up to the ARR of the contract lines, to the cent",
            count=_ledger_breaks,
        )
    )


def _ledger_breaks(tenant: Tenant, now: datetime) -> int:
    return ledger_breaks(tenant.today(now))
