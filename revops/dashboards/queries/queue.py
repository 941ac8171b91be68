"""The queue of My day: at most 50 rows of each source by date, with what ranking and the row need, in one statement."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id
from revops.dashboards.rules import Item, Rank, group, rank

TABS: Final = {
    "all": ("todo", "alert", "handoff", "renewal", "qbr", "escalation"),
    "escalations": ("escalation",),
    "renewals": ("renewal",),
    "qbrs": ("qbr",),
    "tasks": ("todo", "alert", "handoff"),
}
GROUPS: Final = ("now", "today", "week")
SOURCE_LIMIT: Final = 50
WEEK: Final = timedelta(days=7)
QBR_AHEAD: Final = timedelta(days=14)

# Tasks, escalations without a task of their own, and reviews that come up without one. %(owner)s NULL = everybody.
_PICKED: Final = """
WITH picked AS (
  (SELECT 'task' AS source, t.id, t.account_id, t.kind, t.title, t.due_on, t.priority, t.subject_kind, t.subject_id,
          e.respond_by, e.tier, v.name AS rule_name, v.number AS rule_number, t.created_at
   FROM journeys_task t
   LEFT JOIN escalations_escalation e ON e.tenant_id = t.tenant_id AND t.subject_kind = 'escalation'
        AND e.id = t.subject_id AND e.state = 'open'
   LEFT JOIN core_processversion v ON v.tenant_id = t.tenant_id AND v.id = t.process_version_id
   WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.due_on <= %(until)s AND t.kind = ANY(%(kinds)s)
     AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {task_owner}
     AND (%(only)s = '' OR %(only)s = 'task' AND t.id = %(only_id)s)
   ORDER BY t.due_on, t.id LIMIT %(limit)s)
  UNION ALL
  (SELECT 'escalation', e.id, e.account_id, 'escalation', 'Reply to the escalation', %(today)s::date, 0, 'escalation',
          e.id, e.respond_by, e.tier, v.name, v.number, e.opened_at
   FROM escalations_escalation e
   LEFT JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.policy_version_id
   WHERE e.tenant_id = %(tenant)s AND e.state = 'open' AND 'escalation' = ANY(%(kinds)s) AND {escalation_owner}
     AND NOT EXISTS (SELECT FROM journeys_task t WHERE t.tenant_id = e.tenant_id AND t.subject_kind = 'escalation'
                     AND t.subject_id = e.id AND t.state = 'open')
     AND (%(only)s = '' OR %(only)s = 'escalation' AND e.id = %(only_id)s)
   ORDER BY e.opened_at, e.id LIMIT %(limit)s)
  UNION ALL
  (SELECT 'qbr', q.id, q.account_id, 'qbr', 'Prepare the business review', q.due_on, 0, 'qbr', q.id, NULL, NULL,
          v.name, v.number, q.created_at
   FROM qbr_qbr q
   LEFT JOIN core_processversion v ON v.tenant_id = q.tenant_id AND v.id = q.cadence_version_id
   WHERE q.tenant_id = %(tenant)s AND q.state IN ('draft', 'review') AND 'qbr' = ANY(%(kinds)s)
     AND q.due_on BETWEEN %(qbr_from)s AND %(qbr_until)s AND {qbr_owner}
     AND NOT EXISTS (SELECT FROM journeys_task t WHERE t.tenant_id = q.tenant_id AND t.subject_kind = 'qbr'
                     AND t.subject_id = q.id AND t.state = 'open')
     AND (%(only)s = '' OR %(only)s = 'qbr' AND q.id = %(only_id)s)
   ORDER BY q.due_on, q.id LIMIT %(limit)s)
)
"""
_ROWS: Final = """
SELECT p.*, a.name, a.segment, a.arr_minor, a.last_contact_on, s.band, s.score, s.coverage, s.score - h.score,
       r.due_on
FROM picked p
LEFT JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
LEFT JOIN health_score s ON s.tenant_id = %(tenant)s AND s.account_id = p.account_id
LEFT JOIN LATERAL (
  SELECT score FROM health_scorehistory h WHERE h.tenant_id = %(tenant)s AND h.account_id = p.account_id
    AND h.as_of <= s.as_of - 30 ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1) AS h ON true
LEFT JOIN LATERAL (
  SELECT r.due_on FROM renewals_renewal r
  WHERE r.tenant_id = %(tenant)s AND r.account_id = p.account_id AND r.state = 'open'
  ORDER BY r.due_on LIMIT 1) AS r ON true
"""
_OWNERS: Final = {
    "task_owner": "t.assignee_id = %(owner)s",
    "escalation_owner": "e.owner_id = %(owner)s",
    "qbr_owner": "q.owner_id = %(owner)s",
}


@dataclass(frozen=True)
class QueueRow:
    """A row of the queue with its rank. `source` and `id` name it; `subject_*` say where the work is done."""

    source: str
    id: int
    account_id: int | None
    kind: str
    title: str
    due_on: date
    priority: int
    subject_kind: str
    subject_id: int | None
    respond_by: datetime | None
    tier: int | None
    rule_name: str | None
    rule_number: int | None
    created_at: datetime
    account: str | None
    segment: str | None
    arr_minor: int | None
    last_contact_on: date | None
    band: str | None
    health: float | None
    coverage: float | None
    change: float | None
    renewal_on: date | None
    rank: Rank = field(default_factory=lambda: Rank(()))
    group: str = "week"

    @property
    def key(self) -> str:
        return f"{self.source}-{self.id}"


@dataclass(frozen=True)
class QueueCounts:
    """How many rows each tab has, exact to 10,000, and what was answered today."""

    tabs: dict[str, int]
    done_today: int
    snoozed: int


def queue(
    *,
    owner_id: int | None,
    tab: str,
    now: datetime,
    today: date,
    average_arr_minor: int,
    only: tuple[str, int] | None = None,
) -> list[QueueRow]:
    """The rows of a person (or of everybody) that need them within a week, the most urgent first. One query."""
    source, only_id = only or ("", 0)
    params = {
        "tenant": require_tenant_id(),
        "owner": owner_id,
        "kinds": list(TABS[tab]),
        "today": today,
        "until": today + WEEK,
        "qbr_from": today - timedelta(days=30),
        "qbr_until": today + QBR_AHEAD,
        "limit": SOURCE_LIMIT,
        "only": source,
        "only_id": only_id,
    }
    with connection.cursor() as cursor:
        cursor.execute((_PICKED + _ROWS).format(**_owned(owner_id)), params)
        rows = [_ranked(row, now, today, average_arr_minor) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: (GROUPS.index(row.group), -row.rank.score, row.due_on, row.key))


def _owned(owner_id: int | None) -> dict[str, str]:
    return _OWNERS if owner_id is not None else dict.fromkeys(_OWNERS, "true")


def _ranked(values: tuple[Any, ...], now: datetime, today: date, average: int) -> QueueRow:
    row = QueueRow(*values)
    item = Item(
        due_on=row.due_on,
        respond_by=row.respond_by,
        is_escalation=row.kind == "escalation",
        priority=row.priority,
        arr_minor=row.arr_minor,
        band=row.band or "",
        fall=-(row.change or 0.0),
        renewal_on=row.renewal_on,
    )
    ranked = rank(item, now=now, today=today, average_arr_minor=average)
    return replace(row, rank=ranked, group=group(item, now=now, today=today))


_COUNTS: Final = """
SELECT kind, count(*) FROM (
  SELECT kind FROM journeys_task t
  WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.due_on <= %(until)s
    AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {task_owner} LIMIT 10001) AS task
GROUP BY kind
UNION ALL
SELECT 'escalation', count(*) FROM (
  SELECT FROM escalations_escalation e WHERE e.tenant_id = %(tenant)s AND e.state = 'open' AND {escalation_owner}
    AND NOT EXISTS (SELECT FROM journeys_task t WHERE t.tenant_id = e.tenant_id AND t.subject_kind = 'escalation'
                    AND t.subject_id = e.id AND t.state = 'open') LIMIT 10001) AS escalation
UNION ALL
SELECT 'qbr', count(*) FROM (
  SELECT FROM qbr_qbr q WHERE q.tenant_id = %(tenant)s AND q.state IN ('draft', 'review')
    AND q.due_on BETWEEN %(qbr_from)s AND %(qbr_until)s AND {qbr_owner}
    AND NOT EXISTS (SELECT FROM journeys_task t WHERE t.tenant_id = q.tenant_id AND t.subject_kind = 'qbr'
                    AND t.subject_id = q.id AND t.state = 'open') LIMIT 10001) AS qbr
UNION ALL
SELECT '+snoozed', count(*) FROM (
  SELECT FROM journeys_task t WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.snoozed_until > %(today)s
    AND {task_owner} LIMIT 1000) AS snoozed
UNION ALL
SELECT '+done', count(*) FROM (
  SELECT FROM core_auditentry x WHERE x.tenant_id = %(tenant)s AND x.at >= %(midnight)s AND x.verb = 'finished task'
    AND x.actor_membership_id = %(membership)s LIMIT 1000) AS done
"""


def queue_counts(*, owner_id: int | None, membership_id: int, today: date, midnight: datetime) -> QueueCounts:
    """The counts of the tabs. One query, whatever the size of the book."""
    params = {
        "tenant": require_tenant_id(),
        "owner": owner_id,
        "membership": membership_id,
        "today": today,
        "until": today + WEEK,
        "qbr_from": today - timedelta(days=30),
        "qbr_until": today + QBR_AHEAD,
        "midnight": midnight,
    }
    counted: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(**_owned(owner_id)), params)
        for kind, number in cursor.fetchall():
            counted[kind] = counted.get(kind, 0) + number
    return QueueCounts(
        tabs={tab: sum(counted.get(kind, 0) for kind in kinds) for tab, kinds in TABS.items()},
        done_today=counted.get("+done", 0),
        snoozed=counted.get("+snoozed", 0),
    )
