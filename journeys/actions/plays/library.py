"""The starter playbooks of a workspace."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.versioning import ensure_published
from journeys.queries.plays.reading import KIND
from journeys.rules.play_library import LIBRARY


@transaction.atomic
def ensure_starter_playbooks(*, actor: Actor, now: datetime) -> None:
    """Publishes those that the workspace does not have yet; its own versions stay as they are. Idempotent."""
    for key, name, document in LIBRARY:
        ensure_published(kind=KIND, key=key, name=name, definition=dict(document), actor=actor, now=now)
