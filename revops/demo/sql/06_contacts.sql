-- The people at the customer.
DROP TABLE IF EXISTS pg_temp.demo_contact;
CREATE TEMP TABLE demo_contact AS
WITH regular AS (
  SELECT account.n, i, i AS key_no, CASE WHEN i = 1 THEN 'champion' WHEN i = 3 THEN 'admin' ELSE 'user' END AS role,
         account.started_on AS joined_on, NULL::date AS left_on
  FROM demo_account AS account, generate_series(1, CASE segment WHEN 'enterprise' THEN 6 WHEN 'mid_market' THEN 4 ELSE 3 END) AS i
  WHERE i <> 2
), leaving AS (
  SELECT n, sponsor_left_on AS left_on, NOT churned AND NOT is_current AS replaced,
         row_number() OVER (PARTITION BY n ORDER BY sponsor_left_on) AS place
  FROM demo_term WHERE sponsor_left_on < %(as_of)s::date
), sponsor AS (
  -- The sponsor of the start, and one new sponsor after every departure that the account survived.
  SELECT n, started_on AS joined_on, 1 AS place FROM demo_account
  UNION ALL SELECT n, left_on + 40, place + 1 FROM leaving WHERE replaced AND left_on + 40 < %(as_of)s::date
), seated AS (
  SELECT sponsor.n, joined_on, sponsor.place, leaving.left_on
  FROM sponsor LEFT JOIN leaving ON leaving.n = sponsor.n AND leaving.place = sponsor.place
)
SELECT n, key_no, role, joined_on, left_on, n::bigint * 64 + key_no AS id FROM regular
UNION ALL
SELECT n, 20 + place, 'sponsor', joined_on, left_on, n::bigint * 64 + 20 + place FROM seated;

INSERT INTO accounts_contact (tenant_id, account_id, external_id, name, email_key, title, role, lifecycle_stage, left_on, attributes)
SELECT %(tenant)s, account.account_id, account.external_id || '-C' || contact.key_no,
       given || ' ' || family, lower(given || '.' || family || contact.key_no || '@' || account.domain),
       CASE contact.role
         WHEN 'sponsor' THEN pg_temp.pick(ARRAY['Chief Operating Officer', 'VP Operations', 'Chief Information Officer',
           'Managing Director', 'VP Customer Operations'], contact.id, 42)
         WHEN 'champion' THEN pg_temp.pick(ARRAY['Head of Operations', 'Operations Lead', 'Process Manager',
           'Head of Customer Service'], contact.id, 42)
         WHEN 'admin' THEN pg_temp.pick(ARRAY['Systems Administrator', 'IT Manager', 'Application Owner'], contact.id, 42)
         ELSE pg_temp.pick(ARRAY['Team Lead', 'Analyst', 'Planner', 'Coordinator', 'Controller'], contact.id, 42) END,
       contact.role, 'Customer', contact.left_on, '{}'
FROM demo_contact AS contact JOIN demo_account AS account ON account.n = contact.n,
     LATERAL (SELECT pg_temp.pick(%(first_names)s, contact.id, 40) AS given, pg_temp.pick(%(last_names)s, contact.id, 41) AS family)
       AS person
ORDER BY contact.n, contact.key_no;
