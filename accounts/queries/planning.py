"""Help for the planner where a statement works on everything at once."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection

MAINTAIN_SINCE: Final = 170_000


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


@contextmanager
def joins_as_written() -> Iterator[None]:
    """Statements inside are joined in the order in which they are written, which spares the planner the search for one.

    For a page's statement over a dozen tables that reads a few rows by their keys: planning would take as long as
    reading them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL join_collapse_limit = 1")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL join_collapse_limit TO DEFAULT")


LARGE_IMPORT: Final = 10_000
_WITH_ACCOUNTS: Final = ("accounts_account", "accounts_person")
_FILLED: Final[dict[str, tuple[str, ...]]] = {
    "accounts": _WITH_ACCOUNTS,
    "contacts": ("accounts_contact",),
    "people": ("accounts_person",),
    "products": ("accounts_product",),
    "contracts": ("accounts_contract", "accounts_contractline", "accounts_revenuemovement", *_WITH_ACCOUNTS),
    "usage": ("accounts_signal", *_WITH_ACCOUNTS),
    "signals": ("accounts_signal", *_WITH_ACCOUNTS),
    "tickets": ("accounts_ticket", *_WITH_ACCOUNTS),
    "activities": ("accounts_activity", *_WITH_ACCOUNTS),
    "outcomes": ("accounts_outcome", *_WITH_ACCOUNTS),
}


def tables_of(kind: str) -> tuple[str, ...]:
    """The tables that an import of a kind fills, of those that may be analysed."""
    return _FILLED.get(kind, ())


def gather_statistics(tables: Iterable[str]) -> list[str]:
    """Gives the planner figures about tables that have just grown, where the server lets the application do so.

    Returns the tables that were analysed: none before PostgreSQL 17, where autovacuum sees to it within a minute. It
    reads a sample of each, whatever the size. To be called after the commit, so that nobody waits for its lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        if int(cursor.fetchone()[0]) < MAINTAIN_SINCE:
            return []
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
            "AND c.relname = ANY(%s) AND has_table_privilege(c.oid, 'MAINTAIN') ORDER BY 1",
            [list(tables)],
        )
        allowed = [str(name) for (name,) in cursor.fetchall()]
        for name in allowed:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(name)}")
    return allowed


def _set(cursor: Any, values: tuple[str, str]) -> None:
    cursor.execute("SET LOCAL enable_nestloop = %s; SET LOCAL work_mem = %s", values)
