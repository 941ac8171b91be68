-- What they pay: a contract per term, its lines, and what happened in the end.
INSERT INTO accounts_product (tenant_id, external_id, name, name_key, family, list_price_minor) VALUES
  (%(tenant)s, 'LF-CORE', 'Larkfield Core', 'larkfield core', 'Platform', 54000),
  (%(tenant)s, 'LF-INSIGHT', 'Larkfield Insight', 'larkfield insight', 'Add-on', 18000),
  (%(tenant)s, 'LF-FLOW', 'Larkfield Flow', 'larkfield flow', 'Add-on', 21000),
  (%(tenant)s, 'LF-CARE', 'Premium support', 'premium support', 'Service', 12000),
  (%(tenant)s, 'LF-START', 'Onboarding package', 'onboarding package', 'Service', 450000);

INSERT INTO accounts_contract (tenant_id, account_id, external_id, name, starts_on, ends_on, billing_months, auto_renew,
  notice_days, currency, created_at)
SELECT %(tenant)s, account.account_id, account.external_id || '-T' || term.k,
       'Subscription ' || extract(year FROM term.starts_on) || '/' || right(extract(year FROM term.ends_on)::text, 2),
       term.starts_on, term.ends_on,
       CASE account.segment WHEN 'small' THEN 1 WHEN 'mid_market' THEN 3 ELSE 12 END,
       account.segment = 'small',
       CASE account.segment WHEN 'enterprise' THEN 90 WHEN 'mid_market' THEN 60 ELSE 30 END,
       %(currency)s, term.starts_on::timestamp AT TIME ZONE 'UTC'
FROM demo_term AS term JOIN demo_account AS account ON account.n = term.n
ORDER BY term.n, term.k;

DROP TABLE IF EXISTS pg_temp.demo_addon;
CREATE TEMP TABLE demo_addon AS
SELECT n, CASE WHEN u < 0.22 THEN 'LF-INSIGHT' WHEN u < 0.38 THEN 'LF-FLOW' ELSE 'LF-CARE' END AS product_key,
       0.10 + 0.15 * pg_temp.u(n, 51) AS share
FROM (SELECT n, pg_temp.u(n, 50) AS u FROM demo_account) AS drawn WHERE u < 0.46;

-- What they bought on top: seats, and of the add-on that they have as much more as its share. Each is a deal of its own.
DROP TABLE IF EXISTS pg_temp.demo_growth;
CREATE TEMP TABLE demo_growth AS
SELECT term.id, term.n, term.k, term.expanded_on, term.ends_on, term.seats, term.seats_end, addon.product_key, more.addon_minor,
       term.arr_end_minor - term.arr_minor - more.addon_minor AS seats_minor
FROM demo_term AS term
LEFT JOIN demo_addon AS addon ON addon.n = term.n
CROSS JOIN LATERAL (SELECT coalesce((round((term.arr_end_minor - term.arr_minor) * addon.share / 10000) * 10000)::bigint, 0)
                    AS addon_minor) AS more
WHERE term.expanded_on IS NOT NULL;

WITH line AS (
  SELECT term.id, term.n, term.k, 'A' AS part, 'LF-CORE' AS product_key, 'recurring' AS kind, term.starts_on, term.ends_on,
         term.arr_minor - coalesce((round(term.arr_minor * addon.share / 10000) * 10000)::bigint, 0) AS arr_minor,
         term.seats AS quantity
  FROM demo_term AS term LEFT JOIN demo_addon AS addon ON addon.n = term.n
  UNION ALL
  SELECT term.id, term.n, term.k, 'B', addon.product_key, 'recurring', term.starts_on, term.ends_on,
         (round(term.arr_minor * addon.share / 10000) * 10000)::bigint, NULL
  FROM demo_term AS term JOIN demo_addon AS addon ON addon.n = term.n
  WHERE round(term.arr_minor * addon.share / 10000) > 0
  UNION ALL
  SELECT id, n, k, 'C', 'LF-CORE', 'recurring', expanded_on, ends_on, seats_minor, seats_end - seats
  FROM demo_growth WHERE seats_minor > 0
  UNION ALL
  SELECT id, n, k, 'E', product_key, 'recurring', expanded_on, ends_on, addon_minor, NULL
  FROM demo_growth WHERE addon_minor > 0
  UNION ALL
  SELECT id, n, k, 'D', 'LF-START', 'one_off', starts_on, starts_on + 30, 450000, 1
  FROM demo_term WHERE k = 0 AND pg_temp.u(n, 52) < 0.35
)
INSERT INTO accounts_contractline (tenant_id, contract_id, account_id, product_id, external_id, kind, starts_on, ends_on,
  end_date_is, arr_minor, quantity)
SELECT %(tenant)s, contract.id, contract.account_id, product.id, contract.external_id || line.part, line.kind, line.starts_on,
       line.ends_on, 'first_day_without', line.arr_minor, line.quantity
FROM line
JOIN demo_account AS account ON account.n = line.n
JOIN accounts_contract AS contract
  ON contract.tenant_id = %(tenant)s AND contract.external_id = account.external_id || '-T' || line.k
JOIN accounts_product AS product ON product.tenant_id = %(tenant)s AND product.external_id = line.product_key
ORDER BY line.n, line.k, line.part;

INSERT INTO accounts_outcome (tenant_id, account_id, external_id, day, kind, reason, amount_minor, note)
SELECT %(tenant)s, account.account_id, '', term.ends_on,
       CASE WHEN churned THEN 'churned' WHEN contracted THEN 'contracted' ELSE 'renewed' END,
       CASE WHEN churned OR contracted THEN
         CASE WHEN 'usage_decline' = ANY (causes) AND decline > 0.5 THEN 'Low adoption'
              WHEN 'sponsor_left' = ANY (causes) THEN 'Sponsor left'
              WHEN 'ticket_spike' = ANY (causes) THEN 'Support quality'
              WHEN 'usage_decline' = ANY (causes) THEN 'Low adoption'
              WHEN 'no_contact' = ANY (causes) THEN 'No relationship'
              ELSE pg_temp.pick(ARRAY['Budget', 'Merger', 'Competitor'], term.id, 60) END
         ELSE '' END,
       CASE WHEN churned THEN arr_end_minor
            ELSE (SELECT next.arr_minor FROM demo_term AS next WHERE next.n = term.n AND next.k = term.k + 1) END,
       ''
FROM demo_term AS term JOIN demo_account AS account ON account.n = term.n
WHERE term.told AND term.ends_on <= %(as_of)s::date
ORDER BY term.n, term.k;
