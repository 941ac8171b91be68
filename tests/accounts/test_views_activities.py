"""Calls, meetings and notes logged by hand."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Activity, Person
from core.models import AuditEntry, Membership, Tenant
from core.tenancy import tenant_context


@pytest.fixture
def account(kestrel: Tenant, admin: Membership) -> Account:
    with tenant_context(kestrel.pk):
        Person.objects.create(name="Priya Raman", name_key="priya raman", membership=admin)
        return Account.objects.create(name="Brightwater", name_key="brightwater")


def send(browser: Client, account: Account, **data: str) -> Any:
    return browser.post(reverse("accounts:log_activity", args=[account.pk]), data, headers={"HX-Request": "true"})


def test_a_call_is_logged_in_the_zone_of_the_workspace(browser: Client, kestrel: Tenant, account: Account) -> None:
    answer = send(browser, account, kind="call", subject="Renewal", occurred_at="2026-02-20T10:30", body="All well.")
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")
    with tenant_context(kestrel.pk):
        activity = Activity.objects.select_related("person").get()
        assert (activity.kind, activity.subject, activity.body) == ("call", "Renewal", "All well.")
        assert activity.occurred_at == datetime(2026, 2, 20, 9, 30, tzinfo=UTC)
        assert activity.person is not None
        assert activity.person.name == "Priya Raman"
        account.refresh_from_db()
        assert account.last_contact_on == date(2026, 2, 20)
        assert AuditEntry.objects.filter(verb="logged", actor_label="Priya Raman").count() == 1


def test_an_earlier_meeting_does_not_move_the_last_contact_back(
    browser: Client, kestrel: Tenant, account: Account
) -> None:
    send(browser, account, kind="call", subject="Later", occurred_at="2026-02-20T10:30")
    send(browser, account, kind="meeting", subject="Earlier", occurred_at="2026-01-10T10:30")
    with tenant_context(kestrel.pk):
        account.refresh_from_db()
        assert account.last_contact_on == date(2026, 2, 20)


def test_a_note_is_no_contact(browser: Client, kestrel: Tenant, account: Account) -> None:
    send(browser, account, kind="note", subject="Found their press release", occurred_at="2026-02-20T10:30")
    with tenant_context(kestrel.pk):
        account.refresh_from_db()
        assert (Activity.objects.count(), account.last_contact_on) == (1, None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "call", "subject": ""}, "What was it about"),
        ({"kind": "fax", "subject": "x"}, "Kind"),
        ({"kind": "call", "subject": "x", "occurred_at": "9999-12-31T00:00"}, "between 1900 and 2199"),
        ({"kind": "call", "subject": "x", "occurred_at": "2199-01-01T00:00"}, "lies ahead"),
        ({"kind": "call", "subject": "x\x00y"}, "What was it about"),
    ],
)
def test_what_cannot_be_logged_says_why(
    browser: Client, kestrel: Tenant, account: Account, data: dict[str, str], words: str
) -> None:
    answer = send(browser, account, **data)
    assert (answer.status_code, words in unquote(answer["X-Message"])) == (422, True)
    with tenant_context(kestrel.pk):
        assert not Activity.objects.exists()


def test_an_account_of_another_workspace_does_not_exist(browser: Client, heron: Tenant) -> None:
    with tenant_context(heron.pk):
        other = Account.objects.create(name="Secret", name_key="secret")
    assert send(browser, other, kind="call", subject="x").status_code == 404
