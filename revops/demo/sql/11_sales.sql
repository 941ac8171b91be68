-- Deals in the default pipeline: the first contract and the try before it that came to nothing, growth won and lost, those
-- who were asked back and said no, and what is on the table now. What was won is in a contract; what was lost is in none.
DROP TABLE IF EXISTS pg_temp.demo_lacking;
CREATE TEMP TABLE demo_lacking AS -- an add-on that somebody does not have yet
SELECT account.n, pg_temp.pick(array_remove(ARRAY['LF-INSIGHT', 'LF-INSIGHT', 'LF-FLOW', 'LF-CARE'], addon.product_key),
                               account.n, 238) AS product_key
FROM demo_account AS account LEFT JOIN demo_addon AS addon ON addon.n = account.n;

DROP TABLE IF EXISTS pg_temp.demo_deal;
CREATE TEMP TABLE demo_deal AS
WITH open_stage AS (
  SELECT count(*)::int AS of FROM journeys_pipelinestage AS stage
  JOIN journeys_pipeline AS pipeline ON pipeline.tenant_id = stage.tenant_id AND pipeline.id = stage.pipeline_id
  WHERE stage.tenant_id = %(tenant)s AND pipeline.is_default AND stage.kind = 'open'
), deal AS (
  SELECT n, 'O0' AS part, 'won' AS kind, 'first contract' AS what, 'LF-CORE' AS product_key, started_on - 40 - floor(90 * pg_temp.u(n, 130))::int AS opened_on,
         started_on - 4 AS closed_on, arr_units * 100 AS amount_minor
  FROM demo_account WHERE started_on > %(as_of)s::date - %(history_days)s
  UNION ALL
  SELECT n, 'F0', 'lost', 'first contract', 'LF-CORE', told_no_on - 30 - floor(70 * pg_temp.u(n, 230))::int, told_no_on,
         (arr_units * (0.8 + 0.5 * pg_temp.u(n, 231)) / 100)::bigint * 10000
  FROM (SELECT demo_account.*, started_on - 150 - floor(180 * pg_temp.u(n, 232))::int AS told_no_on FROM demo_account) AS tried
  WHERE told_no_on > %(as_of)s::date - %(history_days)s AND pg_temp.u(n, 233) < %(first_tries)s
  UNION ALL
  SELECT n, 'B0', 'lost', 'win-back', 'LF-CORE', ends_on + 60 + floor(60 * pg_temp.u(id, 234))::int,
         ends_on + 150 + floor(60 * pg_temp.u(id, 235))::int, (arr_end_minor * 0.8 / 10000)::bigint * 10000
  FROM demo_term WHERE churned AND ends_on + 210 < %(as_of)s::date AND pg_temp.u(id, 236) < 0.6
  UNION ALL
  SELECT n, 'X' || k, 'won', 'more seats', 'LF-CORE', expanded_on - 20 - floor(50 * pg_temp.u(id, 131))::int, expanded_on - 2,
         seats_minor
  FROM demo_growth WHERE expanded_on - 2 < %(as_of)s::date
  UNION ALL
  SELECT n, 'A' || k, 'won', 'add-on', product_key, expanded_on - 24 - floor(40 * pg_temp.u(id, 237))::int, expanded_on - 2,
         addon_minor
  FROM demo_growth WHERE expanded_on - 2 < %(as_of)s::date AND addon_minor > 0
  UNION ALL
  SELECT n, 'L' || k, 'lost', what, CASE what WHEN 'add-on' THEN product_key ELSE 'LF-CORE' END, starts_on + 80,
         starts_on + 110 + floor(60 * pg_temp.u(id, 132))::int, (arr_minor * 0.2 / 10000)::bigint * 10000
  FROM demo_term
  JOIN demo_lacking USING (n)
  CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.u(id, 133) < 0.09 THEN 'more seats' WHEN pg_temp.u(id, 133) < 0.185 THEN 'add-on' END
                      AS what) AS drawn
  WHERE told AND starts_on + 175 < least(ends_on, %(as_of)s::date)
    AND (what = 'add-on' OR (what = 'more seats' AND expanded_on IS NULL))
  UNION ALL
  SELECT n, 'W' || k, 'open', CASE WHEN pressed THEN 'more seats' ELSE 'add-on' END,
         CASE WHEN pressed THEN 'LF-CORE' ELSE product_key END, %(as_of)s::date - 12 - floor(50 * pg_temp.u(id, 134))::int, NULL, (arr_minor * 0.25 / 10000)::bigint * 10000
  FROM demo_term JOIN demo_lacking USING (n)
  WHERE is_current AND expanded_on IS NULL AND starts_on < %(as_of)s::date - 90 AND decline = 0
    AND pg_temp.u(id, 135) < CASE WHEN pressed THEN 0.8 ELSE 0.06 END
)
SELECT deal.*, deal.n::bigint * 64 + row_number() OVER (PARTITION BY deal.n ORDER BY part) AS key,
       CASE WHEN deal.kind = 'won' THEN open_stage.of
            ELSE 1 + floor(pg_temp.u(deal.n::bigint * 64 + length(part) + extract(day FROM opened_on)::int, 136) * open_stage.of)::int END AS reached
FROM deal, open_stage WHERE open_stage.of > 0;

DROP TABLE IF EXISTS pg_temp.demo_stage;
CREATE TEMP TABLE demo_stage AS
SELECT stage.id, stage.pipeline_id, stage.kind, row_number() OVER (PARTITION BY stage.kind ORDER BY stage.position) AS no
FROM journeys_pipelinestage AS stage
JOIN journeys_pipeline AS pipeline ON pipeline.tenant_id = stage.tenant_id AND pipeline.id = stage.pipeline_id
WHERE stage.tenant_id = %(tenant)s AND pipeline.is_default;

INSERT INTO journeys_opportunity (tenant_id, account_id, pipeline_id, stage_id, owner_id, product_id, external_id, name,
  amount_minor, currency, opened_on, close_on, closed_on, attributes)
SELECT %(tenant)s, account.account_id, stage.pipeline_id, stage.id, seller.id, product.id,
       account.external_id || '-' || deal.part, account.name || ': ' || deal.what, deal.amount_minor, %(currency)s, deal.opened_on,
       coalesce(deal.closed_on, %(as_of)s::date + 8 + floor(80 * pg_temp.u(deal.key, 137))::int), deal.closed_on, '{}'
FROM demo_deal AS deal
JOIN demo_account AS account ON account.n = deal.n
JOIN demo_stage AS stage ON stage.kind = deal.kind AND stage.no = CASE WHEN deal.kind = 'open' THEN deal.reached ELSE 1 END
JOIN demo_staff AS seller ON seller.no = %(first_seller)s + CASE deal.kind -- nobody loses as often as the next one
  WHEN 'lost' THEN floor(3 * power(pg_temp.u(deal.key, 239), 0.75)) ELSE floor(3 * pg_temp.u(deal.n, 138)) END::int
JOIN accounts_product AS product ON product.tenant_id = %(tenant)s
  AND product.external_id = deal.product_key
ORDER BY deal.n, deal.part;

WITH stay AS (
  SELECT deal.n, deal.part, 'open' AS kind, i AS no,
         deal.opened_on + floor((coalesce(deal.closed_on, %(as_of)s::date) - deal.opened_on) * (i - 1.0) / deal.reached)::int
           AS entered_on,
         CASE WHEN i < deal.reached
              THEN deal.opened_on + floor((coalesce(deal.closed_on, %(as_of)s::date) - deal.opened_on) * (i + 0.0) / deal.reached)::int
              ELSE deal.closed_on END AS left_on
  FROM demo_deal AS deal, generate_series(1, deal.reached) AS i
  UNION ALL
  SELECT n, part, kind, 1, closed_on, NULL FROM demo_deal WHERE kind <> 'open'
)
INSERT INTO journeys_opportunitystagevisit (tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by)
SELECT %(tenant)s, opportunity.id, stage.id, stay.entered_on, stay.left_on, 'seed_demo'
FROM stay
JOIN demo_account AS account ON account.n = stay.n
JOIN journeys_opportunity AS opportunity
  ON opportunity.tenant_id = %(tenant)s AND opportunity.external_id = account.external_id || '-' || stay.part
JOIN demo_stage AS stage ON stage.kind = stay.kind AND stage.no = stay.no
ORDER BY stay.n, stay.part, stay.entered_on;

-- Small promises that somebody has to keep.
INSERT INTO journeys_task (tenant_id, account_id, kind, title, detail, due_on, priority, state, assignee_id, origin_key,
  subject_kind, snooze_reason, created_at, closed_by)
SELECT %(tenant)s, account.account_id, 'todo', replace(pg_temp.pick(%(todos)s, account.n, 140), '{company}', account.name), '',
       %(as_of)s::date - 2 + floor(12 * pg_temp.u(account.n, 141))::int, 0, 'open', owner.id, '', '', '',
       %(as_of)s::date - 6 + time '10:00', ''
FROM demo_account AS account
JOIN demo_term AS term ON term.n = account.n AND term.is_current
JOIN demo_staff AS owner ON owner.no = account.owner_no
WHERE pg_temp.u(account.n, 142) < 0.11
ORDER BY account.n;
