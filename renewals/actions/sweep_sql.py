"""The statements of the renewal sweep. `docs/motions.md` says in words what each decides.

They mirror `renewals.rules`; a property test holds the two together. Parameters are named, values never enter the text.
"""

from typing import Final

from renewals.queries.given_up import GIVEN_UP

# Contracts that carry recurring revenue, with what renewing them means, as a table of this transaction: every statement
# of the sweep reads it, and the planner knows its size. A contract without an end of its own ends with the last of its
# recurring lines. `due_on` of an endless one is its next anniversary, or the one after when that is won already. One
# that a person has lost is not active any more, whatever happens to the account: it is lost once.
FORGET: Final = "DROP TABLE IF EXISTS pg_temp.carrying"
CARRYING: Final = f"""
CREATE TEMPORARY TABLE carrying ON COMMIT DROP AS
SELECT k.*, k.amount > 0 AND k.status <> 'churned' AND (k.ends_on IS NULL OR k.ends_on > %(today)s)
           AND lost.due_on IS NULL AS active, lost.due_on AS lost_on,
       CASE WHEN k.ends_on IS NULL THEN 'anniversary' ELSE 'end_date' END AS basis,
       CASE WHEN k.ends_on IS NOT NULL THEN k.ends_on WHEN won.id IS NOT NULL THEN next.following ELSE next.day
       END AS due_on
FROM (
    SELECT c.id AS contract_id, c.account_id, c.starts_on, c.created_at, a.owner_id, a.status,
           COALESCE(c.ends_on, CASE WHEN bool_and(l.ends_on IS NOT NULL) THEN max(l.ends_on) END) AS ends_on,
           COALESCE(sum(l.arr_minor) FILTER (
               WHERE l.starts_on <= %(today)s AND (l.ends_on IS NULL OR l.ends_on > %(today)s)), 0)::bigint AS amount
    FROM accounts_contract c
    JOIN accounts_account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    JOIN accounts_contractline l ON l.tenant_id = c.tenant_id AND l.contract_id = c.id
    WHERE c.tenant_id = %(tenant)s AND a.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND l.kind = 'recurring'
      AND c.starts_on <= %(today)s
    GROUP BY c.id, c.account_id, c.starts_on, c.created_at, c.ends_on, a.owner_id, a.status
) AS k
CROSS JOIN LATERAL (
    SELECT GREATEST(extract(year FROM %(today)s::date)::int - extract(year FROM k.starts_on)::int, 1) AS years
) AS age
CROSS JOIN LATERAL (
    SELECT age.years + ((k.starts_on + make_interval(years => age.years))::date <= %(today)s)::int AS years
) AS next_age
CROSS JOIN LATERAL (
    SELECT (k.starts_on + make_interval(years => next_age.years))::date AS day,
           (k.starts_on + make_interval(years => next_age.years + 1))::date AS following
) AS next
LEFT JOIN renewals_renewal won ON won.tenant_id = %(tenant)s AND won.contract_id = k.contract_id
    AND won.due_on = next.day AND won.state = 'won' AND k.ends_on IS NULL
LEFT JOIN ({GIVEN_UP}) AS lost ON lost.contract_id = k.contract_id
"""  # noqa: S608 -- only a constant enters the text
MEASURE: Final = "ALTER TABLE carrying ADD PRIMARY KEY (contract_id); ANALYZE carrying"

# What the clock itself may decide about open renewals; everything else waits for a person, late if need be.
DECIDE: Final = """
WITH follow_on AS (
    SELECT DISTINCT ON (r.id) r.id, w.starts_on, w.amount
    FROM renewals_renewal r
    JOIN carrying k ON k.contract_id = r.contract_id AND k.ends_on <= %(today)s
    JOIN carrying w ON w.active AND w.account_id = r.account_id AND w.contract_id <> r.contract_id
        AND w.starts_on BETWEEN k.ends_on - %(near)s AND k.ends_on + %(near)s
    WHERE r.tenant_id = %(tenant)s AND r.state = 'open' AND EXISTS (
        SELECT FROM accounts_contractline old
        JOIN accounts_contractline new ON new.tenant_id = old.tenant_id AND new.contract_id = w.contract_id
            AND new.kind = 'recurring' AND new.product_id IS NOT DISTINCT FROM old.product_id
        WHERE old.tenant_id = %(tenant)s AND old.contract_id = r.contract_id AND old.kind = 'recurring'
    )
    ORDER BY r.id, w.starts_on, w.contract_id
),
verdict AS (
    SELECT r.id, r.due_on, r.amount_minor, f.starts_on AS followed_on, f.amount AS followed_by,
        CASE
            WHEN k.active AND r.basis = 'anniversary' AND r.due_on <= %(today)s THEN 'ran_on'
            WHEN k.active AND k.due_on <> r.due_on AND EXISTS (
                SELECT FROM renewals_renewal d
                WHERE d.tenant_id = %(tenant)s AND d.contract_id = r.contract_id AND d.due_on = k.due_on
                  AND d.state IN ('won', 'lost')
            ) THEN 'decided_already'
            WHEN k.active THEN NULL
            WHEN k.lost_on IS NOT NULL THEN 'lost_already'
            WHEN a.status = 'churned' THEN 'churned'
            WHEN f.id IS NOT NULL THEN 'followed'
            WHEN k.ends_on <= %(today)s THEN NULL
            ELSE 'not_active'
        END AS word
    FROM renewals_renewal r
    JOIN accounts_account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
    LEFT JOIN carrying k ON k.contract_id = r.contract_id
    LEFT JOIN follow_on f ON f.id = r.id
    WHERE r.tenant_id = %(tenant)s AND a.tenant_id = %(tenant)s AND r.state = 'open'
)
UPDATE renewals_renewal AS r SET
    state = CASE WHEN v.word IN ('ran_on', 'followed') THEN 'won' WHEN v.word = 'churned' THEN 'lost'
                 ELSE 'dropped' END,
    forecast = CASE WHEN v.word IN ('ran_on', 'followed') THEN 'won' WHEN v.word = 'churned' THEN 'lost'
                    ELSE r.forecast END,
    decided_at = LEAST(%(now)s, (CASE WHEN v.word = 'followed' THEN GREATEST(v.followed_on, r.due_on)
                                      ELSE r.due_on END)::timestamp AT TIME ZONE %(zone)s),
    final_minor = CASE v.word WHEN 'ran_on' THEN v.amount_minor WHEN 'followed' THEN v.followed_by
                              WHEN 'churned' THEN 0 END,
    reason = CASE v.word WHEN 'ran_on' THEN 'The contract ran on past its anniversary.'
                         WHEN 'followed' THEN 'A contract for the same product followed.'
                         WHEN 'churned' THEN 'The account has churned.'
                         WHEN 'decided_already' THEN 'The contract now ends on a date that is decided already.'
                         WHEN 'lost_already' THEN 'The contract was lost before.'
                         ELSE 'The contract carries no recurring revenue any more.' END,
    is_automatic = true
FROM verdict v
WHERE r.tenant_id = %(tenant)s AND r.id = v.id AND v.word IS NOT NULL
"""

# What the clock has decided, for testing scores as if a person had: the last step of `renewals.actions.decisions`.
OUTCOMES: Final = """
INSERT INTO accounts_outcome (tenant_id, account_id, external_id, day, kind, reason, amount_minor, note)
SELECT r.tenant_id, r.account_id, 'renewal:' || r.id, (r.decided_at AT TIME ZONE %(zone)s)::date,
       CASE WHEN r.state = 'lost' THEN 'churned' WHEN r.final_minor < r.amount_minor THEN 'contracted'
            ELSE 'renewed' END,
       left(r.reason, 120), r.final_minor, ''
FROM renewals_renewal r
LEFT JOIN accounts_outcome o ON o.tenant_id = %(tenant)s AND o.external_id = 'renewal:' || r.id
WHERE r.tenant_id = %(tenant)s AND r.is_automatic AND r.state IN ('won', 'lost') AND o.id IS NULL
ON CONFLICT DO NOTHING
RETURNING account_id
"""

# Whether any owner has changed: looking at every task costs more than asking first.
OWNERS_DIFFER: Final = """
SELECT EXISTS (
    SELECT FROM carrying w
    JOIN renewals_renewal r ON r.tenant_id = %(tenant)s AND r.contract_id = w.contract_id AND r.state = 'open'
    WHERE w.active AND r.owner_id IS DISTINCT FROM w.owner_id
)
"""
# Tasks go to the new owner while they stand with the old one; given to somebody else, they stay there.
HAND_OVER: Final = """
SELECT t.id, w.owner_id AS assignee_id
FROM carrying w
JOIN renewals_renewal r ON w.active AND r.tenant_id = %(tenant)s AND r.contract_id = w.contract_id AND r.state = 'open'
    AND r.owner_id IS DISTINCT FROM w.owner_id
JOIN journeys_task t ON t.tenant_id = %(tenant)s AND t.subject_kind = 'renewal' AND t.subject_id = r.id
    AND t.state = 'open' AND (t.assignee_id IS NOT DISTINCT FROM r.owner_id OR t.covered_for_id = r.owner_id)
"""

# A renewal whose due date moves is seen anew: what is missed by then is not made up for with late tasks.
REFRESH: Final = """
WITH changed AS (
    UPDATE renewals_renewal AS r SET
        due_on = w.due_on, basis = w.basis, amount_minor = w.amount, owner_id = w.owner_id,
        seen_on = CASE WHEN old.due_on = w.due_on THEN r.seen_on ELSE %(today)s END
    FROM carrying w
    JOIN renewals_renewal old ON w.active AND old.tenant_id = %(tenant)s AND old.contract_id = w.contract_id
        AND old.state = 'open'
    WHERE r.tenant_id = %(tenant)s AND r.id = old.id
      AND (old.due_on, old.basis, old.amount_minor, old.owner_id)
          IS DISTINCT FROM (w.due_on, w.basis, w.amount, w.owner_id)
    RETURNING old.due_on <> w.due_on AS moved
)
SELECT count(*), count(*) FILTER (WHERE moved) FROM changed
"""

OPEN: Final = """
INSERT INTO renewals_renewal (tenant_id, account_id, contract_id, owner_id, due_on, basis, amount_minor, state,
                              forecast, opened_at, seen_on, reason, is_automatic)
SELECT %(tenant)s, w.account_id, w.contract_id, w.owner_id, w.due_on, w.basis, w.amount, 'open', 'not_yet', %(now)s,
       LEAST(%(today)s, GREATEST(w.starts_on, (w.created_at AT TIME ZONE %(zone)s)::date, before.decided_on)), '', false
FROM carrying w
LEFT JOIN (
    SELECT contract_id, max((decided_at AT TIME ZONE %(zone)s)::date) AS decided_on
    FROM renewals_renewal WHERE tenant_id = %(tenant)s GROUP BY contract_id
) AS before ON before.contract_id = w.contract_id
WHERE w.active AND NOT EXISTS (
    SELECT FROM renewals_renewal r
    WHERE r.tenant_id = %(tenant)s AND r.contract_id = w.contract_id
      AND (r.state = 'open' OR (r.due_on = w.due_on AND r.state <> 'dropped'))
)
ON CONFLICT DO NOTHING
"""

# `renewals.rules.step_date` and `catch_up_date` in SQL; {due}, {day}, {weekend} are expressions of the statement.
_ON: Final = """CASE
    WHEN extract(isodow FROM {day}) <= 5 OR {weekend} = 'keep' THEN {day}
    WHEN {weekend} = 'next' AND {day} + 8 - extract(isodow FROM {day})::int < {due}
        THEN {day} + 8 - extract(isodow FROM {day})::int
    ELSE {day} - (extract(isodow FROM {day})::int - 5)
END"""
_CATCH_UP_ON: Final = """CASE
    WHEN extract(isodow FROM {day}) > 5 AND {weekend} <> 'keep'
        AND {day} + 8 - extract(isodow FROM {day})::int < {due} THEN {day} + 8 - extract(isodow FROM {day})::int
    ELSE {day}
END"""

# Whether a step can be lacking although nothing was opened or moved just now: a renewal has none (a timeline came
# later), or the live version has planned none yet (it may add offsets).
UNPLANNED: Final = """
SELECT NOT EXISTS (
    SELECT FROM renewals_renewalstep WHERE tenant_id = %(tenant)s AND process_version_id = %(version)s
) OR EXISTS (
    SELECT FROM renewals_renewal r
    LEFT JOIN renewals_renewalstep s ON s.tenant_id = %(tenant)s AND s.renewal_id = r.id
    WHERE r.tenant_id = %(tenant)s AND r.state = 'open' AND s.id IS NULL
)
"""
# Every step that an open renewal still lacks. With steps planned before, only those a newer timeline adds from then on.
PLAN: Final = f"""
WITH timeline AS (
    SELECT * FROM unnest(%(offsets)s::int[], %(titles)s::text[], %(details)s::text[], %(priorities)s::int[])
        AS step(offset_days, title, detail, priority)
),
lacking AS MATERIALIZED (
    SELECT r.id, r.account_id, r.owner_id, r.due_on, r.seen_on, count(s.id) > 0 AS planned,
           array_agg(s.offset_days::int) AS there
    FROM renewals_renewal r
    LEFT JOIN renewals_renewalstep s ON s.tenant_id = %(tenant)s AND s.renewal_id = r.id
    WHERE r.tenant_id = %(tenant)s AND r.state = 'open'
    GROUP BY r.id, r.account_id, r.owner_id, r.due_on, r.seen_on
    HAVING count(*) FILTER (WHERE s.offset_days = ANY(%(offsets)s::int[])) < cardinality(%(offsets)s::int[])
),
dated AS (
    SELECT l.*, step.*, {_ON.format(day="(l.due_on - step.offset_days)", due="l.due_on", weekend="%(weekend)s")} AS day
    FROM lacking l CROSS JOIN timeline step
),
planned AS (
    SELECT id, account_id, owner_id, offset_days, title, detail, priority, day
    FROM dated
    WHERE NOT (planned AND offset_days = ANY(there))
      AND day >= CASE WHEN planned THEN GREATEST(seen_on, LEAST(%(today)s, %(published)s)) ELSE seen_on END
    UNION ALL
    SELECT id, account_id, owner_id, 0, %(catch_up)s,
           'Stands for the steps ' || string_agg(offset_days::text, ', ' ORDER BY offset_days DESC)
               || ' days before the due date.',
           max(priority), {_CATCH_UP_ON.format(day="seen_on", due="due_on", weekend="%(weekend)s")}
    FROM dated
    WHERE NOT planned AND day < seen_on
    GROUP BY id, account_id, owner_id, due_on, seen_on
)
SELECT account_id, 'renewal' AS kind, title, detail, day AS due_on, priority, owner_id AS assignee_id,
       %(version)s::bigint AS process_version_id, 'renewal:' || id || ':' || offset_days AS origin_key,
       'renewal' AS subject_kind, id AS subject_id
FROM planned
"""  # noqa: S608 -- only expressions of this file enter the text

# The steps of the tasks that `PLAN` has just made. The key of a task carries its renewal and offset.
STEPS: Final = """
INSERT INTO renewals_renewalstep (tenant_id, renewal_id, task_id, process_version_id, offset_days, kind)
SELECT %(tenant)s, t.subject_id, t.id, t.process_version_id, split_part(t.origin_key, ':', 3)::int,
       CASE WHEN split_part(t.origin_key, ':', 3) = '0' THEN 'catch_up' ELSE 'step' END
FROM journeys_task t
LEFT JOIN renewals_renewalstep s ON s.tenant_id = %(tenant)s AND s.task_id = t.id
WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'renewal' AND t.origin_key ^@ 'renewal:' AND s.id IS NULL
ON CONFLICT DO NOTHING
"""

# Where open steps belong now, by the rule of the version they were planned with.
PLACES: Final = f"""
SELECT t.origin_key,
       {_ON.format(day="(r.due_on - s.offset_days::int)", due="r.due_on", weekend="v.definition->>'weekend'")} AS due_on
FROM renewals_renewalstep s
JOIN renewals_renewal r ON r.tenant_id = %(tenant)s AND r.id = s.renewal_id AND r.state = 'open'
JOIN journeys_task t ON t.tenant_id = %(tenant)s AND t.id = s.task_id AND t.state = 'open'
JOIN core_processversion v ON v.tenant_id = %(tenant)s AND v.id = s.process_version_id
WHERE s.tenant_id = %(tenant)s AND s.kind = 'step'
"""  # noqa: S608 -- only expressions of this file enter the text

# Open tasks of renewals that are decided or dropped.
LEFT_OVER: Final = """
SELECT t.id FROM journeys_task t
JOIN renewals_renewal r ON r.tenant_id = %(tenant)s AND r.id = t.subject_id AND r.state <> 'open'
WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'renewal' AND t.state = 'open'
"""
