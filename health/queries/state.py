"""Which day scores look back from, and how fresh they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from core.models import Tenant
from health.models import ScoringState

# A feed that was silent for longer than this has ended: an export, a finished import, a cut connection.
ENDED_AFTER = timedelta(days=30)
LATE_AFTER = timedelta(hours=26)

# A live workspace shows itself within so many customers; only one whose data may have ended is looked through.
_SAMPLE = 200

# Per account through the index: the last day of each measure, and of the tickets.
_SIGNAL_DAYS = """
SELECT max(latest.day)
FROM ({accounts}) a
JOIN accounts_measure m ON m.tenant_id = %(tenant)s
CROSS JOIN LATERAL (
    SELECT s.day FROM accounts_signal s
    WHERE s.tenant_id = %(tenant)s AND s.account_id = a.id AND s.measure_id = m.id AND s.day <= %(today)s
    ORDER BY s.day DESC LIMIT 1
) AS latest"""

_TICKET_DAYS = """
SELECT max(latest.day)
FROM ({accounts}) a
CROSS JOIN LATERAL (
    SELECT (t.opened_at AT TIME ZONE {zone})::date AS day FROM accounts_ticket t
    WHERE t.tenant_id = %(tenant)s AND t.account_id = a.id
      AND t.opened_at < (%(today)s::date + 1)::timestamp AT TIME ZONE {zone}
    ORDER BY t.opened_at DESC LIMIT 1
) AS latest"""

_ZONE = "(SELECT timezone FROM core_tenant WHERE id = %(tenant)s)"
_ALL = "SELECT id FROM accounts_account WHERE tenant_id = %(tenant)s"
_SOME = f"{_ALL} AND status = 'customer' LIMIT {_SAMPLE}"
_THESE = "SELECT unnest(%(ids)s::bigint[]) AS id"


@dataclass(frozen=True)
class Freshness:
    """What the stamp on a page says. `data_ends` is set when the data stopped and scores look back from its end."""

    as_of: date | None
    computed_at: datetime | None
    data_ends: date | None
    is_late: bool


def scoring_day(tenant_id: int, today: date, *, changed: Sequence[int] | None = None) -> date:
    """Today while usage, signals or tickets still arrive; else the last day they were observed on.

    Windows that end today would be empty for an imported history, and every score would be unknown. Logged contacts
    do not count: one call today does not make a book of last year current. With `changed`, the only accounts that
    have changed since the last run, a workspace whose data ended is not looked through again for each of them.
    """
    recent = today - ENDED_AFTER
    if changed is not None and (ended := _ended_before(recent)) is not None:
        newest = _last_day(_THESE, tenant_id, today, list(changed))
        if newest is None or newest <= ended:
            return ended
    for accounts in (_SOME, _ALL):
        last = _last_day(accounts, tenant_id, today)
        if last is not None and last >= recent:
            return today
    return last or today


def _ended_before(recent: date) -> date | None:
    """The day that current scores look back from, where that is a day on which data ended."""
    return ScoringState.objects.filter(as_of__lt=recent).values_list("as_of", flat=True).first()


def facts_day() -> date:
    """The first day on which facts that are known for now only may be used: that of the current scores.

    Before it they would be tomorrow's news. A workspace that was never scored has none.
    """
    return ScoringState.objects.values_list("as_of", flat=True).first() or date.max


def _last_day(accounts: str, tenant_id: int, today: date, ids: list[int] | None = None) -> date | None:
    params: dict[str, Any] = {"tenant": tenant_id, "today": today, "ids": ids}
    found = []
    with connection.cursor() as cursor:
        for days in (_SIGNAL_DAYS, _TICKET_DAYS):
            cursor.execute(days.format(accounts=accounts, zone=_ZONE), params)
            found.append(cursor.fetchone()[0])
    return max((day for day in found if day is not None), default=None)


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
