"""Pipelines: their kind, facts, imports, checks and defaults."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from journeys.actions.pipelines import (
    PIPELINE_KIND,
    ensure_default_pipeline,
    follow_pipeline,
)
from journeys.importing import OPPORTUNITIES
from journeys.queries import documents, returning, words
from journeys.queries.pipelines import misplaced_opportunities


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            PIPELINE_KIND,
            "Pipeline",
            words.parse_checked,
            publish_check=words.publish_check,
            after_publish=follow_pipeline,
            describe=words.describe_pipeline,
            effects=words.pipeline_effects,
            fields=words.FIELDS,
            page="journeys:pipeline_edit",
            references=documents.criteria_references,
            document=documents.pipeline,
            gaps=words.pipeline_gaps,
            on_return=returning.on_return,
            answered=returning.answered,
            once=("reassign",),
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.pipeline", 20, _pipeline))
    registry.add_import_kind(OPPORTUNITIES.key, OPPORTUNITIES)
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="opportunity_stages",
            label="Every opportunity is in one stage of its own pipeline, and its history says so",
            count=_misplaced,
        )
    )


def _pipeline(tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_default_pipeline(actor=actor, now=now)


def _misplaced(tenant: Tenant, now: datetime) -> int:
    return misplaced_opportunities()
