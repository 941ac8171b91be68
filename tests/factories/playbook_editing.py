"""Working at a draft of a playbook as its page does."""

from typing import Any

from django.test import Client

from core import clock
from core.actions import add_member
from core.choices import Role
from core.models import ProcessVersion, Tenant
from journeys.queries.play_editor import draft_of
from tests.factories.plays import ACTOR

URL = "/playbooks/low_usage/"


def client_of(tenant: Tenant, role: Role) -> Client:
    client = Client()
    made = add_member(
        tenant=tenant, email=f"{role}@k.example", name=str(role.label), role=role, password=None, actor=ACTOR,
        now=clock.now(),
    )  # fmt: skip
    client.force_login(made.user)
    return client


def begun(admin: Client) -> ProcessVersion:
    assert admin.post(f"{URL}draft/").status_code == 302
    found = draft_of("low_usage")
    assert found is not None
    return found


def edit(client: Client, seen: str = "", *, opened: str = "call", **fields: str) -> Any:
    """What the page sends; `__` in a name stands for the colon of a field."""
    sent = {name.replace("__", ":"): value for name, value in fields.items()}
    headers = {"HX-Request": "true"}
    return client.post(f"{URL}edit/?open={opened}", {"seen": seen, "variant": "", **sent}, headers=headers)


def drafted() -> dict[str, Any]:
    """What the draft says now."""
    found = draft_of("low_usage")
    assert found is not None
    return dict(found.definition)


def new_condition(place: str, fact: str, op: str, value: str = "") -> dict[str, str]:
    """The fields and the button of a condition that is added."""
    base = f"cond:{place}:new_"
    return {"act": f"cond-add:{place}", f"{base}fact": fact, f"{base}op": op, f"{base}value": value}
