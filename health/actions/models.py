"""Score models as processes of a workspace."""

from datetime import datetime

from core.actors import Actor
from core.models import Tenant
from core.versioning import ensure_published
from health.queries.live import KIND
from health.rules import STANDARD


def make_defaults(tenant: Tenant, actor: Actor, now: datetime) -> None:
    """Publishes the standard model in a workspace that has none under its key. Idempotent."""
    ensure_published(kind=KIND, key=STANDARD["key"], name=STANDARD["name"], definition=STANDARD, actor=actor, now=now)
