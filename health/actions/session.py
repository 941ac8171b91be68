"""What a transaction that writes scores asks of Postgres first."""

from django.db import connection

LOCK = 4_710_001  # any number that no other advisory lock of the product has


def lock_scores(tenant_id: int) -> None:
    """Scores of one workspace are written by one transaction at a time, so that the roll-up adds up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, tenant_id % 2**31])


def plan_for(*, everybody: bool) -> None:
    """For this transaction only: no compilation of short statements, and room to group everybody in memory."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        if everybody:
            cursor.execute("SET LOCAL work_mem = '128MB'")
