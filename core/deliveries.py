"""Sends what notifications owe to other channels.

A delivery is claimed and its attempt counted in one transaction, sent outside of any, and marked in another. A worker
that dies between sending and marking leaves a delivery that is sent once more after the wait: at least once, never
lost. The e-mail carries the same Message-ID then, by which mail programs show it once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from core.choices import Channel
from core.models import ChatWebhook, Delivery, Tenant
from core.rules import MAX_ATTEMPTS, body, subject, wait_after
from core.tenancy import tenant_context

logger = logging.getLogger(__name__)

BATCH: Final = 500
SLACK_SECONDS: Final = 10
NO_WEBHOOK: Final = "The workspace has no Slack address."
GONE: Final = "The member has left."


@dataclass(frozen=True)
class Parcel:
    """Deliveries that leave as one message: of one person by e-mail, of the workspace by chat."""

    channel: str
    delivery_ids: tuple[int, ...]
    address: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sent:
    """How many deliveries were sent, and how many failed and wait or are given up."""

    sent: int = 0
    failed: int = 0


def deliver(*, tenant_id: int, now: datetime) -> Sent:
    """Sends every delivery that is due, people's messages bundled. Safe to run at once in many workers."""
    with tenant_context(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        parcels = _claim(now)
    sent = failed = 0
    for parcel in parcels:
        error = _send(parcel, tenant)
        with tenant_context(tenant_id):
            _mark(parcel, error, now)
        sent += 0 if error else len(parcel.delivery_ids)
        failed += len(parcel.delivery_ids) if error else 0
    return Sent(sent, failed)


def stuck(tenant: Tenant, _now: datetime) -> int:
    """How many deliveries were given up after so many attempts; each keeps its last error."""
    return Delivery.objects.filter(tenant=tenant, sent_at=None, attempts__gte=MAX_ATTEMPTS).exclude(error=GONE).count()


def _claim(now: datetime) -> list[Parcel]:
    due = list(
        Delivery.objects.filter(sent_at=None, due_at__lte=now, attempts__lt=MAX_ATTEMPTS)
        .select_related("notification", "notification__membership", "notification__membership__user")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("due_at", "pk")[:BATCH]
    )
    for one in due:
        one.attempts += 1
        one.due_at = now + wait_after(one.attempts)
    Delivery.objects.bulk_update(due, ["attempts", "due_at"])
    groups: dict[tuple[str, int], list[Delivery]] = {}
    for one in due:
        person = one.notification.membership_id if one.channel == Channel.EMAIL else 0
        groups.setdefault((one.channel, person), []).append(one)
    webhook = ChatWebhook.objects.first()
    return [_parcel(channel, found, webhook.url if webhook else "") for (channel, _), found in groups.items()]


def _parcel(channel: str, found: list[Delivery], webhook: str) -> Parcel:
    member = found[0].notification.membership
    reachable = member.is_active and member.user.is_active
    address = (member.user.email if reachable else "") if channel == Channel.EMAIL else webhook
    lines = dict.fromkeys((one.notification.text, _absolute(one.notification.url)) for one in found)
    return Parcel(channel, tuple(one.pk for one in found), address, tuple(lines))


def _send(parcel: Parcel, tenant: Tenant) -> str:
    """Sends it; returns what went wrong, or nothing."""
    if not parcel.address:
        return GONE if parcel.channel == Channel.EMAIL else NO_WEBHOOK
    if parcel.channel == Channel.EMAIL:
        return _mail(parcel, tenant)
    return _chat(parcel, tenant)


def _mail(parcel: Parcel, tenant: Tenant) -> str:
    domain = urlsplit(settings.SITE_URL).hostname or "localhost"
    message = EmailMessage(
        subject=subject([text for text, _ in parcel.lines], tenant.name),
        body=body(parcel.lines),
        to=[parcel.address],
        headers={"Message-ID": f"<delivery-{tenant.pk}-{min(parcel.delivery_ids)}@{domain}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.warning("E-mail of workspace %s not sent: %s", tenant.pk, error)
        return f"{type(error).__name__}: {error}"[:500]
    return ""


def _chat(parcel: Parcel, tenant: Tenant) -> str:
    from slack_sdk.errors import SlackClientError  # noqa: PLC0415 -- only the worker sends; the web need not load it
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415 -- as above

    client = WebhookClient(parcel.address, timeout=SLACK_SECONDS)
    try:
        answer = client.send(text=_chat_text(parcel.lines, tenant.name))
    except (SlackClientError, OSError, ValueError) as error:
        logger.warning("Slack message of workspace %s not sent: %s", tenant.pk, error)
        return f"{type(error).__name__}: {error}"[:500]
    return "" if answer.status_code == 200 else f"Slack answered {answer.status_code}: {answer.body}"[:500]


def _chat_text(lines: Sequence[tuple[str, str]], workspace: str) -> str:
    """In Slack's markup three characters mean something; customers' names may hold them."""
    safe = body(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"*{' '.join(workspace.split())}*\n{safe}"


def _mark(parcel: Parcel, error: str, now: datetime) -> None:
    rows = Delivery.objects.filter(pk__in=parcel.delivery_ids)
    if not error:
        rows.update(sent_at=now, error="")
    elif error in {GONE, NO_WEBHOOK}:
        rows.update(error=error, attempts=MAX_ATTEMPTS)  # waiting would not help
    else:
        rows.update(error=error)


def _absolute(url: str) -> str:
    return f"{settings.SITE_URL.rstrip('/')}{url}" if url else ""
