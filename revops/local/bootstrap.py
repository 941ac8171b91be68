"""Make `.venv` from the hash-pinned lock. Runs with any Python >= 3.11 and its standard library; `make` calls it.

Does nothing while the environment matches the lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
LOCK = CHECKOUT / "requirements" / "dev.txt"
STAMP = ENVIRONMENT / "revops.stamp"


def main() -> int:
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest() + "\n"
    if problem := foreign_environment():
        print(problem, file=sys.stderr)
        return 1
    if is_current(wanted):
        return 0
    (CHECKOUT / "var").mkdir(exist_ok=True)
    with (CHECKOUT / "var" / "setup.lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        return 0 if is_current(wanted) else build(wanted)


def is_current(wanted: str) -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted


def foreign_environment() -> str:
    """Why this user cannot use the environment that is there; empty when all is well.

    An environment that root made on a Python under root's home is unusable for others, who would silently get another.
    """
    if not os.access(CHECKOUT, os.W_OK):
        return f"{CHECKOUT} belongs to another user. Clone it to a folder of your own and run make there."
    if not ENVIRONMENT.exists() or ENVIRONMENT.stat().st_uid == os.geteuid():
        return ""
    return f"{ENVIRONMENT} was made by another user. Clone to a folder of your own, or remove it and run make again."


def build(wanted: str) -> int:
    print("Python environment: installing from the lock (about a minute) …", file=sys.stderr, flush=True)
    STAMP.unlink(missing_ok=True)
    if not runs():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        if not create():
            return 1
    pip = [str(PYTHON), "-m", "pip"] if has_pip() else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    options = [
        "--quiet",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
        "--requirement",
        str(LOCK),
    ]
    if subprocess.run([*pip, "install", *options]).returncode != 0:
        print("The environment could not be installed; the reason is above. Then run make again.", file=sys.stderr)
        return 1
    # Importable from anywhere, for tools that do not put the working folder on the path.
    for site_packages in (ENVIRONMENT / "lib").glob("python*/site-packages"):
        (site_packages / "revops-checkout.pth").write_text(f"{CHECKOUT}\n")
    STAMP.write_text(wanted)
    return 0


def runs() -> bool:
    """Whether the environment starts, on a version that the lock is for, and has a pip to install with."""
    check = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return PYTHON.exists() and subprocess.run(check, capture_output=True).returncode == 0


def has_pip() -> bool:
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0


def create() -> bool:
    """With pip from ensurepip; Debian keeps that in a package of its own, so else with another pip."""
    make = [sys.executable, "-m", "venv", str(ENVIRONMENT)]
    if importlib.util.find_spec("ensurepip") is not None:
        return subprocess.run(make).returncode == 0
    if importlib.util.find_spec("pip") is not None:
        return subprocess.run([*make, "--without-pip"]).returncode == 0
    package = f"python3.{sys.version_info.minor}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"])
        quiet = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(["apt-get", "install", "-y", "-qq", package], env=quiet).returncode == 0:
            return subprocess.run(make).returncode == 0
    print(f"{sys.executable} has no pip and no ensurepip. On Debian and Ubuntu: apt install {package}", file=sys.stderr)
    return False


if __name__ == "__main__":
    raise SystemExit(main())
