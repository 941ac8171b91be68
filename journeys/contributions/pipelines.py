"""Pipelines and journeys: their kinds, facts, imports, checks and defaults."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from journeys.actions.pipelines import (
    JOURNEY_KIND,
    PIPELINE_KIND,
    ensure_default_journey,
    ensure_default_pipeline,
    follow_journey,
    follow_pipeline,
)
from journeys.importing import OPPORTUNITIES
from journeys.queries import words
from journeys.queries.pipelines import misplaced_opportunities
from journeys.queries.stage_facts import STAGE_FACTS
from journeys.rules.pipelines import parse_journey, parse_pipeline


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            PIPELINE_KIND,
            "Pipeline",
            parse_pipeline,
            after_publish=follow_pipeline,
            describe=words.describe_pipeline,
            effects=words.pipeline_effects,
            fields=words.FIELDS,
        )
    )
    registry.add_process_kind(
        registry.ProcessKind(
            JOURNEY_KIND,
            "Customer journey",
            parse_journey,
            after_publish=follow_journey,
            describe=words.describe_journey,
            effects=words.journey_effects,
            fields=words.FIELDS,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.pipeline", 20, _pipeline))
    registry.add_tenant_default(registry.TenantDefault("journeys.journey", 21, _journey))
    registry.add_facts(STAGE_FACTS)
    registry.add_import_kind(OPPORTUNITIES.key, OPPORTUNITIES)
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="opportunity_stages",
            label="Every opportunity is in one stage of its own pipeline, and its history says so",
            count=_misplaced,
        )
    )
    registry.add_consumer(registry.Consumer("journeys", "journeys.place_accounts"))


def _pipeline(tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_default_pipeline(actor=actor, now=now)


def _journey(tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_default_journey(actor=actor, now=now)


def _misplaced(tenant: Tenant, now: datetime) -> int:
    return misplaced_opportunities()
