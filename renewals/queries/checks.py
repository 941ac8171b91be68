"""What must hold for renewals at any time; `doctor` asks."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from core.models import Tenant
from renewals.queries.given_up import GIVEN_UP

_WITHOUT_RENEWAL: Final = f"""
SELECT count(*) FROM accounts_contract c
JOIN accounts_account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
JOIN LATERAL (
    SELECT sum(l.arr_minor) FILTER (
               WHERE l.starts_on <= %(today)s AND (l.ends_on IS NULL OR l.ends_on > %(today)s)) AS arr,
           COALESCE(c.ends_on, CASE WHEN bool_and(l.ends_on IS NOT NULL) THEN max(l.ends_on) END) AS ends_on
    FROM accounts_contractline l
    WHERE l.tenant_id = c.tenant_id AND l.contract_id = c.id AND l.kind = 'recurring'
) AS line ON line.arr > 0 AND (line.ends_on IS NULL OR line.ends_on > %(today)s)
WHERE c.tenant_id = %(tenant)s AND a.status <> 'churned' AND c.starts_on < %(today)s
  AND c.created_at < %(settled)s
  AND NOT EXISTS (
    SELECT FROM renewals_renewal r WHERE r.tenant_id = c.tenant_id AND r.contract_id = c.id
      AND (r.state = 'open' OR (r.state <> 'dropped' AND r.due_on > %(today)s)))
  AND c.id NOT IN (SELECT contract_id FROM ({GIVEN_UP}) AS over)
"""  # noqa: S608 -- only a constant enters the text


def active_contracts_without_renewal(tenant: Tenant, now: datetime) -> int:
    """How many active contracts have neither an open renewal nor a decision about their due date.

    What came in less than two hours ago may still wait for the hourly sweep.
    """
    values = {"tenant": tenant.pk, "today": tenant.today(now), "settled": now - timedelta(hours=2)}
    return _count(_WITHOUT_RENEWAL, values)


def steps_with_a_wrong_task(tenant: Tenant, _now: datetime) -> int:
    """How many steps point at a task that is not the one of their renewal and offset."""
    return _count(
        "SELECT count(*) FROM renewals_renewalstep s "
        "JOIN journeys_task t ON t.tenant_id = s.tenant_id AND t.id = s.task_id "
        "WHERE s.tenant_id = %(tenant)s AND t.origin_key <> 'renewal:' || s.renewal_id || ':' || s.offset_days",
        {"tenant": tenant.pk},
    )


def open_tasks_of_closed_renewals(tenant: Tenant, _now: datetime) -> int:
    """How many tasks wait for a renewal that is decided."""
    return _count(
        "SELECT count(*) FROM journeys_task t "
        "JOIN renewals_renewal r ON r.tenant_id = t.tenant_id AND r.id = t.subject_id AND r.state <> 'open' "
        "WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'renewal' AND t.state = 'open'",
        {"tenant": tenant.pk},
    )


def _count(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])
