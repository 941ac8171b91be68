"""Help for the planner where a statement works on everything at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def whole_tables() -> Iterator[None]:
    """Statements inside join by hashing or merging, never row by row.

    Right after a large import the planner has no figures yet about the new rows, takes them for a few hundred and
    would go through them one by one: minutes instead of seconds. Only for statements over a whole workspace.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_nestloop'), current_setting('work_mem')")
        before = cursor.fetchone()
        _set(cursor, ("off", "64MB"))
    yield
    with connection.cursor() as cursor:
        _set(cursor, before)


def _set(cursor: Any, values: tuple[str, str]) -> None:
    cursor.execute("SET LOCAL enable_nestloop = %s; SET LOCAL work_mem = %s", values)
