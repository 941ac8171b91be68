-- What they say: a survey per quarter.
INSERT INTO accounts_signal (tenant_id, account_id, measure_id, day, row_key, value, category)
SELECT %(tenant)s, account.account_id, measure.id, survey.day, '',
       round(least(100, greatest(-100, 48 + 15 * pg_temp.g(account.n, 80) + 11 * pg_temp.g(survey.key, 81)
         - CASE WHEN survey.day >= term.decline_from + 15 THEN 85 * term.decline ELSE 0 END
         - CASE WHEN survey.day >= term.spike_from + 10 THEN 55 ELSE 0 END
         - CASE WHEN survey.day >= term.sponsor_left_on THEN 20 ELSE 0 END))), ''
FROM demo_account AS account
CROSS JOIN generate_series(0, %(history_days)s / 91) AS quarter
CROSS JOIN LATERAL (SELECT %(as_of)s::date - 4 - quarter * 91 - floor(60 * pg_temp.u(account.n * 64 + quarter, 82))::int AS day,
                           account.n::bigint * 64 + quarter AS key) AS survey
JOIN demo_term AS term ON term.n = account.n AND survey.day >= term.starts_on AND survey.day < term.ends_on
JOIN accounts_measure AS measure ON measure.tenant_id = %(tenant)s AND measure.key = 'nps'
WHERE pg_temp.u(survey.key, 83) < 0.82 AND survey.day >= account.started_on + 45
ORDER BY account.account_id, survey.day
ON CONFLICT DO NOTHING;

-- Support: a steady trickle, and bursts that hurt.
WITH asked AS (
  SELECT account.n, account.account_id, account.external_id, account.segment, false AS burst, i,
         %(as_of)s::date - 1 - (i * step.days + floor(step.days * pg_temp.u(account.n * 512 + i, 90)))::int AS day
  FROM demo_account AS account
  CROSS JOIN LATERAL (SELECT CASE segment WHEN 'enterprise' THEN 26 WHEN 'mid_market' THEN 45 ELSE 90 END AS days) AS step
  CROSS JOIN LATERAL generate_series(0, %(story_days)s / step.days) AS i
  UNION ALL
  SELECT account.n, account.account_id, account.external_id, account.segment, true, 1000 + term.k * 30 + i,
         term.spike_from + i * 5 + floor(4 * pg_temp.u(term.id * 32 + i, 91))::int
  FROM demo_term AS term JOIN demo_account AS account ON account.n = term.n
  CROSS JOIN LATERAL generate_series(0, CASE segment WHEN 'enterprise' THEN 16 WHEN 'mid_market' THEN 11 ELSE 8 END) AS i
  WHERE term.spike_from IS NOT NULL
), drawn AS (
  SELECT asked.*, asked.n::bigint * 4096 + i AS key
  FROM asked
  JOIN demo_term AS term ON term.n = asked.n AND asked.day >= term.starts_on AND asked.day < term.ends_on
  WHERE asked.day < %(as_of)s::date AND asked.day >= %(as_of)s::date - %(story_days)s
), timed AS (
  SELECT drawn.*, day + time '08:00' + make_interval(mins => floor(540 * pg_temp.u(key, 92))::int) AS opened_at,
         round((CASE WHEN burst THEN 30 + 160 * pg_temp.u(key, 93) ELSE 1 + 40 * pg_temp.u(key, 93) ^ 2 END)::numeric, 1) AS hours
  FROM drawn
)
INSERT INTO accounts_ticket (tenant_id, account_id, external_id, subject, status, priority, opened_at, closed_at,
  first_response_minutes, resolution_hours, satisfaction, is_escalated, attributes)
SELECT %(tenant)s, account_id, external_id || '-S' || i,
       CASE WHEN burst THEN pg_temp.pick(%(ticket_bad)s, key, 94) ELSE pg_temp.pick(%(ticket_plain)s, key, 94) END,
       CASE WHEN closed THEN 'closed' ELSE 'open' END,
       CASE WHEN burst THEN pg_temp.pick(ARRAY['high', 'urgent', 'high', 'normal'], key, 95)
            ELSE pg_temp.pick(ARRAY['normal', 'low', 'normal', 'high'], key, 95) END,
       opened_at, CASE WHEN closed THEN opened_at + hours * interval '1 hour' END,
       round((CASE WHEN burst THEN 200 + 900 * pg_temp.u(key, 96) ELSE 8 + 120 * pg_temp.u(key, 96) END)::numeric),
       CASE WHEN closed THEN hours END,
       CASE WHEN closed AND pg_temp.u(key, 97) < 0.74
            THEN CASE WHEN burst THEN 1 + floor(2.4 * pg_temp.u(key, 98)) ELSE 5 - floor(2.3 * pg_temp.u(key, 98) ^ 2) END END,
       burst AND pg_temp.u(key, 99) < 0.22,
       jsonb_build_object('product', CASE WHEN pg_temp.u(key, 100) < 0.75 THEN 'Larkfield Core' ELSE 'Larkfield Insight' END)
FROM (SELECT timed.*, opened_at + hours * interval '1 hour' < %(as_of)s::date AS closed FROM timed) AS ticket
ORDER BY n, i;
