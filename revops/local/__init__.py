"""The services of a checkout: PostgreSQL and Valkey from wheels, started when a command needs them.

Used before settings load, so nothing here knows Django. A deployment sets `REVOPS_LOCAL=0`, and none of this runs.
"""

from __future__ import annotations

import os
import shutil
import sys

from revops.local.errors import LocalError
from revops.local.home import Home, abandoned_homes, find_home
from revops.local.postgres import Postgres
from revops.local.valkey import Valkey

__all__ = ["LocalError", "apply_environment", "environment", "start_services", "stop_services"]

OPERATOR_VARIABLES = ("DATABASE_OWNER_URL", "DATABASE_MAINT_URL")
DATABASE_VARIABLES = ("DATABASE_URL", *OPERATOR_VARIABLES)


def environment(*, start: bool = True) -> dict[str, str]:
    """Everything settings need: what `os.environ` has already, the rest from this checkout's services.

    A service whose URL is set is somebody else's and is not started. With `start=False` nothing is, and a service that
    never ran has no entry.
    """
    if os.environ.get("REVOPS_LOCAL") == "0":
        return {}
    home = find_home()
    if start:
        start_services(home)
    found: dict[str, str | None] = {"SECRET_KEY": home.read_state().get("secret_key")}
    if not external_database():
        postgres = Postgres(home)
        found |= zip(DATABASE_VARIABLES, map(postgres.url, ("rv_app", "rv_owner", "rv_maint")), strict=True)
    found["REDIS_URL"] = Valkey(home).url
    given = {
        name: os.environ[name] for name in ("SECRET_KEY", *DATABASE_VARIABLES, "REDIS_URL") if os.environ.get(name)
    }
    return {name: value for name, value in found.items() if value} | given


def apply_environment(*, operator: bool = False) -> None:
    """Fill `os.environ`, starting services that are down. Ends the process with a readable message when that fails.

    Only an operator's process (manage.py, tests) also learns the owner's and the maintenance role's passwords.
    """
    try:
        found = environment()
    except LocalError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error
    if not operator:
        found = {name: value for name, value in found.items() if name not in OPERATOR_VARIABLES}
    os.environ.update(found)


def external_database() -> bool:
    return any(os.environ.get(name) for name in DATABASE_VARIABLES)


def start_services(home: Home) -> list[str]:
    """Start what is needed and down; returns the names of what it started."""
    needed: dict[str, Postgres | Valkey] = {}
    if not external_database():
        needed["PostgreSQL"] = Postgres(home)
    if not os.environ.get("REDIS_URL"):
        needed["Valkey"] = Valkey(home)
    if home.read_state().get("secret_key") and all(server.is_up() for server in needed.values()):
        return []
    for old in abandoned_homes(home):
        stop_services(old)
        shutil.rmtree(old.folder)
    started = []
    with home.lock():
        if not home.read_state().get("secret_key"):
            home.write_state(home.read_state() | {"secret_key": os.urandom(40).hex()})
        for name, server in needed.items():
            if not server.is_up():
                server.start()
                started.append(name)
    return started


def stop_services(home: Home) -> None:
    """Stop both, whoever started them. Nothing to stop is fine."""
    if not home.folder.exists():
        return
    with home.lock():
        Valkey(home).stop()
        Postgres(home).stop()
