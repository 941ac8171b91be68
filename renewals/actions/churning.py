"""Customers whose last contract was lost leave on the day on which it ends."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from accounts.actions.accounts import CHURNED, lose_customers
from core.actors import Actor
from core.tenancy import require_tenant_id
from journeys.actions.leaving import leave_journey
from journeys.actions.plays import end_plays_of
from renewals.queries.given_up import GIVEN_UP

# Lost by a person, its day has come, and nothing is left: neither another contract that runs or is to begin, nor
# another decision that is still open. A contract without an end counts as ended by the decision. What was acted on once
# is not acted on again: whoever is a customer once more, by a new deal or by a file, stays one.
_LOST: Final = f"""
SELECT DISTINCT ON (account.id) account.id, lost.reason
FROM renewals_renewal AS lost
JOIN accounts_account AS account ON account.tenant_id = lost.tenant_id AND account.id = lost.account_id
  AND account.status = 'customer' AND account.merged_into_id IS NULL
WHERE lost.tenant_id = %(tenant)s AND lost.state = 'lost' AND NOT lost.is_automatic AND lost.due_on <= %(today)s
  AND (%(only)s::bigint IS NULL OR lost.id = %(only)s)
  AND NOT EXISTS (
    SELECT FROM accounts_contractline AS line
    JOIN accounts_contract AS contract ON contract.tenant_id = line.tenant_id AND contract.id = line.contract_id
    WHERE line.tenant_id = %(tenant)s AND line.account_id = account.id AND line.kind = 'recurring'
      AND COALESCE(LEAST(line.ends_on, contract.ends_on) > %(today)s, true)
      AND NOT EXISTS (
        SELECT FROM ({GIVEN_UP}) AS over WHERE over.contract_id = line.contract_id AND over.due_on <= %(today)s))
  AND NOT EXISTS (
    SELECT FROM renewals_renewal AS other WHERE other.tenant_id = %(tenant)s AND other.account_id = account.id
      AND other.state = 'open' AND other.contract_id <> lost.contract_id)
  AND COALESCE((
    SELECT max(told.at) FROM core_auditentry AS told WHERE told.tenant_id = %(tenant)s
      AND told.subject_type = 'accounts.account' AND told.subject_id = account.id AND told.verb = %(churned)s),
    '-infinity') < lost.decided_at
ORDER BY account.id, lost.due_on DESC, lost.id DESC"""  # noqa: S608 -- only a constant enters the text


@transaction.atomic
def churn_lost(*, actor: Actor, today: date, now: datetime, renewal_id: int | None = None) -> int:
    """Customers whose last recurring contract was lost and has ended have churned, and leave the journey.

    Looks at the whole workspace, or at the account of one renewal. Run again it does nothing; returns how many churned.
    """
    params: dict[str, Any] = {"tenant": require_tenant_id(), "today": today, "only": renewal_id, "churned": CHURNED}
    with connection.cursor() as cursor:
        cursor.execute(_LOST, params)
        found: Sequence[tuple[int, str]] = cursor.fetchall()
    by_reason: dict[str, list[int]] = {}
    for account_id, why in found:
        by_reason.setdefault(f"Renewal lost: {why}", []).append(account_id)
    for reason, ids in by_reason.items():
        lose_customers(account_ids=ids, reason=reason, actor=actor, now=now)
        leave_journey(account_ids=ids, reason=reason, actor=actor, today=today, now=now)
        # Those who stood in no stage of the journey have left it before; their plays run until now.
        end_plays_of(account_ids=ids, reason=reason, actor=actor, today=today, now=now)
    return len(found)
