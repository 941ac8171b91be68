"""What a request leaves behind when it goes wrong: nothing."""

import pytest
from django.test import Client

from accounts.models import Account
from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context


@pytest.fixture
def client(kestrel: Tenant, settings: object) -> Client:
    settings.ROOT_URLCONF = "tests.core.faulty_urls"  # type: ignore[attr-defined]  # -- pytest-django's fixture
    member = add_member(
        tenant=kestrel, email="maya@kestrel.example", name="Maya", role=Role.CSM, password=None,
        actor=Actor.system("test"), now=clock.now(),
    )  # fmt: skip
    browser = Client(raise_request_exception=False)
    browser.force_login(member.user)
    return browser


def test_a_page_that_fails_half_way_has_written_nothing(kestrel: Tenant, client: Client) -> None:
    assert client.post("/half-done/").status_code == 500
    with tenant_context(kestrel.pk):
        assert Account.objects.filter(name="Half").count() == 0


def test_a_statement_that_runs_too_long_is_a_clear_503(client: Client) -> None:
    response = client.get("/too-long/")
    assert (response.status_code, b"This took too long" in response.content) == (503, True)
