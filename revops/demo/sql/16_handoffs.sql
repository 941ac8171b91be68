-- How won deals and new prospects went from team to team: taken over, sent back once, or waiting; and what customers expect.
DROP TABLE IF EXISTS pg_temp.demo_handoff;
CREATE TEMP TABLE demo_handoff AS
WITH given AS (
  SELECT 'sales_to_cs' AS key, deal.id AS source_id, hashtext(deal.external_id)::bigint AS n, deal.id AS opportunity_id, deal.account_id, deal.owner_id AS from_person_id,
         CASE WHEN account.owner_id IS DISTINCT FROM deal.owner_id THEN account.owner_id END AS to_person_id, deal.closed_on AS on_day,
         true AS is_here
  FROM journeys_opportunity AS deal
  JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id AND stage.kind = 'won'
  JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = deal.account_id AND account.status = 'customer'
  WHERE deal.tenant_id = %(tenant)s AND deal.kind <> 'renewal' AND deal.closed_on > %(as_of)s::date - 180
  UNION ALL
  SELECT 'marketing_to_sales', visit.id, hashtext(account.external_id)::bigint, NULL, visit.account_id, NULL, account.owner_id, visit.entered_on,
         EXISTS (SELECT FROM journeys_stagevisit AS here
                 WHERE here.tenant_id = %(tenant)s AND here.account_id = visit.account_id AND here.left_on IS NULL)
  FROM journeys_stagevisit AS visit
  JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id AND stage.key = 'consideration'
  JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = visit.account_id AND account.status = 'prospect'
  WHERE visit.tenant_id = %(tenant)s AND visit.entered_on > %(as_of)s::date - 180
), drawn AS (
  SELECT given.*, row_number() OVER (PARTITION BY key ORDER BY is_here DESC, on_day DESC, n) AS latest,
         LEAST(4, (count(*) FILTER (WHERE is_here) OVER (PARTITION BY key) + 3) / 4) AS waiting, -- nothing waits of who has left
         LEAST(2, count(*) FILTER (WHERE is_here) OVER (PARTITION BY key) / 8) AS back,
         pg_temp.u(n, 210) AS luck, pg_temp.u(n, 211) AS pace
  FROM given
)
SELECT drawn.*, CASE WHEN latest <= waiting THEN 'waiting' WHEN latest <= waiting + back THEN 'returned' ELSE 'accepted' END AS state,
       luck < 0.14 AND latest > waiting + back AS twice,
       CASE WHEN latest <= waiting THEN %(as_of)s::date + time '00:00' - interval '1 hour' * (2 + 13 * (latest - 1)) ELSE on_day + time '10:00' END
         AT TIME ZONE 'UTC' AS created_at,
       interval '1 hour' * CASE key WHEN 'sales_to_cs' THEN 3 + 70 * power(pace, 1.6) ELSE 1 + 24 * power(pace, 1.5) END AS took,
       CASE key WHEN 'sales_to_cs' THEN 'Sales to CS' ELSE 'Marketing to Sales' END AS name,
       CASE key WHEN 'sales_to_cs' THEN 48 ELSE 24 END AS hours
FROM drawn;

INSERT INTO journeys_handoff (tenant_id, account_id, key, name, origin_key, attempt, version_id, opportunity_id, from_person_id,
  to_person_id, state, checklist, created_at, due_at, answered_at, answered_by, return_reason)
SELECT %(tenant)s, one.account_id, one.key, one.name,
       CASE one.key WHEN 'sales_to_cs' THEN 'won:' ELSE 'visit:' END || one.source_id || ':' || one.key, attempt.no, version.id,
       one.opportunity_id, one.from_person_id, one.to_person_id, attempt.state,
       (SELECT jsonb_agg(item || jsonb_build_object(
                 'done_at', CASE WHEN attempt.state = 'accepted' OR place <= 1 + floor(3 * one.luck) THEN to_jsonb(one.created_at) END,
                 'done_by', CASE WHEN attempt.state = 'accepted' OR place <= 1 + floor(3 * one.luck) THEN COALESCE(seller.name, 'Marketing') ELSE '' END)
               ORDER BY place)
        FROM jsonb_array_elements(%(handoff_checklists)s::jsonb -> one.key) WITH ORDINALITY AS list (item, place)),
       attempt.created_at, attempt.created_at + interval '1 hour' * one.hours,
       CASE WHEN attempt.state <> 'waiting' THEN attempt.created_at + one.took * attempt.share END,
       CASE WHEN attempt.state <> 'waiting' THEN COALESCE(taker.name, 'seed_demo') ELSE '' END,
       CASE WHEN attempt.state = 'returned' THEN CASE one.key
         WHEN 'sales_to_cs' THEN pg_temp.pick(%(handoff_reasons)s, one.n, 212) ELSE 'No need named' END ELSE '' END
FROM demo_handoff AS one
CROSS JOIN LATERAL (
  SELECT 1 AS no, CASE WHEN one.twice THEN 'returned' ELSE one.state END AS state, one.created_at, CASE WHEN one.twice THEN 0.3 ELSE 1 END AS share
  UNION ALL SELECT 2, 'accepted', one.created_at + one.took * 0.5, 0.5 WHERE one.twice) AS attempt
LEFT JOIN accounts_person AS taker ON taker.tenant_id = %(tenant)s AND taker.id = one.to_person_id
LEFT JOIN accounts_person AS seller ON seller.tenant_id = %(tenant)s AND seller.id = one.from_person_id
LEFT JOIN core_processversion AS version ON version.tenant_id = %(tenant)s AND version.kind = 'journey' AND version.key = 'standard'
 AND version.state = 'published'
ORDER BY one.key, one.source_id, attempt.no
ON CONFLICT DO NOTHING;

-- What waits is somebody's task; what came back is the giver's.
INSERT INTO journeys_task (tenant_id, account_id, kind, title, detail, due_on, priority, state, assignee_id, process_version_id,
  origin_key, subject_kind, subject_id, snooze_reason, created_at, closed_by)
SELECT %(tenant)s, one.account_id, 'handoff',
       CASE one.state WHEN 'waiting' THEN 'Accept the hand-off: ' ELSE 'Hand over again: ' END || one.name, one.return_reason,
       CASE one.state WHEN 'waiting' THEN one.due_at::date ELSE %(as_of)s::date - 1 END, 0, 'open',
       CASE one.state WHEN 'waiting' THEN one.to_person_id ELSE one.from_person_id END, one.version_id,
       'handoff:' || one.id || CASE one.state WHEN 'waiting' THEN '' ELSE ':returned' END, 'handoff', one.id, '',
       COALESCE(one.answered_at, one.created_at), ''
FROM journeys_handoff AS one
WHERE one.tenant_id = %(tenant)s AND (one.state = 'waiting' OR (one.state = 'returned' AND NOT EXISTS (
  SELECT FROM journeys_handoff AS later
  WHERE later.tenant_id = %(tenant)s AND later.origin_key = one.origin_key AND later.attempt > one.attempt)))
ON CONFLICT DO NOTHING;

-- What customers expect, as told when they came; of those that wait, half are told.
INSERT INTO journeys_expectation (tenant_id, account_id, text, for_expansion, recorded_at, recorded_by, met_on)
SELECT %(tenant)s, one.account_id, pg_temp.pick(%(expectations)s, one.n * 3 + told.no, 213),
       pg_temp.u(one.n * 3 + told.no, 214) < 0.3, one.created_at, COALESCE(seller.name, 'seed_demo'),
       CASE WHEN one.on_day < %(as_of)s::date - 90 AND pg_temp.u(one.n * 3 + told.no, 215) < 0.6 THEN one.on_day + 60 END
FROM demo_handoff AS one
CROSS JOIN LATERAL generate_series(1, 1 + (one.luck > 0.6)::int) AS told (no)
LEFT JOIN accounts_person AS seller ON seller.tenant_id = %(tenant)s AND seller.id = one.from_person_id
WHERE one.key = 'sales_to_cs' AND (one.state = 'accepted' OR one.luck > 0.5)
ORDER BY one.source_id, told.no;
