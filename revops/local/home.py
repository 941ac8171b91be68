"""Where the services of one checkout live, and as whom they run.

Everything is in one folder, so that deleting it deletes everything. For a normal user that is `var/local` in the
checkout. PostgreSQL refuses to run as root, and the account it then runs as cannot look into a 0700 checkout; so
root's folder is under /var/lib, noted in `var/local.home`, with root-owned copies of the programs.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from revops.local.errors import LocalError

CHECKOUT = Path(__file__).resolve().parents[2]
VAR = CHECKOUT / "var"
ROOTS_BASE = Path("/var/lib")  # not /var/tmp, which is cleaned by age
LOCK_WAIT_SECONDS = 90
PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """The unprivileged account that runs the servers when the caller is root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    folder: Path
    account: Account | None

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    def read_state(self) -> dict[str, Any]:
        """Ports and passwords; empty before the first start."""
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return {}
        except PermissionError as error:
            raise LocalError(f"{self.state_file} belongs to another user. Use a checkout of your own.") from error
        return state

    def write_state(self, state: dict[str, Any]) -> None:
        draft = self.state_file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(state, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.state_file)

    def prepare(self) -> None:
        """Make the folder; as root, trust only a folder that nobody else can have placed or can write to."""
        try:
            self.folder.mkdir(mode=0o711 if self.account else 0o700, parents=True, exist_ok=True)
        except PermissionError as error:
            raise LocalError(f"Cannot write to {self.folder.parent}. Use a checkout of your own.") from error
        found = self.folder.lstat()
        if self.folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise LocalError(f"{self.folder} is not a private folder of this user. Remove it, or set REVOPS_LOCAL_DIR.")
        if self.account:
            self.folder.chmod(0o711)  # whatever the umask: the servers' account passes through

    def server_folder(self, name: str) -> Path:
        """A 0700 folder that the server's account owns."""
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        self.hand_over(folder)
        return folder

    def hand_over(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def write_for_server(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self.hand_over(path)

    def reachable(self, name: str, *sources: Path) -> Path:
        """The folder that holds `sources`; as root one with copies that the server's account can read, not change."""
        if not self.account:
            return sources[0].parent
        target = self.folder / "software" / name
        if not target.exists():
            draft = target.with_name(f"{name}.new")
            shutil.rmtree(draft, ignore_errors=True)
            for source in filter(Path.exists, sources):
                shutil.copytree(source, draft / source.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX,go-w", str(draft.parent)], check=True)
            draft.rename(target)
        return target

    def run(self, command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a server's program as the server's account, deaf to the terminal's Ctrl-C. Output goes to the result."""
        who: dict[str, Any] = {}
        if self.account:
            who = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=PLAIN_ENVIRONMENT | options.pop("env", {}),
            start_new_session=True,
            **who,
            **options,
        )

    def open_private(self, name: str) -> TextIO:
        """A file only its owner can open, so that no stranger can hold a lock on it."""
        return os.fdopen(os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600), "r+")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One starter or stopper at a time."""
        self.prepare()
        with self.open_private("lock") as file:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            while not try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise LocalError("Another command has been starting or stopping the services for too long.")
                time.sleep(0.05)
            yield


def find_home() -> Home:
    account = _server_account() if os.geteuid() == 0 else None
    if chosen := os.environ.get("REVOPS_LOCAL_DIR"):
        return Home(Path(chosen).resolve(), account)
    return Home(_noted_folder(), account) if account else Home(VAR / "local", None)


def _noted_folder() -> Path:
    """Root's folder for this very clone: a fresh one at the same path finds no old data."""
    note = VAR / "local.home"
    if not note.exists():
        VAR.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="revops-", dir=ROOTS_BASE))
        (folder / "checkout").write_text(f"{CHECKOUT}\n")
        (folder / "note").write_text(f"{folder}\n")
        try:
            os.link(folder / "note", note)  # at once with its content, or not at all
        except FileExistsError:
            shutil.rmtree(folder)
        except OSError:  # the checkout is on another file system
            note.write_text(f"{folder}\n")
    return Path(note.read_text().strip())


def abandoned_homes(home: Home) -> list[Home]:
    """Root's folders of clones that stood where this one stands now."""
    note = VAR / "local.home"
    if not home.account or not note.exists() or home.folder != Path(note.read_text().strip()):
        return []
    owners = [owner for owner in ROOTS_BASE.glob("revops-*/checkout") if owner.parent != home.folder]
    mine = [owner for owner in owners if owner.stat().st_uid == 0 and owner.read_text().strip() == str(CHECKOUT)]
    return [Home(owner.parent, home.account) for owner in mine]


def _server_account() -> Account:
    """An account that exists already: nothing is added to the machine's users."""
    chosen = os.environ.get("REVOPS_LOCAL_USER")
    for name in [chosen] if chosen else ["nobody", "daemon"]:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name, found.pw_uid, found.pw_gid)
    raise LocalError("PostgreSQL does not run as root. Name an unprivileged account in REVOPS_LOCAL_USER.")


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def usable_port(wanted: int | None) -> int:
    """The wanted port if it is free, else any free one."""
    for port in [wanted, 0] if wanted else [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LocalError("No free port on 127.0.0.1.")


def new_password() -> str:
    return secrets.token_hex(24)


def tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
