-- The companies as accounts.
INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, segment, plan, employees,
  seats, customer_since, status, owner_id, deputy_id, arr_minor, attributes, created_at, updated_at)
SELECT %(tenant)s, account.external_id, account.name, lower(account.name), account.domain, account.industry, account.country,
       account.segment,
       CASE account.segment WHEN 'enterprise' THEN 'Enterprise' WHEN 'mid_market' THEN 'Business' ELSE 'Team' END,
       (term.seats_end * (3 + 14 * pg_temp.u(account.n, 13)))::int,
       CASE WHEN term.expanded_on IS NULL THEN term.seats ELSE term.seats_end END,
       account.started_on, CASE WHEN term.churned THEN 'churned' ELSE 'customer' END,
       owner.id, deputy.id, 0,
       jsonb_build_object('use_case', pg_temp.pick(ARRAY['Order handling', 'Field service', 'Partner portal', 'Reporting',
         'Onboarding', 'Compliance', 'Planning'], account.n, 14)),
       account.started_on + time '09:00', %(as_of)s::date + time '00:00'
FROM demo_account AS account
JOIN LATERAL (SELECT * FROM demo_term AS t WHERE t.n = account.n ORDER BY t.k DESC LIMIT 1) AS term ON true
JOIN demo_staff AS owner ON owner.no = account.owner_no
JOIN demo_staff AS deputy ON deputy.no = 1 + account.owner_no %% (%(other_csms)s + 1)
ORDER BY account.n;
