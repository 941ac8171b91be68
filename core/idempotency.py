"""Requests that may be sent again: the answer is kept in the transaction of the effect, under the caller's key."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from core.models import IdempotentRequest
from core.tenancy import require_tenant_id

KEPT_FOR: Final = timedelta(days=7)
_PIECE: Final = 10_000


def fingerprint(method: str, path: str, body: bytes) -> str:
    """The same request gives the same text."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


def recall(*, caller: str, key: str) -> IdempotentRequest | None:
    """The kept answer, or None: then the caller is the only one at work on this key until its transaction ends.

    A second request with the same key waits here for the first.
    """
    words = f"{require_tenant_id()}|{caller}|{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [words])
    return IdempotentRequest.objects.filter(actor_label=caller, key=key).first()


def remember(*, caller: str, key: str, seen: str, status: int, answer: Any, now: datetime) -> None:
    """Keeps the answer; it is seen by others when, and only when, the effect is."""
    IdempotentRequest.objects.create(
        actor_label=caller, key=key, fingerprint=seen, status=status, answer=answer, created_at=now
    )


def forget_old(*, now: datetime) -> int:
    """Deletes answers that are older than a week, a bounded number at a time; returns how many."""
    old = IdempotentRequest.objects.filter(created_at__lt=now - KEPT_FOR).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:_PIECE])
    return IdempotentRequest.objects.filter(pk__in=ids).delete()[0] if ids else 0
