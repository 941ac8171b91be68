"""The journey: its kind, the facts of stages and first value, and what a new workspace has."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from journeys.actions.journeys import ensure_default_journey, follow_journey
from journeys.importing_lifecycle import ACCOUNTS_STAGES, CONTACTS_STAGES
from journeys.queries import documents, journey_words
from journeys.queries.stage_facts import STAGE_FACTS
from journeys.queries.stages import JOURNEY_KIND
from journeys.rules.journeys import parse_journey


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            JOURNEY_KIND,
            "Customer journey",
            parse_journey,
            publish_check=journey_words.publish_check,
            after_publish=follow_journey,
            describe=journey_words.describe_journey,
            effects=journey_words.journey_effects,
            fields=journey_words.FIELDS,
            page="journeys:journey_edit",
            references=documents.criteria_references,
            document=documents.journey,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.journey", 21, _journey))
    registry.add_facts(STAGE_FACTS)
    registry.add_import_extension("journeys.accounts", ACCOUNTS_STAGES)
    registry.add_import_extension("journeys.contacts", CONTACTS_STAGES)
    registry.add_consumer(registry.Consumer("journeys", "journeys.place_accounts"))


def _journey(tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_default_journey(actor=actor, now=now)
