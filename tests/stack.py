"""The product as it is deployed: its own database, gunicorn and Celery as rv_app, production settings, free ports."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import redis
from psycopg2 import sql

from revops.local import OPERATOR_VARIABLES
from revops.local.home import CHECKOUT, try_lock, usable_port

READY_SECONDS = 60


def wait_until(done: Callable[[], Any], seconds: float = 60, what: str = "") -> Any:
    """What `done` gives once it is true; fails with `what` after the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.1)
    raise AssertionError(f"Not within {seconds:.0f} s: {what or done}")


@dataclass
class Stack:
    """One deployment. `environment` is the operator's; web and workers get it without the other roles' passwords."""

    name: str
    environment: dict[str, str]
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def broker(self) -> "redis.Redis[bytes]":
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def manage(self, *arguments: str, ok: tuple[int, ...] = (0,), **extra: str) -> dict[str, Any]:
        """Runs a command of manage.py to its end; its result when it prints JSON."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environment | extra,
            capture_output=True,
            text=True,
        )
        assert done.returncode in ok, f"manage.py {' '.join(arguments)}: {done.returncode}\n{done.stderr[-3000:]}"
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {"out": done.stdout}
        return found

    def python(self, code: str) -> str:
        """Runs Python inside Django as the application, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=CHECKOUT,
            env=self.served(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def served(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if name not in OPERATOR_VARIABLES}

    def start(self, name: str, *arguments: str, **extra: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=CHECKOUT,
                env=self.served() | extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self, concurrency: int = 1) -> "subprocess.Popen[bytes]":
        """A worker of its own process group; returns once it takes messages."""
        node = f"w{secrets.token_hex(3)}@test"
        command = ["celery", "-A", "revops", "worker", "--concurrency", str(concurrency), "--loglevel", "info"]
        worker = self.start("worker", *command, "--hostname", node, "--without-gossip", "--without-mingle")
        wait_until(lambda: f"{node} ready." in self.log("worker"), READY_SECONDS, "the worker is ready")
        return worker

    def start_web(self, **extra: str) -> str:
        """A web server; returns its address once it answers."""
        port = usable_port(None)
        url = f"http://127.0.0.1:{port}"
        web = ["gunicorn", "revops.wsgi:application", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"]
        process = self.start("web", *web, "--log-level", "warning", SITE_URL=url, **extra)
        wait_until(lambda: process.poll() is not None or _answers(url), READY_SECONDS, "the web server answers")
        assert process.poll() is None, self.log("web")[-3000:]
        return url

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """kill -9 of the process and all of its children: nobody gets to clean up."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        self.processes.remove(process)

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        self.processes.remove(process)

    def ring(self, task: str, /, **kwargs: Any) -> None:
        """Sends a message as the scheduler would."""
        from celery import Celery

        with Celery(broker=self.environment["REDIS_URL"]) as bell:
            bell.send_task(task, kwargs=kwargs)

    @contextmanager
    def as_owner(self) -> Iterator[Any]:
        """A cursor of the owner in a transaction of its own, committed at the end."""
        connection = psycopg2.connect(self.environment["DATABASE_OWNER_URL"])
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def rows(self, statement: str, *parameters: Any, slug: str = "") -> list[tuple[Any, ...]]:
        """Reads as the owner, inside a workspace when one is named."""
        with self.as_owner() as cursor:
            if slug:
                cursor.execute(ENTER, [slug])
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    def checksums(self, slug: str) -> dict[str, str]:
        """A checksum of every row and column of every table, as the workspace sees them.

        Only the time at which the journey map was worked out last is left out: it says that somebody looked.
        """
        found = {}
        with self.as_owner() as cursor:
            cursor.execute(ENTER, [slug])
            cursor.execute("SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY relname")
            for (table,) in cursor.fetchall():
                cursor.execute(sql.SQL(CHECKSUM).format(sql.Identifier(table)), [LOOKED_AT.get(table, "")])
                found[table] = cursor.fetchone()[0]
        return found

    def close(self) -> None:
        for process in reversed(self.processes.copy()):
            self.stop(process)
        self.broker.flushdb()


LOOKED_AT = {"journeys_journeyfigures": "computed_at"}
CHECKSUM = (
    "SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(r::text), '' ORDER BY md5(r::text))), '')"
    " FROM (SELECT to_jsonb(t) - %s AS r FROM {} AS t) AS rows"
)
ENTER = "SELECT set_config('app.tenant_id', (SELECT id FROM core_tenant WHERE slug = %s)::text, true)"


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{url}/readyz", timeout=5).status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def new_stack(name: str, folder: Path) -> Iterator[Stack]:
    """A migrated database and a broker database of its own on the suite's servers; both are gone afterwards."""
    with _broker_number() as number:
        yield from _new_stack(name, folder, number)


@contextmanager
def _broker_number() -> Iterator[int]:
    """A database of the broker that no other run on this machine uses: 0 and 1 are the product's, 2 to 14 are ours."""
    port = urllib.parse.urlsplit(os.environ["REDIS_URL"]).port
    for number in range(2, 15):
        with (Path(tempfile.gettempdir()) / f"revops-test-broker-{port}-{number}.lock").open("w") as lock:
            if try_lock(lock.fileno()):
                yield number
                return
    raise AssertionError("All databases of the broker are in use by other test runs.")


def _new_stack(name: str, folder: Path, broker_number: int) -> Iterator[Stack]:
    owner_url = os.environ["DATABASE_OWNER_URL"]
    server = psycopg2.connect(owner_url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    redis_url = re.sub(r"/\d*$", "", os.environ["REDIS_URL"])
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COVERAGE_"))}
    environment |= {key: _database(os.environ[key], name) for key in ("DATABASE_URL", *OPERATOR_VARIABLES)}
    environment |= {
        "REDIS_URL": f"{redis_url}/{broker_number}",
        "CACHE_URL": f"{redis_url}/{broker_number}",
        "SECRET_KEY": secrets.token_hex(32),
        "DEBUG": "false",
        "MEDIA_ROOT": str(folder / "media"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "LOG_LEVEL": "WARNING",
    }
    environment.pop("REVOPS_DB_ROLE", None)
    stack = Stack(name, environment, folder)
    stack.broker.flushdb()
    try:
        stack.manage("migrate", "--no-input", "--verbosity", "0")
        yield stack
    finally:
        stack.close()
        with server.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.close()


def _database(url: str, name: str) -> str:
    return re.sub(r"/[^/?]*(\?.*)?$", f"/{name}", url)


def worker_number() -> int:
    """Which of pytest's parallel workers this is; 0 without them."""
    return int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
