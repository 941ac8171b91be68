"""Statements over many tasks, for the sweeps of the apps above.

Each takes a SELECT that the caller wrote (its own SQL, with parameters; never text that a person typed) and runs one
statement. Each is idempotent: run again over the same state it writes nothing and returns 0.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.tenancy import require_tenant_id
from journeys.choices import TaskState

COLUMNS: Final = (
    "account_id",
    "kind",
    "title",
    "detail",
    "due_on",
    "priority",
    "assignee_id",
    "process_version_id",
    "origin_key",
    "subject_kind",
    "subject_id",
)

_INSERT: Final = f"""
INSERT INTO journeys_task (tenant_id, state, created_at, snooze_reason, closed_by, {", ".join(COLUMNS)})
SELECT %s, 'open', %s, '', '', {", ".join(f"source.{column}" for column in COLUMNS)}
FROM ({{select}}) AS source
ON CONFLICT (tenant_id, origin_key) WHERE NOT (origin_key = '') DO NOTHING
"""  # noqa: S608 -- column names from the constant above

_MOVE: Final = """
UPDATE journeys_task AS task
SET due_on = source.due_on, snoozed_until = NULL, snooze_reason = '', awaits_reply_since = NULL
FROM ({select}) AS source
WHERE task.tenant_id = %s AND task.origin_key = source.origin_key AND task.origin_key <> ''
  AND task.state = 'open' AND task.due_on <> source.due_on
"""

_CLOSE: Final = """
UPDATE journeys_task AS task SET state = %s, closed_at = %s, closed_by = %s
FROM ({select}) AS source(id)
WHERE task.tenant_id = %s AND task.id = source.id AND task.state = 'open'
"""

_ASSIGN: Final = """
UPDATE journeys_task AS task SET assignee_id = source.assignee_id, covered_for_id = NULL
FROM ({select}) AS source
WHERE task.tenant_id = %s AND task.id = source.id AND task.state = 'open'
  AND (task.assignee_id IS DISTINCT FROM source.assignee_id OR task.covered_for_id IS NOT NULL)
"""


# Heard of: they were spoken or written to or met, or they opened a ticket. A note of ours is no sign of them.
_WAKE: Final = """
UPDATE journeys_task AS task SET snoozed_until = NULL, snooze_reason = '', awaits_reply_since = NULL
WHERE task.tenant_id = %(tenant)s AND task.awaits_reply_since IS NOT NULL AND task.state = 'open' AND (
  EXISTS (SELECT FROM accounts_activity AS act
          WHERE act.tenant_id = %(tenant)s AND act.account_id = task.account_id
            AND act.occurred_at > task.awaits_reply_since AND act.kind <> 'note')
  OR EXISTS (SELECT FROM accounts_ticket AS ticket
             WHERE ticket.tenant_id = %(tenant)s AND ticket.account_id = task.account_id
               AND ticket.opened_at > task.awaits_reply_since))
RETURNING task.id
"""


def _run(sql: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def _note(verb: str, count: int, *, actor: Actor, now: datetime, reason: str) -> int:
    if count:
        audit.record(
            actor=actor, at=now, verb=verb, subject_type="journeys.task", after={"tasks": count}, reason=reason
        )
    return count


@transaction.atomic
def insert_tasks(*, select: str, params: Sequence[Any], actor: Actor, now: datetime, reason: str = "") -> int:
    """Inserts open tasks from a SELECT that yields the columns of `COLUMNS` by name (any order, all of them).

    `origin_key` must not be empty: it is what makes a second run insert nothing. `title` is at most 200 characters.
    Returns the number of tasks that are new. One audit row tells how many and why.
    """
    count = _run(_INSERT.format(select=select), [require_tenant_id(), now, *params])
    return _note("created tasks", count, actor=actor, now=now, reason=reason)


@transaction.atomic
def move_tasks(*, select: str, params: Sequence[Any], actor: Actor, now: datetime, reason: str = "") -> int:
    """Gives open tasks a new due date. The SELECT yields `origin_key` and `due_on`; closed tasks stay as they were.

    A snoozed one whose date changes is back in the queue: what it was put off for no longer holds.

    Returns the number of tasks whose date changed.
    """
    count = _run(_MOVE.format(select=select), [*params, require_tenant_id()])
    return _note("moved tasks", count, actor=actor, now=now, reason=reason)


@transaction.atomic
def close_tasks(
    *,
    select: str,
    params: Sequence[Any],
    actor: Actor,
    now: datetime,
    reason: str = "",
    state: TaskState = TaskState.OBSOLETE,
) -> int:
    """Closes the open ones of the tasks whose ids the SELECT yields (one column). Returns the number closed."""
    count = _run(_CLOSE.format(select=select), [state.value, now, actor.label, *params, require_tenant_id()])
    return _note("closed tasks", count, actor=actor, now=now, reason=reason)


@transaction.atomic
def assign_tasks(*, select: str, params: Sequence[Any], actor: Actor, now: datetime, reason: str = "") -> int:
    """Gives open tasks to somebody else. The SELECT yields `id` and `assignee_id`. Returns the number given away.

    Whoever stood in for somebody does so no longer: the end of the absence does not take them back.
    """
    count = _run(_ASSIGN.format(select=select), [*params, require_tenant_id()])
    return _note("assigned tasks", count, actor=actor, now=now, reason=reason)


@transaction.atomic
def wake_answered(*, actor: Actor, now: datetime) -> int:
    """Brings tasks back whose customers were heard of since they were put off. Returns the number brought back."""
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, {"tenant": require_tenant_id()})
        return _note("woke tasks", len(cursor.fetchall()), actor=actor, now=now, reason="The customer was heard of.")
