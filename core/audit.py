"""The audit trail. Verbs write it inside their own transaction; nobody can rewrite it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models

from core.actors import Actor
from core.models import AuditEntry
from core.tenancy import require_tenant_id


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


def record_many(
    *,
    actor: Actor,
    at: datetime,
    verb: str,
    rows: Iterable[tuple[models.Model, dict[str, Any], dict[str, Any]]],
    reason: str = "",
) -> None:
    """One row for each subject of an act on many: (subject, before, after). One statement per thousand."""
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(
                tenant_id=require_tenant_id(),
                at=at,
                actor_label=actor.label,
                actor_membership_id=actor.membership_id,
                verb=verb,
                subject_type=subject._meta.label_lower,
                subject_id=subject.pk,
                subject_label=str(subject)[:200],
                before=before,
                after=after,
                reason=reason,
            )
            for subject, before, after in rows
        ],
        batch_size=1000,
    )
