"""The statements of the queue of My day. Each reads stretches of indexes, whatever the size of the workspace."""

from typing import Final

_COLUMNS: Final = """t.id, t.account_id, t.kind, t.title, t.due_on, t.priority, t.subject_kind, t.subject_id,
  t.process_version_id, t.created_at, t.snoozed_until, t.snooze_reason, t.awaits_reply_since"""

# One stretch of an index for each kind of work, and for each person: a kind with many late tasks cannot crowd out
# another. `{owner}`, `{awake}` and `{order}` are texts of this file.
_STRETCH: Final = f"""
    SELECT {_COLUMNS} FROM journeys_task t
    WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = wanted.kind AND {{awake}} AND {{owner}}
    ORDER BY {{order}} LIMIT %(limit)s"""  # noqa: S608 -- columns from the constant above
_AWAKE: Final = "t.due_on <= %(until)s AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s)"
_ASLEEP: Final = "t.snoozed_until > %(today)s"


# A hand-off that waits on a team, and that nobody in particular is to take over.
_TEAMS: Final = """t.assignee_id IS NULL AND EXISTS (
      SELECT FROM journeys_handoff AS hand WHERE hand.tenant_id = %(tenant)s AND hand.id = t.subject_id
        AND hand.state = 'waiting' AND hand.key = ANY(%(handoffs)s))"""


def picked(*, owners: bool, nobody: bool, asleep: bool, teams: bool = False) -> str:
    """The tasks that stand in the queue: everybody's, or those of `owners` and, with `nobody`, what nobody has.

    With `teams`, the hand-offs of some kinds that nobody has.
    """
    order = "t.snoozed_until, t.id" if asleep else "t.due_on, t.id"
    awake = _ASLEEP if asleep else _AWAKE
    if not owners:
        stretch = _STRETCH.format(owner="true", awake=awake, order=order)
        return f"WITH picked AS (SELECT t.* FROM unnest(%(kinds)s) AS wanted(kind) CROSS JOIN LATERAL ({stretch}) AS t)"  # noqa: S608 -- texts of this file
    mine = _STRETCH.format(owner="t.assignee_id = owner.id", awake=awake, order=order)
    inner = f"SELECT t.* FROM unnest(%(owners)s::bigint[]) AS owner(id) CROSS JOIN LATERAL ({mine}) AS t"  # noqa: S608 -- texts of this file
    if nobody:
        theirs = _STRETCH.format(owner="t.assignee_id IS NULL", awake=awake, order=order)
        inner = f"SELECT * FROM ({inner}) AS owned UNION ALL SELECT * FROM ({theirs}) AS nobodys"  # noqa: S608 -- texts of this file
    elif teams:
        theirs = _STRETCH.format(owner=f"wanted.kind = 'handoff' AND {_TEAMS}", awake=awake, order=order)
        inner = f"SELECT * FROM ({inner}) AS owned UNION ALL SELECT * FROM ({theirs}) AS waiting"  # noqa: S608 -- texts of this file
    return (
        "WITH picked AS (SELECT t.* FROM unnest(%(kinds)s) AS wanted(kind) CROSS JOIN LATERAL ("  # noqa: S608 -- texts of this file
        f"SELECT * FROM ({inner}) AS t ORDER BY {order} LIMIT %(limit)s) AS t)"
    )


ONE: Final = f"""
WITH picked AS (
  SELECT {_COLUMNS} FROM journeys_task t
  WHERE t.tenant_id = %(tenant)s AND t.id = %(task)s AND t.state = 'open' AND t.kind = ANY(%(kinds)s)
)
"""  # noqa: S608 -- columns from the constant above

# What ranking and a row need of the picked tasks.
ROWS: Final = """
SELECT p.id, p.account_id, p.kind, p.title, p.due_on, p.priority, p.subject_kind, p.subject_id,
       e.respond_by, e.tier, v.name, v.number, p.created_at,
       a.name, a.segment, a.arr_minor, a.last_contact_on, s.band, s.score, s.coverage, s.score - h.score,
       r.due_on, o.score, p.snoozed_until, p.snooze_reason, p.awaits_reply_since IS NOT NULL,
       hand.created_at, hand.due_at, step.position, step.steps, warned.why::json, v.kind, v.key
FROM picked p
LEFT JOIN escalations_escalation e ON p.subject_kind = 'escalation' AND e.tenant_id = %(tenant)s AND e.id = p.subject_id
     AND e.state = 'open'
LEFT JOIN journeys_handoff hand ON p.subject_kind = 'handoff' AND hand.tenant_id = %(tenant)s
     AND hand.id = p.subject_id AND hand.state = 'waiting'
LEFT JOIN health_alert warned ON p.subject_kind = 'alert' AND warned.tenant_id = %(tenant)s AND warned.id = p.subject_id
LEFT JOIN core_processversion v ON v.tenant_id = %(tenant)s AND v.id = p.process_version_id
LEFT JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
LEFT JOIN health_score s ON s.tenant_id = %(tenant)s AND s.account_id = p.account_id
LEFT JOIN health_override o ON o.tenant_id = %(tenant)s AND o.account_id = p.account_id AND o.cleared_at IS NULL
     AND o.from_day <= %(today)s AND o.until_day > %(today)s
LEFT JOIN LATERAL (
  SELECT score FROM health_scorehistory h WHERE h.tenant_id = %(tenant)s AND h.account_id = p.account_id
    AND h.as_of <= s.as_of - 30 ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1) AS h ON true
LEFT JOIN LATERAL (
  SELECT r.due_on FROM renewals_renewal r
  WHERE r.tenant_id = %(tenant)s AND r.account_id = p.account_id AND r.state = 'open'
  ORDER BY r.due_on LIMIT 1) AS r ON true
LEFT JOIN LATERAL (
  SELECT mine.position + 1 AS position,
         (SELECT count(*) FROM journeys_runstep every
          WHERE every.tenant_id = %(tenant)s AND every.run_id = mine.run_id) AS steps
  FROM journeys_runstep mine
  WHERE p.kind = 'play' AND mine.tenant_id = %(tenant)s AND mine.task_id = p.id LIMIT 1) AS step ON true
"""

# Several alerts of one account are one row, so they count once.
COUNTS: Final = """
SELECT wanted.kind, task.number FROM unnest(%(kinds)s) AS wanted(kind) CROSS JOIN LATERAL (
  SELECT count(*) AS number FROM (
    SELECT FROM journeys_task t
    WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = wanted.kind AND t.due_on <= %(until)s
      AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {owner} LIMIT 10001) AS t) AS task
WHERE wanted.kind <> 'alert'
UNION ALL
SELECT 'alert', count(DISTINCT coalesce(account_id, -id)) FROM (
  SELECT t.id, t.account_id FROM journeys_task t
  WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = 'alert' AND t.due_on <= %(until)s
    AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {owner} LIMIT 10001) AS alerts
UNION ALL
SELECT '+snoozed', count(*) FROM (
  SELECT FROM journeys_task t WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = ANY(%(kinds)s)
    AND t.snoozed_until > %(today)s AND {owner} LIMIT 1000) AS snoozed
UNION ALL
SELECT '+done', GREATEST(COALESCE(sum(done.number), 0), 0) FROM (
  SELECT CASE x.verb WHEN 'finished tasks' THEN (x.after->>'tasks')::bigint
                     WHEN 'took back: finished tasks' THEN -(x.after->>'tasks')::bigint ELSE 1 END AS number
  FROM core_auditentry x WHERE x.tenant_id = %(tenant)s AND x.at >= %(midnight)s
    AND x.verb IN ('finished task', 'finished tasks', 'took back: finished tasks', 'finished step', 'accepted hand-off')
    AND x.actor_membership_id = %(membership)s LIMIT 1000) AS done
"""
TEAMS_COUNT: Final = f"""
UNION ALL
SELECT '+team', count(*) FROM (
  SELECT FROM journeys_task t
  WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = 'handoff' AND t.due_on <= %(until)s
    AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {_TEAMS} LIMIT 10001) AS waiting
"""  # noqa: S608 -- texts of this file
