"""How hand-offs come about. Every statement is set-based and may run any number of times: each is opened once."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.tenancy import require_tenant_id
from journeys.actions.handoffs.telling import tell_of_late, tell_of_new
from journeys.actions.task_sweeps import insert_tasks
from journeys.models import Handoff
from journeys.queries.handoffs import LiveHandoffs, answer_due, live_handoffs
from journeys.rules.handoffs import HandoffSpec, blank_checklist

# How far the sweep looks back for a won deal or a move that nobody told of.
LOOK_BACK: Final = timedelta(days=30)

_INSERT: Final = """
INSERT INTO journeys_handoff (tenant_id, account_id, key, name, origin_key, attempt, version_id, opportunity_id,
  from_person_id, to_person_id, state, checklist, created_at, due_at, answered_by, return_reason)
SELECT %(tenant)s, source.account_id, %(key)s, %(name)s, source.origin_key, 1, %(version)s, source.opportunity_id,
  source.from_person_id, source.to_person_id, 'waiting', %(checklist)s, %(now)s, %(due)s, '', ''
FROM ({select}) AS source
WHERE NOT EXISTS (SELECT FROM journeys_handoff AS known
                  WHERE known.tenant_id = %(tenant)s AND known.origin_key = source.origin_key)
ON CONFLICT DO NOTHING
RETURNING id, to_person_id
"""

# A renewal stays with the team that has the account: only new business and expansions change hands. Whoever owns the
# account takes it over, unless that is the seller.
_WON: Final = """
SELECT deal.account_id, deal.id AS opportunity_id, deal.owner_id AS from_person_id,
       CASE WHEN account.owner_id IS DISTINCT FROM deal.owner_id THEN account.owner_id END AS to_person_id,
       'won:' || deal.id || ':' || %(key)s AS origin_key
FROM journeys_opportunity AS deal
JOIN journeys_pipelinestage AS stage
  ON stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id AND stage.kind = 'won'
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = deal.account_id AND account.merged_into_id IS NULL
WHERE deal.tenant_id = %(tenant)s AND deal.kind <> 'renewal' AND {scope}
"""
_THESE: Final = "deal.id = ANY(%(ids)s)"
# By the visits, whose index knows stage and day: history may hold any number of won deals.
_LATELY: Final = """deal.id IN (
  SELECT visit.opportunity_id FROM journeys_opportunitystagevisit AS visit
  JOIN journeys_pipelinestage AS won ON won.tenant_id = %(tenant)s AND won.id = visit.stage_id AND won.kind = 'won'
  WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL AND visit.entered_on >= %(since)s)"""

# A move from the one stage to the other; forward also from before the one and beyond the other: a stage that is skipped
# hands over, too. Not while the same hand-off of the account is under way, nor where it made the move.
_MOVED: Final = """
SELECT visit.account_id, NULL::bigint AS opportunity_id, NULL::bigint AS from_person_id,
       account.owner_id AS to_person_id, 'visit:' || visit.id || ':' || %(key)s AS origin_key
FROM journeys_stagevisit AS visit
JOIN journeys_lifecyclestage AS target ON target.tenant_id = %(tenant)s AND target.id = visit.stage_id
JOIN journeys_lifecyclestage AS giver
  ON giver.tenant_id = %(tenant)s AND giver.journey = 'standard' AND giver.key = %(from_stage)s
JOIN journeys_lifecyclestage AS taker
  ON taker.tenant_id = %(tenant)s AND taker.journey = 'standard' AND taker.key = %(to_stage)s
JOIN LATERAL (
  SELECT stage.id, stage.position FROM journeys_stagevisit AS earlier
  JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = earlier.stage_id
  WHERE earlier.tenant_id = %(tenant)s AND earlier.account_id = visit.account_id AND earlier.id < visit.id
    AND earlier.left_on = visit.entered_on
  ORDER BY earlier.id DESC LIMIT 1) AS origin
  ON (origin.id = giver.id AND target.id = taker.id)
  OR (origin.position <= giver.position AND giver.position < taker.position AND taker.position <= target.position)
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = visit.account_id AND account.merged_into_id IS NULL
WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL AND visit.entered_on >= %(since)s AND {scope}
  AND NOT EXISTS (SELECT FROM journeys_handoff AS same
                  WHERE same.tenant_id = %(tenant)s AND same.account_id = visit.account_id AND same.key = %(key)s
                    AND (same.state = 'waiting' OR same.answered_at >= visit.entered_on - 1))
"""

_TASKS: Final = """
SELECT handoff.account_id, 'handoff' AS kind, left('Accept the hand-off: ' || handoff.name, 200) AS title,
       '' AS detail, (handoff.due_at AT TIME ZONE workspace.timezone)::date AS due_on, 0 AS priority,
       handoff.to_person_id AS assignee_id, handoff.version_id AS process_version_id,
       'handoff:' || handoff.id AS origin_key, 'handoff' AS subject_kind, handoff.id AS subject_id
FROM journeys_handoff AS handoff JOIN core_tenant AS workspace ON workspace.id = handoff.tenant_id
WHERE handoff.tenant_id = %s AND handoff.id = ANY(%s)
"""


@transaction.atomic
def open_for_won(*, opportunity_ids: Sequence[int], actor: Actor, today: date, now: datetime) -> int:
    """Opens the hand-offs that won opportunities call for, each once. Call it in the transaction of the move.

    Renewals, deals without an account and deals that are not won are passed over. Returns the number opened.
    """
    live = live_handoffs()
    if live is None or not opportunity_ids:
        return 0
    specs = [spec for spec in live.specs if spec.on_won]
    select = _WON.format(scope=_THESE)
    return sum(_open(live, spec, select, {"ids": list(opportunity_ids)}, actor=actor, now=now) for spec in specs)


@transaction.atomic
def open_for_moves(*, account_ids: Sequence[int], actor: Actor, today: date, now: datetime) -> int:
    """Opens the hand-offs that moves of these accounts today, from one team's stage to another's, call for."""
    live = live_handoffs()
    if live is None or not account_ids:
        return 0
    return _open_moved(
        live, "visit.account_id = ANY(%(ids)s)", {"ids": list(account_ids), "since": today}, actor=actor, now=now
    )


@transaction.atomic
def open_handoff(
    *,
    account_id: int,
    key: str,
    actor: Actor,
    from_person_id: int | None,
    to_person_id: int | None,
    today: date,
    now: datetime,
) -> Handoff:
    """Opens one by hand; the one of this kind that is waiting already is returned instead. `KeyError` if unknown."""
    living_account(account_id)
    live = live_handoffs()
    spec = next((one for one in live.specs if one.key == key), None) if live else None
    if live is None or spec is None:
        raise KeyError(key)
    waiting = Handoff.objects.filter(account_id=account_id, key=key, state="waiting").first()
    if waiting is not None:
        return waiting
    select = (
        "SELECT account.id AS account_id, NULL::bigint AS opportunity_id, %(from)s::bigint AS from_person_id, "
        "COALESCE(%(to)s::bigint, account.owner_id) AS to_person_id, %(origin)s AS origin_key "
        "FROM accounts_account AS account WHERE account.tenant_id = %(tenant)s AND account.id = %(account)s"
    )
    origin = f"hand:{account_id}:{key}:{now:%Y%m%dT%H%M%S%f}"
    params = {"from": from_person_id, "to": to_person_id, "origin": origin, "account": account_id}
    _open(live, spec, select, params, actor=actor, now=now)
    return Handoff.objects.get(origin_key=origin)


@transaction.atomic
def sweep_handoffs(*, actor: Actor, today: date, now: datetime) -> int:
    """Opens what is missing, whatever path a deal or an account took: imports and workers as well as pages.

    What happened before the journey was first live is history and left alone. Idempotent; returns the number opened.
    """
    live = live_handoffs()
    if live is None:
        return 0
    since = max(live.since.date(), today - LOOK_BACK)
    select = _WON.format(scope=_LATELY)
    won = [spec for spec in live.specs if spec.on_won]
    opened = sum(_open(live, spec, select, {"since": since}, actor=actor, now=now) for spec in won)
    tell_of_late(live, now=now)
    return opened + _open_moved(live, "true", {"since": since}, actor=actor, now=now)


def _open_moved(live: LiveHandoffs, scope: str, params: dict[str, Any], *, actor: Actor, now: datetime) -> int:
    opened = 0
    for spec in live.specs:
        stages = {"from_stage": spec.from_stage, "to_stage": spec.to_stage}
        opened += _open(live, spec, _MOVED.format(scope=scope), {**params, **stages}, actor=actor, now=now)
    return opened


def _open(
    live: LiveHandoffs, spec: HandoffSpec, select: str, params: dict[str, Any], *, actor: Actor, now: datetime
) -> int:
    values = {
        "tenant": require_tenant_id(),
        "key": spec.key,
        "name": spec.name,
        "version": live.version.pk,
        "checklist": json.dumps(blank_checklist(spec)),
        "now": now,
        "due": answer_due(spec.accept_within_hours, now, live.workspace),
        **params,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(select=select), values)
        made = cursor.fetchall()
    ids = [pk for pk, _ in made]
    if ids:
        audit.record(
            actor=actor,
            at=now,
            verb="opened hand-offs",
            subject_type="journeys.handoff",
            after={"handoff": spec.key, "count": len(ids), "ids": ids[:100]},
        )
        make_tasks(ids, actor=actor, now=now)
        tell_of_new(live, spec, [pk for pk, taker in made if taker is None], now=now)
    return len(ids)


def make_tasks(handoff_ids: Sequence[int], *, actor: Actor, now: datetime) -> None:
    """The task of each hand-off: the person who takes over has it, else it lies with the team."""
    insert_tasks(select=_TASKS, params=[require_tenant_id(), list(handoff_ids)], actor=actor, now=now)
