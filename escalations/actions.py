"""Writes of escalations: the sweep that opens and closes them, and a person who closes one early."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Account
from accounts.rules.merging import MergePart
from core import audit, registry
from core.actors import Actor
from core.facts import Condition, conditions
from core.models import Tenant
from escalations.choices import EscalationState
from escalations.models import Escalation
from escalations.queries import LivePolicy, candidates, going_on, live_policies, matching
from journeys.actions import task_sweeps

OVER: Final = "The condition is over."
RETIRED: Final = "The policy is no longer live."

_OPEN: Final = """
WITH matched AS ({matched})
INSERT INTO escalations_escalation (tenant_id, account_id, policy_version_id, policy_key, tier, state, owner_id,
                                    arr_at_risk_minor, facts, opened_at, respond_by, closed_because)
SELECT %s, m.id, %s, %s, %s, 'open', m.owner_id, m.arr_minor, jsonb_build_object('conditions', {trace}), %s, %s, ''
FROM matched m
WHERE NOT EXISTS (
    SELECT FROM escalations_escalation e
    WHERE e.tenant_id = %s AND e.account_id = m.id AND e.policy_key = %s AND e.over_at IS NULL
)
ON CONFLICT DO NOTHING
"""
_CONDITION: Final = (
    "jsonb_build_object('fact', %s::text, 'label', %s::text, 'op', %s::text, 'value', %s::jsonb, "
    "'saw', to_jsonb(m.{column}))"
)
# An episode that a person has closed goes on silently until the condition stops; only then may the next one open.
# Where a score is unknown (a feed has stopped), nobody can say that it has: `matched` holds these accounts, too.
_OVER: Final = """
WITH matched AS ({matched}),
before AS (
    SELECT e.id, e.state FROM escalations_escalation e
    WHERE e.tenant_id = %s AND e.policy_key = %s AND e.over_at IS NULL
      AND NOT EXISTS (SELECT FROM matched m WHERE m.id = e.account_id)
),
ended AS (
    UPDATE escalations_escalation AS e
    SET over_at = %s, state = 'closed', closed_at = COALESCE(e.closed_at, %s),
        closed_because = CASE WHEN before.state = 'open' THEN %s ELSE e.closed_because END
    FROM before
    WHERE e.tenant_id = %s AND e.id = before.id
    RETURNING before.state
)
SELECT count(*) FILTER (WHERE state = 'open') FROM ended
"""
_RETIRED: Final = """
UPDATE escalations_escalation SET over_at = %s, closed_at = COALESCE(closed_at, %s),
    closed_because = CASE WHEN state = 'open' THEN %s ELSE closed_because END, state = 'closed'
WHERE tenant_id = %s AND over_at IS NULL AND policy_key <> ALL(%s::text[])
"""
_TASKS: Final = """
SELECT e.account_id, 'escalation' AS kind, v.definition->>'task_title' AS title,
       'Policy: ' || v.name || ' v' || v.number AS detail, (e.respond_by AT TIME ZONE %s)::date AS due_on,
       COALESCE((v.definition->>'priority')::int, 0) AS priority, e.owner_id AS assignee_id,
       e.policy_version_id AS process_version_id, 'escalation:' || e.id AS origin_key,
       'escalation' AS subject_kind, e.id AS subject_id
FROM escalations_escalation e
JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.policy_version_id
WHERE e.tenant_id = %s AND e.state = 'open' AND v.definition ? 'task_title'
  AND NOT EXISTS (SELECT FROM journeys_task t WHERE t.tenant_id = e.tenant_id AND t.origin_key = 'escalation:' || e.id)
"""
# Open escalations follow the owner of the account; so do their tasks, unless they were given to somebody else.
_HAND_OVER: Final = """
SELECT t.id, a.owner_id AS assignee_id
FROM escalations_escalation e
JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
JOIN journeys_task t ON t.tenant_id = e.tenant_id AND t.subject_kind = 'escalation' AND t.subject_id = e.id
    AND t.state = 'open' AND (t.assignee_id IS NOT DISTINCT FROM e.owner_id OR t.covered_for_id = e.owner_id)
WHERE e.tenant_id = %s AND e.state = 'open' AND e.owner_id IS DISTINCT FROM a.owner_id
"""
_NEW_OWNERS: Final = """
UPDATE escalations_escalation AS e SET owner_id = a.owner_id
FROM accounts_account a
WHERE e.tenant_id = %s AND a.tenant_id = e.tenant_id AND a.id = e.account_id AND e.state = 'open'
  AND e.owner_id IS DISTINCT FROM a.owner_id
"""
_LEFT_OVER: Final = """
SELECT t.id FROM journeys_task t
JOIN escalations_escalation e ON e.tenant_id = t.tenant_id AND e.id = t.subject_id AND e.state = 'closed'
WHERE t.tenant_id = %s AND t.subject_kind = 'escalation' AND t.state = 'open'
"""


# Two accounts become one: of two episodes of one policy the kept account's goes on.
_SAME_EPISODE: Final = """e.tenant_id = %(tenant)s AND e.account_id = %(gone)s AND e.over_at IS NULL
  AND EXISTS (SELECT FROM escalations_escalation k WHERE k.tenant_id = e.tenant_id AND k.account_id = %(kept)s
              AND k.policy_key = e.policy_key AND k.over_at IS NULL)"""
MERGE_PARTS: Final = (
    MergePart(
        "escalations_escalation",
        "Escalations",
        80,
        before=(
            f"""UPDATE journeys_task AS t SET state = 'obsolete', closed_at = %(now)s, closed_by = %(actor)s
            FROM escalations_escalation e WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'escalation'
              AND t.subject_id = e.id AND t.state = 'open' AND {_SAME_EPISODE}""",  # noqa: S608 -- a constant
            f"""UPDATE escalations_escalation AS e SET over_at = %(now)s, closed_at = COALESCE(e.closed_at, %(now)s),
            closed_because = CASE WHEN e.state = 'open' THEN %(because)s ELSE e.closed_because END, state = 'closed'
            WHERE {_SAME_EPISODE}""",  # noqa: S608 -- a constant
        ),
        rule="Of two episodes of one policy the kept account's goes on; the other ends today.",
    ),
)


@dataclass(frozen=True)
class EscalationSweep:
    """`evaluated` counts accounts looked at; the others count rows written."""

    evaluated: int = 0
    opened: int = 0
    closed: int = 0


class CloseRefused(ValueError):
    """The escalation cannot be closed like that; the message says what to change."""


@transaction.atomic
def sweep_escalations(*, tenant: Tenant, actor: Actor, today: date, now: datetime) -> EscalationSweep:
    """Opens an escalation where a live policy begins to hold, closes it where it is known that it no longer holds.

    Open ones and their tasks go to the new owner of an account.

    One per policy, account and episode, however often and by how many at once this runs; a second run writes nothing.
    Two statements per policy, whatever the number of accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('escalations.sweep'), %s::int)", [tenant.pk % 2**31])
    _hand_over(tenant, actor, now)
    policies = live_policies()
    closed = _retire([live.version.key for live in policies], tenant, now)
    opened = 0
    for live in policies:
        matched = matching(live.policy, today)
        closed += _end(live, going_on(live.policy, today), tenant, now)
        opened += _open(live, matched, tenant, now)
    sweep = EscalationSweep(evaluated=candidates().count() if policies else 0, opened=opened, closed=closed)
    _sweep_tasks(tenant, actor, now, opened=opened, closed=closed)
    if opened or closed:
        audit.record(
            actor=actor, at=now, verb="swept escalations", subject_type="escalations.escalation", after=asdict(sweep)
        )
    return sweep


@transaction.atomic
def close_escalation(*, escalation_id: int, reason: str, actor: Actor, now: datetime) -> Escalation:
    """Closes one by hand with its tasks. It does not open again while the same condition goes on."""
    why = reason.strip()[:200]
    if not why:
        raise CloseRefused("Say why the escalation is closed.")
    escalation = Escalation.objects.select_for_update().get(pk=escalation_id)
    if escalation.state == EscalationState.CLOSED:
        return escalation
    escalation.state, escalation.closed_at, escalation.closed_because = EscalationState.CLOSED, now, why
    escalation.save(update_fields=["state", "closed_at", "closed_because"])
    task_sweeps.close_tasks(
        select=_LEFT_OVER, params=[escalation.tenant_id], actor=actor, now=now, reason="The escalation is closed."
    )
    audit.record(actor=actor, at=now, verb="closed escalation", subject=escalation, reason=why)
    return escalation


def _open(live: LivePolicy, matched: QuerySet[Account], tenant: Tenant, now: datetime) -> int:
    leaves = conditions(live.policy.criteria)
    sql, params = _select(matched, leaves)
    trace, trace_params = _trace(leaves)
    respond_by = now + timedelta(hours=live.policy.respond_hours)
    return _run(
        _OPEN.format(matched=sql, trace=trace),
        [*params, tenant.pk, live.version.pk, live.version.key, live.policy.tier, *trace_params, now, respond_by,
         tenant.pk, live.version.key],
    )  # fmt: skip


def _end(live: LivePolicy, going_on: QuerySet[Account], tenant: Tenant, now: datetime) -> int:
    sql, params = _select(going_on, [])
    with connection.cursor() as cursor:
        cursor.execute(_OVER.format(matched=sql), [*params, tenant.pk, live.version.key, now, now, OVER, tenant.pk])
        return int(cursor.fetchone()[0])


def _hand_over(tenant: Tenant, actor: Actor, now: datetime) -> None:
    task_sweeps.assign_tasks(
        select=_HAND_OVER, params=[tenant.pk], actor=actor, now=now, reason="The account has a new owner."
    )
    given = _run(_NEW_OWNERS, [tenant.pk])
    if given:
        audit.record(
            actor=actor, at=now, verb="gave escalations to new owners", subject_type="escalations.escalation",
            after={"escalations": given},
        )  # fmt: skip


def _retire(live_keys: list[str], tenant: Tenant, now: datetime) -> int:
    return _run(_RETIRED, [now, now, RETIRED, tenant.pk, live_keys])


def _select(matched: QuerySet[Account], leaves: list[Condition]) -> tuple[str, tuple[Any, ...]]:
    columns = dict.fromkeys(leaf.column for leaf in leaves)
    sql, params = matched.order_by().values("id", "arr_minor", "owner_id", *columns).query.sql_with_params()
    return sql, params


def _trace(leaves: list[Condition]) -> tuple[str, list[Any]]:
    """The SQL that builds the list of conditions with what each saw, and its parameters."""
    known = registry.facts()
    params: list[Any] = []
    for leaf in leaves:
        params += [leaf.fact, known[leaf.fact].label, leaf.op, json.dumps(leaf.value)]
    parts = ", ".join(_CONDITION.format(column=connection.ops.quote_name(leaf.column)) for leaf in leaves)
    return f"jsonb_build_array({parts})", params


def _sweep_tasks(tenant: Tenant, actor: Actor, now: datetime, *, opened: int, closed: int) -> None:
    if opened:
        task_sweeps.insert_tasks(
            select=_TASKS, params=[tenant.timezone, tenant.pk], actor=actor, now=now, reason="Escalations opened."
        )
    if closed:
        task_sweeps.close_tasks(
            select=_LEFT_OVER, params=[tenant.pk], actor=actor, now=now, reason="The escalation is closed."
        )


def _run(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)
