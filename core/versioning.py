"""Versions of processes: draft → published → retired. The mechanism only; the kinds come from the registry."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from core import audit, registry
from core.actors import Actor
from core.choices import VersionState
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id


def content_hash(definition: dict[str, Any]) -> str:
    """The same content gives the same hash, whatever the order of its keys."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _one_at_a_time() -> None:
    """Holds the workspace's row until the end of the transaction: two people publishing at once take turns."""
    Tenant.objects.select_for_update().get(pk=require_tenant_id())


@transaction.atomic
def draft(*, kind: str, key: str, name: str, definition: dict[str, Any], actor: Actor, now: datetime) -> ProcessVersion:
    """A new draft with the next number. Raises `ValueError` when the kind refuses the definition."""
    registry.process_kind(kind).parse(definition)
    _one_at_a_time()
    last = ProcessVersion.objects.filter(kind=kind, key=key).aggregate(last=Max("number"))["last"] or 0
    version = ProcessVersion.objects.create(
        kind=kind,
        key=key,
        name=name,
        number=last + 1,
        definition=definition,
        content_hash=content_hash(definition),
        created_at=now,
        created_by=actor.label,
    )
    audit.record(actor=actor, at=now, verb="drafted", subject=version, after={"hash": version.content_hash})
    return version


@transaction.atomic
def publish(*, version: ProcessVersion, actor: Actor, now: datetime, reason: str) -> ProcessVersion:
    """Makes a version the live one; the one before is retired, never changed. Publishing the live one does nothing."""
    _one_at_a_time()
    version.refresh_from_db()
    if version.state == VersionState.PUBLISHED:
        return version
    ProcessVersion.objects.filter(kind=version.kind, key=version.key, state=VersionState.PUBLISHED).update(
        state=VersionState.RETIRED
    )
    version.state = VersionState.PUBLISHED
    version.published_at, version.published_by, version.reason = now, actor.label, reason
    version.save(update_fields=["state", "published_at", "published_by", "reason"])
    audit.record(actor=actor, at=now, verb="published", subject=version, reason=reason)
    return version


def ensure_published(
    *, kind: str, key: str, name: str, definition: dict[str, Any], actor: Actor, now: datetime
) -> ProcessVersion:
    """The live version under this key; publishes the given definition as v1 when there is none. Idempotent."""
    live = ProcessVersion.objects.filter(kind=kind, key=key, state=VersionState.PUBLISHED).first()
    if live is not None:
        return live
    version = draft(kind=kind, key=key, name=name, definition=definition, actor=actor, now=now)
    return publish(version=version, actor=actor, now=now, reason="Default of a new workspace.")
