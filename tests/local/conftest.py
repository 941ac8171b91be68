import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from revops.local import stop_services
from revops.local.home import Home, find_home

SERVICE_VARIABLES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_MAINT_URL", "REDIS_URL", "SECRET_KEY")


@pytest.fixture(scope="module")
def without_services() -> Iterator[None]:
    """The environment of a shell that knows no service: the suite's own services are hidden."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SERVICE_VARIABLES:
            patch.delenv(name, raising=False)
        yield


def make_home() -> Home:
    """A home beside the checkout's own, which the servers' account can reach when the tests run as root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVOPS_LOCAL_DIR", tempfile.mkdtemp(prefix="revops-test-", dir="/var/tmp"))
        return find_home()


def remove_home(home: Home) -> None:
    stop_services(home)
    shutil.rmtree(home.folder)


@pytest.fixture(scope="module")
def home(without_services: None) -> Iterator[Home]:
    home = make_home()
    yield home
    remove_home(home)


@pytest.fixture
def other_home(without_services: None) -> Iterator[Home]:
    home = make_home()
    yield home
    remove_home(home)


def processes_in(folder: Path) -> list[int]:
    """Every live process that names the folder on its command line or works in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            places = [(entry / "cmdline").read_bytes().decode(errors="replace"), str((entry / "cwd").readlink())]
        except OSError:
            continue
        if any(str(folder) in place for place in places):
            found.append(int(entry.name))
    return found
