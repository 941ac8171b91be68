"""The queue of My day: the first tasks of every kind by date, with what ranking and a row need, in one statement."""

from collections import Counter
from collections.abc import Collection
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from accounts.queries.planning import joins_as_written
from core.permissions import Permission, may
from core.tenancy import require_tenant_id
from journeys.models import Task
from revops.dashboards.queries import queue_sql
from revops.dashboards.rules import Item, Rank, group, rank

KINDS: Final = ("escalation", "renewal", "qbr", "handoff", "alert", "play", "todo")
TABS: Final = {
    "all": KINDS,
    "escalations": ("escalation",),
    "renewals": ("renewal",),
    "qbrs": ("qbr",),
    "handoffs": ("handoff",),
    "alerts": ("alert",),
    "plays": ("play",),
    "tasks": ("todo",),
    "snoozed": KINDS,
}
# Work whose page answers only to this permission is no row of those who lack it.
_NEEDS: Final = {
    "escalation": Permission.VIEW_ESCALATIONS,
    "renewal": Permission.VIEW_RENEWALS,
    "qbr": Permission.VIEW_QBRS,
    "alert": Permission.VIEW_HEALTH,
}
GROUPS: Final = ("now", "today", "week", "snoozed")
KIND_LIMIT: Final = 50
ALL_LIMIT: Final = 25
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Owners:
    """Whose work: of these people, with or without what nobody has; `ids` None is everybody's.

    `handoffs` are the kinds of hand-off that wait on their team: those that nobody in particular has are theirs, too.
    """

    ids: tuple[int, ...] | None
    with_nobody: bool = False
    handoffs: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueueRow:
    """A task of the queue with its rank. `subject_*` say where the work is done.

    `more` holds the tasks that the row stands for as well: of the same account for the same reason.
    """

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
    snoozed_until: date | None
    snooze_reason: str
    awaits_reply: bool
    handed_at: datetime | None
    accept_by: datetime | None
    step: int | None
    steps: int | None
    alert_why: list[dict[str, Any]] | None
    rule_kind: str | None
    rule_key: str | None
    rank: Rank = field(default_factory=lambda: Rank(()))
    group: str = "week"
    more: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        return f"task-{self.id}"

    @property
    def ids(self) -> tuple[int, ...]:
        """The tasks behind the row."""
        return (self.id, *self.more)


@dataclass(frozen=True)
class QueueCounts:
    """How many rows each tab has, exact to 10,000, and what was answered today."""

    tabs: dict[str, int]
    done_today: int
    snoozed: int


def kinds_for(role: str) -> tuple[str, ...]:
    """The kinds of work that a role can open."""
    return tuple(kind for kind in KINDS if kind not in _NEEDS or may(role, _NEEDS[kind]))


def queue(*, owners: Owners, role: str, tab: str, now: datetime, today: date, average_arr_minor: int) -> list[QueueRow]:
    """The tasks of some people (or of everybody) due within a week, the most urgent first. One query, bounded work.

    Only kinds that the reader's role can open. The same account and reason stand there once. The tab `snoozed` has
    what sleeps instead, the first to return first.
    """
    kinds = [kind for kind in kinds_for(role) if kind in TABS[tab]]
    asleep = tab == "snoozed"
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "owners": list(owners.ids or ()),
        "kinds": kinds,
        "today": today,
        "until": today + WEEK,
        "limit": ALL_LIMIT if len(kinds) > 1 else KIND_LIMIT,
        "handoffs": list(owners.handoffs),
    }
    source = queue_sql.picked(
        owners=owners.ids is not None, nobody=owners.with_nobody, teams=bool(owners.handoffs), asleep=asleep
    )
    with joins_as_written(), connection.cursor() as cursor:
        cursor.execute(source + queue_sql.ROWS, params)
        rows = [_ranked(row, now, today, average_arr_minor) for row in cursor.fetchall()]
    if asleep:
        return sorted(rows, key=lambda row: (row.snoozed_until or today, row.id))
    return _folded(sorted(rows, key=lambda row: (GROUPS.index(row.group), -row.rank.score, row.due_on, row.id)))


def cut_at(rows: list[QueueRow], counts: QueueCounts, *, tab: str, role: str) -> int | None:
    """How many of each kind the queue takes, where a kind has more than that; else None."""
    kinds = [kind for kind in kinds_for(role) if kind in TABS[tab]]
    limit = ALL_LIMIT if len(kinds) > 1 else KIND_LIMIT
    picked, shown = Counter[str](), Counter(row.kind for row in rows)
    for row in rows:
        picked[row.kind] += len(row.ids)
    full = [kind for kind in kinds if picked[kind] >= limit]
    if tab == "snoozed":
        return limit if full and counts.snoozed > picked.total() else None
    only = {kinds[0]: tab for tab, kinds in TABS.items() if len(kinds) == 1}
    return limit if any(counts.tabs[only[kind]] > shown[kind] for kind in full) else None


def _folded(rows: list[QueueRow]) -> list[QueueRow]:
    """Alerts of one account are one row, the most urgent of them, which knows the others."""
    first: dict[int, int] = {}
    found: list[QueueRow] = []
    for row in rows:
        place = first.get(row.account_id) if row.kind == "alert" and row.account_id is not None else None
        if place is not None:
            found[place] = replace(found[place], more=(*found[place].more, row.id))
            continue
        if row.kind == "alert" and row.account_id is not None:
            first[row.account_id] = len(found)
        found.append(row)
    return found


def queue_row(*, task_id: int, role: str, now: datetime, today: date, average_arr_minor: int) -> QueueRow | None:
    """One open task as a row, or None: closed, not of this workspace, or of a kind that the role cannot open."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "task": task_id,
        "kinds": list(kinds_for(role)),
        "today": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(queue_sql.ONE + queue_sql.ROWS, params)
        found = cursor.fetchone()
    return _ranked(found, now, today, average_arr_minor) if found else None


def visible_ids(ids: Collection[int], role: str) -> list[int]:
    """Of the tasks, those that the role can open. One query."""
    found = Task.objects.filter(pk__in=list(ids), kind__in=kinds_for(role)).order_by("pk")
    return list(found.values_list("pk", flat=True))


# What the statement gives, in its order; the rest of a row is worked out from it.
_GIVEN: Final = tuple(one.name for one in fields(QueueRow) if one.default is MISSING and one.default_factory is MISSING)


def _ranked(values: tuple[Any, ...], now: datetime, today: date, average: int) -> QueueRow:
    """Built once: a row has 34 fields, a page 125 rows, and a frozen copy of each costs as much as its ranking."""
    given = dict(zip(_GIVEN, values, strict=True))
    item = Item(
        due_on=given["due_on"],
        respond_by=given["respond_by"],
        accept_by=given["accept_by"],
        is_escalation=given["kind"] == "escalation",
        priority=given["priority"],
        arr_minor=given["arr_minor"],
        band=given["band"] or "",
        fall=-(given["change"] or 0.0),
        renewal_on=given["renewal_on"],
    )
    asleep = given["snoozed_until"] is not None and given["snoozed_until"] > today
    return QueueRow(
        **given,
        rank=rank(item, now=now, today=today, average_arr_minor=average),
        group="snoozed" if asleep else group(item, now=now, today=today),
    )


def queue_counts(*, owners: Owners, role: str, membership_id: int, today: date, midnight: datetime) -> QueueCounts:
    """The counts of the tabs, exact to 10,000 of each kind, from the index alone. One query."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "owners": list(owners.ids or ()),
        "kinds": list(kinds_for(role)),
        "membership": membership_id,
        "today": today,
        "until": today + WEEK,
        "midnight": midnight,
        "handoffs": list(owners.handoffs),
    }
    sql = queue_sql.COUNTS.format(owner=_owner(owners)) + (queue_sql.TEAMS_COUNT if owners.handoffs else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        counted = {name: int(count) for name, count in cursor.fetchall()}
    counted["handoff"] = counted.get("handoff", 0) + counted.get("+team", 0)
    if "alert" not in kinds_for(role):
        counted.pop("alert", None)
    tabs = {tab: sum(counted.get(kind, 0) for kind in kinds) for tab, kinds in TABS.items() if tab != "snoozed"}
    return QueueCounts(
        tabs=tabs | {"snoozed": counted.get("+snoozed", 0)},
        done_today=counted.get("+done", 0),
        snoozed=counted.get("+snoozed", 0),
    )


def _owner(owners: Owners) -> str:
    if owners.ids is None:
        return "true"
    if owners.with_nobody:
        return "(t.assignee_id = ANY(%(owners)s::bigint[]) OR t.assignee_id IS NULL)"
    return "t.assignee_id = ANY(%(owners)s::bigint[])"
