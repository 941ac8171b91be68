"""Which day scores look back from, and how fresh they are."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from core.models import Tenant
from health.models import ScoringState

# A feed that was silent for longer than this has ended: an export, a finished import, a cut connection.
ENDED_AFTER = timedelta(days=30)
LATE_AFTER = timedelta(hours=26)

_SIGNAL_DAYS = """
FROM accounts_account a
JOIN accounts_measure m ON m.tenant_id = a.tenant_id
CROSS JOIN LATERAL (
    SELECT s.day FROM accounts_signal s
    WHERE s.tenant_id = a.tenant_id AND s.account_id = a.id AND s.measure_id = m.id AND s.day <= %(today)s
    ORDER BY s.day DESC LIMIT 1
) AS latest
WHERE a.tenant_id = %(tenant)s"""

_TICKET_DAYS = """
FROM accounts_account a
CROSS JOIN LATERAL (
    SELECT t.opened_at::date AS day FROM accounts_ticket t
    WHERE t.tenant_id = a.tenant_id AND t.account_id = a.id AND t.opened_at < %(today)s::date + 1
    ORDER BY t.opened_at DESC LIMIT 1
) AS latest
WHERE a.tenant_id = %(tenant)s"""


@dataclass(frozen=True)
class Freshness:
    """What the stamp on a page says. `data_ends` is set when the data stopped and scores look back from its end."""

    as_of: date | None
    computed_at: datetime | None
    data_ends: date | None
    is_late: bool


def scoring_day(tenant_id: int, today: date) -> date:
    """Today while usage, signals or tickets still arrive; else the last day they were observed on.

    Windows that end today would be empty for an imported history, and every score would be unknown. Logged contacts
    do not count, unless there is nothing else: one call today does not make a book of last year current.
    """
    params = {"tenant": tenant_id, "today": today, "recent": today - ENDED_AFTER}
    for days in (_SIGNAL_DAYS, _TICKET_DAYS):
        # Per account through the index, so that a live workspace answers at its first account.
        if _one(f"SELECT EXISTS (SELECT {days} AND latest.day >= %(recent)s)", params):
            return today
    ends = [_one(f"SELECT max(latest.day) {days}", params) for days in (_SIGNAL_DAYS, _TICKET_DAYS)]
    known = [end for end in ends if isinstance(end, date)]
    return max(known) if known else today


def freshness(tenant: Tenant, now: datetime) -> Freshness:
    """When the scores were made and what day they look back from. One query."""
    state = ScoringState.objects.first()
    if state is None:
        return Freshness(None, None, None, is_late=False)
    ended = state.as_of < tenant.today(now) - ENDED_AFTER
    return Freshness(
        as_of=state.as_of,
        computed_at=state.changed_at,
        data_ends=state.as_of if ended else None,
        is_late=state.full_run_at is None or now - state.full_run_at > LATE_AFTER,
    )


def _one(sql: str, params: dict[str, Any]) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]
