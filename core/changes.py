"""Which accounts have changed, for upper apps that the lower ones may not import.

A change is a row per consumer, written in the transaction of the cause. The consumer deletes what it has seen in the
transaction of its answer. (A watermark over a serial number would miss rows of a transaction that commits late.)
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from core import registry
from core.jobs import enqueue_on_commit
from core.tenancy import require_tenant_id


def mark_changed(account_ids: Iterable[int]) -> None:
    """Tells every consumer that these accounts are to be looked at again. One statement; repeats do no harm."""
    ids = sorted(set(account_ids))
    if ids:
        _mark("SELECT unnest(%s::bigint[])", [ids])


def mark_changed_where(sql: str, params: list[Any]) -> None:
    """As `mark_changed`, for the accounts that a statement selects (one bigint column), without fetching them."""
    _mark(sql, params)


def _mark(source: str, params: list[Any]) -> None:
    tenant_id = require_tenant_id()
    for consumer in registry.consumers():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_change (tenant_id, consumer, account_id) "  # noqa: S608 -- statements of our own
                f"SELECT %s, %s, source.id FROM ({source}) AS source(id)",
                [tenant_id, consumer.name, *params],
            )
        enqueue_on_commit(consumer.task, tenant_id=tenant_id)


def take_changes(consumer: str, *, limit: int) -> list[int]:
    """Deletes up to `limit` waiting rows and returns their account ids, each once.

    Runs in the caller's transaction: a rollback puts the rows back. Two consumers at once never take the same row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH waiting AS (SELECT tenant_id, id FROM core_change WHERE tenant_id = %s AND consumer = %s "
            "ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) "
            "DELETE FROM core_change AS change USING waiting "
            "WHERE change.tenant_id = waiting.tenant_id AND change.id = waiting.id RETURNING change.account_id",
            [require_tenant_id(), consumer, limit],
        )
        return sorted({row[0] for row in cursor.fetchall()})


def changes_waiting(consumer: str) -> bool:
    """Whether anything waits for the consumer, for the sweeper that rings again after a lost bell."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM core_change WHERE tenant_id = %s AND consumer = %s)",
            [require_tenant_id(), consumer],
        )
        return bool(cursor.fetchone()[0])
