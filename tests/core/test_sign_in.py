"""Coming in, moving between workspaces, going out."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant, User

PASSWORD = "lantern-otter-drum"
MAYA = "maya@kestrel.example"


@pytest.fixture(autouse=True)
def _no_old_attempts(settings: Any) -> None:
    """Counts of failed tries live in the cache; a prefix of its own keeps tests, and the people beside them, apart."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid4().hex}}


@pytest.fixture
def maya(kestrel: Tenant) -> Membership:
    return add_member(
        tenant=kestrel,
        email=MAYA,
        name="Maya Lindqvist",
        role=Role.REVOPS_ADMIN,
        password=PASSWORD,
        actor=Actor.system("test"),
        now=clock.now(),
    )


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> int:
    data = {"login": MAYA, "password": password, **more}
    return client.post(reverse("account_login"), data).status_code


def workspace_of(client: Client) -> str:
    response = client.get(reverse("core:help"))
    return response.wsgi_request.tenant.slug if response.wsgi_request.tenant else ""


def test_the_right_password_opens_a_new_session(maya: Membership) -> None:
    client = Client()
    client.get(reverse("account_login"))
    before = client.session.session_key
    assert sign_in(client) == 302
    assert client.session.session_key != before
    assert workspace_of(client) == "kestrel"


def test_coming_in_says_nothing_since_the_page_shows_who_is_in(maya: Membership) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": MAYA, "password": PASSWORD})
    page = client.get(reverse("core:help"))
    assert [str(message) for message in page.context["messages"]] == []


def test_a_wrong_password_and_an_unknown_address_read_the_same(maya: Membership) -> None:
    wrong = Client().post(reverse("account_login"), {"login": MAYA, "password": "nope-nope-nope"})
    unknown = Client().post(reverse("account_login"), {"login": "nobody@kestrel.example", "password": "nope-nope-nope"})
    errors = [list(response.context["form"].non_field_errors()) for response in (wrong, unknown)]
    assert errors == [["E-mail and password do not match."]] * 2


def test_guessing_is_stopped_after_five_tries_even_with_the_right_password(maya: Membership) -> None:
    client = Client()
    for _ in range(5):
        sign_in(client, "nope-nope-nope")
    sign_in(client)
    assert workspace_of(client) == ""


def test_nobody_registers_from_outside(db: None) -> None:
    Client().post(reverse("account_signup"), {"email": "new@x.example", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(email="new@x.example").exists()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_host(maya: Membership, target: str) -> None:
    response = Client().post(reverse("account_login"), {"login": MAYA, "password": PASSWORD, "next": target})
    assert response.headers["Location"] == "/"


def test_signing_out_ends_the_session(maya: Membership) -> None:
    client = Client()
    sign_in(client)
    client.post(reverse("account_logout"))
    assert workspace_of(client) == ""


def test_a_revoked_membership_is_out_at_the_next_request(maya: Membership) -> None:
    client = Client()
    sign_in(client)
    Membership.objects.filter(pk=maya.pk).update(is_active=False)
    assert workspace_of(client) == ""


def test_a_user_of_two_workspaces_switches_between_them(maya: Membership, heron: Tenant) -> None:
    second = add_member(
        tenant=heron,
        email=MAYA,
        name="Maya Lindqvist",
        role=Role.CSM,
        password=None,
        actor=Actor.system("test"),
        now=clock.now(),
    )
    client = Client()
    sign_in(client)
    client.post(reverse("core:switch_workspace", args=[second.pk]))
    assert workspace_of(client) == "heron"


def test_a_membership_of_somebody_else_cannot_be_switched_to(maya: Membership, heron: Tenant) -> None:
    other = add_member(
        tenant=heron,
        email="bob@heron.example",
        name="Bob",
        role=Role.REVOPS_ADMIN,
        password=None,
        actor=Actor.system("test"),
        now=clock.now(),
    )
    client = Client()
    sign_in(client)
    assert client.post(reverse("core:switch_workspace", args=[other.pk])).status_code == 404
    assert workspace_of(client) == "kestrel"


def test_a_nul_character_in_an_address_is_a_clear_refusal(maya: Membership) -> None:
    client = Client()
    response = client.get(reverse("core:help") + "?q=%00")
    assert (response.status_code, b"NUL" in response.content) == (400, True)


def test_a_process_says_that_it_lives_and_is_ready(db: None) -> None:
    assert (Client().get("/livez").content, Client().get("/readyz").json()) == (b"ok", {"ok": True})
