"""How fresh the data is, source by source: last day, last import, rows of a week, late or not."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from accounts.choices import MeasureSource
from core.models import AuditEntry, Tenant
from core.tenancy import require_tenant_id

WEEK: Final = timedelta(days=7)
RHYTHM_DAYS: Final = 90
LEAST_WAIT: Final = 2
ENDED_DAYS: Final = 90

_SIGNALS: Final = """
WITH days AS (
    SELECT s.measure_id, s.day, count(*) AS n FROM accounts_signal s
    WHERE s.tenant_id = %(tenant)s AND s.day <= %(today)s GROUP BY s.measure_id, s.day
), last AS (
    SELECT measure_id, max(day) AS day FROM days GROUP BY measure_id
)
SELECT m.source, m.name, m.key, last.day, COALESCE(sum(d.n) FILTER (WHERE d.day > %(week)s), 0)::bigint,
    count(*) FILTER (WHERE d.day > last.day - %(rhythm)s), COALESCE(sum(d.n), 0)::bigint
FROM accounts_measure m
LEFT JOIN last ON last.measure_id = m.id LEFT JOIN days d ON d.measure_id = m.id
WHERE m.tenant_id = %(tenant)s GROUP BY m.id, m.source, m.name, m.key, last.day"""

# Tables whose rows carry an instant: (kind of import, name, table, column, whether the source has a rhythm).
_TABLES: Final = (
    ("tickets", "Tickets", "accounts_ticket", "opened_at", True),
    ("activities", "Calls, meetings, e-mails", "accounts_activity", "occurred_at", True),
    ("contracts", "Contracts", "accounts_contract", "created_at", False),
)
_INSTANTS: Final = """
WITH days AS (
    SELECT (x.{at} AT TIME ZONE %(zone)s)::date AS day, count(*) AS n FROM {table} x
    WHERE x.tenant_id = %(tenant)s AND x.{at} < (%(today)s + 1)::timestamp AT TIME ZONE %(zone)s GROUP BY 1
), last AS (SELECT max(day) AS day FROM days)
SELECT (SELECT day FROM last), COALESCE(sum(n) FILTER (WHERE day > %(week)s), 0)::bigint,
    count(*) FILTER (WHERE day > (SELECT day FROM last) - %(rhythm)s), COALESCE(sum(n), 0)::bigint
FROM days"""
_GROUP: Final = {
    MeasureSource.USAGE.value: "Usage",
    MeasureSource.SURVEY.value: "Surveys",
    MeasureSource.SUPPORT.value: "Support",
    MeasureSource.SIGNAL.value: "Signals",
}
_KIND: Final = {MeasureSource.USAGE.value: "usage"}


@dataclass(frozen=True)
class Source:
    """A source of data. `days_seen`: on how many of the last 90 days up to the last one there were rows.

    `wait_days`: how long a pause may be before it is late, from its own rhythm; None where no rhythm is expected.
    """

    group: str
    name: str
    key: str
    last_day: date | None
    rows_7d: int
    days_seen: int
    rows: int
    imported_at: datetime | None
    wait_days: int | None
    late_days: int

    @property
    def state(self) -> str:
        """ "never", "fresh", "late", "ended" after 90 days of silence, or "none" without a rhythm."""
        if self.last_day is None:
            return "never"
        if self.wait_days is None:
            return "none"
        if self.late_days <= 0:
            return "fresh"
        return "ended" if self.late_days > ENDED_DAYS else "late"


def sources(*, tenant: Tenant, today: date) -> list[Source]:
    """Every measure and every table of facts, those of one group together. Six statements, each one pass."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(), "zone": tenant.timezone, "today": today, "week": today - WEEK,
        "rhythm": RHYTHM_DAYS,
    }  # fmt: skip
    imported = _last_imports()
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, params)
        found = [
            _source(_GROUP.get(group, group), name, key, values, imported.get(_KIND.get(group, "signals")), today)
            for group, name, key, *values in cursor.fetchall()
        ]
        for kind, name, table, at, has_rhythm in _TABLES:
            cursor.execute(_INSTANTS.format(table=table, at=at), params)
            values = list(cursor.fetchone())
            found.append(_source(name, name, kind, values, imported.get(kind), today, has_rhythm=has_rhythm))
    order = [*_GROUP.values(), *(name for _, name, *_ in _TABLES)]
    return sorted(found, key=lambda one: (order.index(one.group) if one.group in order else 99, one.name, one.key))


def wait_of(days_seen: int) -> int:
    """Twice the usual pause between days with rows, at least two days: a weekly feed may miss one week."""
    return max(LEAST_WAIT, -(-2 * RHYTHM_DAYS // max(days_seen, 1)))


def _source(
    group: str,
    name: str,
    key: str,
    values: list[Any],
    imported_at: datetime | None,
    today: date,
    *,
    has_rhythm: bool = True,
) -> Source:
    last, week, days_seen, rows = values
    wait = wait_of(days_seen) if has_rhythm else None
    late = (today - last).days - wait if last is not None and wait is not None else 0
    return Source(group, name, key, last, week, days_seen, rows, imported_at, wait, late)


def _last_imports() -> dict[str, datetime]:
    """By kind of import, when a file was last taken, by the page or by the command."""
    entries = AuditEntry.objects.filter(verb="imported", subject_type__startswith="accounts.import.")
    last = entries.values_list("subject_type").annotate(last=Max("at"))
    return {subject.rsplit(".", 1)[-1]: at for subject, at in last}
