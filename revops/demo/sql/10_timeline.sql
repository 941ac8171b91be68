-- What was said: a rhythm of contacts per company, and a note where something happened.
DROP TABLE IF EXISTS pg_temp.demo_text;
CREATE TEMP TABLE demo_text AS
SELECT context, kind, subject, body, row_number() OVER (PARTITION BY context ORDER BY place) AS no,
       count(*) OVER (PARTITION BY context) AS of
FROM unnest(%(text_context)s::text[], %(text_kind)s::text[], %(text_subject)s::text[], %(text_body)s::text[])
  WITH ORDINALITY AS text(context, kind, subject, body, place);

WITH rhythm AS (
  SELECT account.n, i, %(as_of)s::date - 1 - (i * step.days + floor(step.days * pg_temp.u(account.n * 512 + i, 110)))::int AS day
  FROM demo_account AS account
  CROSS JOIN LATERAL (SELECT CASE segment WHEN 'enterprise' THEN 10 WHEN 'mid_market' THEN 21 ELSE 34 END AS days) AS step
  CROSS JOIN LATERAL generate_series(0, %(story_days)s / step.days) AS i
), contact AS (
  SELECT rhythm.n, rhythm.i, rhythm.day,
         CASE WHEN rhythm.day < account.started_on + 60 THEN 'onboarding'
              WHEN term.decline > 0 AND rhythm.day > term.decline_from + 20 THEN 'decline'
              WHEN term.spike_from IS NOT NULL AND rhythm.day BETWEEN term.spike_from + 10 AND term.spike_from + 70 THEN 'support'
              WHEN rhythm.day > term.sponsor_left_on THEN 'sponsor'
              WHEN term.pressed AND rhythm.day > term.starts_on + 90 THEN 'growth'
              WHEN rhythm.day > term.ends_on - 75 THEN 'renewal'
              ELSE 'steady' END AS context
  FROM rhythm
  JOIN demo_account AS account ON account.n = rhythm.n
  JOIN demo_term AS term ON term.n = rhythm.n AND rhythm.day >= term.starts_on AND rhythm.day < term.ends_on
  WHERE rhythm.day >= %(as_of)s::date - %(story_days)s AND rhythm.day < %(as_of)s::date
    AND NOT (term.silent_from IS NOT NULL AND rhythm.day >= term.silent_from)
    -- Who uses less also answers less.
    AND NOT (term.decline > 0 AND rhythm.day > term.decline_from + 30 AND pg_temp.u(rhythm.n * 512 + rhythm.i, 115) < 0.4)
  UNION ALL
  SELECT n, 1000 + k, sponsor_left_on + 2, 'sponsor_news' FROM demo_term WHERE sponsor_left_on < %(as_of)s::date - 2
    AND (silent_from IS NULL OR sponsor_left_on + 2 < silent_from)
  UNION ALL
  SELECT n, 1020 + k, expanded_on - 1, 'expanded' FROM demo_term WHERE expanded_on < %(as_of)s::date
    AND (silent_from IS NULL OR expanded_on - 1 < silent_from)
  UNION ALL
  SELECT n, 1040 + k, ends_on - 6, CASE WHEN churned THEN 'churned' WHEN contracted THEN 'contracted' ELSE 'renewed' END
  FROM demo_term WHERE told AND ends_on <= %(as_of)s::date
), drawn AS (
  SELECT contact.*, contact.n::bigint * 4096 + contact.i AS key FROM contact
  WHERE contact.day >= %(as_of)s::date - %(story_days)s
), worded AS (
  SELECT drawn.*, text.kind, text.subject, text.body
  FROM drawn JOIN demo_text AS text
    ON text.context = drawn.context AND text.no = 1 + floor(pg_temp.u(drawn.key, 111) * text.of)::int
), met AS (
  -- Whom: the sponsor while in office when the news is theirs, else one of the others.
  SELECT worded.*, account.account_id, account.external_id, account.name AS company, account.owner_no,
         account.external_id || '-C' || CASE WHEN worded.context = 'sponsor_news' THEN 21
           WHEN account.segment <> 'small' AND pg_temp.u(worded.key, 112) < 0.3 THEN 3 ELSE 1 END AS contact_key
  FROM worded JOIN demo_account AS account ON account.n = worded.n
)
INSERT INTO accounts_activity (tenant_id, account_id, contact_id, person_id, external_id, kind, occurred_at, subject, body)
SELECT %(tenant)s, met.account_id, contact.id, owner.id, met.external_id || '-N' || met.i, met.kind,
       met.day + time '08:30' + make_interval(mins => 5 * floor(108 * pg_temp.u(met.key, 113))::int),
       replace(replace(met.subject, '{contact}', contact.name), '{company}', met.company),
       replace(replace(replace(met.body, '{contact}', contact.name), '{first}', split_part(contact.name, ' ', 1)),
         '{company}', met.company)
FROM met
JOIN accounts_contact AS contact ON contact.tenant_id = %(tenant)s AND contact.external_id = met.contact_key
JOIN demo_staff AS owner ON owner.no = met.owner_no
ORDER BY met.n, met.day, met.i;

UPDATE accounts_account AS account SET last_contact_on = last.day
FROM (SELECT account_id, max(occurred_at)::date AS day FROM accounts_activity
      WHERE tenant_id = %(tenant)s AND kind <> 'note' GROUP BY account_id) AS last
WHERE account.tenant_id = %(tenant)s AND account.id = last.account_id;

UPDATE accounts_contact AS contact SET last_touch_on = last.day
FROM (SELECT contact_id, max(occurred_at)::date AS day FROM accounts_activity
      WHERE tenant_id = %(tenant)s AND kind <> 'note' GROUP BY contact_id) AS last
WHERE contact.tenant_id = %(tenant)s AND contact.id = last.contact_id;

-- Goals agreed with the customer.
INSERT INTO accounts_goal (tenant_id, account_id, title, unit, baseline, target, actual, actual_on, target_on, source)
SELECT %(tenant)s, account.account_id, goal.title, goal.unit, goal.baseline, goal.target,
       round((goal.baseline + (goal.target - goal.baseline) * least(1.1, greatest(0.05,
         (0.35 + 0.75 * pg_temp.u(key, 121)) * (1 - coalesce(term.decline, 0)))))::numeric, 1),
       %(as_of)s::date - 3 - floor(25 * pg_temp.u(key, 122))::int, term.ends_on - 30, 'Success plan, agreed at kick-off'
FROM demo_account AS account
JOIN demo_term AS term ON term.n = account.n AND term.is_current
CROSS JOIN generate_series(0, CASE account.segment WHEN 'small' THEN 0 ELSE 1 END) AS i
CROSS JOIN LATERAL (SELECT account.n::bigint * 4 + i AS key) AS keyed
JOIN unnest(%(goal_title)s::text[], %(goal_unit)s::text[], %(goal_baseline)s::float8[], %(goal_target)s::float8[])
  WITH ORDINALITY AS goal(title, unit, baseline, target, no)
  ON goal.no = 1 + (floor(pg_temp.u(account.n, 120) * 8)::int + i * 3) %% 8
ORDER BY account.n, i;
