"""`make run`: from nothing to a signed-in page, and back to nothing on Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from revops.local import OPERATOR_VARIABLES, environment, start_services, stop_services
from revops.local.errors import LocalError
from revops.local.home import VAR, Home, find_home, tail, try_lock
from revops.local.processes import Child, end_with, start

READY_SECONDS = 60


class StopRequested(Exception):
    """Ctrl-C, or a signal that means the same."""


@dataclass
class Run:
    """One `make run`: its children, newest last, and whether someone asked it to stop."""

    home: Home
    port: int
    stopping: threading.Event = field(default_factory=threading.Event)
    children: list[Child] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, *, operator: bool) -> dict[str, str]:
        """For a child: web, worker and beat never see the passwords of the other roles."""
        full = {"SITE_URL": self.url, "PYTHONUNBUFFERED": "1"} | dict(os.environ) | environment()
        full.pop("REVOPS_DB_ROLE", None)
        return full if operator else {name: value for name, value in full.items() if name not in OPERATOR_VARIABLES}

    def command(self, *arguments: str) -> None:
        """Run one manage.py command to its end."""
        child = start(arguments[0], [sys.executable, "manage.py", *arguments], self.environment(operator=True))
        self.children.append(child)
        self.wait_until(lambda: child.exit_code() is not None)
        self.children.remove(child)
        if child.exit_code() != 0:
            raise LocalError(f"`manage.py {' '.join(arguments)}` failed; the reason is above.")

    def serve(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", *arguments]
        self.children.append(start(name, command, self.environment(operator=False), VAR / "log" / f"{name}.log"))

    def wait_until(self, done: Callable[[], bool], seconds: float | None = None) -> bool:
        deadline = time.monotonic() + seconds if seconds else None
        while not done():
            if deadline and time.monotonic() > deadline:
                return False
            if self.stopping.wait(0.1):
                raise StopRequested
        return True

    def fallen(self) -> Child | None:
        return next((child for child in self.children if child.exit_code() is not None), None)

    def stop_children(self) -> None:
        for child in reversed(self.children):
            child.stop()


def serve() -> int:
    """Serve until told to stop; 0 after Ctrl-C, 1 when something failed."""
    run = Run(find_home(), _free_web_port())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: run.stopping.set())
    if os.environ.get("MAKELEVEL"):
        end_with(os.getppid())
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    with (VAR / "run.lock").open("a") as lock:
        if not try_lock(lock.fileno()):
            raise LocalError("`make run` is already running in this checkout.")
        mine = run.home.folder / "started-by-run"
        try:
            with step("PostgreSQL and Valkey"):
                if start_services(run.home):
                    mine.touch()
            return _serve(run)
        except StopRequested:
            print("\nStopping …", flush=True)
            return 0
        finally:
            run.stop_children()
            # Services that were up before stay up; those of a killed earlier run are ours to stop too.
            if mine.exists():
                stop_services(run.home)
                mine.unlink()
            print("Stopped.", flush=True)


def _serve(run: Run) -> int:
    with step("Database schema"):
        run.command("migrate", "--no-input", "--verbosity", "0")
    run.command("prepare_demo")
    with step("Web, worker and scheduler"):
        _start_servers(run)
        ready = run.wait_until(lambda: _is_ready(run.port) or run.fallen() is not None, READY_SECONDS)
    if run.fallen() is None and not ready:
        raise LocalError(f"The web server does not get ready.\n{tail(VAR / 'log' / 'web.log', 30)}")
    if run.fallen() is None:
        _announce(run)
        run.wait_until(lambda: run.fallen() is not None)
    dead = run.fallen()
    if dead:
        print(f"\n{dead.name} ended by itself. The end of var/log/{dead.name}.log:", file=sys.stderr)
        print(tail(VAR / "log" / f"{dead.name}.log", 30), file=sys.stderr)
    return 1


def _start_servers(run: Run) -> None:
    web = ["gunicorn", "revops.wsgi:application", "--bind", f"127.0.0.1:{run.port}", "--workers", "2", "--threads", "4"]
    if Path("/dev/shm").is_dir():
        web += ["--worker-tmp-dir", "/dev/shm"]
    run.serve("web", *web, "--log-level", "warning")
    celery = ["celery", "-A", "revops"]
    for name, queue in (("worker", "celery"), ("worker-long", "long")):
        serve = ["worker", "--concurrency", "1", "--queues", queue, "--loglevel", "warning", "--hostname", f"{name}@%h"]
        run.serve(name, *celery, *serve)
    run.serve("beat", *celery, "beat", "--schedule", str(VAR / "celerybeat-schedule"), "--pidfile", "")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_web_port() -> int:
    try:
        port = int(os.environ.get("PORT") or 8000)
    except ValueError as error:
        raise LocalError(f"PORT={os.environ['PORT']} is not a number.") from error
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LocalError(f"Port {port} is in use. Choose another one: PORT={port % 65000 + 1} make run") from error
    return port


def _announce(run: Run) -> None:
    demo_file = VAR / "demo.json"
    demo: dict[str, Any] = json.loads(demo_file.read_text()) if demo_file.exists() else {}
    demo_file.write_text(json.dumps({"url": run.url} | demo | {"url": run.url}, indent=1) + "\n")
    demo_file.chmod(0o600)  # it opens the workspace
    print(f"\nRevOps is at {run.url}\n")
    sign_ins = demo.get("sign_ins", [])
    width = max((len(one["email"]) for one in sign_ins), default=0)
    for one in sign_ins:
        print(f"  {one['role']:<18} {one['email']:<{width}}  {one['password']}")
    print("\nLogs are in var/log/. Ctrl-C stops everything.", flush=True)


class step:  # noqa: N801 -- reads as a statement: `with step("…"):`
    """One progress line: what is being done, then how long it took."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __enter__(self) -> None:
        print(f"{self.label:<28}", end="", flush=True)
        self.began = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s" if kind is None else " stopped", flush=True)
