import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from revops.local.processes import start

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

SLEEPER_WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen(["sleep", "300"])
print(child.pid, flush=True)
time.sleep(300)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 15
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def printed_pid(log: Path) -> int:
    assert wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text())


def test_stopping_a_child_ends_its_own_children_too(tmp_path: Path) -> None:
    child = start("sleeper", [sys.executable, "-c", SLEEPER_WITH_CHILD], dict(os.environ), tmp_path / "log")
    grandchild = printed_pid(tmp_path / "log")
    child.stop()
    assert child.exit_code() == -signal.SIGTERM
    assert wait_for(lambda: not is_alive(grandchild))


def test_a_child_that_ignores_the_request_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revops.local.processes.STOP_SECONDS", 0.5)
    child = start("deaf", [sys.executable, "-c", DEAF + SLEEPER_WITH_CHILD], dict(os.environ), tmp_path / "log")
    printed_pid(tmp_path / "log")
    child.stop()
    assert child.exit_code() == -signal.SIGKILL


def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent_code = f"""
import os, pathlib, sys, time
from revops.local.processes import start
child = start("sleeper", ["sleep", "300"], dict(os.environ))
pathlib.Path({str(log)!r}).write_text(f"{{child.process.pid}}\\n")
time.sleep(300)
"""
    with subprocess.Popen([sys.executable, "-c", parent_code]) as parent:
        child = printed_pid(log)
        assert is_alive(child)
        parent.kill()
    assert wait_for(lambda: not is_alive(child))


def test_ctrl_c_on_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    child = start("sleeper", [sys.executable, "-c", SLEEPER_WITH_CHILD], dict(os.environ), tmp_path / "log")
    try:
        printed_pid(tmp_path / "log")
        assert os.getpgid(child.process.pid) != os.getpgid(0)
    finally:
        child.stop()
