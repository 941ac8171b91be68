"""Telling people: a notification at the bell, and a delivery for each other channel that they chose.

A notification is told once per person, kind and key, however often it is noticed. Deliveries are rows too: a broker or
a mail server that is down delays them and loses none (`core.deliveries` sends them).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from core import audit
from core.actors import Actor
from core.choices import Channel
from core.models import ChatWebhook, Delivery, Notification, NotificationChoice, Tenant
from core.rules import due_at

BELL: Final = "bell"

_INSERT: Final = """
WITH source AS ({select}),
made AS (
    INSERT INTO core_notification (tenant_id, membership_id, kind, key, text, url, created_at)
    SELECT %(notify_tenant)s, membership_id, %(notify_kind)s, key, text, url, %(notify_now)s FROM source
    ON CONFLICT (tenant_id, membership_id, kind, key) DO NOTHING
    RETURNING id, membership_id, key
)
SELECT made.id, made.membership_id,
       CASE WHEN jsonb_typeof(source.channels) = 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(source.channels)) END
FROM made JOIN source USING (membership_id, key)
"""
_GIVEN: Final = """
SELECT unnest(%(members)s::bigint[]) AS membership_id, %(key)s::text AS key, %(text)s::text AS text,
       %(url)s::text AS url, to_jsonb(%(channels)s::text[]) AS channels
"""


@dataclass(frozen=True)
class Choice:
    """How somebody wants to be told; the model's own defaults for those who never chose."""

    by_email: bool = True
    by_slack: bool = False
    digest_hour: int | None = None
    quiet_from: int = 20
    quiet_until: int = 7


def notify(
    *,
    membership_ids: Iterable[int],
    kind: str,
    key: str,
    text: str,
    tenant: Tenant,
    now: datetime,
    url: str = "",
    channels: Iterable[str] = (BELL, Channel.EMAIL, Channel.SLACK),
) -> int:
    """Tells some members one thing; returns how many did not know it yet. Told again under the same key: nothing."""
    params = {
        "members": sorted(set(membership_ids)),
        "key": key,
        "text": text[:300],
        "url": url,
        "channels": [str(one) for one in channels],
    }
    return notify_from(kind=kind, select=_GIVEN, params=params, tenant=tenant, now=now)


@transaction.atomic
def notify_from(*, kind: str, select: str, params: Mapping[str, Any], tenant: Tenant, now: datetime) -> int:
    """The same for what a SELECT of the caller's own yields: membership_id, key, text, url, channels (JSON or NULL).

    One row per membership and key. Channels name what the cause allows; each person's choice narrows them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT.format(select=select),
            {**params, "notify_tenant": tenant.pk, "notify_kind": kind, "notify_now": now},
        )
        made = cursor.fetchall()
    if tenant.is_demo:
        return len(made)  # its people do not exist: nothing may leave for their addresses
    choices = choices_of({row[1] for row in made})
    deliveries = []
    for notification_id, membership_id, allowed in made:
        choice = choices.get(membership_id, Choice())
        due = _due(choice, tenant, now)
        deliveries += [
            Delivery(tenant=tenant, notification_id=notification_id, channel=channel, due_at=due)
            for channel in _channels(choice, allowed)
        ]
    Delivery.objects.bulk_create(deliveries)
    return len(made)


def choices_of(membership_ids: set[int]) -> dict[int, Choice]:
    """What these members chose. Those without a row are left out: `Choice()` holds for them."""
    rows = NotificationChoice.objects.filter(membership_id__in=membership_ids)
    return {
        row.membership_id: Choice(row.by_email, row.by_slack, row.digest_hour, row.quiet_from, row.quiet_until)
        for row in rows
    }


def unread(membership_id: int) -> int:
    """How many notifications the member has not read."""
    return Notification.objects.filter(membership_id=membership_id, read_at=None).count()


def notifications(membership_id: int) -> QuerySet[Notification]:
    """What the member was told, the latest first, with the ways it took."""
    return (
        Notification.objects.filter(membership_id=membership_id)
        .prefetch_related("deliveries")
        .order_by("-created_at", "-pk")
    )


@transaction.atomic
def mark_read(*, membership_id: int, now: datetime, notification_id: int | None = None) -> Notification | None:
    """One notification of the member is read, or all of them; returns the one. Somebody else's does not exist."""
    mine = Notification.objects.filter(membership_id=membership_id)
    if notification_id is None:
        mine.filter(read_at=None).update(read_at=now)
        return None
    mine.filter(pk=notification_id, read_at=None).update(read_at=now)
    return mine.filter(pk=notification_id).first()


@transaction.atomic
def save_choice(*, membership_id: int, choice: Choice) -> NotificationChoice:
    """Keeps how a member wants to be told. What is on its way already keeps its time."""
    row, _ = NotificationChoice.objects.update_or_create(membership_id=membership_id, defaults=asdict(choice))
    return row


@transaction.atomic
def save_webhook(*, url: str, actor: Actor, now: datetime) -> None:
    """Keeps the workspace's Slack address; an empty one forgets it. The audit trail does not hold the secret."""
    if url:
        ChatWebhook.objects.update_or_create(defaults={"url": url, "updated_at": now, "updated_by": actor.label})
    else:
        ChatWebhook.objects.all().delete()
    audit.record(
        actor=actor, at=now, verb="set the Slack address" if url else "removed the Slack address",
        subject_type="core.chatwebhook",
    )  # fmt: skip


def webhook() -> ChatWebhook | None:
    """The workspace's Slack address, or None."""
    return ChatWebhook.objects.first()


def _channels(choice: Choice, allowed: list[str] | None) -> list[Channel]:
    wanted = [Channel.EMAIL] * choice.by_email + [Channel.SLACK] * choice.by_slack
    return [one for one in wanted if allowed is None or one in allowed]


def _due(choice: Choice, tenant: Tenant, now: datetime) -> datetime:
    return due_at(
        now,
        zone=tenant.zone,
        digest_hour=choice.digest_hour,
        quiet_from=choice.quiet_from,
        quiet_until=choice.quiet_until,
    )
