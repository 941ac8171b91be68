"""API keys in the browser: made once seen, revoked at once, and only by administrators."""

import re

import pytest
from django.test import Client

from core.choices import Role
from core.models import ApiKey, AuditEntry
from core.tenancy import tenant_context
from tests.factories.api import Program
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db

URL = "/settings/api-keys/"


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def admin(world: World) -> Client:
    client = Client()
    client.force_login(world.members[Role.REVOPS_ADMIN].user)
    return client


def test_a_key_is_made_shown_once_works_and_is_revoked(world: World, admin: Client) -> None:
    made = admin.post(URL, {"name": "Night load", "role": "leader", "expires_on": ""})
    token = re.search(r"rvk_[0-9a-f]{8}_[0-9a-f]{64}", made.content.decode())
    assert token is not None
    assert "no-store" in made.headers["Cache-Control"]
    assert token.group() not in admin.get(URL).content.decode()
    program = Program(token.group())
    assert program.get("/api/v1/me/").json()["role"] == "leader"
    key = ApiKey.objects.get(name="Night load")
    assert admin.post(f"{URL}{key.pk}/revoke/").status_code == 302
    assert program.get("/api/v1/me/").status_code == 401
    page = admin.get(URL).content.decode()
    assert "Revoked" in page
    with tenant_context(world.tenant.pk):
        verbs = AuditEntry.objects.filter(subject_type="core.apikey").order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["created API key", "revoked API key"]


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"role": "emperor"}, {"expires_on": "2001-01-01"}, {"expires_on": "9999-12-31"}]
)
def test_what_makes_no_key_is_said_at_its_field(world: World, admin: Client, wrong: dict[str, str]) -> None:
    before = ApiKey.objects.count()
    response = admin.post(URL, {"name": "N", "role": "leader", "expires_on": "", **wrong})
    assert (response.status_code, ApiKey.objects.count()) == (422, before)
    assert "field-error" in response.content.decode()


def test_a_key_of_another_workspace_cannot_be_revoked(world: World, admin: Client) -> None:
    other = make_world("heron", canary="HERON")
    assert admin.post(f"{URL}{other.ids['key_id']}/revoke/").status_code == 404
    assert ApiKey.objects.get(pk=other.ids["key_id"]).revoked_at is None
