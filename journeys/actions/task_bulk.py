"""What can be done with many tasks in one act: done, put off, given away; and all of it taken back.

Each act is one statement. What a task was before stands in the audit row, whose number is the token of the undo.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from accounts.queries.people import active_person
from core import audit
from core.actors import Actor
from core.models import AuditEntry
from core.tenancy import require_tenant_id
from journeys.actions.plays.steps import follow_tasks, hold_plays_of
from journeys.rules.snoozing import check_snooze

MOST: Final = 10_000
SUBJECT: Final = "journeys.task"
_WORDS: Final = {"finish": "finished tasks", "snooze": "snoozed tasks", "assign": "gave tasks away"}


class TooMany(ValueError):
    """More tasks than one act may touch."""


class NothingToUndo(ValueError):
    """No act of this person has this token."""


@dataclass(frozen=True)
class Bulk:
    """How many tasks the act changed, how many it passed over, and the token that takes it back (None: nothing)."""

    done: int
    passed_over: int
    token: int | None


# A hand-off is answered on its own page, never ticked off: the other team waits for the answer.
_TARGETS: Final = """
WITH target AS MATERIALIZED (
  SELECT id, state, closed_at, closed_by, snoozed_until, snooze_reason, assignee_id, awaits_reply_since, covered_for_id
  FROM journeys_task
  WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s) AND state = 'open' {only}
  ORDER BY id FOR UPDATE),
changed AS (
  UPDATE journeys_task AS task SET {set} FROM target
  WHERE task.tenant_id = %(tenant)s AND task.id = target.id RETURNING task.id)
SELECT target.id, target.snoozed_until, target.snooze_reason, target.assignee_id, target.awaits_reply_since,
       target.covered_for_id
FROM target JOIN changed ON changed.id = target.id ORDER BY target.id
"""
_RESTORE: Final = """
UPDATE journeys_task AS task
SET state = 'open', closed_at = NULL, closed_by = '', snoozed_until = before.snoozed_until,
    snooze_reason = before.snooze_reason, assignee_id = before.assignee_id,
    awaits_reply_since = before.awaits_reply_since, covered_for_id = before.covered_for_id
FROM jsonb_to_recordset(%(before)s::jsonb)
  AS before(id bigint, snoozed_until date, snooze_reason text, assignee_id bigint, awaits_reply_since timestamptz,
            covered_for_id bigint)
WHERE task.tenant_id = %(tenant)s AND task.id = before.id AND {still}
RETURNING task.id
"""
# Only what still stands as the act left it goes back: somebody may have worked on since.
_STILL: Final = {
    "finish": "task.state = 'done' AND task.closed_at = %(at)s",
    "snooze": "task.state = 'open' AND task.snoozed_until = (%(after)s::jsonb ->> 'until')::date",
    "assign": "task.state = 'open' AND task.assignee_id IS NOT DISTINCT FROM (%(after)s::jsonb ->> 'assignee')::bigint",
}


@transaction.atomic
def finish_many(*, task_ids: Collection[int], actor: Actor, today: date, now: datetime) -> Bulk:
    """The open ones are done. Hand-offs are passed over. Steps of plays follow their tasks."""
    bulk, ids = _change(
        "finish",
        task_ids,
        "state = 'done', closed_at = %(now)s, closed_by = %(by)s",
        {"now": now, "by": actor.label},
        {},
        actor=actor,
        now=now,
        only="AND subject_kind <> 'handoff'",
    )
    follow_tasks(task_ids=ids, actor=actor, today=today, now=now)
    return bulk


@transaction.atomic
def snooze_many(
    *, task_ids: Collection[int], until: date, reason: str, actor: Actor, today: date, now: datetime
) -> Bulk:
    """Hides the open ones until a day. Raises `SnoozeRefused`; the due dates stay."""
    check_snooze(until=until, today=today, reason=reason)
    why = reason.strip()[:200]
    set_sql = "snoozed_until = %(until)s, snooze_reason = %(reason)s, awaits_reply_since = NULL"
    after = {"until": until.isoformat()}
    bulk, _ = _change(
        "snooze", task_ids, set_sql, {"until": until, "reason": why}, after, actor=actor, now=now, reason=why
    )
    return bulk


@transaction.atomic
def assign_many(
    *,
    task_ids: Collection[int],
    assignee_id: int | None,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
) -> Bulk:
    """Gives the open ones to somebody, or to nobody.

    Raises `Person.DoesNotExist` for a stranger, and `HasLeft`.

    Whoever stood in for somebody does so no longer: what was given away on purpose stays there.
    """
    if assignee_id is not None:
        active_person(assignee_id)
    bulk, ids = _change(
        "assign",
        task_ids,
        "assignee_id = %(assignee)s, covered_for_id = NULL",
        {"assignee": assignee_id},
        {"assignee": assignee_id},
        actor=actor,
        now=now,
        reason=reason.strip(),
        only="AND (assignee_id IS DISTINCT FROM %(assignee)s OR covered_for_id IS NOT NULL)",
    )
    follow_tasks(task_ids=ids, actor=actor, today=today, now=now)
    return bulk


@transaction.atomic
def undo_many(*, token: int, actor: Actor, today: date, now: datetime) -> int:
    """Takes back what the same person did; returns how many tasks are as before. Taken back twice is once.

    Raises `NothingToUndo`. What was worked on since stays as it is.
    """
    entry = AuditEntry.objects.filter(pk=token, subject_type=SUBJECT, verb__in=_WORDS.values()).first()
    if entry is None or (entry.actor_membership_id, entry.actor_label) != (actor.membership_id, actor.label):
        raise NothingToUndo("There is nothing of yours to take back here.")
    act = next(key for key, verb in _WORDS.items() if verb == entry.verb)
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "before": _json(entry.before["tasks"]),
        "after": _json(entry.after),
        "at": entry.at,
    }
    hold_plays_of([one["id"] for one in entry.before["tasks"]])
    with connection.cursor() as cursor:
        cursor.execute(_RESTORE.format(still=_STILL[act]), params)
        ids = [row[0] for row in cursor.fetchall()]
    if ids:
        audit.record(
            actor=actor, at=now, verb=f"took back: {entry.verb}", subject_type=SUBJECT,
            after={"tasks": len(ids), "act": token},
        )  # fmt: skip
        follow_tasks(task_ids=ids, actor=actor, today=today, now=now)
    return len(ids)


def _change(
    act: str,
    task_ids: Collection[int],
    set_sql: str,
    params: dict[str, Any],
    after: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    only: str = "",
) -> tuple[Bulk, list[int]]:
    ids = sorted(set(task_ids))
    if len(ids) > MOST:
        raise TooMany(f"At most {MOST:,} tasks at once.")
    hold_plays_of(ids)
    with connection.cursor() as cursor:
        cursor.execute(_TARGETS.format(set=set_sql, only=only), {"tenant": require_tenant_id(), "ids": ids, **params})
        before = [
            {"id": row[0], "snoozed_until": row[1].isoformat() if row[1] else None, "snooze_reason": row[2],
             "assignee_id": row[3], "awaits_reply_since": row[4].isoformat() if row[4] else None,
             "covered_for_id": row[5]}
            for row in cursor.fetchall()
        ]  # fmt: skip
    if not before:
        return Bulk(0, len(ids), None), []
    entry = audit.record(
        actor=actor, at=now, verb=_WORDS[act], subject_type=SUBJECT, before={"tasks": before},
        after={**after, "tasks": len(before)}, reason=reason,
    )  # fmt: skip
    return Bulk(len(before), len(ids) - len(before), entry.pk), [row["id"] for row in before]


def _json(value: Any) -> str:
    return json.dumps(value)
