"""Writes of alerts: the sweep that opens, tells and closes them, and the verdict of who worked one."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.db import connection, transaction
from django.urls import reverse

from core import audit, notify, registry
from core.actors import Actor
from core.choices import Role
from core.facts import Condition, conditions
from core.models import Tenant
from health.actions.alert_plays import start_alert_plays
from health.actions.session import plan_for
from health.choices import AlertVerdict
from health.models import Alert
from health.queries.alert_rules import LiveRule, clearing, customers_now, firing, live_rules, with_open_alert
from journeys.actions import task_sweeps

NOTICE: Final = "alert"
_LOCK: Final = 4_710_002  # any number that no other advisory lock of the product has

_OPEN: Final = """
WITH matched AS ({matched})
INSERT INTO health_alert (tenant_id, rule_id, rule_key, account_id, person_id, opened_on, opened_at, why, is_held_back,
                          verdict, verdict_by, note)
SELECT %s, %s, %s, m.id, m.owner_id, %s, %s, {trace}, true, '', '', ''
FROM matched m
WHERE NOT EXISTS (
    SELECT FROM health_alert e
    WHERE e.tenant_id = %s AND e.account_id = m.id AND e.rule_key = %s
      AND (e.closed_on IS NULL OR e.closed_on + %s > %s::date OR e.opened_on = %s::date)
)
ON CONFLICT DO NOTHING
"""
_CONDITION: Final = (
    "jsonb_build_object('fact', %s::text, 'label', %s::text, 'op', %s::text, 'value', %s::jsonb, "
    "'saw', to_jsonb(m.{column}))"
)
_CLOSE: Final = """
UPDATE health_alert AS e SET closed_on = %s, closed_at = %s
WHERE e.tenant_id = %s AND e.rule_key = %s AND e.closed_at IS NULL AND e.opened_on <= %s{only}
  AND (e.account_id IN ({over}) OR NOT EXISTS (
    SELECT FROM accounts_account a WHERE a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.status = 'customer'
  ))
"""
_RETIRED: Final = """
UPDATE health_alert SET closed_on = GREATEST(%s::date, opened_on), closed_at = %s
WHERE tenant_id = %s AND closed_at IS NULL AND rule_key <> ALL(%s::text[])
"""
_HAND_OVER: Final = """
SELECT t.id, a.owner_id AS assignee_id
FROM health_alert e
JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
JOIN journeys_task t ON t.tenant_id = e.tenant_id AND t.subject_kind = 'alert' AND t.subject_id = e.id
    AND t.state = 'open' AND (t.assignee_id IS NOT DISTINCT FROM e.person_id OR t.covered_for_id = e.person_id)
WHERE e.tenant_id = %s AND e.closed_at IS NULL AND e.person_id IS DISTINCT FROM a.owner_id
"""
_NEW_OWNERS: Final = """
UPDATE health_alert AS e SET person_id = a.owner_id
FROM accounts_account a
WHERE e.tenant_id = %s AND a.tenant_id = e.tenant_id AND a.id = e.account_id AND e.closed_at IS NULL
  AND e.person_id IS DISTINCT FROM a.owner_id
"""
# The most urgent and the largest come first; each rule says up to which alert of a person's day it may still speak.
_TELL: Final = """
WITH waiting AS (
    SELECT e.id, e.person_id, r.budget, (
        SELECT count(*) FROM health_alert d
        WHERE d.tenant_id = %(tenant)s AND d.person_id = e.person_id AND d.told_at >= %(midnight)s
    ) AS told, row_number() OVER (
        PARTITION BY e.person_id ORDER BY r.urgency, a.arr_minor DESC, e.opened_on, e.id
    ) AS place
    FROM health_alert e
    JOIN unnest(%(keys)s::text[], %(budgets)s::int[], %(urgencies)s::int[]) AS r(rule_key, budget, urgency)
        ON r.rule_key = e.rule_key
    JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE e.tenant_id = %(tenant)s AND e.closed_at IS NULL AND e.told_at IS NULL
)
UPDATE health_alert AS e SET told_at = %(now)s, is_held_back = false
FROM waiting w
WHERE e.tenant_id = %(tenant)s AND e.id = w.id AND (w.person_id IS NULL OR w.told + w.place <= w.budget)
RETURNING e.id
"""
_TASKS: Final = """
SELECT e.account_id, 'alert' AS kind, v.definition->'task'->>'title' AS title, 'Alert rule: ' || v.name || ' v'
       || v.number AS detail, (%s::date + COALESCE((v.definition->'task'->>'due_days')::int, 2)) AS due_on,
       CASE v.definition->>'severity' WHEN 'high' THEN 15 WHEN 'low' THEN 0 ELSE 8 END AS priority,
       e.person_id AS assignee_id, e.rule_id AS process_version_id, 'alert:' || e.id AS origin_key,
       'alert' AS subject_kind, e.id AS subject_id
FROM health_alert e
JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.rule_id
WHERE e.tenant_id = %s AND e.id = ANY(%s::bigint[]) AND v.definition->'task'->>'title' IS NOT NULL
"""
_LEFT_OVER: Final = """
SELECT t.id FROM journeys_task t
JOIN health_alert e ON e.tenant_id = t.tenant_id AND e.id = t.subject_id AND e.closed_at IS NOT NULL
WHERE t.tenant_id = %s AND t.subject_kind = 'alert' AND t.state = 'open'
"""
# One notice per person and alert; managers get one per rule and sweep, whatever the number of accounts.
_NOTICES: Final = """
SELECT DISTINCT p.membership_id, e.id::text AS key, left(a.name || ': ' || v.name, 300) AS text,
       %(base)s || e.id || '/' AS url, v.definition->'channels' AS channels
FROM health_alert e
JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.rule_id
JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
JOIN accounts_person p ON p.tenant_id = e.tenant_id AND p.membership_id IS NOT NULL AND (
    (p.id = a.owner_id AND COALESCE(v.definition->'tell', '["owner"]') ? 'owner')
    OR (p.id = a.deputy_id AND COALESCE(v.definition->'tell', '["owner"]') ? 'deputy'))
WHERE e.tenant_id = %(tenant)s AND e.id = ANY(%(ids)s::bigint[])
UNION ALL
SELECT m.id, e.rule_key || ':' || %(sweep)s, left(min(v.name) || ': ' || CASE WHEN count(*) = 1 THEN min(a.name)
       ELSE count(*) || ' accounts' END, 300), %(base)s || '?who=all&rule=' || e.rule_key,
       (array_agg(v.definition->'channels'))[1]
FROM health_alert e
JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.rule_id AND v.definition->'tell' ? 'manager'
JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
JOIN core_membership m ON m.tenant_id = e.tenant_id AND m.is_active AND m.role = %(manager)s
WHERE e.tenant_id = %(tenant)s AND e.id = ANY(%(ids)s::bigint[])
GROUP BY m.id, e.rule_key
"""


@dataclass(frozen=True)
class AlertSweep:
    """Rows written. `held_back`: how many open alerts wait for a day with room in somebody's budget."""

    opened: int = 0
    closed: int = 0
    told: int = 0
    held_back: int = 0


@transaction.atomic
def sweep_alerts(
    *, tenant: Tenant, actor: Actor, as_of: date, today: date, now: datetime, account_ids: Iterable[int] | None = None
) -> AlertSweep:
    """Opens an alert where a live rule begins to hold, closes it where it is known to be over, and tells people.

    For every customer, or only the given accounts; facts as of `as_of`, budgets of the day `today`. One open alert
    per rule and account, however often and by how many at once this runs; a second run writes nothing. Two
    statements per rule, whatever the number of accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, tenant.pk % 2**31])
    plan_for(everybody=account_ids is None)
    ids = None if account_ids is None else sorted(set(account_ids))
    live = live_rules()
    _hand_over(tenant, actor, now)
    closed = _run(_RETIRED, [as_of, now, tenant.pk, [one.version.key for one in live]])
    opened = 0
    for one in live:
        closed += _close(one, tenant, as_of=as_of, now=now, ids=ids)
        opened += _open(one, tenant, as_of=as_of, now=now, ids=ids)
    told = _tell(live, tenant, actor, today=today, now=now)
    if closed:
        task_sweeps.close_tasks(
            select=_LEFT_OVER, params=[tenant.pk], actor=actor, now=now, reason="The alert is over."
        )
    held = Alert.objects.filter(closed_at=None, is_held_back=True).count()
    sweep = AlertSweep(opened=opened, closed=closed, told=told, held_back=held)
    if opened or closed or told:
        audit.record(actor=actor, at=now, verb="swept alerts", subject_type="health.alert", after=asdict(sweep))
    return sweep


@transaction.atomic
def judge_alert(*, alert_id: int, verdict: str, note: str, actor: Actor, now: datetime) -> Alert:
    """Keeps what a person says about an alert. An empty verdict takes it back; the same one again changes nothing."""
    if verdict and verdict not in AlertVerdict.values:
        raise ValueError(f"'{verdict}' is no verdict. Known: {', '.join(AlertVerdict.values)}.")
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    kept = note.strip()[:1000] if verdict else ""
    if (alert.verdict, alert.note) == (verdict, kept):
        return alert
    before = {"verdict": alert.verdict, "note": alert.note}
    alert.verdict, alert.note = verdict, kept
    alert.verdict_at, alert.verdict_by = (now, actor.label) if verdict else (None, "")
    alert.save(update_fields=["verdict", "note", "verdict_at", "verdict_by"])
    audit.record(
        actor=actor, at=now, verb="judged alert" if verdict else "took a verdict back", subject=alert, before=before,
        after={"verdict": verdict, "note": kept},
    )  # fmt: skip
    return alert


def _close(live: LiveRule, tenant: Tenant, *, as_of: date, now: datetime, ids: list[int] | None) -> int:
    running = with_open_alert(live.version.key)
    over = clearing(live.rule, running if ids is None else running.filter(pk__in=ids), as_of)
    sql, params = over.order_by().values("pk").query.sql_with_params()
    only = "" if ids is None else " AND e.account_id = ANY(%s::bigint[])"
    return _run(
        _CLOSE.format(over=sql, only=only),
        [as_of, now, tenant.pk, live.version.key, as_of, *([] if ids is None else [ids]), *params],
    )


def _open(live: LiveRule, tenant: Tenant, *, as_of: date, now: datetime, ids: list[int] | None) -> int:
    accounts = customers_now() if ids is None else customers_now().filter(pk__in=ids)
    seen = conditions(live.rule.when)
    columns = dict.fromkeys(leaf.column for leaf in seen)
    found = firing(live.rule, accounts, as_of).order_by().values("id", "owner_id", *columns)
    sql, params = found.query.sql_with_params()
    trace, trace_params = _trace(seen)
    return _run(
        _OPEN.format(matched=sql, trace=trace),
        [*params, tenant.pk, live.version.pk, live.version.key, as_of, now, *trace_params,
         tenant.pk, live.version.key, live.rule.cool_down_days, as_of, as_of],
    )  # fmt: skip


def _trace(seen: list[Condition]) -> tuple[str, list[Any]]:
    """The SQL that builds the list of conditions with what each saw, and its parameters."""
    known = registry.facts()
    params: list[Any] = []
    for leaf in seen:
        params += [leaf.fact, known[leaf.fact].label, leaf.op, json.dumps(leaf.value)]
    parts = ", ".join(_CONDITION.format(column=connection.ops.quote_name(leaf.column)) for leaf in seen)
    return f"jsonb_build_array({parts})", params


def _tell(live: list[LiveRule], tenant: Tenant, actor: Actor, *, today: date, now: datetime) -> int:
    """Tells what fits into the budgets of the day, and starts the tasks; the rest stays held back."""
    params: dict[str, Any] = {
        "tenant": tenant.pk,
        "now": now,
        "midnight": datetime.combine(today, time(), tzinfo=tenant.zone),
        "keys": [one.version.key for one in live],
        "budgets": [one.rule.budget for one in live],
        "urgencies": [one.rule.urgency for one in live],
    }
    with connection.cursor() as cursor:
        cursor.execute(_TELL, params)
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return 0
    start_alert_plays(live, ids, actor=actor, today=today, now=now)
    task_sweeps.insert_tasks(
        select=_TASKS, params=[today, tenant.pk, ids], actor=actor, now=now, reason="Alerts opened."
    )
    notices = {
        "tenant": tenant.pk,
        "ids": ids,
        "base": reverse("health:alerts"),
        "sweep": now.isoformat(),
        "manager": Role.CS_MANAGER,
    }
    notify.notify_from(kind=NOTICE, select=_NOTICES, params=notices, tenant=tenant, now=now)
    return len(ids)


def _hand_over(tenant: Tenant, actor: Actor, now: datetime) -> None:
    task_sweeps.assign_tasks(
        select=_HAND_OVER, params=[tenant.pk], actor=actor, now=now, reason="The account has a new owner."
    )
    _run(_NEW_OWNERS, [tenant.pk])


def _run(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)
