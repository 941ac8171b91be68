"""The audit trail. Verbs write it inside their own transaction; nobody can rewrite it."""

from datetime import datetime
from typing import Any

from django.db import models

from core.actors import Actor
from core.models import AuditEntry


def record(
    *,
    actor: Actor,
    at: datetime,
    verb: str,
    subject: models.Model | None = None,
    subject_type: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """One row for one act. `before` and `after` hold what changed, ids and labels rather than whole rows."""
    return AuditEntry.objects.create(
        at=at,
        actor_label=actor.label,
        actor_membership_id=actor.membership_id,
        verb=verb,
        subject_type=subject._meta.label_lower if subject is not None else subject_type,
        subject_id=subject.pk if subject is not None and isinstance(subject.pk, int) else None,
        subject_label=str(subject)[:200] if subject is not None else "",
        before=before or {},
        after=after or {},
        reason=reason,
    )
