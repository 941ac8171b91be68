-- One batch of companies: what they did, week by week, and day by day for the last stretch. Written in key order.
WITH day AS (
  SELECT account.account_id, account.n, account.started_on, account.utilisation, term.id AS term_id, term.ends_on,
         term.pressed, term.expanded_on, term.decline, d.day,
         CASE WHEN d.day >= term.expanded_on THEN term.seats_end ELSE term.seats END AS seats,
         -- Half of the loss comes within six weeks, the rest creeps until the end.
         1 - term.decline * (0.5 * least(1, greatest(0, (d.day - term.decline_from) / 45.0))
                           + 0.5 * least(1, greatest(0, (d.day - term.decline_from - 45) / 110.0)))
           - term.decline_before * greatest(0, 1 - (d.day - term.starts_on) / 60.0) AS level,
         d.day - term.starts_on AS age
  FROM demo_account AS account
  JOIN demo_term AS term ON term.n = account.n AND term.ends_on > %(as_of)s::date - %(history_days)s
  CROSS JOIN LATERAL generate_series(0, least(term.ends_on, %(as_of)s::date) - term.starts_on - 1) AS offset_days
  CROSS JOIN LATERAL (SELECT term.starts_on + offset_days AS day) AS d
  WHERE account.n BETWEEN %(low)s AND %(high)s AND d.day >= %(as_of)s::date - %(history_days)s
    AND (d.day >= %(as_of)s::date - %(daily_days)s OR (d.day - date '2000-01-05') %% %(sparse_days)s = 0)
), observed AS (
  SELECT day.*, (day - date '2000-01-05') %% 7 = 0 AS weekly, (day - date '2000-01-05') %% %(sparse_days)s = 0 AS sparse,
         least(1, 0.25 + (day - started_on) / 80.0) AS ramp,
         n::bigint * 4096 + (day - date '2020-01-01') AS key
  FROM day
), value AS (
  SELECT account_id, 'active_users' AS measure, day,
         round(greatest(0, seats * ramp * level * (1 + 0.05 * pg_temp.g(key, 70))
           * CASE WHEN pressed AND (expanded_on IS NULL OR day < expanded_on)
                  THEN utilisation + (0.95 - utilisation) * least(1, age / 140.0) ELSE utilisation END
           * CASE WHEN extract(isodow FROM day) > 5 THEN 0.24 ELSE 1 END)) AS value
  FROM observed
  UNION ALL
  SELECT account_id, 'feature_adoption', day,
         round(least(98, greatest(4, (40 + 36 * pg_temp.u(n, 71)) * least(1, 0.3 + (day - started_on) / 120.0)
           * (0.35 + 0.65 * level) + 2.5 * pg_temp.g(key, 72)))::numeric, 1)
  FROM observed WHERE CASE WHEN %(rich)s THEN weekly ELSE sparse END
  UNION ALL
  SELECT account_id, 'newsletter_opens', day, floor(6 * pg_temp.u(key, 73))
  FROM observed WHERE CASE WHEN %(rich)s THEN weekly ELSE sparse END
  UNION ALL
  SELECT account_id, 'webinar_signups', day, 1 + floor(3 * pg_temp.u(key, 74))
  FROM observed WHERE weekly AND pg_temp.u(key, 75) < 0.06
)
INSERT INTO accounts_signal (tenant_id, account_id, measure_id, day, row_key, value, category)
SELECT %(tenant)s, value.account_id, measure.id, value.day, '', value.value, ''
FROM value JOIN accounts_measure AS measure ON measure.tenant_id = %(tenant)s AND measure.key = value.measure
ORDER BY value.account_id, measure.id, value.day;
