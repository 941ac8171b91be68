"""Told once, delivered at least once: notifications and their deliveries."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.test import Client, override_settings
from django.urls import reverse

from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.deliveries import NO_WEBHOOK, Sent, deliver, stuck
from core.models import AuditEntry, ChatWebhook, Delivery, Membership, Notification, Tenant
from core.notify import Choice, notify, save_choice, save_webhook, unread

MINUTE = timedelta(minutes=1)


@pytest.fixture
def maya(in_kestrel: Tenant, now: datetime, actor: Actor) -> Membership:
    return add_member(
        tenant=in_kestrel, email="maya@kestrel.example", name="Maya", role=Role.CSM, password=None, actor=actor, now=now
    )


def tell(member: Membership, now: datetime, key: str = "1", text: str = "Brightwater: Low score") -> int:
    return notify(
        membership_ids=[member.pk], kind="alert", key=key, text=text, url="/alerts/1/", tenant=member.tenant, now=now
    )


def send(tenant: Tenant, now: datetime) -> Sent:
    return deliver(tenant_id=tenant.pk, now=now)


def test_a_thing_is_told_once_however_often_it_is_noticed(maya: Membership, now: datetime) -> None:
    assert [tell(maya, now), tell(maya, now), tell(maya, now, "2")] == [1, 0, 1]
    assert unread(maya.pk) == 2
    assert list(Delivery.objects.values_list("channel", "due_at")) == [("email", now)] * 2


def test_choices_decide_channels_and_times(maya: Membership, now: datetime) -> None:
    save_choice(membership_id=maya.pk, choice=Choice(by_email=True, by_slack=True, digest_hour=8))
    tell(maya, now)
    due = now.replace(hour=7) + timedelta(days=1)  # eight o'clock in Berlin
    assert set(Delivery.objects.values_list("channel", "due_at")) == {("email", due), ("slack", due)}
    save_choice(membership_id=maya.pk, choice=Choice(by_email=False))
    tell(maya, now, "2")
    assert Delivery.objects.count() == 2


def test_what_is_due_leaves_as_one_message_and_only_once(maya: Membership, now: datetime) -> None:
    tell(maya, now)
    tell(maya, now, "2", "Acme: Turned at risk")
    assert send(maya.tenant, now - MINUTE) == Sent()
    assert send(maya.tenant, now) == Sent(sent=2)
    assert send(maya.tenant, now + timedelta(hours=9)) == Sent()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["maya@kestrel.example"], "[Kestrel Cloud] 2 notices")
    ]
    assert "Brightwater: Low score\nhttp://" in str(mail.outbox[0].body)


class FailingBackend:
    def __init__(self, *_args: Any, **_kwargs: Any) -> None: ...

    def send_messages(self, _messages: Any) -> int:
        raise ConnectionRefusedError("mail server is down")


def test_a_mail_server_that_is_down_delays_and_loses_nothing(maya: Membership, now: datetime) -> None:
    tell(maya, now)
    with override_settings(EMAIL_BACKEND=f"{__name__}.FailingBackend"):
        assert send(maya.tenant, now) == Sent(failed=1)
        assert send(maya.tenant, now) == Sent()
        assert send(maya.tenant, now + MINUTE) == Sent(failed=1)
    row = Delivery.objects.get()
    assert (row.attempts, row.due_at, row.error) == (
        2, now + 3 * MINUTE, "ConnectionRefusedError: mail server is down",
    )  # fmt: skip
    assert send(maya.tenant, now + 3 * MINUTE) == Sent(sent=1)
    assert Delivery.objects.get().error == ""


def test_after_eight_attempts_it_is_given_up_and_the_doctor_says_so(maya: Membership, now: datetime) -> None:
    tell(maya, now)
    at = now
    with override_settings(EMAIL_BACKEND=f"{__name__}.FailingBackend"):
        for _ in range(12):
            send(maya.tenant, at)
            at += timedelta(hours=6)
    assert Delivery.objects.get().attempts == 8
    assert stuck(maya.tenant, at) == 1


def test_who_has_left_gets_no_mail(maya: Membership, now: datetime) -> None:
    tell(maya, now)
    Membership.objects.filter(pk=maya.pk).update(is_active=False)
    assert send(maya.tenant, now) == Sent(failed=1)
    assert mail.outbox == []
    assert stuck(maya.tenant, now) == 0


class Slack(BaseHTTPRequestHandler):
    got: list[str] = []
    status = 200

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        type(self).got.append(json.loads(self.rfile.read(length))["text"])
        self.send_response(type(self).status)
        self.end_headers()
        self.wfile.write(b"ok" if type(self).status == 200 else b"no_service")

    def log_message(self, *_args: Any) -> None: ...


@pytest.fixture
def slack(maya: Membership, now: datetime) -> Iterator[type[Slack]]:
    """A server that stands in for Slack."""
    Slack.got, Slack.status = [], 200
    server = HTTPServer(("127.0.0.1", 0), Slack)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    ChatWebhook.objects.create(url=f"http://127.0.0.1:{server.server_port}/x", updated_at=now, updated_by="test")
    save_choice(membership_id=maya.pk, choice=Choice(by_email=False, by_slack=True))
    yield Slack
    server.shutdown()
    thread.join()
    server.server_close()


def test_slack_gets_one_message_and_no_markup_from_customers(
    slack: type[Slack], maya: Membership, now: datetime
) -> None:
    tell(maya, now, text="<!channel> & Sons: Low score")
    assert send(maya.tenant, now) == Sent(sent=1)
    assert len(slack.got) == 1
    assert "&lt;!channel&gt; &amp; Sons: Low score" in slack.got[0]


def test_what_slack_refuses_is_kept_with_its_words(slack: type[Slack], maya: Membership, now: datetime) -> None:
    slack.status = 404
    tell(maya, now)
    assert send(maya.tenant, now) == Sent(failed=1)
    assert Delivery.objects.get().error == "Slack answered 404: no_service"


def test_without_an_address_slack_is_given_up_at_once(maya: Membership, now: datetime) -> None:
    save_choice(membership_id=maya.pk, choice=Choice(by_email=False, by_slack=True))
    tell(maya, now)
    send(maya.tenant, now)
    assert Delivery.objects.get().error == NO_WEBHOOK


def test_the_secret_of_slack_does_not_stand_in_the_audit_trail(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    save_webhook(url="https://hooks.slack.com/services/T/B/secret", actor=actor, now=now)
    save_webhook(url="", actor=actor, now=now)
    assert not ChatWebhook.objects.exists()
    assert "secret" not in str(list(AuditEntry.objects.values()))


def signed_in(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def test_reading_one_goes_to_what_it_is_about_and_reading_all_empties_the_bell(maya: Membership, now: datetime) -> None:
    for key in "123":
        tell(maya, now, key)
    client = signed_in(maya)
    page = client.get(reverse("core:notifications")).content.decode()
    assert "3 notifications not read" in page
    first = Notification.objects.first()
    assert first is not None
    answer = client.post(reverse("core:notification_read", args=[first.pk]))
    assert answer["Location"] == "/alerts/1/"
    assert unread(maya.pk) == 2
    client.post(reverse("core:notifications_read"))
    assert unread(maya.pk) == 0


def test_a_notification_of_somebody_else_does_not_exist(
    maya: Membership, in_kestrel: Tenant, now: datetime, actor: Actor
) -> None:
    finn = add_member(
        tenant=in_kestrel, email="finn@kestrel.example", name="Finn", role=Role.REVOPS_ADMIN, password=None,
        actor=actor, now=now,
    )  # fmt: skip
    tell(maya, now, text="Only for Maya")
    mine = Notification.objects.get()
    client = signed_in(finn)
    assert client.post(reverse("core:notification_read", args=[mine.pk])).status_code == 404
    assert "Only for Maya" not in client.get(reverse("core:notifications")).content.decode()
    assert unread(maya.pk) == 1


def test_choices_are_kept_and_only_slacks_own_hosts_are_taken(maya: Membership, now: datetime, actor: Actor) -> None:
    client = signed_in(maya)
    choices = reverse("core:notification_choices")
    data = {"by_email": "on", "digest_hour": "8", "quiet_from": "21", "quiet_until": "6"}
    assert client.post(choices, data).status_code == 302
    assert 'value="8" selected' in client.get(choices).content.decode()
    assert client.post(choices, {"quiet_from": "99"}).status_code == 422
    assert client.post(reverse("core:chat_webhook"), {"url": "https://hooks.slack.com/x"}).status_code == 403
    boss = add_member(
        tenant=maya.tenant, email="ada@kestrel.example", name="Ada", role=Role.REVOPS_ADMIN, password=None, actor=actor,
        now=now,
    )  # fmt: skip
    admin = signed_in(boss)
    assert admin.post(reverse("core:chat_webhook"), {"url": "http://169.254.169.254/"}).status_code == 422
    assert admin.post(reverse("core:chat_webhook"), {"url": "https://hooks.slack.com/services/x"}).status_code == 302
    assert ChatWebhook.objects.get().url == "https://hooks.slack.com/services/x"


def test_from_a_demo_workspace_nothing_leaves(maya: Membership, now: datetime) -> None:
    Tenant.objects.filter(pk=maya.tenant_id).update(is_demo=True)
    maya.tenant.refresh_from_db()
    assert tell(maya, now) == 1
    assert unread(maya.pk) == 1
    assert not Delivery.objects.exists()
