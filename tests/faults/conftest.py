"""A deployment with two equal demo workspaces: one to hurt, one to compare with."""

from collections.abc import Iterator
from typing import Any

import pytest

from revops.settings import env
from tests.stack import Stack, new_stack, worker_number

TEST_DATABASE = env.str("REVOPS_TEST_DB", default="test_revops")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    number = worker_number()
    with new_stack(f"{TEST_DATABASE}_faults_{number}", tmp_path_factory.mktemp("faults")) as stack:
        for slug in ("hurt", "sound"):
            stack.manage("seed_demo", "--tenant", slug, "--accounts", "40", "--score-days", "0", "--json")
        stack.broker.flushdb()
        yield stack


@pytest.fixture
def tenants(stack: Stack) -> dict[str, Any]:
    return dict(stack.rows("SELECT slug, id FROM core_tenant"))  # type: ignore[arg-type]  # -- rows are untyped


@pytest.fixture(autouse=True)
def _nothing_runs_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test started has ended when the next one begins."""
    yield
    if "stack" in request.fixturenames:
        stack: Stack = request.getfixturevalue("stack")
        for process in stack.processes.copy():
            stack.kill(process)
        stack.broker.flushdb()
