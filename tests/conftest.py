"""Every test works as rv_app, the role of web and worker, so that a missing grant fails a test."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context

# A busy machine is no fault of what is tested; and the database stays as it is between examples, which they allow for.
hypothesis.settings.register_profile(
    "revops",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("revops")

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="session")
def _static_files_as_they_lie() -> Iterator[None]:
    """Pages name their files without hashes, so that tests need no collected copy. The browser tests do collect."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(autouse=True, scope="session")
def _a_cache_of_ones_own() -> Iterator[None]:
    """Processes that test side by side share one Valkey: limits that one fills must not stop the other."""
    mine = {**settings.CACHES["default"], "KEY_PREFIX": f"test-{uuid4().hex}"}
    with override_settings(CACHES={"default": mine}):
        yield


@pytest.fixture(autouse=True)
def _as_the_application(request: pytest.FixtureRequest) -> Iterator[None]:
    """Steps down from the owner to rv_app for the test, and back before the database is flushed."""
    if "db" not in request.fixturenames and "transactional_db" not in request.fixturenames:
        marker = request.node.get_closest_marker("django_db")
        if marker is None:
            yield
            return
    name = "transactional_db" if _is_transactional(request) else "db"
    request.getfixturevalue(name)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE rv_app")
    yield
    connection.rollback() if not connection.in_atomic_block and not connection.get_autocommit() else None
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    asked = bool(marker and marker.kwargs.get("transaction"))
    return asked or "transactional_db" in request.fixturenames or "live_server" in request.fixturenames


@pytest.fixture
def now() -> datetime:
    """The clock of a test that does not care which day it is: Monday 2 March 2026, 09:00 UTC."""
    return NOW


@pytest.fixture
def actor() -> Actor:
    return Actor.system("test")


@pytest.fixture
def kestrel(db: None) -> Tenant:
    """The workspace of most tests, empty: no defaults of any app."""
    return Tenant.objects.create(slug="kestrel", name="Kestrel Cloud", currency="EUR", timezone="Europe/Berlin")


@pytest.fixture
def heron(db: None) -> Tenant:
    """The workspace next door, where the data lives that must not leak."""
    return Tenant.objects.create(slug="heron", name="Heron Systems", currency="USD", timezone="America/New_York")


@pytest.fixture
def in_kestrel(kestrel: Tenant) -> Iterator[Tenant]:
    """The test runs inside the workspace Kestrel."""
    with tenant_context(kestrel.pk):
        yield kestrel
