"""What accounts contributes to the registry."""

from datetime import datetime

from accounts.actions.merge_parts import PARTS
from accounts.actions.segments import make_default_segments
from accounts.importing.builtin import KINDS
from accounts.queries import segments
from accounts.queries.account_facts import ACCOUNT_FACTS
from accounts.queries.revenue import ledger_breaks
from accounts.rules.segments import FIELDS
from core import registry
from core.models import Tenant
from core.permissions import Permission


def register() -> None:
    """Called once at start."""
    registry.add_facts(ACCOUNT_FACTS)
    registry.add_process_kind(
        registry.ProcessKind(
            segments.KIND,
            "Segment",
            segments.parse_checked,
            describe=segments.describe,
            effects=segments.effects,
            fields=FIELDS,
            document=segments.document,
            note=segments.READ_BY,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("accounts.segments", 10, make_default_segments))
    registry.add_document(
        registry.PortfolioDocument(
            "segmentation", "Segmentation framework", "Whom each segment holds today and how it is looked after.", 30,
            segments.framework, permission=Permission.VIEW_ACCOUNTS,
        )
    )  # fmt: skip
    for kind in KINDS:
        registry.add_import_kind(kind.key, kind)
    for part in PARTS:
        registry.add_merger(part.table, part)
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="revenue_ledger",
            label="The ledger's movements add up to the ARR of the contract lines, to the cent",
            count=_ledger_breaks,
        )
    )


def _ledger_breaks(tenant: Tenant, now: datetime) -> int:
    return ledger_breaks(tenant.today(now))
