"""How much work waits for a person, for the sidebar: one statement, whatever the size of the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db import connection

from core.models import Membership

WEEK: Final = timedelta(days=7)
RENEWAL_DAYS: Final = timedelta(days=90)
# The frame shows "999+"; nothing is counted beyond it.
_LIMIT: Final = 1000

_COUNTS: Final = """
WITH me AS (SELECT id FROM accounts_person WHERE tenant_id = %(tenant)s AND membership_id = %(membership)s)
SELECT
  (SELECT count(*) FROM core_membership WHERE user_id = %(user)s AND is_active),
  (SELECT count(*) FROM (
     SELECT FROM journeys_task WHERE tenant_id = %(tenant)s AND assignee_id = (SELECT id FROM me) AND state = 'open'
       AND kind <> 'alert' AND due_on <= %(week)s AND (snoozed_until IS NULL OR snoozed_until <= %(today)s)
     LIMIT %(limit)s) AS task),
  (SELECT count(DISTINCT coalesce(account_id, -id)) FROM (
     SELECT id, account_id FROM journeys_task WHERE tenant_id = %(tenant)s AND assignee_id = (SELECT id FROM me)
       AND state = 'open' AND kind = 'alert' AND due_on <= %(week)s
       AND (snoozed_until IS NULL OR snoozed_until <= %(today)s) LIMIT %(limit)s) AS warned),
  (SELECT count(*) FROM (
     SELECT FROM renewals_renewal WHERE tenant_id = %(tenant)s AND owner_id = (SELECT id FROM me) AND state = 'open'
       AND due_on <= %(renewals)s LIMIT %(limit)s) AS renewal),
  (SELECT count(*) FROM (
     SELECT FROM escalations_escalation WHERE tenant_id = %(tenant)s AND owner_id = (SELECT id FROM me)
       AND state = 'open' LIMIT %(limit)s) AS escalation),
  (SELECT count(*) FROM (
     SELECT FROM health_alert WHERE tenant_id = %(tenant)s AND person_id = (SELECT id FROM me)
       AND closed_at IS NULL AND NOT is_held_back AND verdict = '' LIMIT %(limit)s) AS alert),
  (SELECT count(*) FROM (
     SELECT FROM core_notification WHERE tenant_id = %(tenant)s AND membership_id = %(membership)s
       AND read_at IS NULL LIMIT %(limit)s) AS notification)
"""


@dataclass(frozen=True)
class WaitingCounts:
    """`waiting` by place; `alerts` names the places where a clock is running on this person."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    alerts: frozenset[str] = frozenset()
    workspaces: int = 1
    unread: int = 0


def waiting_counts(*, membership: Membership, today: date) -> WaitingCounts:
    """What waits for the person behind the membership: due in a week, renewing in 90 days, escalated, unread."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTS,
            {
                "tenant": membership.tenant_id,
                "membership": membership.pk,
                "user": membership.user_id,
                "today": today,
                "week": today + WEEK,
                "renewals": today + RENEWAL_DAYS,
                "limit": _LIMIT,
            },
        )
        workspaces, tasks, warned, renewals, escalations, alerts, unread = cursor.fetchone()
    return WaitingCounts(
        waiting={"day": tasks + warned, "renewals": renewals, "escalations": escalations, "alerts": alerts},
        alerts=frozenset({"escalations"}),
        workspaces=workspaces,
        unread=unread,
    )
