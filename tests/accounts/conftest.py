"""What the tests of imports share: files on disk, the engine, a signed-in RevOps admin."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.actions.imports import import_file
from accounts.importing.engine import Request
from accounts.importing.maps import parse_map
from accounts.importing.report import Report
from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant

Load = Callable[..., Report]


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """Uploads of the test go to its own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    folder: Path = settings.MEDIA_ROOT
    return folder


@pytest.fixture
def load(in_kestrel: Tenant, actor: Actor, now: datetime, tmp_path: Path) -> Load:
    """Imports a text (or bytes) as a file into Kestrel: `load("accounts", "id,name\\n1,Brightwater\\n")`."""
    count = 0

    def run(kind: str, text: str | bytes, *, writes: bool = True, name: str = "file.csv", **decided: Any) -> Report:
        nonlocal count
        count += 1
        path = tmp_path / f"{count}-{name}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        request = Request(
            path=path,
            import_map=parse_map(decided),
            kind=kind,
            rejects_path=tmp_path / f"{count}.rejected.csv",
        )
        today = in_kestrel.today(now)
        return import_file(tenant=in_kestrel, request=request, actor=actor, now=now, today=today, writes=writes)

    return run


@pytest.fixture
def admin(kestrel: Tenant) -> Membership:
    return add_member(
        tenant=kestrel,
        email="priya@kestrel.example",
        name="Priya Raman",
        role=Role.REVOPS_ADMIN,
        password=None,
        actor=Actor.system("test"),
        now=clock.now(),
    )


@pytest.fixture
def browser(admin: Membership) -> Client:
    """A browser in which Priya, RevOps admin of Kestrel, is signed in."""
    client = Client()
    client.force_login(admin.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
