"""`manage.py local …`: the services of this checkout by hand."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from revops.local import environment, postgres, start_services, stop_services, valkey
from revops.local.errors import LocalError
from revops.local.home import VAR, find_home, try_lock


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="manage.py local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start PostgreSQL and Valkey and leave them running")
    commands.add_parser("down", help="stop them; data stays")
    commands.add_parser("reset", help="stop them and delete their data")
    commands.add_parser("run", help="services, demo workspace, web, worker and beat, until Ctrl-C")
    commands.add_parser("status", help="what runs, and where").add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    handlers = {"up": up, "down": down, "reset": reset, "run": run}
    try:
        return status(as_json=chosen.json) if chosen.command == "status" else handlers[chosen.command]()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1


def up() -> int:
    started = start_services(find_home())
    print(f"Started {' and '.join(started)}." if started else "PostgreSQL and Valkey are up.", file=sys.stderr)
    print("Their URLs: .venv/bin/python manage.py local status", file=sys.stderr)
    return 0


def down() -> int:
    stop_services(find_home())
    print("PostgreSQL and Valkey are down.", file=sys.stderr)
    return 0


def reset() -> int:
    home = find_home()
    VAR.mkdir(exist_ok=True)
    with (VAR / "run.lock").open("a") as lock:
        if not try_lock(lock.fileno()):
            raise LocalError("`make run` is running in this checkout. Stop it first.")
        stop_services(home)
        for folder in {home.folder, *(path for path in VAR.iterdir() if path.is_dir())}:
            shutil.rmtree(folder, ignore_errors=True)
        for leftover in VAR.iterdir():
            if leftover.suffix != ".lock":
                leftover.unlink()
    print("Services are down and their data is deleted.", file=sys.stderr)
    return 0


def run() -> int:
    from revops.local.supervisor import serve  # noqa: PLC0415 -- only this command needs it

    return serve()


def status(*, as_json: bool) -> int:
    home = find_home()
    known = environment(start=False)
    report: dict[str, Any] = {
        "database_url": known.get("DATABASE_URL"),
        "database_owner_url": known.get("DATABASE_OWNER_URL"),
        "redis_url": known.get("REDIS_URL"),
        "postgres": postgres.status(postgres.Postgres(home)),
        "valkey": valkey.status(valkey.Valkey(home)),
    }
    if as_json:
        print(json.dumps(report))
        return 0
    for name in ("postgres", "valkey"):
        print(f"{name:9} {'up' if report[name]['up'] else 'down'}  {report[name]['folder']}")
    for name in ("database_url", "database_owner_url", "redis_url"):
        print(f"{name:18} {report[name] or 'not set up yet'}")
    return 0
