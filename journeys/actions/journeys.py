"""Journeys as published documents, and as the rows that accounts and contacts point at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from core.actors import Actor
from core.models import ProcessVersion
from core.versioning import ensure_published
from journeys.models import LifecycleStage
from journeys.queries.journey_words import journey_obstacles
from journeys.queries.stages import CONTACTS, JOURNEY_KIND, STANDARD
from journeys.rules.default_journeys import CONTACTS_JOURNEY, DEFAULT_JOURNEY
from journeys.rules.journeys import parse_journey, unheld_by_contacts

WALKED: Final = (STANDARD, CONTACTS)
_FIELDS: Final = ["name", "position", "owner_team", "success", "expected_days"]


@transaction.atomic
def ensure_default_journey(*, actor: Actor, now: datetime) -> None:
    """The journeys of a new workspace: eight stages of accounts, and HubSpot's eight of contacts. Idempotent."""
    for key, name, definition in (
        (STANDARD, "Customer journey", DEFAULT_JOURNEY),
        (CONTACTS, "Contacts", CONTACTS_JOURNEY),
    ):
        version = ensure_published(
            kind=JOURNEY_KIND, key=key, name=name, definition=_plain(definition), actor=actor, now=now
        )
        if not LifecycleStage.objects.filter(journey=key).exists():
            LifecycleStage.objects.bulk_create(_rows(version))


def _plain(value: Any) -> Any:
    """The document as a file holds it: blocks and lists."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def follow_journey(version: ProcessVersion, _actor: Actor, _now: datetime) -> None:
    """Makes the rows that accounts and contacts point at say what the version says.

    Raises `ValueError` with what is in use. A journey under another key than theirs is kept as a document only.
    """
    if version.key not in WALKED:
        return
    rows = _rows(version)
    obstacles = journey_obstacles(version.key, {row.key for row in rows})
    if version.key == CONTACTS:
        obstacles = [*unheld_by_contacts(parse_journey(version.definition)), *obstacles]
    if obstacles:
        raise ValueError(" ".join(obstacles))
    present = LifecycleStage.objects.filter(journey=version.key)
    present.exclude(key__in=[row.key for row in rows]).delete()
    # First out of the way, since positions are unique at every moment.
    present.update(position=F("position") + 1000)
    ids = dict(present.values_list("key", "pk"))
    for row in rows:
        row.pk = ids.get(row.key)
    LifecycleStage.objects.bulk_update([row for row in rows if row.pk], _FIELDS)
    LifecycleStage.objects.bulk_create([row for row in rows if not row.pk])


def _rows(version: ProcessVersion) -> list[LifecycleStage]:
    return [
        LifecycleStage(
            tenant_id=version.tenant_id,
            journey=version.key,
            key=stage.key,
            name=stage.name,
            position=position,
            owner_team=stage.owner_team,
            success=stage.success,
            expected_days=stage.expected_days,
        )
        for position, stage in enumerate(parse_journey(version.definition).stages, start=1)
    ]
