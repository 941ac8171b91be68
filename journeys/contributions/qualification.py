"""Qualification: the kind of process, and the frameworks that a workspace starts with."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from core.versioning import ensure_published
from journeys.actions.qualification import rejudge_answers
from journeys.queries import documents
from journeys.queries.qualification import FIELDS, KIND, describe_qualification, qualification_effects
from journeys.rules.frameworks import FRAMEWORKS
from journeys.rules.qualification import SCHEMA, parse_qualification


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            KIND,
            "Qualification framework",
            parse_qualification,
            after_publish=rejudge_answers,
            describe=describe_qualification,
            effects=qualification_effects,
            fields=FIELDS,
            document=documents.qualification,
            schema=SCHEMA,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.qualification", 19, _frameworks))


def _frameworks(tenant: Tenant, actor: Actor, now: datetime) -> None:
    for key, (name, definition) in FRAMEWORKS.items():
        ensure_published(kind=KIND, key=key, name=name, definition=dict(definition), actor=actor, now=now)
