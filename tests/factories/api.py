"""Programs that enter a workspace by key."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client

from core import clock
from core.actors import Actor
from core.api_keys import create_key
from core.choices import Role
from core.models import ApiKey, Tenant
from core.tenancy import tenant_context


class Program(Client):
    """Calls the API with a key, in JSON."""

    def __init__(self, token: str, **kwargs: Any) -> None:
        super().__init__(headers={"Authorization": f"Bearer {token}"}, **kwargs)
        self.token = token

    def send(self, method: str, url: str, body: Any = None, **headers: str) -> HttpResponse:
        """With names of headers as `idempotency_key`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else json.dumps(body)
        return self.generic(method.upper(), url, data, content_type="application/json", headers=named)


def make_key(
    tenant: Tenant, role: Role | str = Role.REVOPS_ADMIN, *, expires_at: datetime | None = None
) -> tuple[ApiKey, Program]:
    with tenant_context(tenant.pk):
        key, token = create_key(
            tenant=tenant,
            name=f"Program of {role}",
            role=Role(role),
            expires_at=expires_at,
            actor=Actor.system("test"),
            now=clock.now(),
        )
    return key, Program(token)
