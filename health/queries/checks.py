"""Invariants of scores, counted set by set. Each gives the number of places where it is broken."""

from datetime import datetime
from typing import Any

from django.db import connection

from core.models import Tenant

# Σ weight × sub-score / Σ weight over the inputs that have one, straight from the stored arrays and the version.
_ADDS_UP = """
WITH versions AS MATERIALIZED (
    SELECT v.id, array_agg((input ->> 'weight')::float8 ORDER BY place) AS weights
    FROM core_processversion v, jsonb_array_elements(v.definition -> 'inputs') WITH ORDINALITY AS one(input, place)
    WHERE v.tenant_id = %(tenant)s AND v.kind = 'score_model'
    GROUP BY v.id
)
SELECT count(*) FROM {table} h
LEFT JOIN versions v ON v.id = h.model_version_id
WHERE h.tenant_id = %(tenant)s AND h.score IS NOT NULL AND COALESCE(abs(h.score - (
    SELECT sum(weight * sub) / NULLIF(sum(weight) FILTER (WHERE sub IS NOT NULL), 0)
    FROM unnest(h.sub_scores, v.weights) AS one(sub, weight)
)), 1) > 0.01"""

_LAST_HISTORY = """
SELECT count(*) FROM health_score s
LEFT JOIN LATERAL (
    SELECT h.score, h.coverage, h.model_version_id, h.sub_scores FROM health_scorehistory h
    WHERE h.tenant_id = s.tenant_id AND h.account_id = s.account_id ORDER BY h.computed_at DESC LIMIT 1
) AS last ON true
WHERE s.tenant_id = %(tenant)s AND (last.coverage IS NOT NULL OR s.coverage > 0 OR s.score IS NOT NULL)
  AND (s.score, s.coverage, s.model_version_id, s.sub_scores)
    IS DISTINCT FROM (last.score, last.coverage, last.model_version_id, last.sub_scores)"""

_ROLL_UP = """
WITH live AS (
    SELECT counted_owner_id AS owner_id, counted_segment AS segment, band, model_version_id, count(*) AS accounts,
        sum(counted_arr_minor) AS arr, sum(COALESCE(round(score * 100), 0)::bigint) AS hundredths
    FROM health_score WHERE tenant_id = %(tenant)s
    GROUP BY counted_owner_id, counted_segment, band, model_version_id
),
kept AS (
    SELECT d.owner_id, d.segment, d.band, d.model_version_id, d.accounts, d.arr_minor AS arr,
        d.score_hundredths AS hundredths
    FROM health_healthday d
    WHERE d.tenant_id = %(tenant)s AND d.accounts <> 0
      AND d.day = (SELECT rolled_on FROM health_scoringstate WHERE tenant_id = %(tenant)s)
),
both_kinds AS (
    SELECT * FROM live
    UNION ALL
    SELECT -1, segment, band, model_version_id, sum(accounts), sum(arr), sum(hundredths)
    FROM live GROUP BY segment, band, model_version_id
)
SELECT count(*) FROM both_kinds FULL JOIN kept USING (owner_id, segment, band, model_version_id)
WHERE (both_kinds.accounts, both_kinds.arr, both_kinds.hundredths)
    IS DISTINCT FROM (kept.accounts, kept.arr, kept.hundredths)"""

_FUTURE = """
SELECT count(*) FROM health_scorehistory
WHERE tenant_id = %(tenant)s AND (as_of > %(today)s OR computed_at > %(soon)s)"""

_SET_ASIDE = """
SELECT count(DISTINCT account_id) FROM core_change WHERE tenant_id = %(tenant)s AND consumer = 'health.set_aside'"""

_WAITING = """
SELECT count(DISTINCT account_id) FROM core_change
WHERE tenant_id = %(tenant)s AND consumer = 'health' AND at < %(soon)s - interval '10 minutes'"""

_BANDS = "SELECT count(*) FROM health_score WHERE tenant_id = %(tenant)s AND (band = 'none') <> (score IS NULL)"


def sums_wrong(tenant: Tenant, now: datetime) -> int:
    """Current scores that differ from the sum of their contributions by more than 0.01."""
    return _count(_ADDS_UP.format(table="health_score"), tenant, now)


def past_sums_wrong(tenant: Tenant, now: datetime) -> int:
    """The same for every stored score."""
    return _count(_ADDS_UP.format(table="health_scorehistory"), tenant, now)


def current_not_last(tenant: Tenant, now: datetime) -> int:
    """Accounts whose current score is not the last row of their history."""
    return _count(_LAST_HISTORY, tenant, now)


def cells_wrong(tenant: Tenant, now: datetime) -> int:
    """Cells of the latest day's roll-up that are not the sum of the current scores."""
    return _count(_ROLL_UP, tenant, now)


def from_the_future(tenant: Tenant, now: datetime) -> int:
    """Rows of history that are dated after today."""
    return _count(_FUTURE, tenant, now)


def bands_wrong(tenant: Tenant, now: datetime) -> int:
    """Scores without a band, or bands without a score."""
    return _count(_BANDS, tenant, now)


def set_aside(tenant: Tenant, now: datetime) -> int:
    """Accounts that could not be scored; the log has the reason."""
    return _count(_SET_ASIDE, tenant, now)


def waiting(tenant: Tenant, now: datetime) -> int:
    """Accounts whose change has waited for the worker for longer than ten minutes."""
    return _count(_WAITING, tenant, now)


def _count(sql: str, tenant: Tenant, now: datetime) -> int:
    params: dict[str, Any] = {"tenant": tenant.pk, "today": tenant.today(now), "soon": now}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.fetchone()[0])


CHECKS = (
    ("health.contributions", "Contributions add up to the score", sums_wrong),
    ("health.past_contributions", "Contributions of the history add up", past_sums_wrong),
    ("health.current", "The current score is the last row of the history", current_not_last),
    ("health.roll_up", "The latest day of the roll-up is the sum of the current scores", cells_wrong),
    ("health.future", "No history from the future", from_the_future),
    ("health.bands", "A band exactly where there is a score", bands_wrong),
    ("health.set_aside", "No account is set aside because it cannot be scored", set_aside),
    ("health.waiting", "No change waits to be scored for longer than ten minutes", waiting),
)
