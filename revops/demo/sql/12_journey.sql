-- Where they stood in the journey: every stay, and the open one. First value comes by plan: per segment a fixed share
-- reaches it exactly on the planted day, so that the median is known; the slow ones stay in onboarding.
DROP TABLE IF EXISTS pg_temp.demo_value;
CREATE TEMP TABLE demo_value AS
WITH ranked AS (
  SELECT n, segment, started_on,
         started_on - CASE WHEN started_on > %(as_of)s::date - %(history_days)s THEN 4 ELSE 0 END AS clock_on,
         (row_number() OVER (PARTITION BY segment ORDER BY pg_temp.u(n, 160)) - 0.5) / count(*) OVER (PARTITION BY segment) AS q,
         planted.median
  FROM demo_account JOIN unnest(%(value_segments)s::text[], %(value_medians)s::int[]) AS planted (segment, median)
    USING (segment)
), timed AS (
  SELECT ranked.*,
         CASE WHEN q < 0.38 THEN least(median - 1, 6 + floor((median - 7) * q / 0.38)::int)
              WHEN q <= 0.62 THEN median
              WHEN q > 0.9 AND started_on > %(as_of)s::date - 320 THEN NULL
              ELSE median + 1 + floor(1.5 * median * power((q - 0.62) / 0.38, 1.5))::int END AS days
  FROM ranked
)
SELECT n, segment, clock_on, days, clock_on + days AS reached_on,
       greatest(clock_on + days + 2 + floor(9 * pg_temp.u(n, 161))::int, started_on + 5) AS adopted_on
FROM timed;
CREATE UNIQUE INDEX ON demo_value (n);
ANALYZE demo_value;

WITH step AS (
  SELECT n, started_on - 76 - floor(40 * pg_temp.u(n, 152))::int AS entered_on, 'awareness' AS stage FROM demo_account
  UNION ALL SELECT n, started_on - 46 - floor(24 * pg_temp.u(n, 153))::int, 'consideration' FROM demo_account
  UNION ALL SELECT n, started_on - 12 - floor(30 * pg_temp.u(n, 154))::int, 'decision' FROM demo_account
  UNION ALL SELECT n, started_on, 'onboarding' FROM demo_account
  UNION ALL SELECT n, adopted_on, 'adoption' FROM demo_value WHERE days IS NOT NULL
  UNION ALL SELECT n, ends_on - 90, 'renewal' FROM demo_term
  UNION ALL SELECT n, ends_on - CASE WHEN churned THEN 0 ELSE floor(38 * pg_temp.u(id, 155))::int END,
                   CASE WHEN churned THEN 'gone' ELSE 'adoption' END
    FROM demo_term WHERE NOT is_current
  UNION ALL SELECT n, expanded_on, 'expansion' FROM demo_term WHERE expanded_on < ends_on - 150
  UNION ALL SELECT n, expanded_on + 20 + floor(34 * pg_temp.u(id, 156))::int, 'adoption'
    FROM demo_term WHERE expanded_on < ends_on - 150
  UNION ALL SELECT n, starts_on + 110, 'advocacy' FROM demo_term
    WHERE cardinality(causes) = 0 AND expanded_on IS NULL AND k > 0 AND pg_temp.u(n, 151) < 0.25
), told AS (
  SELECT step.* FROM step JOIN demo_value AS value USING (n)
  WHERE step.entered_on <= %(as_of)s::date
    AND (stage IN ('awareness', 'consideration', 'decision', 'onboarding')
         OR (step.entered_on >= value.adopted_on AND value.adopted_on <= %(as_of)s::date))
), stay AS (
  SELECT n, stage, entered_on, lead(entered_on) OVER (PARTITION BY n ORDER BY entered_on, stage) AS left_on FROM told
)
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, version_id, entered_on, left_on, moved_by, reason)
SELECT %(tenant)s, account.account_id, stage.id, version.id, stay.entered_on, stay.left_on, 'Larkfield Cloud', ''
FROM stay
JOIN demo_account AS account ON account.n = stay.n
JOIN journeys_lifecyclestage AS stage
  ON stage.tenant_id = %(tenant)s AND stage.journey = 'standard' AND stage.key = stay.stage
LEFT JOIN core_processversion AS version
  ON version.tenant_id = %(tenant)s AND version.kind = 'journey' AND version.key = 'standard' AND version.state = 'published'
ORDER BY stay.n, stay.entered_on, (stay.left_on IS NULL);

INSERT INTO journeys_firstvalue (tenant_id, account_id, version_id, started_on, started_by, reached_on, evidence, recorded_by,
  details)
SELECT %(tenant)s, account.account_id, version.id, value.clock_on, 'close',
       CASE WHEN value.reached_on <= %(as_of)s::date THEN value.reached_on END,
       CASE WHEN value.reached_on <= %(as_of)s::date THEN pg_temp.pick(ARRAY['First team live, signed off on the call',
         'First report used in their board meeting', 'First goal of the success plan reached'], value.n, 162) ELSE '' END,
       CASE WHEN value.reached_on <= %(as_of)s::date THEN owner.name ELSE '' END, '{"watched": true}'
FROM demo_value AS value
JOIN demo_account AS account USING (n)
JOIN demo_staff AS owner ON owner.no = account.owner_no
LEFT JOIN core_processversion AS version
  ON version.tenant_id = %(tenant)s AND version.kind = 'journey' AND version.key = 'standard' AND version.state = 'published'
ORDER BY value.n;

-- What was shown in onboarding so far: some of those who are still there have their data, some their training.
INSERT INTO journeys_evidence (tenant_id, account_id, stage_key, criterion_key, given_on, text, given_at, given_by)
SELECT %(tenant)s, visit.account_id, stage.key, shown.key, visit.entered_on + shown.after, shown.text,
       (visit.entered_on + shown.after) + time '11:00', 'Larkfield Cloud'
FROM journeys_stagevisit AS visit
JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
JOIN demo_account AS account ON account.account_id = visit.account_id
JOIN (VALUES ('data', 18, 'Counts of old and new system agree', 0.62), ('training', 26, 'Two teams trained', 0.48))
  AS shown (key, after, text, share) ON pg_temp.u(account.n, 163 + shown.after) < shown.share
WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL AND stage.key = 'onboarding' AND stage.journey = 'standard'
  AND visit.entered_on + shown.after <= %(as_of)s::date;

-- Did somebody look whether they are satisfied? Mostly.
INSERT INTO journeys_checkpoint (tenant_id, visit_id, account_id, key, name, due_on, held_on, outcome, note, held_by)
SELECT %(tenant)s, visit.id, visit.account_id, point.key, point.name, visit.entered_on + point.days,
       CASE WHEN held THEN visit.entered_on + point.days END,
       CASE WHEN NOT held THEN '' WHEN mood < 0.7 THEN 'good' WHEN mood < 0.92 THEN 'mixed' ELSE 'poor' END,
       CASE WHEN NOT held OR mood < 0.7 THEN '' WHEN mood < 0.92 THEN 'One team is slower than planned' ELSE
         'They doubt the date that we promised' END,
       CASE WHEN held THEN owner.name ELSE '' END
FROM journeys_stagevisit AS visit
JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
JOIN (VALUES ('onboarding', 'day_14', 'Set up as planned?', 14), ('onboarding', 'day_45', 'First result in sight?', 45),
             ('adoption', 'day_90', 'Does it keep its promise?', 90), ('adoption', 'day_180', 'Are they satisfied?', 180),
             ('renewal', 'day_30', 'Value shown and price agreed?', 30))
  AS point (stage, key, name, days) ON point.stage = stage.key AND stage.journey = 'standard'
JOIN demo_account AS account ON account.account_id = visit.account_id
JOIN demo_staff AS owner ON owner.no = account.owner_no
CROSS JOIN LATERAL (SELECT pg_temp.u(account.n::bigint * 512 + point.days, 164) < CASE WHEN visit.left_on IS NULL THEN 0.8 ELSE 0.93 END
    AND visit.entered_on + point.days < %(as_of)s::date AS held, pg_temp.u(account.n::bigint * 512 + point.days, 165) AS mood) AS chance
WHERE visit.tenant_id = %(tenant)s AND visit.entered_on > %(as_of)s::date - 370
  AND (visit.left_on IS NULL OR visit.left_on > visit.entered_on + point.days)
ON CONFLICT DO NOTHING;
