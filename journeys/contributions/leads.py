"""Lead grading: the kind of process, the grading that a workspace starts with, and the card of a prospect."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.versioning import ensure_published
from journeys.queries import lead_words
from journeys.queries.lead_grades import KIND, STANDARD
from journeys.rules.lead_grading import DEFAULT_GRADING, FIELDS, SCHEMA
from journeys.views import leads


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            KIND,
            "Lead grading",
            lead_words.parse_checked,
            publish_check=lead_words.publish_check,
            describe=lead_words.describe,
            effects=lead_words.effects,
            fields=FIELDS,
            schema=SCHEMA,
            document=lead_words.document,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.lead_grading", 22, _grading))
    registry.add_section(
        registry.Section("journeys.lead_grade", "account_side", "Lead grade", 10, leads.account_section)
    )


def _grading(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_published(
        kind=KIND, key=STANDARD, name="Lead grading", definition=dict(DEFAULT_GRADING), actor=actor, now=now
    )
