-- How earlier renewals were decided, and the reviews that were held.
INSERT INTO renewals_renewal (tenant_id, account_id, contract_id, owner_id, due_on, basis, amount_minor, state, forecast,
  opened_at, seen_on, decided_at, final_minor, reason, is_automatic)
SELECT %(tenant)s, account.account_id, contract.id, owner.id, term.ends_on, 'end_date', term.arr_end_minor,
       CASE WHEN term.churned THEN 'lost' ELSE 'won' END, CASE WHEN term.churned THEN 'lost' ELSE 'won' END,
       term.starts_on + time '06:00', term.starts_on,
       least(%(as_of)s::date - 1, CASE
         WHEN term.churned THEN term.ends_on - 5 - floor(50 * pg_temp.u(term.id, 160))::int
         WHEN pg_temp.u(term.id, 161) < 0.10 THEN term.ends_on + 1 + floor(18 * pg_temp.u(term.id, 160))::int
         ELSE term.ends_on - 1 - floor(44 * pg_temp.u(term.id, 160))::int END) + time '10:30',
       CASE WHEN term.churned THEN 0 ELSE next.arr_minor END,
       coalesce((SELECT reason FROM accounts_outcome AS outcome WHERE outcome.tenant_id = %(tenant)s
         AND outcome.account_id = account.account_id AND outcome.day = term.ends_on LIMIT 1), ''), false
FROM demo_term AS term
JOIN demo_account AS account ON account.n = term.n
LEFT JOIN demo_term AS next ON next.n = term.n AND next.k = term.k + 1
JOIN demo_staff AS owner ON owner.no = account.owner_no
JOIN accounts_contract AS contract
  ON contract.tenant_id = %(tenant)s AND contract.external_id = account.external_id || '-T' || term.k
WHERE term.told AND term.ends_on <= %(as_of)s::date
ORDER BY term.n, term.k;

WITH review AS (
  SELECT account.n, account.account_id, account.owner_no, account.external_id, i, cadence.months,
         (account.started_on + make_interval(months => i * cadence.months))::date AS due_on
  FROM demo_account AS account
  JOIN (VALUES ('enterprise', 3), ('mid_market', 6)) AS cadence(segment, months) ON cadence.segment = account.segment
  CROSS JOIN LATERAL generate_series(1, 20) AS i
), past AS (
  SELECT review.*, pg_temp.u(review.n * 32 + i, 165) AS chance,
         least(%(as_of)s::date - 1, review.due_on - 5 + floor(14 * pg_temp.u(review.n * 32 + i, 166))::int) AS met_on
  FROM review
  JOIN demo_term AS term ON term.n = review.n AND review.due_on >= term.starts_on AND review.due_on < term.ends_on
  WHERE review.due_on < %(as_of)s::date AND review.due_on > %(as_of)s::date - 400
)
INSERT INTO qbr_qbr (tenant_id, account_id, owner_id, cadence_version_id, period_start, period_end, due_on, state, held_on,
  attendees, outcome, created_at)
SELECT %(tenant)s, past.account_id, owner.id, version.id, (past.due_on - make_interval(months => past.months))::date,
       past.due_on, past.due_on, CASE WHEN chance < 0.84 THEN 'held' WHEN chance < 0.92 THEN 'cancelled' ELSE 'sent' END,
       CASE WHEN chance < 0.84 THEN past.met_on END,
       CASE WHEN chance < 0.84 THEN contact.name || ', ' || owner.name ELSE '' END,
       CASE WHEN chance < 0.84 THEN pg_temp.pick(ARRAY['Goals confirmed for the next period; second site to be planned.',
         'Reports go to the board from now on. Approvals are the next subject.',
         'One goal reached and replaced. Seats looked at before the renewal.',
         'Return reasons to be worked on together until the next review.'], past.n * 32 + past.i, 167) ELSE '' END,
       past.due_on - 14 + time '06:00'
FROM past
JOIN demo_staff AS owner ON owner.no = past.owner_no
JOIN accounts_contact AS contact ON contact.tenant_id = %(tenant)s AND contact.external_id = past.external_id || '-C1'
JOIN core_processversion AS version ON version.tenant_id = %(tenant)s AND version.kind = 'qbr_cadence'
  AND version.state = 'published'
ORDER BY past.n, past.i;
