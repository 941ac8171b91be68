"""The backup of docs/operations.md, taken and restored."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.db import connection
from psycopg2 import sql

from core import jobs
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from revops.local.home import find_home
from revops.local.postgres import Postgres, programs_folder

ENTER = "SELECT set_config('app.tenant_id', (SELECT id FROM core_tenant WHERE slug = %s)::text, true)"

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def programs() -> Path:
    """Of the server that the suite runs on; of the machine when that is somebody else's."""
    if Postgres(find_home()).is_up():
        return programs_folder(find_home())
    found = shutil.which("pg_dump")
    if not found:
        pytest.skip("No pg_dump on this machine.")
    return Path(found).parent


@pytest.fixture
def empty_database() -> Iterator[str]:
    """A second database of the owner, on the server of the tests."""
    owner_url = os.environ["DATABASE_OWNER_URL"]
    name = f"{connection.settings_dict['NAME']}_restored"
    server = psycopg2.connect(owner_url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield _same_server(owner_url, name)
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    server.close()


@pytest.mark.django_db(transaction=True)
def test_a_backup_holds_every_workspace_and_restores_behind_the_same_walls(
    programs: Path, empty_database: str, tmp_path: Path, now: object, actor: Actor
) -> None:
    for slug in ("kestrel", "heron"):
        tenant = Tenant.objects.create(slug=slug, name=slug, currency="EUR", timezone="UTC")
        with tenant_context(tenant.pk):
            jobs.start_job(kind="test.backup", key=slug, payload={}, actor=actor, now=now)  # type: ignore[arg-type]  # -- fixtures
    dump = tmp_path / "revops.dump"
    source = _same_server(os.environ["DATABASE_MAINT_URL"], connection.settings_dict["NAME"])
    run(programs / "pg_dump", "--format=custom", "--no-owner", f"--file={dump}", source)
    run(
        programs / "pg_restore",
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
        "--dbname",
        empty_database,
        dump,
    )
    restored = psycopg2.connect(empty_database)
    with restored, restored.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_job")
        assert cursor.fetchone() == (0,), "the owner is behind the wall as well"
        cursor.execute(
            "SELECT set_config('app.tenant_id', (SELECT id FROM core_tenant WHERE slug = 'heron')::text, true)"
        )
        cursor.execute("SELECT key FROM core_job")
        assert cursor.fetchall() == [("heron",)]
        cursor.execute(
            "SELECT set_config('app.tenant_id', (SELECT id FROM core_tenant WHERE slug = 'kestrel')::text, true)"
        )
        cursor.execute("SET ROLE rv_app")
        cursor.execute("SELECT key FROM core_job")
        assert cursor.fetchall() == [("kestrel",)]
    restored.close()


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _same_server(url: str, database: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{database}"
