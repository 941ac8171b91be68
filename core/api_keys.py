"""Keys by which programs enter one workspace. The secret is shown once; only its digest is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from core import audit
from core.actors import Actor
from core.choices import Role
from core.models import ApiKey, Tenant
from core.tenancy import require_tenant_id

_MARK: Final = "rvk"
_LENGTH: Final = len(f"{_MARK}_") + 8 + 1 + 64
USED_EVERY: Final = timedelta(minutes=1)


def digest_of(token: str) -> str:
    """What is kept of a secret. It holds 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def key_of(token: str, *, now: datetime) -> ApiKey | None:
    """The live key with this secret and its workspace; None for an unknown, revoked or expired one. One query.

    The index is asked for the digest, and the digests are compared in constant time: how long the answer takes says
    nothing about any secret.
    """
    if len(token) != _LENGTH or not token.startswith(f"{_MARK}_") or not token.isascii():
        return None
    wanted = digest_of(token)
    key = ApiKey.objects.select_related("tenant").filter(digest=wanted).first()
    if key is None or not secrets.compare_digest(key.digest, wanted) or not is_live(key, now):
        return None
    return key


def is_live(key: ApiKey, now: datetime) -> bool:
    """Whether it opens the door at this moment."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def note_use(key: ApiKey, *, now: datetime) -> None:
    """Remembers that the key was used, at most once a minute. Call it outside the request's transaction: nobody else
    who uses the key has to wait for that to end.
    """
    if key.last_used_at is not None and now - key.last_used_at < USED_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)


def keys_of_workspace() -> QuerySet[ApiKey]:
    """The keys of the current workspace, the newest first. The table is global, so the workspace is named here."""
    return ApiKey.objects.filter(tenant_id=require_tenant_id()).order_by("-created_at", "-pk")


@transaction.atomic
def create_key(
    *, tenant: Tenant, name: str, role: Role, expires_at: datetime | None, actor: Actor, now: datetime
) -> tuple[ApiKey, str]:
    """A new key, and its secret: the only time that anybody sees it."""
    prefix = secrets.token_hex(4)
    token = f"{_MARK}_{prefix}_{secrets.token_hex(32)}"
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name,
        prefix=f"{_MARK}_{prefix}",
        digest=digest_of(token),
        role=role,
        expires_at=expires_at,
        created_at=now,
        created_by=actor.label,
    )
    after = {"role": str(role), "expires_at": expires_at}
    audit.record(actor=actor, at=now, verb="created API key", subject=key, after=after)
    return key, token


@transaction.atomic
def revoke_key(*, key: ApiKey, actor: Actor, now: datetime) -> bool:
    """Closes the door at once. False when it was closed before."""
    if not ApiKey.objects.filter(pk=key.pk, tenant_id=require_tenant_id(), revoked_at=None).update(revoked_at=now):
        return False
    audit.record(actor=actor, at=now, verb="revoked API key", subject=key)
    return True
