-- The numbers that Postgres gave the accounts.
UPDATE demo_account SET account_id = stored.id
FROM accounts_account AS stored
WHERE stored.tenant_id = %(tenant)s AND stored.external_id = demo_account.external_id;
