"""Full and single recompute of the standard model against one hand-written statement, side by side.

    python -m bench.recompute --accounts 100000

Both read the same rows and write the same rows (scores, history, roll-up) of the same workspace, in turn, each on the
next day, as rv_app behind row security and with the same planner settings. The scores are compared at the end.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from bench.rows import Row, alone, execute

FIRST_DAY = date(2026, 1, 31)  # the first as-of day; windows look back from here
SPARE_DAYS = 24
SLUG = "bench-recompute"


def run(accounts: int = 100_000, trials: int = 3, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The rows of the table. Makes the workspace when it is not there, and keeps it for the next time."""
    tenant_id = prepare(accounts, say)
    say("Warming up")
    day = FIRST_DAY + timedelta(days=runs_so_far(tenant_id))
    ours_once(tenant_id, day)
    hand_once(tenant_id, day + timedelta(days=1))
    day += timedelta(days=2)
    ours, hand = [], []
    for trial in range(trials):
        ours.append(ours_once(tenant_id, day))
        hand.append(hand_once(tenant_id, day + timedelta(days=1)))
        say(f"Trial {trial + 1}: ours {ours[-1]:.0f} ms, hand-written {hand[-1]:.0f} ms")
        day += timedelta(days=2)
    compare(tenant_id, day - timedelta(days=1))
    single = one_account(tenant_id, day - timedelta(days=1))
    return [
        Row(
            f"full recompute, {accounts:,} accounts × 5 inputs × 90 days",
            statistics.median(ours),
            statistics.median(hand),
            1.3,
            "× one hand-written statement",
        ),
        Row(f"one changed account among {accounts:,}, statement", single, None, 10, "ms"),
    ]


def prepare(accounts: int, say: Callable[[str], None]) -> int:
    """The workspace with its facts; 90 days of daily usage before each as-of day."""
    from core.actions import create_tenant
    from core.actors import Actor
    from core.models import Tenant

    slug = f"{SLUG}-{accounts}"
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        tenant = create_tenant(
            slug=slug,
            name=f"Bench {accounts:,}",
            currency="EUR",
            timezone="UTC",
            actor=Actor.system("bench"),
            now=datetime(2026, 1, 1, tzinfo=UTC),
        )
        fill(tenant.pk, accounts, say)
    return tenant.pk


def fill(tenant_id: int, accounts: int, say: Callable[[str], None], chunk: int = 5_000) -> None:
    from core.tenancy import tenant_context

    for start in range(0, accounts, chunk):
        say(f"Facts of {start:,} to {min(start + chunk, accounts):,} of {accounts:,} accounts")
        with tenant_context(tenant_id):
            params = {"t": tenant_id, "low": start + 1, "high": min(start + chunk, accounts), "first": FIRST_DAY}
            params |= {"since": FIRST_DAY - timedelta(days=89), "until": FIRST_DAY + timedelta(days=SPARE_DAYS - 1)}
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            for statement in ACCOUNTS:
                execute(statement, params)
            cursor = execute(
                "SELECT min(id), max(id) FROM accounts_account WHERE tenant_id = %(t)s AND arr_as_of IS NULL", params
            )
            params["from"], params["to"] = cursor.fetchone()
            for statement in FACTS:
                execute(statement, params)
    from django.db import connection

    connection.close()


ACCOUNTS = (
    """INSERT INTO accounts_person (tenant_id, name, name_key, email_key, is_active)
    SELECT %(t)s, 'CSM ' || n, 'csm ' || n, '', true FROM generate_series(1, 40) n
    WHERE NOT EXISTS (SELECT FROM accounts_person WHERE tenant_id = %(t)s)""",
    """INSERT INTO accounts_measure (tenant_id, key, name, kind, source, unit)
    SELECT %(t)s, key, key, 'number', source, ''
    FROM (VALUES ('active_users', 'usage'), ('nps', 'survey')) AS known(key, source)
    WHERE NOT EXISTS (SELECT FROM accounts_measure m WHERE m.tenant_id = %(t)s AND m.key = known.key)""",
    """INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, segment,
        plan, status, owner_id, arr_minor, arr_as_of, attributes)
    SELECT %(t)s, 'B' || n, 'Account ' || n, 'account ' || n, '', '', '',
        (ARRAY['enterprise', 'mid_market', 'small'])[1 + n %% 3], '', 'customer',
        (SELECT min(id) FROM accounts_person WHERE tenant_id = %(t)s) + n %% 40, 100000 + n * 10, NULL, '{}'
    FROM generate_series(%(low)s, %(high)s) n""",
)
FACTS = (
    """INSERT INTO accounts_signal (tenant_id, account_id, measure_id, day, row_key, value, category)
    SELECT %(t)s, a.id, m.id, d::date, '', 20 + (a.id * 7 + (d::date - %(since)s) * (a.id %% 11 - 5) / 20) %% 30
        + (a.id * 13 + (d::date - %(since)s) * 17) %% 5, ''
    FROM accounts_account a, accounts_measure m, generate_series(%(since)s::date, %(until)s::date, '1 day') d
    WHERE a.tenant_id = %(t)s AND m.tenant_id = %(t)s AND m.key = 'active_users'
      AND a.id BETWEEN %(from)s AND %(to)s""",
    """INSERT INTO accounts_signal (tenant_id, account_id, measure_id, day, row_key, value, category)
    SELECT %(t)s, a.id, m.id, %(first)s - (10 + a.id %% 80 + q * 90)::int, '', (a.id * 31 + q * 17) %% 200 - 100, ''
    FROM accounts_account a, accounts_measure m, generate_series(0, 3) q
    WHERE a.tenant_id = %(t)s AND m.tenant_id = %(t)s AND m.key = 'nps'
      AND a.id BETWEEN %(from)s AND %(to)s""",
    """INSERT INTO accounts_ticket (tenant_id, account_id, external_id, subject, status, priority, opened_at,
        satisfaction, is_escalated, attributes)
    SELECT %(t)s, a.id, '', '', 'closed', '', %(first)s::timestamptz - make_interval(days => (a.id * 7 + q * 41)::int
        %% 150), 1 + (a.id + q) %% 5, false, '{}'
    FROM accounts_account a, generate_series(1, 3) q
    WHERE a.tenant_id = %(t)s AND a.id BETWEEN %(from)s AND %(to)s""",
    """INSERT INTO accounts_activity (tenant_id, account_id, external_id, kind, occurred_at, subject, body)
    SELECT %(t)s, a.id, '', 'call', %(first)s::timestamptz - make_interval(days =>
        (a.id * 3 + q * 29)::int %% 170), 'Call', ''
    FROM accounts_account a, generate_series(1, 4) q
    WHERE a.tenant_id = %(t)s AND a.id BETWEEN %(from)s AND %(to)s""",
    """WITH made AS (
        INSERT INTO accounts_contract (tenant_id, account_id, external_id, name, starts_on, ends_on, auto_renew,
            currency)
        SELECT %(t)s, a.id, '', '', %(first)s - 400, %(first)s + (a.id %% 360)::int + 30, false, 'EUR'
        FROM accounts_account a
        WHERE a.tenant_id = %(t)s AND a.id BETWEEN %(from)s AND %(to)s
        RETURNING id, account_id, starts_on, ends_on
    )
    INSERT INTO accounts_contractline (tenant_id, contract_id, account_id, external_id, kind, starts_on, ends_on,
        end_date_is, arr_minor)
    SELECT %(t)s, id, account_id, '', 'recurring', starts_on, ends_on, 'first_day_without', 100000 + account_id * 10
    FROM made
    UNION ALL
    SELECT %(t)s, id, account_id, '', 'recurring', %(first)s - 60, ends_on, 'first_day_without', 5000
    FROM made WHERE account_id %% 3 = 0""",
    "UPDATE accounts_account SET arr_as_of = %(first)s WHERE tenant_id = %(t)s AND id BETWEEN %(from)s AND %(to)s",
)


def ours_once(tenant_id: int, day: date) -> float:
    """Milliseconds of the product's own action, with its lock, its planning and its notes."""
    from core.actors import Actor
    from core.tenancy import tenant_context
    from health.actions import recompute

    began = time.perf_counter()
    with tenant_context(tenant_id):
        recompute(actor=Actor.system("bench"), now=noon(day), as_of=day)
    return (time.perf_counter() - began) * 1000


def hand_once(tenant_id: int, day: date) -> float:
    """Milliseconds of the statement that a person would write for exactly this model."""
    from core.queries import published_version
    from core.tenancy import tenant_context

    began = time.perf_counter()
    with tenant_context(tenant_id):
        version = published_version("score_model", "standard")
        assert version is not None
        execute("SET LOCAL jit = off")
        execute("SET LOCAL work_mem = '128MB'")
        execute(HAND_WRITTEN, {"t": tenant_id, "d": day, "now": noon(day), "v": version.pk})
    elapsed = (time.perf_counter() - began) * 1000
    with tenant_context(tenant_id):
        execute("UPDATE health_scoringstate SET as_of = %s, rolled_on = %s WHERE tenant_id = %s", [day, day, tenant_id])
    return elapsed


# What somebody who knows the model by heart would write. Same rows in, same rows out.
HAND_WRITTEN = """
WITH signals AS (
    SELECT account_id,
        sum(value) FILTER (WHERE measure_id = u.id AND day > %(d)s::date - 30) AS recent,
        sum(value) FILTER (WHERE measure_id = u.id AND day <= %(d)s::date - 30) AS base,
        min(day) FILTER (WHERE measure_id = u.id) AS first,
        max(day) FILTER (WHERE measure_id = u.id) AS used_on,
        max(day) FILTER (WHERE measure_id <> u.id) AS asked_on
    FROM accounts_signal s, (SELECT id FROM accounts_measure WHERE tenant_id = %(t)s AND key = 'active_users') u
    WHERE s.tenant_id = %(t)s AND s.day <= %(d)s AND s.day > %(d)s::date - 120
      AND (s.measure_id <> u.id OR s.day > %(d)s::date - 90)
    GROUP BY account_id
),
tickets AS (
    SELECT account_id, count(*) FILTER (WHERE opened_at >= (%(d)s::date - 89)::timestamptz) AS opened,
        max(opened_at) FILTER (WHERE opened_at >= (%(d)s::date - 89)::timestamptz)::date AS opened_on,
        avg(satisfaction) AS satisfaction, max(opened_at)::date AS rated_on
    FROM accounts_ticket
    WHERE tenant_id = %(t)s AND opened_at >= (%(d)s::date - 179)::timestamptz
      AND opened_at < (%(d)s::date + 1)::timestamptz
    GROUP BY account_id
),
contacts AS (
    SELECT account_id, max(occurred_at)::date AS last FROM accounts_activity
    WHERE tenant_id = %(t)s AND kind IN ('call', 'meeting', 'email')
      AND occurred_at >= (%(d)s::date - 179)::timestamptz AND occurred_at < (%(d)s::date + 1)::timestamptz
    GROUP BY account_id
),
paid AS (
    SELECT account_id, sum(arr_minor) FILTER (WHERE ends_on IS NULL OR ends_on > %(d)s) AS now,
        sum(arr_minor) FILTER (WHERE starts_on <= %(d)s::date - 180) AS before
    FROM accounts_contractline
    WHERE tenant_id = %(t)s AND kind = 'recurring' AND starts_on <= %(d)s
      AND (ends_on IS NULL OR ends_on > %(d)s::date - 180)
    GROUP BY account_id
),
facts AS MATERIALIZED (
    SELECT a.id, COALESCE(a.owner_id, 0) AS owner, a.segment, a.arr_minor AS arr,
        CASE WHEN s.base > 0 AND %(d)s::date - 30 - s.first >= 6 THEN round(((COALESCE(s.recent, 0) / 30)
            / (s.base / (%(d)s::date - 30 - s.first + 1)) - 1) * 1e6) / 1e6 END AS usage,
        COALESCE(t.opened, 0)::float8 AS opened,
        n.value AS nps, round(t.satisfaction * 1e6) / 1e6 AS satisfaction,
        COALESCE(%(d)s::date - c.last, 180)::float8 AS silent,
        round((COALESCE(p.now, 0)::float8 / NULLIF(p.before, 0)::float8 - 1) * 1e6) / 1e6 AS growth,
        ARRAY[%(d)s::date - s.used_on, %(d)s::date - t.opened_on,
            %(d)s::date - COALESCE(s.asked_on, t.rated_on), %(d)s::date - c.last,
            CASE WHEN p.now IS NOT NULL THEN 0 END] AS ages
    FROM accounts_account a
    LEFT JOIN signals s ON s.account_id = a.id
    LEFT JOIN accounts_signal n ON n.tenant_id = %(t)s AND n.account_id = a.id AND n.day = s.asked_on
        AND n.measure_id = (SELECT id FROM accounts_measure WHERE tenant_id = %(t)s AND key = 'nps')
    LEFT JOIN tickets t ON t.account_id = a.id
    LEFT JOIN contacts c ON c.account_id = a.id
    LEFT JOIN paid p ON p.account_id = a.id
    WHERE a.tenant_id = %(t)s AND a.status = 'customer'
),
points AS MATERIALIZED (
    SELECT *, round(LEAST(GREATEST(100 * (usage + 0.5) / 0.6, 0), 100) * 1e6) / 1e6 AS s1,
        LEAST(GREATEST(100 * (10 - opened) / 10, 0), 100) AS s2,
        round(CASE WHEN nps IS NOT NULL THEN LEAST(GREATEST(100 * (nps + 50) / 110, 0), 100)
            ELSE LEAST(GREATEST(100 * (satisfaction - 2) / 3, 0), 100) END * 1e6) / 1e6 AS s3,
        round(LEAST(GREATEST(100 * (90 - silent) / 76, 0), 100) * 1e6) / 1e6 AS s4,
        CASE WHEN growth < -0.2 THEN 0 WHEN growth < -0.02 THEN 30 WHEN growth < 0.02 THEN 75
            WHEN growth IS NOT NULL THEN 100 END::float8 AS s5
    FROM facts
),
weighed AS MATERIALIZED (
    SELECT *, (CASE WHEN s1 IS NULL THEN 0 ELSE 0.3 END + 0.2 + CASE WHEN s3 IS NULL THEN 0 ELSE 0.15 END + 0.15
        + CASE WHEN s5 IS NULL THEN 0 ELSE 0.2 END)::float8 AS weight
    FROM points
),
scored AS MATERIALIZED (
    SELECT *, round(weight * 1e6) / 1e6 AS coverage, CASE WHEN weight >= 0.6 THEN round((COALESCE(0.3 * s1, 0)
        + 0.2 * s2 + COALESCE(0.15 * s3, 0) + 0.15 * s4 + COALESCE(0.2 * s5, 0)) / weight * 1e6) / 1e6 END AS score
    FROM weighed
),
fresh AS MATERIALIZED (
    SELECT s.*, CASE WHEN s.score IS NULL THEN 'none' WHEN s.score < 50 THEN 'red' WHEN s.score < 70 THEN 'yellow'
        ELSE 'green' END AS band, ARRAY[s1, s2, s3, s4, s5] AS subs,
        ARRAY[usage, opened, COALESCE(nps, satisfaction), silent, growth] AS vals,
        ARRAY[CASE WHEN usage IS NOT NULL THEN 0 END, 0, CASE WHEN nps IS NOT NULL THEN 0
            WHEN satisfaction IS NOT NULL THEN 1 END, 0, CASE WHEN growth IS NOT NULL THEN 0 END
        ]::smallint[] AS readings,
        (h.score, h.coverage, h.model_version_id, h.sub_scores)
            IS DISTINCT FROM (s.score, s.coverage, %(v)s::bigint, ARRAY[s1, s2, s3, s4, s5]) AS news
    FROM scored s LEFT JOIN health_score h ON h.tenant_id = %(t)s AND h.account_id = s.id
),
written AS (
    INSERT INTO health_score (tenant_id, account_id, model_version_id, as_of, computed_at, score, band, coverage,
        "values", sub_scores, ages, readings, counted_owner_id, counted_segment, counted_arr_minor, counted_on)
    SELECT %(t)s, id, %(v)s, %(d)s, %(now)s, score, band, coverage, vals, subs, ages, readings, owner, segment, arr,
        %(d)s
    FROM fresh
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET model_version_id = EXCLUDED.model_version_id,
        as_of = EXCLUDED.as_of, computed_at = EXCLUDED.computed_at, score = EXCLUDED.score, band = EXCLUDED.band,
        coverage = EXCLUDED.coverage, "values" = EXCLUDED.values, sub_scores = EXCLUDED.sub_scores,
        ages = EXCLUDED.ages, readings = EXCLUDED.readings, counted_owner_id = EXCLUDED.counted_owner_id,
        counted_segment = EXCLUDED.counted_segment, counted_arr_minor = EXCLUDED.counted_arr_minor,
        counted_on = EXCLUDED.counted_on
),
noted AS (
    INSERT INTO health_scorehistory (tenant_id, account_id, model_version_id, as_of, computed_at, score, band, coverage,
        "values", sub_scores, ages, readings, imported)
    SELECT %(t)s, id, %(v)s, %(d)s, %(now)s, score, band, coverage, vals, subs, ages, readings, false
    FROM fresh WHERE news
),
cells AS (
    SELECT owner, segment, band, count(*) AS n, sum(arr) AS arr,
        sum(COALESCE(round(score * 100), 0)::bigint) AS hundredths,
        sum(arr::numeric * COALESCE(round(score * 100), 0)::bigint) AS arr_score
    FROM fresh GROUP BY owner, segment, band
),
rolled AS (
    INSERT INTO health_healthday (tenant_id, day, owner_id, segment, band, model_version_id, accounts, arr_minor,
        score_hundredths, arr_score, imported)
    SELECT %(t)s, %(d)s, COALESCE(owner, -1), segment, band, %(v)s, sum(n), sum(arr), sum(hundredths),
        sum(arr_score), false
    FROM cells GROUP BY GROUPING SETS ((owner, segment, band), (segment, band))
)
SELECT count(*) FROM fresh"""


def compare(tenant_id: int, day: date) -> None:
    """The hand-written statement ran last: ours on the same day must find nothing to change."""
    from core.actors import Actor
    from core.tenancy import tenant_context
    from health.actions import recompute

    with tenant_context(tenant_id):
        done = recompute(actor=Actor.system("bench"), now=noon(day), as_of=day)
    if done.written:
        sys.exit(f"The two statements differ for {done.written} of {done.accounts} accounts.")


def one_account(tenant_id: int, day: date, times: int = 60) -> float:
    """Median milliseconds of the restricted statement, each time for another account with a new ticket."""
    from core.actors import Actor
    from core.tenancy import tenant_context
    from health.actions import recompute

    taken = []
    for turn in range(times):
        with tenant_context(tenant_id):
            cursor = execute(
                "INSERT INTO accounts_ticket (tenant_id, account_id, external_id, subject, status, priority, "
                "opened_at, is_escalated, attributes) SELECT tenant_id, id, '', '', '', '', %s, false, '{}' "
                "FROM accounts_account WHERE tenant_id = %s AND external_id = %s RETURNING account_id",
                [noon(day), tenant_id, f"B{turn * 13 + 1}"],
            )
            account_id = cursor.fetchone()[0]
        with tenant_context(tenant_id):
            done = recompute(
                actor=Actor.system("bench"), now=noon(day) + timedelta(hours=1), as_of=day, account_ids=[account_id]
            )
        taken.append(done.statement_ms)
    return statistics.median(taken)


def runs_so_far(tenant_id: int) -> int:
    """Days that earlier runs have used up; the spare days are gone through once."""
    from core.tenancy import tenant_context
    from health.models import ScoringState

    with tenant_context(tenant_id):
        state = ScoringState.objects.first()
    used = 0 if state is None else (state.as_of - FIRST_DAY).days + 1
    return used if used + 8 <= SPARE_DAYS else 0


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


if __name__ == "__main__":
    alone(run, __doc__, accounts=100_000, trials=3)
