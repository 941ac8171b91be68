"""Hand-offs that have lost their cause are called off, as many as there are at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.tenancy import require_tenant_id
from journeys.actions.task_sweeps import close_tasks
from journeys.models import Handoff

# What waits for an answer, and what came back and was not handed over again.
_OFF: Final = """
UPDATE journeys_handoff AS handoff
SET state = 'cancelled', answered_at = %(now)s, answered_by = %(by)s, return_reason = %(reason)s
WHERE handoff.tenant_id = %(tenant)s AND {which}
  AND (handoff.state = 'waiting' OR (handoff.state = 'returned' AND NOT EXISTS (
    SELECT FROM journeys_handoff AS later WHERE later.tenant_id = %(tenant)s
      AND later.origin_key = handoff.origin_key AND later.attempt > handoff.attempt)))
RETURNING handoff.id, handoff.origin_key"""
# Won again, the deal is handed over again: the attempts of before keep to themselves.
_SET_ASIDE: Final = """
UPDATE journeys_handoff AS handoff SET origin_key = handoff.origin_key || ':off' || off.id
FROM unnest(%(keys)s::text[], %(ids)s::bigint[]) AS off (origin_key, id)
WHERE handoff.tenant_id = %(tenant)s AND handoff.origin_key = off.origin_key"""
# At another account the deal is handed over anew, whatever came of it where it was.
_SET_ALL_ASIDE: Final = """
UPDATE journeys_handoff AS handoff SET origin_key = handoff.origin_key || ':off' || (
  SELECT min(first.id) FROM journeys_handoff AS first
  WHERE first.tenant_id = %(tenant)s AND first.origin_key = handoff.origin_key)
WHERE handoff.tenant_id = %(tenant)s AND handoff.opportunity_id = ANY(%(deals)s)
  AND handoff.origin_key !~ ':off[0-9]+$'"""


@transaction.atomic
def call_off_of_deals(*, opportunity_ids: Collection[int], reason: str, actor: Actor, now: datetime) -> int:
    """Calls off what the win of these deals has opened and nobody has accepted. Returns the number called off."""
    which = "handoff.opportunity_id = ANY(%(ids)s)"
    found = _call_off(which, list(opportunity_ids), reason=reason, actor=actor, now=now)
    if found:
        with connection.cursor() as cursor:
            cursor.execute(
                _SET_ASIDE, {"tenant": require_tenant_id(), "keys": list(found.values()), "ids": list(found)}
            )
    return len(found)


@transaction.atomic
def let_hand_over_anew(*, opportunity_ids: Collection[int]) -> None:
    """What the wins of these deals opened stays where it was, and keeps no hand-off from being opened elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(_SET_ALL_ASIDE, {"tenant": require_tenant_id(), "deals": list(opportunity_ids)})


@transaction.atomic
def call_off_of_accounts(*, account_ids: Collection[int], reason: str, actor: Actor, now: datetime) -> int:
    """Calls off every hand-off of these accounts that nobody has accepted. Returns the number called off."""
    which = "handoff.account_id = ANY(%(ids)s)"
    return len(_call_off(which, list(account_ids), reason=reason, actor=actor, now=now))


def _call_off(which: str, ids: list[int], *, reason: str, actor: Actor, now: datetime) -> dict[int, str]:
    params: dict[str, Any] = {
        "tenant": require_tenant_id(), "ids": ids, "reason": reason, "by": actor.label, "now": now,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OFF.format(which=which), params)
        found: dict[int, str] = dict(cursor.fetchall())
    if found:
        audit.record_many(
            actor=actor,
            at=now,
            verb="called hand-off off",
            rows=[(one, {}, {}) for one in Handoff.objects.filter(pk__in=found).order_by("pk")],
            reason=reason,
        )
        close_tasks(
            select="SELECT id FROM journeys_task WHERE tenant_id = %s AND subject_kind = 'handoff' "
            "AND subject_id = ANY(%s)",
            params=[params["tenant"], list(found)],
            actor=actor,
            now=now,
            reason=reason[:200],
        )
    return found
