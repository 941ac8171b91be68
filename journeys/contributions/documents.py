"""Digital programs, and documents about the journey and the sales process."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.permissions import Permission
from core.registry import PortfolioDocument
from core.versioning import ensure_published
from journeys.queries import portfolio, programs
from journeys.rules.programs import DEFAULT_PROGRAM, FIELDS


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            programs.KIND,
            "Digital program",
            programs.parse_checked,
            describe=programs.describe,
            effects=programs.effects,
            fields=FIELDS,
            references=programs.references,
            document=programs.document,
            note=programs.NOTE,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.program", 95, _program))
    for one in (
        PortfolioDocument(
            "handbook", "Handbook for a new rep", "Stages, criteria, questions and playbooks as they are live.", 5,
            portfolio.handbook, permission=Permission.VIEW_OPPORTUNITIES,
        ),
        PortfolioDocument(
            "journey-map", "Journey map", "Stages as the customer sees them, with who stands where today.", 40,
            portfolio.journey_map, ("journey", "standard"), permission=Permission.VIEW_ACCOUNTS,
        ),
        PortfolioDocument(
            "stage-conversion", "Stage conversion analysis", "How far deals come, what is won, how long it takes.", 50,
            portfolio.stage_conversion, permission=Permission.VIEW_OPPORTUNITIES,
        ),
        PortfolioDocument(
            "digital-program", "Digital program design", "What many customers get, when and how. It does not run yet.",
            70, portfolio.programs, (programs.KIND, programs.DEFAULT_KEY), permission=Permission.VIEW_ACCOUNTS,
        ),
    ):  # fmt: skip
        registry.add_document(one)


def _program(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_published(
        kind=programs.KIND,
        key=programs.DEFAULT_KEY,
        name="Onboarding of small customers",
        definition=dict(DEFAULT_PROGRAM),
        actor=actor,
        now=now,
    )
