"""Playbooks and plays."""

from core import registry
from journeys.queries import documents
from journeys.queries.plays import language
from journeys.queries.plays.reading import KIND


def register() -> None:
    """Called once at start."""
    registry.add_process_kind(
        registry.ProcessKind(
            KIND,
            "Playbook",
            language.parse_known,
            publish_check=language.check_fit,
            describe=language.describe,
            effects=language.effects,
            fields=language.FIELDS,
            document=documents.playbook,
        )
    )
