"""What stands beside the selected row: health with its exact parts, people, last contact."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from accounts.choices import ActivityKind, ContactRole
from core.tenancy import require_tenant_id
from health.queries import Explained, Explanation, explain, sparklines

_ACTIVITIES: Final = dict(ActivityKind.choices)
_ROLES: Final = dict(ContactRole.choices)
_BESIDE: Final = """
SELECT
  (SELECT l.name FROM journeys_stagevisit v
   JOIN journeys_lifecyclestage l ON l.tenant_id = v.tenant_id AND l.id = v.stage_id
   WHERE v.tenant_id = %(tenant)s AND v.account_id = %(account)s AND v.left_on IS NULL),
  (SELECT c.notice_days FROM renewals_renewal r
   JOIN accounts_contract c ON c.tenant_id = r.tenant_id AND c.id = r.contract_id
   WHERE r.tenant_id = %(tenant)s AND r.account_id = %(account)s AND r.state = 'open' ORDER BY r.due_on LIMIT 1),
  (SELECT json_build_array(kind, occurred_at) FROM accounts_activity
   WHERE tenant_id = %(tenant)s AND account_id = %(account)s ORDER BY occurred_at DESC LIMIT 1),
  (SELECT json_agg(json_build_array(x.role, x.name, x.title)) FROM (
     SELECT role, name, title FROM accounts_contact WHERE tenant_id = %(tenant)s AND account_id = %(account)s
       AND left_on IS NULL AND role IN ('sponsor', 'decision_maker', 'champion')
     ORDER BY array_position(ARRAY['sponsor', 'decision_maker', 'champion'], role::text), id LIMIT 2) AS x)
"""


@dataclass(frozen=True)
class Panel:
    """The account of a row, as much as one needs before acting."""

    health: Explanation | None
    falls: list[Explained] = field(default_factory=list)
    line: list[float | None] = field(default_factory=list)
    contacts: list[tuple[str, str, str]] = field(default_factory=list)
    last_kind: str = ""
    last_at: datetime | None = None
    stage: str = ""
    notice_days: int | None = None


def panel(account_id: int, as_of: date, *, today: date, since_days: int = 30) -> Panel:
    """The change is counted from so many days before `as_of`. Four queries, whatever the length of the history."""
    health = explain(account_id, since=as_of - timedelta(days=since_days), today=today)
    with connection.cursor() as cursor:
        cursor.execute(_BESIDE, {"tenant": require_tenant_id(), "account": account_id})
        stage, notice_days, last, contacts = cursor.fetchone()
    moved = [one for one in health.inputs if one.part and abs(one.part) >= 0.05] if health else []
    return Panel(
        health=health,
        falls=sorted(moved, key=lambda one: one.part or 0)[:3],
        line=sparklines([account_id], until=health.as_of).get(account_id, []) if health else [],
        contacts=[(str(_ROLES.get(role, role)), name, title) for role, name, title in contacts or []],
        last_kind=str(_ACTIVITIES.get(last[0], last[0])) if last else "",
        last_at=datetime.fromisoformat(last[1]) if last else None,
        stage=stage or "",
        notice_days=notice_days,
    )
