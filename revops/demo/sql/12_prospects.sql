-- Companies that are no customers yet: some come through, some wait, some are lost on the way. Then those who said no at
-- some time of the history: a deal was lost with each, and they left the journey on that day.
DROP TABLE IF EXISTS pg_temp.demo_prospect;
CREATE TEMP TABLE demo_prospect AS
WITH drawn AS (
  SELECT n, (n::bigint * 7919 + %(seed)s * 131) %% (%(first_count)s * %(second_count)s) AS crossing,
         n > %(prospects)s AS said_no,
         CASE WHEN n > %(prospects)s THEN 1 + floor(4 * power(pg_temp.u(n, 240), 1.3))::int END AS reached,
         12 + floor(34 * pg_temp.u(n, 172))::int AS considers_after,
         30 + floor(75 * pg_temp.u(n, 241))::int AS says_no_after
  FROM generate_series(1, %(prospects)s + %(refusals)s) AS n
), begun AS (
  SELECT drawn.*,
         CASE WHEN said_no THEN %(as_of)s::date - 2 - floor((%(history_days)s - 2) * pg_temp.u(n, 170))::int - says_no_after - considers_after
              ELSE %(as_of)s::date - 6 - floor(330 * pg_temp.u(n, 170))::int END AS began_on
  FROM drawn
), dated AS (
  SELECT begun.*, began_on + considers_after AS considered_on,
         CASE WHEN said_no THEN began_on + considers_after + floor(says_no_after * (0.35 + 0.4 * pg_temp.u(n, 173)))::int
              ELSE began_on + 44 + floor(50 * pg_temp.u(n, 173))::int END AS decided_on,
         CASE WHEN said_no THEN 2 + (reached > 2)::int ELSE 1 + floor(3 * power(pg_temp.u(n, 174), 0.75))::int END AS furthest,
         said_no OR pg_temp.u(n, 175) < 0.45 AS gave_up
  FROM begun
)
SELECT n, 'LP-' || lpad(n::text, 6, '0') AS external_id, began_on,
       (%(first)s::text[])[1 + crossing / %(second_count)s] || ' ' || (%(second)s::text[])[1 + crossing %% %(second_count)s]
         || CASE WHEN said_no THEN ' Works' ELSE ' Ventures' END AS name,
       (%(industry)s::text[])[1 + crossing %% %(second_count)s] AS industry,
       CASE WHEN pg_temp.u(n, 171) < CASE WHEN said_no THEN 0.19 ELSE 0.15 END THEN 'enterprise' WHEN pg_temp.u(n, 171) < 0.5 THEN 'mid_market' ELSE 'small' END AS segment,
       considered_on, decided_on, furthest, gave_up,
       CASE WHEN said_no THEN considered_on + says_no_after
            WHEN gave_up THEN CASE furthest WHEN 1 THEN began_on WHEN 2 THEN considered_on ELSE decided_on END + 62 END AS gave_up_on,
       coalesce(reached, CASE furthest WHEN 2 THEN 1 ELSE 3 END + floor(2 * pg_temp.u(n, 240))::int) AS reached,
       NULL::bigint AS account_id
FROM dated;

INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, segment, plan, employees,
  seats, customer_since, status, owner_id, deputy_id, arr_minor, attributes, created_at, updated_at)
SELECT %(tenant)s, one.external_id, one.name, lower(one.name), lower(replace(one.name, ' ', '-')) || '.example', one.industry,
       pg_temp.pick(%(countries)s, one.n, 176), one.segment, '',
       CASE WHEN pg_temp.u(one.n, 181) < 0.2 THEN NULL ELSE (CASE one.segment WHEN 'enterprise' THEN 420 WHEN 'mid_market' THEN 60
         ELSE 6 END * (1 + 5 * pg_temp.u(one.n, 182)))::int END, NULL, NULL, 'prospect', seller.id, NULL, 0, '{}',
       one.began_on + time '09:00', %(as_of)s::date + time '00:00'
FROM demo_prospect AS one
JOIN demo_staff AS seller ON seller.no = %(first_seller)s + floor(3 * pg_temp.u(one.n, 177))::int
ORDER BY one.n;
UPDATE demo_prospect AS one SET account_id = account.id
FROM accounts_account AS account WHERE account.tenant_id = %(tenant)s AND account.external_id = one.external_id;

-- Whom sellers know there, and when they talked: the further somebody came, the more; who gave up is silent since then.
INSERT INTO accounts_contact (tenant_id, account_id, external_id, name, email_key, title, role, lifecycle_stage, left_on, attributes)
SELECT %(tenant)s, one.account_id, one.external_id || '-C' || i, given || ' ' || family,
       lower(given || '.' || family || i || '@' || one.external_id || '.example'),
       CASE i WHEN 1 THEN 'Head of Operations' WHEN 2 THEN 'Managing Director' ELSE 'Project Lead' END,
       CASE i WHEN 1 THEN 'champion' WHEN 2 THEN 'decision_maker' ELSE 'user' END, '', NULL, '{}'
FROM demo_prospect AS one
CROSS JOIN LATERAL generate_series(1, LEAST(3, floor(pg_temp.u(one.n, 183) * (1.4 + one.furthest))::int)) AS i
CROSS JOIN LATERAL (SELECT pg_temp.pick(%(first_names)s, one.n * 8 + i, 184) AS given,
                           pg_temp.pick(%(last_names)s, one.n * 8 + i, 185) AS family) AS person
ORDER BY one.n, i;

WITH talk AS (
  SELECT one.*, i, pg_temp.u(one.n * 16 + i, 186) AS draw,
         CASE WHEN gave_up THEN began_on + floor(LEAST(60, gave_up_on - began_on) * pg_temp.u(one.n * 16 + i, 187))::int
              ELSE %(as_of)s::date - 1 - floor(LEAST(150, %(as_of)s::date - 1 - began_on) * pg_temp.u(one.n * 16 + i, 187))::int END AS day
  FROM demo_prospect AS one
  CROSS JOIN LATERAL generate_series(1, floor(pg_temp.u(one.n, 188) * (1.5 + 1.5 * one.furthest))::int) AS i
), kinded AS (
  SELECT talk.*, CASE WHEN draw < 0.45 THEN 'email' WHEN draw < 0.75 OR furthest = 1 THEN 'call' ELSE 'meeting' END AS kind FROM talk
)
INSERT INTO accounts_activity (tenant_id, account_id, contact_id, person_id, external_id, kind, occurred_at, subject, body)
SELECT %(tenant)s, kinded.account_id, contact.id, account.owner_id, kinded.external_id || '-N' || kinded.i, kinded.kind,
       kinded.day + time '08:30' + make_interval(mins => 5 * floor(108 * draw)::int),
       CASE kinded.kind WHEN 'email' THEN 'Sent what they asked for' WHEN 'call' THEN 'What they want to solve'
         ELSE 'Demo with their own example' END, ''
FROM kinded
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = kinded.account_id
LEFT JOIN accounts_contact AS contact ON contact.tenant_id = %(tenant)s AND contact.external_id = kinded.external_id || '-C1'
WHERE kinded.day < %(as_of)s::date
ORDER BY kinded.n, kinded.i;

UPDATE accounts_account AS account SET last_contact_on = last.day
FROM (SELECT talk.account_id, max(talk.occurred_at)::date AS day FROM accounts_activity AS talk
      JOIN demo_prospect AS one ON one.account_id = talk.account_id
      WHERE talk.tenant_id = %(tenant)s GROUP BY 1) AS last
WHERE account.tenant_id = %(tenant)s AND account.id = last.account_id;
UPDATE accounts_contact AS contact SET last_touch_on = last.day
FROM (SELECT talk.contact_id, max(talk.occurred_at)::date AS day FROM accounts_activity AS talk
      JOIN demo_prospect AS one ON one.account_id = talk.account_id
      WHERE talk.tenant_id = %(tenant)s AND talk.contact_id IS NOT NULL GROUP BY 1) AS last
WHERE contact.tenant_id = %(tenant)s AND contact.id = last.contact_id;

WITH step AS (
  SELECT n, 'awareness' AS stage, began_on AS entered_on FROM demo_prospect
  UNION ALL SELECT n, 'consideration', considered_on FROM demo_prospect WHERE furthest >= 2
  UNION ALL SELECT n, 'decision', decided_on FROM demo_prospect WHERE furthest >= 3
  UNION ALL SELECT n, 'gone', gave_up_on FROM demo_prospect WHERE gave_up
), stay AS (
  SELECT n, stage, entered_on, lead(entered_on) OVER (PARTITION BY n ORDER BY entered_on, stage) AS left_on
  FROM step WHERE entered_on <= %(as_of)s::date
)
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, left_on, moved_by, reason)
SELECT %(tenant)s, one.account_id, stage.id, stay.entered_on, stay.left_on, 'Larkfield Cloud', ''
FROM stay
JOIN demo_prospect AS one ON one.n = stay.n
JOIN journeys_lifecyclestage AS stage
  ON stage.tenant_id = %(tenant)s AND stage.journey = 'standard' AND stage.key = stay.stage
ORDER BY stay.n, stay.entered_on;

-- Who decides has an offer on the table.
WITH deal AS (
  INSERT INTO journeys_opportunity (tenant_id, account_id, pipeline_id, stage_id, owner_id, product_id, external_id, name, kind,
    amount_minor, currency, opened_on, close_on, attributes)
  SELECT %(tenant)s, one.account_id, stage.pipeline_id, stage.id, account.owner_id, product.id, one.external_id || '-O0',
         one.name || ': first contract', 'new',
         CASE one.segment WHEN 'enterprise' THEN 96000 WHEN 'mid_market' THEN 28000 ELSE 7000 END * 100::bigint
           * (60 + floor(80 * pg_temp.u(one.n, 178)))::int / 100,
         %(currency)s, one.decided_on, %(as_of)s::date + 10 + floor(60 * pg_temp.u(one.n, 179))::int, '{}'
  FROM demo_prospect AS one
  JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = one.account_id
  JOIN LATERAL (SELECT id, pipeline_id FROM demo_stage WHERE kind = 'open'
                ORDER BY abs(no - 1 - floor(4 * pg_temp.u(one.n, 180))), no LIMIT 1) AS stage ON true
  LEFT JOIN accounts_product AS product ON product.tenant_id = %(tenant)s AND product.external_id = 'LF-CORE'
  WHERE one.furthest >= 3 AND NOT one.gave_up AND one.decided_on <= %(as_of)s::date
  RETURNING id, stage_id, opened_on
)
INSERT INTO journeys_opportunitystagevisit (tenant_id, opportunity_id, stage_id, entered_on, moved_by)
SELECT %(tenant)s, id, stage_id, opened_on, 'seed_demo' FROM deal;

-- Who said no had an offer, too, as far as it came.
INSERT INTO journeys_opportunity (tenant_id, account_id, pipeline_id, stage_id, owner_id, product_id, external_id, name, kind,
  amount_minor, currency, opened_on, close_on, closed_on, attributes)
SELECT %(tenant)s, one.account_id, stage.pipeline_id, stage.id, account.owner_id, product.id, one.external_id || '-F0',
       one.name || ': first contract', 'new',
       CASE one.segment WHEN 'enterprise' THEN 96000 WHEN 'mid_market' THEN 28000 ELSE 7000 END * 100::bigint
         * (60 + floor(80 * pg_temp.u(one.n, 178)))::int / 100,
       %(currency)s, one.considered_on, one.gave_up_on, one.gave_up_on, '{}'
FROM demo_prospect AS one
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = one.account_id
JOIN demo_stage AS stage ON stage.kind = 'lost' AND stage.no = 1
LEFT JOIN accounts_product AS product ON product.tenant_id = %(tenant)s AND product.external_id = 'LF-CORE'
WHERE one.furthest >= 2 AND one.gave_up_on < %(as_of)s::date
ORDER BY one.n;

INSERT INTO journeys_opportunitystagevisit (tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by)
SELECT %(tenant)s, deal.id, stage.id,
       CASE stage.kind WHEN 'open' THEN deal.opened_on + floor(span.days * (stage.no - 1.0) / span.stages)::int ELSE deal.closed_on END,
       CASE WHEN stage.kind = 'lost' THEN NULL WHEN stage.no = span.stages THEN deal.closed_on
            ELSE deal.opened_on + floor(span.days * (stage.no + 0.0) / span.stages)::int END, 'seed_demo'
FROM demo_prospect AS one
JOIN journeys_opportunity AS deal ON deal.tenant_id = %(tenant)s AND deal.external_id = one.external_id || '-F0'
CROSS JOIN LATERAL (SELECT deal.closed_on - deal.opened_on AS days,
                           LEAST(one.reached, (SELECT count(*) FROM demo_stage WHERE kind = 'open')) AS stages) AS span
JOIN demo_stage AS stage ON (stage.kind = 'open' AND stage.no <= span.stages) OR (stage.kind = 'lost' AND stage.no = 1)
ORDER BY deal.id, stage.kind DESC, stage.no;
