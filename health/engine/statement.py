"""The one statement that scores: reads the facts, writes current scores, history and the roll-up of the day.

Parameters: tenant, as_of, zone, version, now, roll (the day of the roll-up), and by kind `ids` (only these accounts),
`others` (versions of other models that share the day), `base` (the day whose cells are carried over), `covered` (the
segments that any live model is for).
"""

from typing import Final

from health.choices import EVERYBODY
from health.engine.compiler import Plan
from health.engine.judging import ARR_THEN, CUSTOMER, CUSTOMER_THEN, judged_ctes
from health.engine.sources import AS_OF

# An account of which nothing was ever known has no history to write yet.
_KNOWN: Final = "j.coverage > 0 OR j.score IS NOT NULL"
_CELL: Final = "owner_id, segment, band, version_id"
_SUMS: Final = "accounts, arr, hundredths, arr_score"
_HUNDREDTHS: Final = "COALESCE(round({score} * 100), 0)::bigint"
_COVERED: Final = " AND a.segment = ANY(%(covered)s::text[])"


def recompute_sql(plan: Plan, *, restricted: bool, moves_day: bool = False, leaves_some: bool = False) -> str:
    """Scores every account of the model, or with `restricted` those in `ids`.

    The scores of accounts that are no customers any more go, whichever model gave them; so do, where the live models
    `leaves_some` segments to nobody, those of accounts outside `covered`.
    A full run replaces the cells of its day. A restricted one adds signed differences to them; with `moves_day` it
    first carries the cells of the day `base` over, since all other accounts stand as they did.
    """
    only = " AND h.account_id = ANY(%(ids)s)" if restricted else ""
    stays = f"{CUSTOMER}{_COVERED if leaves_some else ''}"
    return f"""WITH {judged_ctes(plan, restricted=restricted)},
changed AS MATERIALIZED (
    SELECT j.*, h.counted_owner_id AS old_owner_id, h.counted_segment AS old_segment, h.band AS old_band,
        h.model_version_id AS old_version_id, h.counted_arr_minor AS old_arr_minor, h.score AS old_score,
        h.account_id IS NOT NULL AS was_there,
        GREATEST(%(now)s::timestamptz, h.computed_at + interval '1 microsecond') AS at,
        (h.account_id IS NOT NULL OR {_KNOWN}) AND (h.score, h.coverage, h.model_version_id, h.sub_scores)
            IS DISTINCT FROM (j.score, j.coverage, %(version)s::bigint, j.subs) AS is_news
    FROM judged j
    LEFT JOIN health_score h ON h.tenant_id = %(tenant)s AND h.account_id = j.account_id{only}
    WHERE (h.as_of, h.score, h.coverage, h.model_version_id, h.sub_scores, h.values, h.ages, h.readings,
           h.counted_owner_id, h.counted_segment, h.counted_arr_minor)
        IS DISTINCT FROM ({AS_OF}, j.score, j.coverage, %(version)s::bigint, j.subs, j.vals, j.ages, j.readings,
           j.owner_id, j.segment, j.arr_minor)
),
leaving AS (
    DELETE FROM health_score h USING accounts_account a
    WHERE h.tenant_id = %(tenant)s AND a.tenant_id = %(tenant)s AND a.id = h.account_id AND NOT ({stays}){only}
    RETURNING h.*
),
written AS (
    INSERT INTO health_score (tenant_id, account_id, model_version_id, as_of, computed_at, score, band, coverage,
        "values", sub_scores, ages, readings, counted_owner_id, counted_segment, counted_arr_minor, counted_on)
    SELECT %(tenant)s, account_id, %(version)s, {AS_OF}, at, score, band, coverage,
        vals, subs, ages, readings, owner_id, segment, arr_minor, %(roll)s::date
    FROM changed
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET
        model_version_id = EXCLUDED.model_version_id, as_of = EXCLUDED.as_of, computed_at = EXCLUDED.computed_at,
        score = EXCLUDED.score, band = EXCLUDED.band, coverage = EXCLUDED.coverage, "values" = EXCLUDED.values,
        sub_scores = EXCLUDED.sub_scores, ages = EXCLUDED.ages, readings = EXCLUDED.readings,
        counted_owner_id = EXCLUDED.counted_owner_id, counted_segment = EXCLUDED.counted_segment,
        counted_arr_minor = EXCLUDED.counted_arr_minor, counted_on = EXCLUDED.counted_on
),
noted AS (
    INSERT INTO health_scorehistory (tenant_id, account_id, model_version_id, as_of, computed_at, score, band, coverage,
        "values", sub_scores, ages, readings, imported)
    SELECT %(tenant)s, account_id, %(version)s, {AS_OF}, at, score, band, coverage, vals, subs, ages, readings, false
    FROM changed WHERE is_news
    UNION ALL
    SELECT %(tenant)s, account_id, model_version_id, {AS_OF},
        GREATEST(%(now)s::timestamptz, computed_at + interval '1 microsecond'), NULL, 'none', 0,
        '{{}}', '{{}}', '{{}}', '{{}}', false
    FROM leaving
),
steps AS (
    {_steps(restricted=restricted, moves_day=moves_day)}
),
{_roll_up(imported=False)}
SELECT (SELECT count(*) FROM judged), (SELECT count(score) FROM judged),
    (SELECT count(*) FROM changed WHERE is_news) + (SELECT count(*) FROM leaving),
    (SELECT count(*) FROM changed) + (SELECT count(*) FROM leaving)"""


def backfill_sql(plan: Plan, *, beside_others: bool = False, leaves_some: bool = False) -> str:
    """Stores what the model would have said on a past day, from the facts dated by then, marked as imported.

    Current scores are not touched. A day that has cells keeps them; a row is written where it differs from the one
    before. Accounts that this model did not judge are closed, but with `beside_others` only those that no live model
    judges: the others' accounts are left to them.
    """
    stays = f"({CUSTOMER_THEN}{_COVERED if leaves_some else ''})"
    nobodys = f" AND NOT {stays}" if beside_others else ""
    return f"""WITH {judged_ctes(plan, eligible=CUSTOMER_THEN, arr=ARR_THEN)},
compared AS (
    SELECT j.*, last.score AS old_score, last.coverage AS old_coverage, last.sub_scores AS old_subs,
        last.model_version_id AS old_version_id
    FROM judged j
    LEFT JOIN LATERAL (
        SELECT h.* FROM health_scorehistory h
        WHERE h.tenant_id = %(tenant)s AND h.account_id = j.account_id AND h.as_of <= {AS_OF}
        ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
    ) AS last ON true
),
gone AS (
    SELECT a.id AS account_id, last.model_version_id FROM accounts_account a
    CROSS JOIN LATERAL (
        SELECT h.score, h.coverage, h.model_version_id FROM health_scorehistory h
        WHERE h.tenant_id = %(tenant)s AND h.account_id = a.id AND h.as_of <= {AS_OF}
        ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
    ) AS last
    WHERE a.tenant_id = %(tenant)s AND last.coverage > 0 AND NOT EXISTS (
        SELECT FROM judged j WHERE j.account_id = a.id
    ){nobodys}
),
noted AS (
    INSERT INTO health_scorehistory (tenant_id, account_id, model_version_id, as_of, computed_at, score, band, coverage,
        "values", sub_scores, ages, readings, imported)
    SELECT %(tenant)s, account_id, %(version)s, {AS_OF}, %(now)s::timestamptz, score, band, coverage,
        vals, subs, ages, readings, true
    FROM compared j
    WHERE (old_coverage IS NOT NULL OR {_KNOWN}) AND (old_score, old_coverage, old_version_id, old_subs)
        IS DISTINCT FROM (score, coverage, %(version)s::bigint, subs)
    UNION ALL
    SELECT %(tenant)s, account_id, model_version_id, {AS_OF}, %(now)s::timestamptz, NULL, 'none', 0,
        '{{}}', '{{}}', '{{}}', '{{}}', true
    FROM gone
    ON CONFLICT DO NOTHING
    RETURNING 1
),
steps AS (
    {_step("judged", "", "%(version)s::bigint", 1)}
),
{_roll_up(imported=True)}
SELECT (SELECT count(*) FROM judged), (SELECT count(score) FROM judged), (SELECT count(*) FROM noted), 0
"""


def _step(table: str, prefix: str, version: str, sign: int, where: str = "") -> str:
    """The accounts of a relation as rows that add up to cells of the roll-up."""
    hundredths = _HUNDREDTHS.format(score=f"{prefix}score")
    arr = f"{prefix}arr_minor"
    return (
        f"SELECT {prefix}owner_id AS owner_id, {prefix}segment AS segment, {prefix}band AS band, "
        f"{version} AS version_id, {sign}::bigint AS accounts, {sign} * {arr} AS arr, "
        f"{sign} * {hundredths} AS hundredths, {sign} * {arr}::numeric * {hundredths} AS arr_score "
        f"FROM {table}{where}"
    )


def _cells(day: str, sign: int, where: str = "") -> str:
    return (
        f"SELECT d.owner_id, d.segment, d.band, d.model_version_id, {sign} * d.accounts, {sign} * d.arr_minor, "
        f"{sign} * d.score_hundredths, {sign} * d.arr_score FROM health_healthday d "
        f"WHERE d.tenant_id = %(tenant)s AND d.day = %({day})s::date AND d.owner_id <> {EVERYBODY}{where}"
    )


def _steps(*, restricted: bool, moves_day: bool) -> str:
    new = _step("judged", "", "%(version)s::bigint", 1)
    if not restricted:
        kept = " AND NOT (d.model_version_id = ANY(%(others)s::bigint[]))"
        return f"{new}\n    UNION ALL\n    {_cells('roll', -1, kept)}"
    parts = [
        _step("changed", "", "%(version)s::bigint", 1),
        _step("changed", "old_", "old_version_id", -1, " WHERE was_there"),
        (
            "SELECT counted_owner_id, counted_segment, band, model_version_id, -1::bigint, -counted_arr_minor, "
            f"-{_HUNDREDTHS.format(score='score')}, -counted_arr_minor::numeric * {_HUNDREDTHS.format(score='score')} "
            "FROM leaving"
        ),
    ]
    if moves_day:
        parts += [_cells("base", 1), _cells("roll", -1)]
    return "\n    UNION ALL\n    ".join(parts)


def _roll_up(*, imported: bool) -> str:
    """Adds the steps to the cells of the day, each cell under its owner and under everybody."""
    sums = "sum(accounts) AS accounts, sum(arr) AS arr, sum(hundredths) AS hundredths, sum(arr_score) AS arr_score"
    merge = "NOTHING" if imported else _MERGE
    return f"""cells AS MATERIALIZED (SELECT {_CELL}, {sums} FROM steps GROUP BY {_CELL}),
rolled AS (
    INSERT INTO health_healthday AS d (tenant_id, day, owner_id, segment, band, model_version_id,
        accounts, arr_minor, score_hundredths, arr_score, imported)
    SELECT %(tenant)s, %(roll)s::date, {_CELL}, {_SUMS}, {str(imported).lower()}
    FROM (
        SELECT {_CELL}, {_SUMS} FROM cells
        UNION ALL
        SELECT {EVERYBODY}, segment, band, version_id, {sums} FROM cells GROUP BY segment, band, version_id
    ) AS inner_rows
    WHERE accounts <> 0 OR arr <> 0 OR hundredths <> 0 OR arr_score <> 0
    ON CONFLICT (tenant_id, day, owner_id, segment, band, model_version_id) DO {merge}
)"""


_MERGE: Final = """UPDATE SET
        accounts = d.accounts + EXCLUDED.accounts, arr_minor = d.arr_minor + EXCLUDED.arr_minor,
        score_hundredths = d.score_hundredths + EXCLUDED.score_hundredths,
        arr_score = d.arr_score + EXCLUDED.arr_score, imported = EXCLUDED.imported"""
