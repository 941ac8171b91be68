"""Help for the planner where a statement works on a chunk of plays."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def by_index() -> Iterator[None]:
    """Statements inside look rows up by their keys.

    While the tables of plays are new the planner has no figures about them, takes them for empty and reads them
    whole for every row of a chunk. To be used inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_seqscan')")
        before = cursor.fetchone()
        cursor.execute("SET LOCAL enable_seqscan = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = %s", before)
