-- Who the companies are. The temporary table carries what the later steps need; n counts the companies.
DROP TABLE IF EXISTS pg_temp.demo_account;
CREATE TEMP TABLE demo_account AS
WITH drawn AS (
  SELECT n,
         CASE WHEN pg_temp.u(n, 1) < 0.12 THEN 'enterprise' WHEN pg_temp.u(n, 1) < 0.50 THEN 'mid_market' ELSE 'small' END
           AS segment,
         (n::bigint * 7919 + %(seed)s * 131) %% (%(first_count)s * %(second_count)s) AS crossing,
         (n - 1) / (%(first_count)s * %(second_count)s) AS round,
         CASE WHEN pg_temp.u(n, 3) < 0.20 THEN 1 ELSE 2 + floor((pg_temp.u(n, 3) - 0.20) / 0.80 * %(other_csms)s)::int END
           AS owner_no,
         %(as_of)s::date - CASE WHEN pg_temp.u(n, 4) < 0.56 THEN 731 + floor(pg_temp.u(n, 5) * 960)
                                ELSE 25 + floor(pg_temp.u(n, 5) * 705) END::int AS started_on
  FROM generate_series(1, %(accounts)s) AS n
), named AS (
  SELECT drawn.*,
         (%(first)s::text[])[1 + crossing / %(second_count)s] AS first_word,
         1 + crossing %% %(second_count)s AS second_no
  FROM drawn
), priced AS (
  SELECT named.*,
         (round(CASE segment
            WHEN 'enterprise' THEN least(900000, greatest(64000, exp(ln(135000.0) + 0.55 * pg_temp.g(n, 10))))
            WHEN 'mid_market' THEN least(96000, greatest(15000, exp(ln(33000.0) + 0.42 * pg_temp.g(n, 10))))
            ELSE least(15000, greatest(2400, exp(ln(7300.0) + 0.40 * pg_temp.g(n, 10)))) END / 100) * 100)::bigint AS arr_units
  FROM named
)
SELECT n, 'LF-' || lpad(n::text, 6, '0') AS external_id, segment, owner_no, started_on, arr_units,
       first_word || ' ' || (%(second)s::text[])[second_no] || (%(suffix)s::text[])[1 + round] AS name,
       lower(first_word || (%(second)s::text[])[second_no] || replace((%(suffix)s::text[])[1 + round], ' ', '-')) || '.example'
         AS domain,
       (%(industry)s::text[])[second_no] AS industry,
       pg_temp.pick(%(countries)s, n, 11) AS country,
       greatest(5, round(arr_units / CASE segment WHEN 'enterprise' THEN 420 WHEN 'mid_market' THEN 480 ELSE 540 END))::int
         AS seats,
       0.56 + 0.26 * pg_temp.u(n, 12) AS utilisation,
       NULL::bigint AS account_id
FROM priced;
CREATE UNIQUE INDEX ON demo_account (n);
ANALYZE demo_account;
