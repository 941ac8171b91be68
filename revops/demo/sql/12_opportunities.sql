-- What is on the table now: a deal with every prospect in earnest, growth with one customer in six; then what each deal
-- is about, why it was lost, and how far it is qualified. Ends so that the gates of the pipeline hold for what is open.
DROP TABLE IF EXISTS pg_temp.demo_open;
CREATE TEMP TABLE demo_open AS
SELECT account.id AS account_id, account.external_id, account.name, account.segment, account.arr_minor, chance.no, account.status,
       1 + floor(4 * power(pg_temp.u(chance.no, 181), 1.25))::int AS reached,
       2 + floor(22 * pg_temp.u(chance.no, 182))::int + CASE WHEN pg_temp.u(chance.no, 183) < 0.12 THEN 30 ELSE 0 END AS age
FROM accounts_account AS account, LATERAL (SELECT hashtext(account.external_id)::bigint AS no) AS chance
WHERE account.tenant_id = %(tenant)s AND account.external_id <> ''
  AND CASE account.status WHEN 'prospect' THEN pg_temp.u(chance.no, 180) < 0.6 WHEN 'customer' THEN pg_temp.u(chance.no, 180) < 0.16 END
  AND (account.status = 'customer' OR NOT EXISTS (SELECT FROM journeys_opportunity AS deal
                                                  WHERE deal.tenant_id = %(tenant)s AND deal.account_id = account.id))
  AND (account.status = 'customer' OR EXISTS (SELECT FROM journeys_stagevisit AS here
                                              WHERE here.tenant_id = %(tenant)s AND here.account_id = account.id AND here.left_on IS NULL));

INSERT INTO journeys_opportunity (tenant_id, account_id, pipeline_id, stage_id, owner_id, product_id, external_id, name, about,
  kind, amount_minor, currency, opened_on, close_on, attributes)
SELECT %(tenant)s, one.account_id, stage.pipeline_id, stage.id, seller.id, product.id, one.external_id || '-N',
       one.name || ': ' || CASE one.status WHEN 'prospect' THEN 'first contract' ELSE 'expansion' END, '',
       CASE one.status WHEN 'prospect' THEN 'new' ELSE 'expansion' END,
       CASE one.status WHEN 'prospect' THEN CASE one.segment WHEN 'enterprise' THEN 9000000 WHEN 'mid_market' THEN 3600000 ELSE 900000 END
         + floor(40 * pg_temp.u(one.no, 184))::bigint * CASE one.segment WHEN 'enterprise' THEN 400000 ELSE 60000 END
       ELSE (6 + floor(30 * pg_temp.u(one.no, 189)))::bigint * 50000 + (one.arr_minor * (0.2 + 0.4 * pg_temp.u(one.no, 184)) / 100000)::bigint * 100000 END,
       %(currency)s, %(as_of)s::date - one.age - 12 * (one.reached - 1),
       %(as_of)s::date - 6 + floor((130 - 22 * one.reached) * pg_temp.u(one.no, 185))::int, '{}'
FROM demo_open AS one
JOIN demo_stage AS stage ON stage.kind = 'open' AND stage.no = one.reached
JOIN demo_staff AS seller ON seller.no = %(first_seller)s + floor(3 * pg_temp.u(one.no, 186))::int
LEFT JOIN accounts_product AS product ON product.tenant_id = %(tenant)s
  AND product.external_id = CASE one.status WHEN 'prospect' THEN 'LF-CORE' ELSE 'LF-INSIGHT' END
ORDER BY one.no
ON CONFLICT DO NOTHING;

INSERT INTO journeys_opportunitystagevisit (tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by)
SELECT %(tenant)s, deal.id, stage.id,
       deal.opened_on + (12 * (stage.no - 1))::int,
       CASE WHEN stage.no < one.reached THEN deal.opened_on + (12 * stage.no)::int END, seller.name
FROM demo_open AS one
JOIN journeys_opportunity AS deal ON deal.tenant_id = %(tenant)s AND deal.external_id = one.external_id || '-N'
JOIN demo_stage AS stage ON stage.kind = 'open' AND stage.no <= one.reached
JOIN accounts_person AS seller ON seller.tenant_id = %(tenant)s AND seller.id = deal.owner_id
WHERE NOT EXISTS (SELECT FROM journeys_opportunitystagevisit AS stay
                  WHERE stay.tenant_id = %(tenant)s AND stay.opportunity_id = deal.id)
ORDER BY deal.id, stage.no;

-- Prospects have people, too: who wants it, and who pays.
INSERT INTO accounts_contact (tenant_id, account_id, external_id, name, email_key, title, role, lifecycle_stage, attributes)
SELECT %(tenant)s, one.account_id, one.external_id || '-' || left(who.role, 1), given || ' ' || family,
       lower(given || '.' || family || '.' || left(who.role, 1) || '@' || one.external_id || '.example'), who.title, who.role, '', '{}'
FROM demo_open AS one, (VALUES ('champion', 'Head of Operations', 1), ('sponsor', 'Chief Financial Officer', 2)) AS who (role, title, salt),
     LATERAL (SELECT pg_temp.pick(%(first_names)s, one.no * 2 + who.salt, 187) AS given,
                     pg_temp.pick(%(last_names)s, one.no * 2 + who.salt, 188) AS family) AS person
WHERE one.status = 'prospect'
  AND NOT EXISTS (SELECT FROM accounts_contact AS there WHERE there.tenant_id = %(tenant)s AND there.account_id = one.account_id)
ORDER BY one.no, who.role;

-- In a few words, and of which kind.
UPDATE journeys_opportunity AS deal
SET about = pg_temp.pick(CASE WHEN account.industry IN ('Logistics', 'Retail', 'Manufacturing') THEN %(deal_abouts_plants)s::text[]
                              ELSE %(deal_abouts)s::text[] END, hashtext(deal.external_id)::bigint, 190),
    kind = CASE WHEN right(deal.external_id, 2) IN ('O0', 'F0', 'B0') THEN 'new' WHEN right(deal.external_id, 2) = '-N' THEN deal.kind ELSE 'expansion' END,
    close_reason = CASE stage.kind WHEN 'lost' THEN pg_temp.pick(%(deal_lost)s::text[], hashtext(deal.external_id)::bigint, 191)
                                   WHEN 'won' THEN '' ELSE '' END
FROM accounts_account AS account, journeys_pipelinestage AS stage
WHERE deal.tenant_id = %(tenant)s AND account.tenant_id = %(tenant)s AND account.id = deal.account_id
  AND stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id;

UPDATE journeys_opportunitystagevisit AS stay SET version_id = version.id
FROM core_processversion AS version
WHERE stay.tenant_id = %(tenant)s AND stay.version_id IS NULL AND version.tenant_id = %(tenant)s
  AND version.kind = 'pipeline' AND version.key = 'sales' AND version.state = 'published';
UPDATE journeys_opportunitystagevisit AS stay SET moved_by = owner.name,
  reason = CASE WHEN deal.closed_on IS NOT NULL AND stay.left_on IS NULL THEN deal.close_reason ELSE stay.reason END
FROM journeys_opportunity AS deal JOIN accounts_person AS owner ON owner.tenant_id = %(tenant)s AND owner.id = deal.owner_id
WHERE stay.tenant_id = %(tenant)s AND deal.tenant_id = %(tenant)s AND deal.id = stay.opportunity_id AND stay.moved_by = 'seed_demo';

-- Prospects who said no left the journey for the reason for which their deal was lost.
INSERT INTO core_auditentry (tenant_id, at, actor_label, verb, subject_type, subject_id, subject_label, before, after, reason)
SELECT %(tenant)s, deal.closed_on + time '16:00', owner.name, 'left the journey', 'accounts.account', account.id, account.name,
       jsonb_build_object('stage', stage.key), '{"stage": null}', 'Lost: ' || deal.close_reason
FROM demo_prospect AS one
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = one.account_id
JOIN journeys_opportunity AS deal ON deal.tenant_id = %(tenant)s AND deal.external_id = one.external_id || '-F0'
JOIN accounts_person AS owner ON owner.tenant_id = %(tenant)s AND owner.id = deal.owner_id
JOIN journeys_stagevisit AS stay ON stay.tenant_id = %(tenant)s AND stay.account_id = one.account_id AND stay.left_on = deal.closed_on
JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = stay.stage_id
WHERE NOT EXISTS (SELECT FROM journeys_stagevisit AS here
                  WHERE here.tenant_id = %(tenant)s AND here.account_id = one.account_id AND here.left_on IS NULL)
ORDER BY deal.closed_on, one.n;

-- MEDDIC, question by question in the order in which it is usually learned: all that the gates behind a deal asked for,
-- some of what the next one asks. Of closed deals only the last year's.
WITH deal AS (
  SELECT deal.id, deal.account_id, deal.opened_on, hashtext(deal.external_id)::bigint AS no, owner.name AS seller,
         CASE stage.kind WHEN 'won' THEN 6 WHEN 'lost' THEN 1 + floor(4 * pg_temp.u(hashtext(deal.external_id)::bigint, 192))::int
              ELSE CASE stage.key WHEN 'discovery' THEN floor(4 * pg_temp.u(hashtext(deal.external_id)::bigint, 192))::int
                                  WHEN 'demo' THEN 2 + floor(4 * pg_temp.u(hashtext(deal.external_id)::bigint, 192))::int
                                  WHEN 'proposal' THEN 5 + floor(2 * pg_temp.u(hashtext(deal.external_id)::bigint, 192))::int
                                  ELSE 6 END END AS known
  FROM journeys_opportunity AS deal
  JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id
  JOIN accounts_person AS owner ON owner.tenant_id = %(tenant)s AND owner.id = deal.owner_id
  WHERE deal.tenant_id = %(tenant)s AND coalesce(deal.closed_on, %(as_of)s::date) > %(as_of)s::date - 365
), person AS (
  SELECT DISTINCT ON (account_id, role) account_id, role, id, name FROM accounts_contact
  WHERE tenant_id = %(tenant)s AND left_on IS NULL ORDER BY account_id, role, id
), question (no, key) AS (
  VALUES (1, 'pain'), (2, 'champion'), (3, 'metrics'), (4, 'economic_buyer'), (5, 'decision_process'), (6, 'decision_criteria')
), said AS (
  SELECT deal.*, question.key, question.no AS place, person.id AS contact_id, person.name AS contact_name,
         least(%(as_of)s::date, deal.opened_on + 3 + 6 * question.no) AS answered_on
  FROM deal JOIN question ON question.no <= deal.known
  LEFT JOIN person ON person.account_id = deal.account_id
    AND person.role = CASE question.key WHEN 'champion' THEN 'champion' WHEN 'economic_buyer' THEN 'sponsor' END
)
INSERT INTO journeys_answer (tenant_id, opportunity_id, framework, question, value, contact_id, is_complete, answered_on, answered_by)
SELECT %(tenant)s, said.id, 'meddic', said.key,
       CASE said.key
         WHEN 'pain' THEN to_jsonb(pg_temp.pick(%(deal_pains)s::text[], said.no, 193))
         WHEN 'metrics' THEN to_jsonb(pg_temp.pick(%(deal_metrics)s::text[], said.no, 194))
         WHEN 'decision_criteria' THEN to_jsonb(pg_temp.pick(%(deal_criteria)s::text[], said.no, 195))
         WHEN 'decision_process' THEN jsonb_build_array(
           jsonb_build_object('what', 'Security review', 'on', (said.opened_on + 40)::text),
           jsonb_build_object('what', 'Decision of the board', 'on', (said.opened_on + 62)::text))
         ELSE to_jsonb(said.contact_name) END,
       said.contact_id, true, said.answered_on, said.seller
FROM said
WHERE said.key NOT IN ('champion', 'economic_buyer') OR said.contact_id IS NOT NULL
ORDER BY said.id, said.place
ON CONFLICT DO NOTHING;
