-- The steps whose day has passed were worked off, but for one in fourteen; and people have said what they expect.
UPDATE journeys_task AS task
SET state = 'done', closed_by = owner.name,
    closed_at = (task.due_on + floor(3 * pg_temp.u(hashtext(account.external_id || task.title), 911))::int)::timestamp AT TIME ZONE 'UTC' + interval '10 hours'
FROM accounts_person AS owner, accounts_account AS account
WHERE task.tenant_id = %(tenant)s AND owner.tenant_id = %(tenant)s AND owner.id = task.assignee_id
  AND account.tenant_id = %(tenant)s AND account.id = task.account_id
  AND task.kind = 'renewal' AND task.state = 'open' AND task.due_on < %(as_of)s - 2
  AND (pg_temp.u(hashtext(account.external_id || task.title), 912) > 0.07 OR task.due_on < %(as_of)s - 45);

UPDATE renewals_renewal AS renewal
SET forecast = CASE
  WHEN score.band = 'red' THEN 'at_risk'
  WHEN score.band = 'yellow' THEN 'best_case'
  WHEN renewal.due_on < %(as_of)s + 200 THEN 'commit'
  ELSE renewal.forecast END
FROM health_score AS score
WHERE renewal.tenant_id = %(tenant)s AND score.tenant_id = %(tenant)s AND score.account_id = renewal.account_id
  AND renewal.state = 'open' AND renewal.due_on < %(as_of)s + 300;
