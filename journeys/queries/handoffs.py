"""Reads of hand-offs."""

from dataclasses import dataclass
from datetime import datetime

from core.choices import VersionState
from core.models import ProcessVersion
from journeys.rules.handoffs import HandoffSpec, handoffs_of

_JOURNEY = {"kind": "journey", "key": "standard"}


@dataclass(frozen=True)
class LiveHandoffs:
    """What the live journey says of hand-offs, and since when it has been live in any version."""

    version: ProcessVersion
    since: datetime
    specs: tuple[HandoffSpec, ...]


def live_handoffs() -> LiveHandoffs | None:
    """None in a workspace without a journey."""
    ever_live = ProcessVersion.objects.filter(**_JOURNEY, published_at__isnull=False).order_by("number")
    versions = list(ever_live.only("pk", "state", "number", "published_at"))
    live = next((one for one in versions if one.state == VersionState.PUBLISHED), None)
    if live is None or live.published_at is None:
        return None
    since = min(one.published_at for one in versions if one.published_at)
    return LiveHandoffs(live, since, handoffs_of(live.definition))


def spec_of(key: str, version: ProcessVersion | None) -> HandoffSpec | None:
    """What the journey said of it when it was opened."""
    if version is None:
        return None
    return next((spec for spec in handoffs_of(version.definition) if spec.key == key), None)
