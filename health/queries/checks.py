"""Invariants of scores, counted set by set. Each gives the number of places where it is broken."""

from datetime import datetime
from typing import Any

from django.db import connection

from core.models import Tenant

# The mean of the groups that have a value, each the mean of its inputs, then floors, then caps: straight from the
# stored arrays and the document of the version, past the code that scores.
_ADDS_UP = """
WITH inputs AS MATERIALIZED (
    SELECT v.id, place, input ->> 'key' AS key, (input ->> 'weight')::float8 AS weight,
        COALESCE(input ->> 'group', '') AS grp, COALESCE((
            SELECT (one ->> 'weight')::float8 FROM jsonb_path_query(v.definition, '$.groups[*] ? (@ != null)') AS one
            WHERE one ->> 'key' = input ->> 'group'
        ), 1) AS grp_weight
    FROM core_processversion v, jsonb_array_elements(v.definition -> 'inputs') WITH ORDINALITY AS one(input, place)
    WHERE v.tenant_id = %(tenant)s AND v.kind = 'score_model'
),
limits AS MATERIALIZED (
    SELECT v.id, array_agg(i.place) AS places, array_agg(word = 'caps') AS caps,
        array_agg((one ->> CASE word WHEN 'caps' THEN 'below' ELSE 'at_least' END)::float8) AS edges,
        array_agg((one ->> CASE word WHEN 'caps' THEN 'at_most' ELSE 'not_below' END)::float8) AS scores
    FROM core_processversion v
    CROSS JOIN unnest(ARRAY['caps', 'floors']) AS word
    CROSS JOIN LATERAL jsonb_path_query(v.definition, ('$.' || word || '[*] ? (@ != null)')::jsonpath) AS one
    JOIN inputs i ON i.id = v.id AND i.key = one ->> 'input'
    WHERE v.tenant_id = %(tenant)s AND v.kind = 'score_model'
    GROUP BY v.id
),
versions AS MATERIALIZED (
    SELECT i.id, array_agg(i.weight ORDER BY i.place) AS weights, array_agg(i.grp ORDER BY i.place) AS groups,
        array_agg(i.grp_weight ORDER BY i.place) AS grp_weights, l.places, l.caps, l.edges, l.scores
    FROM inputs i LEFT JOIN limits l ON l.id = i.id
    GROUP BY i.id, l.places, l.caps, l.edges, l.scores
)
SELECT count(*) FROM {table} h
LEFT JOIN versions v ON v.id = h.model_version_id
LEFT JOIN LATERAL (
    SELECT sum(grp_weight * points / weight) / NULLIF(sum(grp_weight), 0) AS score FROM (
        SELECT max(grp_weight) AS grp_weight, sum(weight * sub) AS points, sum(weight) AS weight
        FROM unnest(h.sub_scores, v.weights, v.groups, v.grp_weights) AS one(sub, weight, grp, grp_weight)
        WHERE sub IS NOT NULL GROUP BY grp HAVING sum(weight) > 0
    ) AS grouped
) AS plain ON true
LEFT JOIN LATERAL (
    SELECT max(score) FILTER (WHERE NOT is_cap AND h.sub_scores[place] >= edge) AS low,
        min(score) FILTER (WHERE is_cap AND h.sub_scores[place] < edge) AS high
    FROM unnest(v.places, v.caps, v.edges, v.scores) AS one(place, is_cap, edge, score)
) AS held ON true
WHERE h.tenant_id = %(tenant)s AND h.score IS NOT NULL
  AND COALESCE(abs(h.score - LEAST(GREATEST(plain.score, held.low), held.high)), 1) > 0.01"""

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
