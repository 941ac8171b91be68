"""The segments that a new workspace starts with."""

from datetime import datetime

from accounts.queries.segments import KIND
from accounts.rules.segments import DEFAULT_SEGMENTS
from core.actors import Actor
from core.models import Tenant
from core.versioning import ensure_published


def make_default_segments(_tenant: Tenant, actor: Actor, now: datetime) -> None:
    """Enterprise, mid-market and small business. Idempotent."""
    for key, (name, definition) in DEFAULT_SEGMENTS.items():
        ensure_published(kind=KIND, key=key, name=name, definition=dict(definition), actor=actor, now=now)
