"""How a draft that runs beside the live model has judged, and how often the two differed."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from health.models import ShadowRun

# For each day: what the draft had said last by then, against what was stored live by then. Both become stretches of
# days with one band; where they overlap one row counts from its first day on and no more after its last, so that the
# work grows with what changed and not with days × accounts.
_BY_DAY: Final = """
WITH draft AS (
    SELECT account_id, band, GREATEST(as_of, %(first)s::date) AS day,
        COALESCE(LEAD(as_of) OVER (PARTITION BY account_id ORDER BY as_of), %(last)s::date + 1) AS until
    FROM health_shadowscore
    WHERE tenant_id = %(tenant)s AND model_version_id = %(version)s AND as_of <= %(last)s::date
),
accounts AS MATERIALIZED (SELECT DISTINCT account_id FROM draft),
stored AS (
    SELECT a.account_id, COALESCE(h.band, 'none') AS band, %(first)s::date AS day,
        '-infinity'::timestamptz AS computed_at
    FROM accounts a LEFT JOIN LATERAL (
        SELECT h.band FROM health_scorehistory h
        WHERE h.tenant_id = %(tenant)s AND h.account_id = a.account_id AND h.as_of <= %(first)s::date
        ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
    ) AS h ON true
    UNION ALL
    SELECT h.account_id, h.band, h.as_of, h.computed_at FROM health_scorehistory h
    JOIN accounts a ON a.account_id = h.account_id
    WHERE h.tenant_id = %(tenant)s AND h.as_of > %(first)s::date AND h.as_of <= %(last)s::date
),
live AS (
    SELECT account_id, band, day,
        COALESCE(LEAD(day) OVER (PARTITION BY account_id ORDER BY day, computed_at), %(last)s::date + 1) AS until
    FROM stored
),
both_said AS (
    SELECT GREATEST(d.day, l.day) AS day, LEAST(d.until, l.until) AS until, (d.band <> l.band)::int AS differs
    FROM draft d JOIN live l ON l.account_id = d.account_id AND l.day < d.until AND d.day < l.until
    WHERE d.day < d.until AND l.day < l.until
),
steps AS (
    SELECT day, count(*) AS accounts, sum(differs) AS differed FROM both_said GROUP BY day
    UNION ALL
    SELECT until, -count(*), -sum(differs) FROM both_said GROUP BY until
),
counted AS (
    SELECT g.day::date AS day, sum(COALESCE(sum(s.accounts), 0)) OVER w AS accounts,
        sum(COALESCE(sum(s.differed), 0)) OVER w AS differed
    FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS g(day)
    LEFT JOIN steps s ON s.day = g.day::date
    GROUP BY g.day WINDOW w AS (ORDER BY g.day)
)
SELECT day, accounts::int, differed::int FROM counted WHERE accounts > 0 ORDER BY day"""


@dataclass(frozen=True)
class ShadowDay:
    day: date
    accounts: int
    differed: int


@dataclass(frozen=True)
class Shadow:
    """A run and its days so far. `differed` counts accounts in another band, account by account and day by day."""

    run: ShadowRun
    days: list[ShadowDay]

    @property
    def is_open(self) -> bool:
        return self.run.stopped_at is None

    @property
    def compared(self) -> int:
        return sum(one.accounts for one in self.days)

    @property
    def differed(self) -> int:
        return sum(one.differed for one in self.days)


def shadow_of(version: ProcessVersion, *, as_of: date) -> Shadow | None:
    """The last shadow run of a version, or None when it never ran beside the live one."""
    run = ShadowRun.objects.filter(model_version=version).order_by("-started_at").first()
    if run is None:
        return None
    last = min(as_of, run.until_day - timedelta(days=1))
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "version": version.pk,
        "first": min(run.from_day, as_of),
        "last": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, params)
        return Shadow(run, [ShadowDay(*row) for row in cursor.fetchall()])
