"""Moves of accounts along the journey."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Account
from accounts.queries.planning import whole_tables
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id
from journeys.actions.moves import Moved
from journeys.models import LifecycleStage, StageVisit
from journeys.queries.stages import STANDARD


@transaction.atomic
def move_account_stage(
    *, account_id: int, stage_key: str, today: date, now: datetime, actor: Actor, reason: str = ""
) -> StageVisit:
    """Ends the account's stay in its stage and starts one in another; both stay in history.

    The stage it is in already: nothing happens. Raises `DoesNotExist` for an unknown account or stage.
    """
    account = Account.objects.select_for_update().get(pk=account_id)
    stage = LifecycleStage.objects.get(journey=STANDARD, key=stage_key)
    before = StageVisit.objects.filter(account_id=account.pk, left_on=None).select_related("stage").first()
    if before is not None and before.stage_id == stage.pk:
        return before
    if before is not None:
        before.left_on = today
        before.save(update_fields=["left_on"])
    visit = StageVisit.objects.create(
        account_id=account.pk, stage=stage, entered_on=today, moved_by=actor.label, reason=reason
    )
    audit.record(
        actor=actor,
        at=now,
        verb="moved account",
        subject=account,
        before={"stage": before.stage.key if before else None},
        after={"stage": stage.key},
        reason=reason,
    )
    mark_changed([account.pk])
    return visit


# A first stage by what is known of an account. Churned accounts get none: they are in no stage of the journey.
_PLACE = """
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, moved_by, reason)
SELECT %s, account.id, stage.id,
       CASE WHEN account.status = 'customer' THEN LEAST(COALESCE(account.customer_since, %s), %s) ELSE %s END,
       %s, 'First stage by status'
FROM accounts_account AS account
JOIN journeys_lifecyclestage AS stage
  ON stage.tenant_id = %s AND stage.journey = 'standard'
 AND stage.key = CASE account.status WHEN 'customer' THEN 'adoption' WHEN 'prospect' THEN 'consideration' END
WHERE account.tenant_id = %s {scope}
  AND NOT EXISTS (SELECT FROM journeys_stagevisit AS earlier
                  WHERE earlier.tenant_id = %s AND earlier.account_id = account.id)
ORDER BY account.id
ON CONFLICT (tenant_id, account_id) WHERE left_on IS NULL DO NOTHING
"""


@transaction.atomic
def place_accounts(
    *, today: date, now: datetime, actor: Actor, accounts_sql: str | None = None, params: Sequence[Any] = ()
) -> int:
    """Gives accounts that never had a stage their first one: customers Adoption, prospects Consideration.

    One statement over the workspace, or over the accounts whose ids `accounts_sql` yields. Idempotent; returns the
    number of accounts placed.
    """
    tenant_id = require_tenant_id()
    scope = f"AND account.id IN ({accounts_sql})" if accounts_sql else ""
    asked = list(params) if accounts_sql else []
    with nullcontext() if accounts_sql else whole_tables(), connection.cursor() as cursor:
        cursor.execute(
            _PLACE.format(scope=scope),
            [tenant_id, today, today, today, actor.label, tenant_id, tenant_id, *asked, tenant_id],
        )
        placed = cursor.rowcount
    if placed:
        audit.record(
            actor=actor, at=now, verb="placed accounts", subject_type="journeys.stagevisit", after={"accounts": placed}
        )
    return int(placed)


@transaction.atomic
def place_changed_accounts(*, account_ids: Sequence[int], today: date, now: datetime) -> int:
    """As `place_accounts`, for accounts that were reported as changed."""
    if not account_ids:
        return 0
    return place_accounts(
        today=today,
        now=now,
        actor=Actor.system("Journey"),
        accounts_sql="SELECT unnest(%s::bigint[])",
        params=[list(account_ids)],
    )


@transaction.atomic
def move_accounts(
    *,
    account_ids: Collection[int],
    stage_key: str,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
) -> Moved:
    """Many accounts into one stage: those whose gates are open go, the others stay and are named. Set-based."""
    raise NotImplementedError
