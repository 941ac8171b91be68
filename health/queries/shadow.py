"""How a draft that runs beside the live model has judged, and how often the two differed."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from health.models import ShadowRun

# For each day: what the draft had said last by then, against what was stored live by then.
_BY_DAY: Final = """
SELECT d.day::date, count(*), count(*) FILTER (WHERE shadow.band <> COALESCE(live.band, 'none'))
FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d(day)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (s.account_id) s.account_id, s.band FROM health_shadowscore s
    WHERE s.tenant_id = %(tenant)s AND s.model_version_id = %(version)s AND s.as_of <= d.day::date
    ORDER BY s.account_id, s.as_of DESC
) AS shadow
LEFT JOIN LATERAL (
    SELECT h.band FROM health_scorehistory h
    WHERE h.tenant_id = %(tenant)s AND h.account_id = shadow.account_id AND h.as_of <= d.day::date
    ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
) AS live ON true
GROUP BY 1 ORDER BY 1"""


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
