import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from revops.local import environment, start_services, stop_services
from revops.local.errors import LocalError
from revops.local.home import CHECKOUT, Home, try_lock
from revops.local.postgres import Postgres
from revops.local.valkey import Valkey
from tests.local.conftest import processes_in

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")]

DEBIAN_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def rows(url: str | None, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


def test_a_first_start_starts_both_and_a_second_one_nothing(home: Home) -> None:
    assert start_services(home) == ["PostgreSQL", "Valkey"]
    assert start_services(home) == []


def test_row_security_holds_for_the_app_and_the_owner_and_not_for_maintenance(home: Home) -> None:
    start_services(home)
    roles = "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname LIKE 'rv_%' ORDER BY 1"
    assert rows(Postgres(home).url("rv_app"), roles) == [
        ("rv_app", False, False, False),
        ("rv_maint", False, True, False),
        ("rv_owner", False, False, True),
    ]


def test_the_app_cannot_create_tables_and_maintenance_cannot_write(home: Home) -> None:
    start_services(home)
    postgres = Postgres(home)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(postgres.url("rv_app"), "CREATE TABLE public.of_the_app ()")
    rows(postgres.url("rv_owner"), "CREATE TABLE IF NOT EXISTS public.of_the_owner (a int)")
    assert rows(postgres.url("rv_maint"), "SELECT * FROM public.of_the_owner") == []
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        rows(postgres.url("rv_maint"), "INSERT INTO public.of_the_owner VALUES (1)")


def test_a_killed_postgres_comes_back_with_its_committed_rows(home: Home) -> None:
    start_services(home)
    postgres = Postgres(home)
    rows(postgres.url("rv_owner"), "CREATE TABLE kept AS SELECT 7 AS n")
    kill(postgres.pid())
    assert start_services(home) == ["PostgreSQL"]
    assert rows(postgres.url("rv_owner"), "SELECT n FROM kept") == [(7,)]


def test_a_killed_valkey_comes_back_with_its_messages(home: Home) -> None:
    start_services(home)
    valkey = Valkey(home)
    with redis.Redis.from_url(str(valkey.url)) as client:
        client.rpush("queue", "work")
        time.sleep(1.2)  # its file is flushed every second
    kill(valkey.pid())
    assert start_services(home) == ["Valkey"]
    with redis.Redis.from_url(str(valkey.url)) as client:
        assert client.lrange("queue", 0, -1) == [b"work"]
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_valkey_server_itself_holds_the_lock_on_its_folder(home: Home) -> None:
    start_services(home)
    with home.open_private("valkey.lock") as guard:
        assert not try_lock(guard.fileno())


def test_a_process_number_that_now_belongs_to_another_program_does_not_keep_postgres_down(home: Home) -> None:
    start_services(home)
    postgres = Postgres(home)
    noted = (postgres.data / "postmaster.pid").read_text().splitlines()
    stop_services(home)
    with subprocess.Popen(["sleep", "60"], user=home.account.uid if home.account else None) as stranger:
        home.write_for_server(postgres.data / "postmaster.pid", "\n".join([str(stranger.pid), *noted[1:]]) + "\n")
        assert postgres.pid() is None
        assert start_services(home) == ["PostgreSQL", "Valkey"]
        stranger.terminate()


def test_a_port_taken_meanwhile_is_replaced(home: Home) -> None:
    start_services(home)
    stop_services(home)
    port = home.read_state()["postgres"]["port"]
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        start_services(home)
        assert home.read_state()["postgres"]["port"] != port
        assert rows(Postgres(home).url("rv_app"), "SELECT 1") == [(1,)]


def test_two_checkouts_run_side_by_side_and_do_not_open_each_others_doors(home: Home, other_home: Home) -> None:
    start_services(home)
    start_services(other_home)
    assert Postgres(home).pid() != Postgres(other_home).pid()
    here, there = home.read_state(), other_home.read_state()
    url = f"postgresql://rv_app:{there['postgres']['passwords']['rv_app']}@127.0.0.1:{here['postgres']['port']}/revops"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        rows(url, "SELECT 1")
    stop_services(other_home)
    assert processes_in(other_home.folder) == []
    assert Postgres(home).is_up()


def test_passwords_and_data_are_for_one_account_only(home: Home) -> None:
    start_services(home)
    assert stat.S_IMODE(home.state_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(Postgres(home).data.stat().st_mode) == 0o700
    assert stat.S_IMODE((Valkey(home).folder / "valkey.conf").stat().st_mode) == 0o600
    without_password = f"postgresql://rv_app@127.0.0.1:{home.read_state()['postgres']['port']}/revops"
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        rows(without_password, "SELECT 1")
    with redis.Redis(port=home.read_state()["valkey"]["port"]) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_folder_that_somebody_else_can_write_to_is_refused(other_home: Home) -> None:
    other_home.folder.chmod(0o777)
    with pytest.raises(LocalError, match="not a private folder"):
        start_services(other_home)
    other_home.folder.chmod(0o700)


def test_stopping_leaves_no_process(home: Home) -> None:
    start_services(home)
    assert processes_in(home.folder) != []
    stop_services(home)
    assert processes_in(home.folder) == []
    stop_services(home)


def test_addresses_that_are_set_are_used_and_their_services_not_started(
    other_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVOPS_LOCAL_DIR", str(other_home.folder))
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    monkeypatch.setenv("REDIS_URL", "redis://somewhere/0")
    found = environment()
    assert (found["DATABASE_URL"], found["REDIS_URL"]) == ("postgresql://somewhere/else", "redis://somewhere/0")
    assert "DATABASE_OWNER_URL" not in found
    assert len(found["SECRET_KEY"]) == 80
    assert processes_in(other_home.folder) == []


def test_a_deployment_gets_nothing_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOPS_LOCAL", "0")
    assert environment() == {}


def test_status_prints_the_addresses_as_json(home: Home) -> None:
    start_services(home)
    shell = {"PATH": os.environ["PATH"], "REVOPS_LOCAL_DIR": str(home.folder)}
    command = [sys.executable, "manage.py", "local", "status", "--json"]
    done = subprocess.run(command, cwd=CHECKOUT, env=shell, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["database_url"] == Postgres(home).url("rv_app")
    assert report["redis_url"] == Valkey(home).url
    assert (report["postgres"]["up"], report["valkey"]["up"]) == (True, True)


@pytest.mark.skipif(not DEBIAN_PROGRAMS, reason="needs a PostgreSQL from the package manager")
def test_another_postgres_drives_the_same_launcher(other_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOPS_PG_BIN", str(DEBIAN_PROGRAMS[-1].parent))
    start_services(other_home)
    version = rows(Postgres(other_home).url("rv_app"), "SHOW server_version_num")
    assert str(version[0][0])[:2] == DEBIAN_PROGRAMS[-1].parts[-3]


def test_programs_that_are_not_there_are_named(other_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOPS_PG_BIN", "/nowhere")
    with pytest.raises(LocalError, match="/nowhere: there is no pg_ctl"):
        start_services(other_home)


def test_data_of_another_version_is_not_touched(other_home: Home) -> None:
    start_services(other_home)
    stop_services(other_home)
    version = Postgres(other_home).data / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(LocalError, match="from PostgreSQL 14"):
        start_services(other_home)
