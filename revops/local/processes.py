"""A child process that never outlives its parent, and is stopped with everything it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from revops.local.home import CHECKOUT

STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]

    def exit_code(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        """Ask, wait, then end the whole group, so that no grandchild stays."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                break
            except PermissionError:  # what macOS says of a group of zombies
                break
            self.process.poll()
            time.sleep(0.05)


def start(name: str, command: list[str], environment: dict[str, str], log: Path | None = None) -> Child:
    """Start in a session of its own: the terminal's Ctrl-C reaches the parent alone, which stops all in order."""
    output = None
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509 -- called from a process of one thread
    )
    if output:
        output.close()
    return Child(name, process)


def end_with(parent: int) -> None:
    """Ask Linux to stop this process when its parent dies, however that happens."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)
