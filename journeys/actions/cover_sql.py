"""Statements by which work changes hands: each moves what it should in one go and keeps an audit row for each."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection

from core.actors import Actor
from core.tenancy import require_tenant_id


@dataclass(frozen=True)
class Move:
    """An UPDATE that returns id, label, old_id and new_id of what changed hands, and the field that it set."""

    subject: str
    field: str
    update: str


_AUDITED: Final = """
WITH moved AS ({update})
INSERT INTO core_auditentry (tenant_id, at, actor_label, actor_membership_id, verb, subject_type, subject_id,
                             subject_label, before, after, reason)
SELECT %(tenant)s, %(now)s, %(actor)s, %(membership)s, %(verb)s, '{subject}', moved.id, left(moved.label, 200),
       jsonb_build_object('{field}', moved.old_id), jsonb_build_object('{field}', moved.new_id), %(reason)s
FROM moved
"""
COVER_TASKS: Final = Move(
    "journeys.task",
    "assignee_id",
    """
  UPDATE journeys_task t SET assignee_id = %(to)s, covered_for_id = COALESCE(t.covered_for_id, %(person)s)
  WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.assignee_id = %(person)s AND t.due_on < %(until)s
    AND (t.due_on >= %(from)s OR %(from)s <= %(today)s)
  RETURNING t.id, t.title AS label, %(person)s::bigint AS old_id, t.assignee_id AS new_id
""",
)
RETURN_TASKS: Final = Move(
    "journeys.task",
    "assignee_id",
    """
  UPDATE journeys_task t SET assignee_id = %(person)s, covered_for_id = NULL
  FROM journeys_task old
  WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.covered_for_id = %(person)s
    AND old.tenant_id = t.tenant_id AND old.id = t.id
  RETURNING t.id, t.title AS label, old.assignee_id AS old_id, t.assignee_id AS new_id
""",
)
COVER_HANDOFFS: Final = Move(
    "journeys.handoff",
    "to_person_id",
    """
  UPDATE journeys_handoff h SET to_person_id = %(to)s
  WHERE h.tenant_id = %(tenant)s AND h.state = 'waiting' AND h.to_person_id = %(person)s
    AND (h.due_at AT TIME ZONE %(zone)s)::date < %(until)s
    AND ((h.due_at AT TIME ZONE %(zone)s)::date >= %(from)s OR %(from)s <= %(today)s)
  RETURNING h.id, h.name AS label, %(person)s::bigint AS old_id, h.to_person_id AS new_id
""",
)
# What was moved when the absence began is in the audit; the latest move of a waiting hand-off says whose it was.
RETURN_HANDOFFS: Final = Move(
    "journeys.handoff",
    "to_person_id",
    """
  UPDATE journeys_handoff h SET to_person_id = %(person)s
  FROM (SELECT DISTINCT ON (e.subject_id) e.subject_id, (e.before->>'to_person_id')::bigint AS old_id,
               (e.after->>'to_person_id')::bigint AS new_id
        FROM core_auditentry e
        WHERE e.tenant_id = %(tenant)s AND e.subject_type = 'journeys.handoff' AND e.verb = 'covered'
          AND e.at >= %(since)s
        ORDER BY e.subject_id, e.at DESC, e.id DESC) AS last
  WHERE h.tenant_id = %(tenant)s AND h.id = last.subject_id AND h.state = 'waiting'
    AND last.old_id = %(person)s AND h.to_person_id = last.new_id
  RETURNING h.id, h.name AS label, last.new_id AS old_id, h.to_person_id AS new_id
""",
)
# Open steps of plays stand with whoever has their task.
FOLLOW_STEPS: Final = """
UPDATE journeys_runstep s SET assignee_id = t.assignee_id
FROM journeys_task t
WHERE s.tenant_id = %(tenant)s AND t.tenant_id = %(tenant)s AND t.id = s.task_id AND s.state = 'open'
  AND t.state = 'open' AND s.assignee_id IS DISTINCT FROM t.assignee_id
  AND (t.covered_for_id = %(person)s OR t.assignee_id = %(person)s OR s.assignee_id = %(person)s)
"""
# Who gets a piece of work: the account's owner where that is somebody else who is there, or who gets the rest.
_TAKER: Final = """
  LEFT JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = {account}
  LEFT JOIN accounts_person taker ON taker.tenant_id = %(tenant)s AND taker.id = a.owner_id AND taker.is_active
    AND taker.id <> %(person)s
"""
_TASKS: Final = f"""
  FROM journeys_task w {_TAKER.format(account="w.account_id")}
  WHERE w.tenant_id = %(tenant)s AND w.state = 'open'
    AND (w.assignee_id = %(person)s OR w.covered_for_id = %(person)s)
"""
_DEALS: Final = f"""
  FROM journeys_opportunity w
  JOIN journeys_pipelinestage s ON s.tenant_id = %(tenant)s AND s.id = w.stage_id AND s.kind = 'open'
  {_TAKER.format(account="w.account_id")}
  WHERE w.tenant_id = %(tenant)s AND w.owner_id = %(person)s
"""
_HANDOFFS: Final = f"""
  FROM journeys_handoff w {_TAKER.format(account="w.account_id")}
  WHERE w.tenant_id = %(tenant)s AND w.state = 'waiting' AND w.to_person_id = %(person)s
"""
_PLAYS: Final = f"""
  FROM journeys_playbookrun w {_TAKER.format(account="w.account_id")}
  WHERE w.tenant_id = %(tenant)s AND w.state = 'running' AND w.owner_id = %(person)s
"""
_STEPS: Final = f"""
  FROM journeys_runstep w
  JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.id = w.run_id AND r.state = 'running'
  {_TAKER.format(account="r.account_id")}
  WHERE w.tenant_id = %(tenant)s AND w.state IN ('ahead', 'open') AND w.assignee_id = %(person)s
"""
_NEW: Final = "SELECT w.id, COALESCE(taker.id, %(rest)s) AS person_id"
HAND_OVER_TASKS: Final = Move(
    "journeys.task",
    "assignee_id",
    f"""
  UPDATE journeys_task t SET assignee_id = new.person_id, covered_for_id = NULL
  FROM ({_NEW} {_TASKS}) AS new
  WHERE t.tenant_id = %(tenant)s AND t.id = new.id
  RETURNING t.id, t.title AS label, %(person)s::bigint AS old_id, t.assignee_id AS new_id
""",  # noqa: S608 -- texts of this file
)
HAND_OVER_DEALS: Final = Move(
    "journeys.opportunity",
    "owner_id",
    f"""
  UPDATE journeys_opportunity o SET owner_id = new.person_id, edition = o.edition + 1
  FROM ({_NEW} {_DEALS}) AS new
  WHERE o.tenant_id = %(tenant)s AND o.id = new.id
  RETURNING o.id, o.name AS label, %(person)s::bigint AS old_id, o.owner_id AS new_id
""",  # noqa: S608 -- texts of this file
)
HAND_OVER_HANDOFFS: Final = Move(
    "journeys.handoff",
    "to_person_id",
    f"""
  UPDATE journeys_handoff h SET to_person_id = new.person_id
  FROM ({_NEW} {_HANDOFFS}) AS new
  WHERE h.tenant_id = %(tenant)s AND h.id = new.id
  RETURNING h.id, h.name AS label, %(person)s::bigint AS old_id, h.to_person_id AS new_id
""",  # noqa: S608 -- texts of this file
)
HAND_OVER_PLAYS: Final = Move(
    "journeys.playbookrun",
    "owner_id",
    f"""
  UPDATE journeys_playbookrun p SET owner_id = new.person_id
  FROM ({_NEW} {_PLAYS}) AS new
  WHERE p.tenant_id = %(tenant)s AND p.id = new.id
  RETURNING p.id, p.playbook AS label, %(person)s::bigint AS old_id, p.owner_id AS new_id
""",  # noqa: S608 -- texts of this file
)
HAND_OVER_STEPS: Final = f"""
UPDATE journeys_runstep step SET assignee_id = new.person_id
FROM ({_NEW} {_STEPS}) AS new
WHERE step.tenant_id = %(tenant)s AND step.id = new.id
"""  # noqa: S608 -- texts of this file
# What the accounts of the plan do not say: work without an account, or of one whose owner is not there.
_REST: Final = f"""
SELECT (SELECT count(*) {_TASKS} AND taker.id IS NULL), (SELECT count(*) {_DEALS} AND taker.id IS NULL),
       (SELECT count(*) {_HANDOFFS} AND taker.id IS NULL), (SELECT count(*) {_PLAYS} AND taker.id IS NULL),
       (SELECT count(*) {_STEPS} AND taker.id IS NULL),
       (SELECT count(*) FROM journeys_absence WHERE tenant_id = %(tenant)s AND deputy_id = %(person)s
          AND ended_at IS NULL)
"""  # noqa: S608 -- texts of this file
REST_WORDS: Final = ("open task", "open deal", "waiting hand-off", "running play", "step", "absence to cover")
# Accounts that went to somebody else since the plan was made are no part of it any more.
DROP_STALE_LINES: Final = """
DELETE FROM journeys_handoverline l USING accounts_account a
WHERE l.tenant_id = %(tenant)s AND l.handover_id = %(handover)s AND a.tenant_id = %(tenant)s AND a.id = l.account_id
  AND a.owner_id IS DISTINCT FROM %(person)s
"""
# A deputy who leaves stands in for nobody any more; the successor of the book does, unless the account is theirs.
DROP_DEPUTY: Final = """
UPDATE accounts_account SET deputy_id = NULL WHERE tenant_id = %(tenant)s AND deputy_id = %(person)s
"""


def move(what: Move, *, actor: Actor, now: datetime, verb: str, reason: str, **params: Any) -> int:
    """Runs the statement with an audit row for each piece; returns how many changed hands."""
    said = {"now": now, "actor": actor.label, "membership": actor.membership_id, "verb": verb, "reason": reason}
    return execute(_AUDITED.format(update=what.update, subject=what.subject, field=what.field), **said, **params)


def rest_of(person_id: int) -> dict[str, int]:
    """Work of the person that no owner of an account can take, by what it is. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_REST, {"tenant": require_tenant_id(), "person": person_id})
        counts = cursor.fetchone()
    return {word: count for word, count in zip(REST_WORDS, counts, strict=True) if count}


def execute(statement: str, **params: Any) -> int:
    """Runs one statement in the workspace; returns the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": require_tenant_id(), **params})
        return int(cursor.rowcount)


def window(*, person_id: int, to_id: int, from_on: date, until_on: date, today: date) -> dict[str, Any]:
    """The parameters of the statements that cover an absence."""
    return {"person": person_id, "to": to_id, "from": from_on, "until": until_on, "today": today}
