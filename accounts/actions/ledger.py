"""The revenue ledger: what each account's contract lines say, written down as movements, once.

The ledger is append-only. A refresh derives every movement up to today from the contract lines and inserts only the
difference to what the ledger already adds up to, so that a second run inserts nothing and a late correction stands as
a row of its own (`restates`). Movements of kind price and FX are not derived here and are left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from accounts.queries.planning import whole_tables
from core import audit
from core.actors import Actor
from core.changes import mark_changed_where
from core.models import Tenant
from core.tenancy import require_tenant_id

# The steps of an account's ARR are the sums of what starts and ends on a day; each step has exactly one type.
WANTED: Final = """
WITH step AS (
    SELECT line.account_id, edge.day, SUM(edge.delta)::bigint AS delta
    FROM accounts_contractline AS line
    CROSS JOIN LATERAL (VALUES (line.starts_on, line.arr_minor), (line.ends_on, -line.arr_minor)) AS edge (day, delta)
    WHERE line.tenant_id = %s AND line.kind = 'recurring' AND line.arr_minor <> 0 AND edge.day <= %s {scope}
    GROUP BY line.account_id, edge.day
    HAVING SUM(edge.delta) <> 0
), level AS (
    SELECT account_id, day, delta,
           SUM(delta) OVER (PARTITION BY account_id ORDER BY day) AS after
    FROM step
), history AS (
    SELECT account_id, day, delta, after, after - delta AS before,
           COALESCE(MAX(after) OVER (PARTITION BY account_id ORDER BY day
                                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) > 0 AS paid_before
    FROM level
)
SELECT account_id, day AS effective_on, delta AS amount_minor,
       CASE WHEN before <= 0 AND after > 0 THEN CASE WHEN paid_before THEN 'reactivation' ELSE 'new' END
            WHEN before > 0 AND after <= 0 THEN 'churn'
            WHEN delta > 0 THEN 'expansion'
            ELSE 'contraction' END AS kind
FROM history
"""

_APPEND: Final = f"""
WITH written AS (
INSERT INTO accounts_revenuemovement
    (tenant_id, account_id, effective_on, kind, amount_minor, currency, recorded_at, restates)
SELECT %s, diff.account_id, diff.effective_on, diff.kind, diff.amount_minor, %s, %s,
       (diff.known OR diff.effective_on < account.arr_as_of)
       AND EXISTS (SELECT FROM accounts_revenuemovement AS earlier
                   WHERE earlier.tenant_id = %s AND earlier.account_id = diff.account_id)
FROM (
    SELECT account_id, effective_on, kind, SUM(amount_minor)::bigint AS amount_minor, BOOL_OR(known) AS known
    FROM (
        SELECT account_id, effective_on, kind, amount_minor, FALSE AS known FROM ({WANTED}) AS wanted
        UNION ALL
        SELECT line.account_id, line.effective_on, line.kind, -line.amount_minor, TRUE
        FROM accounts_revenuemovement AS line
        WHERE line.tenant_id = %s AND line.effective_on <= %s
          AND line.kind NOT IN ('price', 'fx') {{scope}}
    ) AS both_sides
    GROUP BY account_id, effective_on, kind
    HAVING SUM(amount_minor) <> 0
) AS diff
JOIN accounts_account AS account ON account.tenant_id = %s AND account.id = diff.account_id
ORDER BY diff.account_id, diff.effective_on, diff.kind
RETURNING restates
)
SELECT COUNT(*), COUNT(*) FILTER (WHERE restates) FROM written
"""  # noqa: S608 -- our own statements, values as parameters

_LEVEL: Final = """
SELECT account.id, COALESCE(active.arr_minor, 0) AS arr_minor
FROM accounts_account AS account
LEFT JOIN (
    SELECT line.account_id, SUM(line.arr_minor)::bigint AS arr_minor
    FROM accounts_contractline AS line
    WHERE line.tenant_id = %s AND line.kind = 'recurring' AND line.starts_on <= %s
      AND (line.ends_on IS NULL OR line.ends_on > %s) {scope}
    GROUP BY line.account_id
) AS active ON active.account_id = account.id
WHERE account.tenant_id = %s {account_scope}
"""

_CHANGED: Final = f"""
SELECT account.id FROM ({_LEVEL}) AS level
JOIN accounts_account AS account ON account.tenant_id = %s AND account.id = level.id
WHERE account.arr_minor <> level.arr_minor
"""  # noqa: S608 -- our own statements, values as parameters

_PROJECT: Final = f"""
UPDATE accounts_account AS account SET arr_minor = level.arr_minor, arr_as_of = %s
FROM ({_LEVEL}) AS level
WHERE account.tenant_id = %s AND account.id = level.id
  AND (account.arr_minor <> level.arr_minor OR account.arr_as_of IS DISTINCT FROM %s)
"""  # noqa: S608 -- our own statements, values as parameters


@dataclass(frozen=True)
class LedgerRefresh:
    """What a refresh wrote: rows in the ledger, how many of them correct closed days, and accounts brought to date."""

    movements: int
    restated: int
    accounts: int


@transaction.atomic
def refresh_revenue(
    *,
    today: date,
    now: datetime,
    accounts_sql: str | None = None,
    params: Sequence[Any] = (),
    actor: Actor | None = None,
) -> LedgerRefresh:
    """Brings ARR and ledger of the workspace, or of the accounts a SELECT of ids yields, to what the lines say today.

    Idempotent. Two refreshes of one workspace wait for each other. What ends after today stays out of the ledger until
    it has happened. Accounts whose ARR changed are marked changed for the apps above.
    """
    tenant_id = require_tenant_id()
    scope = f"AND line.account_id IN ({accounts_sql})" if accounts_sql else ""
    account_scope = f"AND account.id IN ({accounts_sql})" if accounts_sql else ""
    asked = list(params) if accounts_sql else []
    _wait_for_other_refreshes(tenant_id)
    with whole_tables():
        movements, restated = _append(tenant_id, scope, asked, today, now)
        level = [tenant_id, today, today, *asked, tenant_id, *asked]
        mark_changed_where(_CHANGED.format(scope=scope, account_scope=account_scope), [*level, tenant_id])
        project = _PROJECT.format(scope=scope, account_scope=account_scope)
        brought = _execute(project, [today, *level, tenant_id, today])
    done = LedgerRefresh(movements=movements, restated=restated, accounts=brought)
    if done.movements:
        audit.record(
            actor=actor or Actor.system("Revenue ledger"),
            at=now,
            verb="recorded movements",
            subject_type="accounts.revenuemovement",
            after={"movements": done.movements, "restated": done.restated, "today": today},
        )
    return done


def _wait_for_other_refreshes(tenant_id: int) -> None:
    # Two at once would both see the same difference and write it twice.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('accounts.ledger', %s))", [tenant_id])


def _append(tenant_id: int, scope: str, asked: list[Any], today: date, now: datetime) -> tuple[int, int]:
    currency = Tenant.objects.values_list("currency", flat=True).get(pk=tenant_id)
    wanted = [tenant_id, today, *asked]
    known = [tenant_id, today, *asked]
    with connection.cursor() as cursor:
        cursor.execute(_APPEND.format(scope=scope), [tenant_id, currency, now, tenant_id, *wanted, *known, tenant_id])
        movements, restated = cursor.fetchone()
        return movements, restated


def _execute(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)
