"""Playbooks and plays: the kind, the starter library, their fact and what must hold of them."""

from datetime import datetime

from core import registry
from core.actors import Actor
from core.models import Tenant
from journeys.actions.plays.library import ensure_starter_playbooks
from journeys.queries import documents
from journeys.queries.plays import checks, language
from journeys.queries.plays.play_facts import PLAY_FACTS
from journeys.queries.plays.reading import KIND
from journeys.rules.play_schema import PLAYBOOK_SCHEMA


def register() -> None:
    """Called once at start."""
    registry.add_facts(PLAY_FACTS)
    registry.add_process_kind(
        registry.ProcessKind(
            KIND,
            "Playbook",
            language.parse_known,
            publish_check=language.check_fit,
            describe=language.describe,
            effects=language.effects,
            fields=language.FIELDS,
            schema=PLAYBOOK_SCHEMA,
            page="journeys:playbook",
            references=language.references,
            document=documents.playbook,
        )
    )
    registry.add_tenant_default(registry.TenantDefault("journeys.playbooks", 80, _library))
    for check in (
        registry.DoctorCheck("plays.tasks", "Every open step of a play has one open task", checks.steps_without_task),
        registry.DoctorCheck("plays.over", "A play that is over has no open task", checks.tasks_of_ended_plays),
        registry.DoctorCheck("plays.ended", "A running play has a step that is still to be done", checks.plays_at_rest),
    ):
        registry.add_doctor_check(check)


def _library(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    ensure_starter_playbooks(actor=actor, now=now)
