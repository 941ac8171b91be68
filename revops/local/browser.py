"""The Chromium that the browser tests drive: found on the machine, or installed by its package manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW_TO = "Browser tests are skipped: there is no Chromium. Install one (Debian: apt install chromium) or set CHROMIUM."


def find_chromium() -> str | None:
    """Path of a Chromium that starts; `CHROMIUM` names one explicitly."""
    candidates = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else [*filter(None, map(shutil.which, NAMES))]
    for path in candidates:
        try:
            # Ubuntu's is a stub that only asks for a snap: it must answer, not just exist.
            if subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0:
                return path
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def main() -> int:
    """Install when root or in CI and the package manager is apt; never fails, tests then skip loudly."""
    if find_chromium():
        return 0
    if shutil.which("apt-get") and (os.geteuid() == 0 or os.environ.get("CI")):
        print("Browser tests: installing Chromium …", file=sys.stderr, flush=True)
        apt = ["apt-get"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get"]
        quiet = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            done = subprocess.run([*apt, *command], env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr[-2000:], file=sys.stderr)
    if not find_chromium():
        print(f"\n*** {HOW_TO} ***\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
