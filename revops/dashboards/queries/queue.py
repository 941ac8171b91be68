"""The queue of My day: the first tasks of every kind by date, with what ranking and a row need, in one statement."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from core.permissions import Permission, may
from core.tenancy import require_tenant_id
from revops.dashboards.rules import Item, Rank, group, rank

TABS: Final = {
    "all": ("escalation", "renewal", "qbr", "handoff", "alert", "todo"),
    "escalations": ("escalation",),
    "renewals": ("renewal",),
    "qbrs": ("qbr",),
    "tasks": ("todo", "alert", "handoff"),
}
# Work whose page answers only to this permission is no row of those who lack it.
_NEEDS: Final = {
    "escalation": Permission.VIEW_ESCALATIONS,
    "renewal": Permission.VIEW_RENEWALS,
    "qbr": Permission.VIEW_QBRS,
}
GROUPS: Final = ("now", "today", "week")
KIND_LIMIT: Final = 50
ALL_LIMIT: Final = 25
WEEK: Final = timedelta(days=7)

# One stretch of an index for each kind of work: a kind with many late tasks cannot crowd out another.
_PICKED: Final = """
WITH picked AS (
  SELECT t.* FROM unnest(%(kinds)s) AS wanted(kind) CROSS JOIN LATERAL (
    SELECT t.id, t.account_id, t.kind, t.title, t.due_on, t.priority, t.subject_kind, t.subject_id,
           t.process_version_id, t.created_at
    FROM journeys_task t
    WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = wanted.kind AND t.due_on <= %(until)s
      AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {owner}
    ORDER BY t.due_on, t.id LIMIT %(limit)s) AS t
)
"""
_ONE: Final = """
WITH picked AS (
  SELECT t.id, t.account_id, t.kind, t.title, t.due_on, t.priority, t.subject_kind, t.subject_id,
         t.process_version_id, t.created_at
  FROM journeys_task t WHERE t.tenant_id = %(tenant)s AND t.id = %(task)s AND t.state = 'open'
    AND t.kind = ANY(%(kinds)s)
)
"""
_ROWS: Final = """
SELECT p.id, p.account_id, p.kind, p.title, p.due_on, p.priority, p.subject_kind, p.subject_id,
       e.respond_by, e.tier, v.name, v.number, p.created_at,
       a.name, a.segment, a.arr_minor, a.last_contact_on, s.band, s.score, s.coverage, s.score - h.score,
       r.due_on, o.score
FROM picked p
LEFT JOIN escalations_escalation e ON p.subject_kind = 'escalation' AND e.tenant_id = %(tenant)s AND e.id = p.subject_id
     AND e.state = 'open'
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
"""
_MINE: Final = "t.assignee_id = %(owner)s"


@dataclass(frozen=True)
class QueueRow:
    """A task of the queue with its rank. `subject_*` say where the work is done."""

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
    override: float | None
    rank: Rank = field(default_factory=lambda: Rank(()))
    group: str = "week"

    @property
    def key(self) -> str:
        return f"task-{self.id}"


@dataclass(frozen=True)
class QueueCounts:
    """How many rows each tab has, exact to 10,000, and what was answered today."""

    tabs: dict[str, int]
    done_today: int
    snoozed: int


def kinds_for(role: str) -> tuple[str, ...]:
    """The kinds of work that a role can open."""
    return tuple(kind for kind in TABS["all"] if kind not in _NEEDS or may(role, _NEEDS[kind]))


def queue(
    *, owner_id: int | None, role: str, tab: str, now: datetime, today: date, average_arr_minor: int
) -> list[QueueRow]:
    """The tasks of a person (or of everybody) due within a week, the most urgent first. One query, bounded work.

    Only kinds that the reader's role can open.
    """
    kinds = [kind for kind in kinds_for(role) if kind in TABS[tab]]
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "owner": owner_id,
        "kinds": kinds,
        "today": today,
        "until": today + WEEK,
        "limit": ALL_LIMIT if len(kinds) > 1 else KIND_LIMIT,
    }
    sql = (_PICKED + _ROWS).format(owner=_MINE if owner_id is not None else "true")
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = [_ranked(row, now, today, average_arr_minor) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: (GROUPS.index(row.group), -row.rank.score, row.due_on, row.id))


def queue_row(*, task_id: int, role: str, now: datetime, today: date, average_arr_minor: int) -> QueueRow | None:
    """One open task as a row, or None: closed, not of this workspace, or of a kind that the role cannot open."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "task": task_id,
        "kinds": list(kinds_for(role)),
        "today": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ONE + _ROWS, params)
        found = cursor.fetchone()
    return _ranked(found, now, today, average_arr_minor) if found else None


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
SELECT wanted.kind, task.number FROM unnest(%(kinds)s) AS wanted(kind) CROSS JOIN LATERAL (
  SELECT count(*) AS number FROM (
    SELECT FROM journeys_task t
    WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = wanted.kind AND t.due_on <= %(until)s
      AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(today)s) AND {owner} LIMIT 10001) AS t) AS task
UNION ALL
SELECT '+snoozed', count(*) FROM (
  SELECT FROM journeys_task t WHERE t.tenant_id = %(tenant)s AND t.state = 'open' AND t.kind = ANY(%(kinds)s)
    AND t.snoozed_until > %(today)s AND {owner} LIMIT 1000) AS snoozed
UNION ALL
SELECT '+done', count(*) FROM (
  SELECT FROM core_auditentry x WHERE x.tenant_id = %(tenant)s AND x.at >= %(midnight)s AND x.verb = 'finished task'
    AND x.actor_membership_id = %(membership)s LIMIT 1000) AS done
"""


def queue_counts(
    *, owner_id: int | None, role: str, membership_id: int, today: date, midnight: datetime
) -> QueueCounts:
    """The counts of the tabs, exact to 10,000 of each kind, from the index alone. One query."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "owner": owner_id,
        "kinds": list(kinds_for(role)),
        "membership": membership_id,
        "today": today,
        "until": today + WEEK,
        "midnight": midnight,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(owner=_MINE if owner_id is not None else "true"), params)
        counted = dict(cursor.fetchall())
    return QueueCounts(
        tabs={tab: sum(counted.get(kind, 0) for kind in kinds) for tab, kinds in TABS.items()},
        done_today=counted.get("+done", 0),
        snoozed=counted.get("+snoozed", 0),
    )
