"""`make run` in a checkout of its own: from nothing, stopped, started again, killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from revops.local.home import CHECKOUT, usable_port
from tests.local.conftest import processes_in

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
    pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="copies the files that git knows"),
]

# What the suite set for itself, and a shell would not have.
OF_THE_SUITE = ("DATABASE_", "REDIS_URL", "SECRET_KEY", "REVOPS_", "DJANGO_", "PYTEST_", "MAKE", "MFLAGS")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of the files that git knows or would know, with this checkout's environment."""
    folder = Path(tempfile.mkdtemp(prefix="revops-checkout-", dir="/var/tmp"))
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    yield folder
    for pid in processes_in(folder):
        os.kill(pid, signal.SIGKILL)
    subprocess.run([sys.executable, "manage.py", "local", "reset"], cwd=folder, env=shell(), check=True)
    shutil.rmtree(folder)


def shell(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_SUITE)}
    return kept | more


def make_run(checkout: Path, port: int) -> "subprocess.Popen[bytes]":
    with (checkout / "make-run.log").open("wb") as log:
        return subprocess.Popen(
            ["make", "run"], cwd=checkout, env=shell(PORT=str(port)), stdout=log, stderr=log, start_new_session=True
        )


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def is_announced(checkout: Path, running: "subprocess.Popen[bytes]") -> bool:
    log = (checkout / "make-run.log").read_text()
    assert running.poll() is None, log
    return "RevOps is at" in log


def of_this_run(checkout: Path) -> list[int]:
    """Web, worker, beat and the services: all work in the copy or in its home."""
    note = checkout / "var" / "local.home"
    home = Path(note.read_text().strip()) if note.exists() else checkout / "var" / "local"
    return processes_in(checkout) + processes_in(home)


def without_services(checkout: Path) -> list[int]:
    """Web, worker and beat. A normal user's database and broker work inside the copy too, and stay up on purpose."""
    services = set(processes_in(checkout / "var" / "local"))
    return [pid for pid in processes_in(checkout) if pid not in services]


def test_make_run_serves_the_demo_and_ctrl_c_leaves_no_process(checkout: Path) -> None:
    port = usable_port(None)
    running = make_run(checkout, port)
    assert wait_for(lambda: is_announced(checkout, running), 240), (checkout / "make-run.log").read_text()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
        assert answer.status == 200
    demo = json.loads((checkout / "var" / "demo.json").read_text())
    assert demo["url"] == f"http://127.0.0.1:{port}"
    assert {"role", "email", "password"} <= set(demo["sign_ins"][0])

    os.killpg(running.pid, signal.SIGINT)
    running.wait(60)
    assert of_this_run(checkout) == []

    began = time.monotonic()
    running = make_run(checkout, port)
    assert wait_for(lambda: is_announced(checkout, running), 60), (checkout / "make-run.log").read_text()
    assert time.monotonic() - began < 30, "up within 15 s on an idle machine"
    assert "kept" in (checkout / "make-run.log").read_text()

    supervisor = next(pid for pid in processes_in(checkout) if _is_supervisor(pid))
    os.kill(supervisor, signal.SIGKILL)
    running.wait(10)
    # Orphans are asked to end, not killed: each may first finish what it has in hand.
    assert wait_for(lambda: without_services(checkout) == [], 120), "web, worker and beat end with their supervisor"


def _is_supervisor(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:4] == [b"manage.py", b"local", b"run"]
