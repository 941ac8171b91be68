"""After a large import the planner knows about the new rows, without anybody waiting for autovacuum."""

from typing import Any

import pytest
from django.db import connection

from accounts.queries.planning import LARGE_IMPORT, MAINTAIN_SINCE, gather_statistics
from tests.accounts.conftest import Load


def knows_the_right() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) >= MAINTAIN_SINCE


def rows_the_planner_expects(table: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        return float(cursor.fetchone()[0])


def accounts(count: int) -> str:
    return "account_id,account_name\n" + "".join(f"A-{n},Account {n}\n" for n in range(count))


def test_a_large_import_gathers_statistics_after_its_commit(
    load: Load, django_capture_on_commit_callbacks: Any
) -> None:
    if not knows_the_right():
        pytest.skip("This server is older than PostgreSQL 17.")
    with django_capture_on_commit_callbacks(execute=True):
        load("accounts", accounts(LARGE_IMPORT + 1))
    assert rows_the_planner_expects("accounts_account") == LARGE_IMPORT + 1


def test_a_small_import_leaves_it_to_autovacuum(load: Load, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=False) as waiting:
        load("accounts", accounts(20))
    assert [one for one in waiting if "import_file" in getattr(one, "__qualname__", "")] == []


@pytest.mark.usefixtures("kestrel")
def test_only_tables_that_imports_fill_may_be_analysed() -> None:
    wanted = ["accounts_signal", "core_membership", "health_score"]
    assert gather_statistics(wanted) == (["accounts_signal"] if knows_the_right() else [])
