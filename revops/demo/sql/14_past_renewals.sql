-- How past terms were decided: most before their end, some in the last week, a few late.
INSERT INTO renewals_renewal (tenant_id, account_id, contract_id, owner_id, due_on, basis, amount_minor, state, forecast,
  opened_at, seen_on, decided_at, final_minor, reason, is_automatic)
SELECT %(tenant)s, contract.account_id, contract.id, account.owner_id, contract.ends_on, 'end_date', paid.arr_minor,
       CASE WHEN outcome.kind = 'churned' THEN 'lost' ELSE 'won' END,
       CASE WHEN outcome.kind = 'churned' THEN 'lost' ELSE 'won' END,
       contract.starts_on::timestamp AT TIME ZONE 'UTC', contract.starts_on,
       (contract.ends_on - CASE WHEN pg_temp.u(contract.id, 901) < 0.06 THEN -3
                                WHEN pg_temp.u(contract.id, 901) < 0.16 THEN 4
                                ELSE 12 + floor(60 * pg_temp.u(contract.id, 902))::int END)
         ::timestamp AT TIME ZONE 'UTC' + interval '11 hours',
       CASE WHEN outcome.kind = 'churned' THEN 0 ELSE COALESCE(outcome.amount_minor, paid.arr_minor) END,
       outcome.reason, false
FROM accounts_contract AS contract
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = contract.account_id
JOIN accounts_outcome AS outcome
  ON outcome.tenant_id = %(tenant)s AND outcome.account_id = contract.account_id AND outcome.day = contract.ends_on
CROSS JOIN LATERAL (
  SELECT sum(line.arr_minor)::bigint AS arr_minor FROM accounts_contractline AS line
  WHERE line.tenant_id = %(tenant)s AND line.contract_id = contract.id AND line.kind = 'recurring'
    AND line.ends_on = contract.ends_on
) AS paid
WHERE contract.tenant_id = %(tenant)s AND contract.ends_on <= %(as_of)s AND paid.arr_minor IS NOT NULL
ON CONFLICT DO NOTHING;
