"""What qbr contributes to the registry: its cadence, its template, its check and its section."""

from datetime import datetime
from typing import Any, Final

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.permissions import Permission
from core.registry import DoctorCheck, PortfolioDocument, ProcessKind, Section, TenantDefault
from core.versioning import ensure_published
from qbr import queries
from qbr.actions.merge_parts import PARTS
from qbr.queries import documents, words
from qbr.rules import parse_cadence, parse_template

DEFAULT_CADENCE: Final[dict[str, Any]] = {
    "months": {"enterprise": 3, "mid_market": 6},
    "prepare_days": 14,
    "on_request_months": 3,
}
DEFAULT_TEMPLATE: Final[dict[str, Any]] = {
    "sections": [
        {"key": "summary", "title": "Where you stand"},
        {"key": "goals", "title": "Goals and outcomes"},
        {"key": "commercial", "title": "What we have agreed"},
        {"key": "risks", "title": "Risks and what we do"},
        {"key": "plan", "title": "Plan for the next period"},
        {"key": "decisions", "title": "Decisions we ask for"},
    ],
    "appendix": [
        {"key": "support", "title": "Support"},
        {"key": "usage", "title": "Usage"},
    ],
}


def publish_defaults(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    """Quarterly for enterprise, every six months for mid-market, and the template they use."""
    for kind, name, definition in (
        (queries.CADENCE_KIND, "QBR cadence", DEFAULT_CADENCE),
        (queries.TEMPLATE_KIND, "Standard QBR", DEFAULT_TEMPLATE),
    ):
        ensure_published(kind=kind, key=queries.STANDARD, name=name, definition=definition, actor=actor, now=now)


def register() -> None:
    """Called once at start."""
    from qbr import views  # noqa: PLC0415 -- pages need the loaded apps

    for part in PARTS:
        registry.add_merger(part.table, part)
    registry.add_process_kind(
        ProcessKind(
            queries.CADENCE_KIND,
            "QBR cadence",
            parse_cadence,
            describe=words.describe_cadence,
            effects=words.cadence_effects,
            fields=words.CADENCE_FIELDS,
            document=documents.cadence,
        )
    )
    registry.add_process_kind(
        ProcessKind(
            queries.TEMPLATE_KIND,
            "QBR template",
            parse_template,
            describe=words.describe_template,
            effects=words.template_effects,
            fields=words.TEMPLATE_FIELDS,
            document=documents.template,
        )
    )
    registry.add_document(
        PortfolioDocument(
            "qbr-template", "QBR template", "The sections of a review, what fills them, and how often it is held.", 20,
            documents.qbr_template, (queries.TEMPLATE_KIND, queries.STANDARD), permission=Permission.VIEW_QBRS,
        )
    )  # fmt: skip
    registry.add_tenant_default(TenantDefault("qbr.defaults", 70, publish_defaults))
    registry.add_section(Section("qbr.next", "account", "QBR", 40, views.account_section))
    registry.add_doctor_check(
        DoctorCheck("qbr.package_hashes", "A data package has the content that was frozen", queries.wrong_hashes)
    )
