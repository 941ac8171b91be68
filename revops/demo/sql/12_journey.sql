-- Where they stood in the journey: every stay, and the open one.
WITH step AS (
  SELECT n, started_on - 52 AS entered_on, 'consideration' AS stage FROM demo_account
  UNION ALL SELECT n, started_on - 24, 'decision' FROM demo_account
  UNION ALL SELECT n, started_on, 'onboarding' FROM demo_account
  UNION ALL SELECT n, started_on + 38 + floor(34 * pg_temp.u(n, 150))::int, 'adoption' FROM demo_account
  UNION ALL SELECT n, ends_on - 90, 'renewal' FROM demo_term
  UNION ALL SELECT n, ends_on, CASE WHEN churned THEN 'gone' ELSE 'adoption' END FROM demo_term WHERE NOT is_current
  UNION ALL SELECT n, expanded_on, 'expansion' FROM demo_term WHERE expanded_on < ends_on - 110
  UNION ALL SELECT n, starts_on + 110, 'advocacy' FROM demo_term
    WHERE cardinality(causes) = 0 AND expanded_on IS NULL AND k > 0 AND pg_temp.u(n, 151) < 0.25
), stay AS (
  SELECT n, stage, entered_on, lead(entered_on) OVER (PARTITION BY n ORDER BY entered_on) AS left_on
  FROM step WHERE entered_on <= %(as_of)s::date
)
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, left_on, moved_by, reason)
SELECT %(tenant)s, account.account_id, stage.id, stay.entered_on, stay.left_on, 'Larkfield Cloud', ''
FROM stay
JOIN demo_account AS account ON account.n = stay.n
JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.journey = 'standard' AND stage.key = stay.stage
ORDER BY stay.n, stay.entered_on;
