"""What the hour does for the journey: checkpoints of stays, clocks of first value, and the figures of the map."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from accounts.choices import AccountStatus
from accounts.models import Account
from accounts.queries.planning import whole_tables
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.facts import matching
from core.tenancy import require_tenant_id
from journeys.actions.leaving import leave_journey
from journeys.models import Checkpoint, FirstValue, JourneyFigures, StageVisit
from journeys.queries.journey_figures import live_journey, work_out
from journeys.queries.placing import HAS_CHURNED
from journeys.queries.stages import STANDARD, lifecycle_stages
from journeys.rules.journey_map import as_plain
from journeys.rules.journeys import CLOSE, FirstValueSpec, JourneySpec, ValueEvent

ACTOR: Final = Actor.system("Journey")
OUTCOMES: Final = ("good", "mixed", "poor")
# A checkpoint of a stay that began long ago would come late by months: only these last days are made up for.
MADE_UP_DAYS: Final = 30
PAYMENT: Final = "payment_received"
SMALL: Final = 5_000


@dataclass(frozen=True)
class Swept:
    """What a sweep did."""

    checkpoints: int
    clocks_started: int
    clocks_stopped: int
    left: int = 0


@transaction.atomic
def sweep_lifecycle(*, today: date, now: datetime, actor: Actor = ACTOR) -> Swept:
    """Checkpoints of new stays, clocks of first value, stays of the churned ended, figures. Run twice, once done."""
    version, spec = live_journey()
    if version is None or spec is None:
        return Swept(0, 0, 0)
    left = leave_journey(account_ids=_churned(), reason=HAS_CHURNED, actor=actor, today=today, now=now)
    with whole_tables():
        made = _make_checkpoints(spec, today)
        started = _start_clocks(spec.first_value, version.pk, today)
        stopped = _stop_clocks(spec.first_value, today, actor)
        _execute(_WATCHED, {})
        refresh_figures(today=today, now=now)
    if made or started or stopped:
        counts = {"checkpoints": made, "clocks started": started, "clocks stopped": stopped}
        audit.record(actor=actor, at=now, verb="swept journey", subject_type="journeys.stagevisit", after=counts)
    return Swept(made, started, stopped, left)


def _churned() -> list[int]:
    """Those who have churned, on whatever path, and still stand in a stage."""
    here = StageVisit.objects.filter(left_on=None, account__status=AccountStatus.CHURNED, account__merged_into=None)
    return list(here.values_list("account_id", flat=True))


@transaction.atomic
def refresh_figures(*, today: date, now: datetime) -> None:
    """Works out what the map shows and keeps it."""
    found = work_out(today=today, now=now)
    JourneyFigures.objects.update_or_create(
        journey=STANDARD,
        defaults={
            "as_of": today,
            "computed_at": now,
            "version": found.version,
            "figures": {
                "stages": [as_plain(one) for one in found.stages],
                "handoffs": found.handoffs,
                "top_reason": found.top_reason,
            },
        },
    )


@transaction.atomic
def refresh_small(*, today: date, now: datetime) -> bool:
    """The same after a change, where it costs little; a large workspace waits for the hour. Says whether it did."""
    few = Account.objects.order_by()[:SMALL].count() < SMALL
    if few:
        refresh_figures(today=today, now=now)
    return few


_CHECKPOINTS: Final = """
INSERT INTO journeys_checkpoint (tenant_id, visit_id, account_id, key, name, due_on, outcome, note, held_by)
SELECT %(tenant)s, visit.id, visit.account_id, point.key, point.name, visit.entered_on + point.days, '', '', ''
FROM journeys_stagevisit AS visit
JOIN unnest(%(stages)s::bigint[], %(keys)s::text[], %(names)s::text[], %(days)s::int[])
  AS point (stage_id, key, name, days) ON point.stage_id = visit.stage_id
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = visit.account_id AND account.status <> 'churned'
 AND account.merged_into_id IS NULL
WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL AND visit.is_start_known
  AND visit.entered_on + point.days > %(since)s
ON CONFLICT (tenant_id, visit_id, key) DO NOTHING"""


def _make_checkpoints(spec: JourneySpec, today: date) -> int:
    ids = {stage.key: stage.pk for stage in lifecycle_stages()}
    points = [
        (ids[stage.key], one.key, one.name, one.after_days)
        for stage in spec.stages
        for one in stage.checkpoints
        if stage.key in ids
    ]
    if not points:
        return 0
    columns = dict(zip(("stages", "keys", "names", "days"), map(list, zip(*points, strict=True)), strict=True))
    return _execute(_CHECKPOINTS, columns | {"since": today - timedelta(days=MADE_UP_DAYS)})


# Where a close is known, the first won deal of new business; else the day from which they are a customer.
_CLOSED: Final = """COALESCE(
  (SELECT min(deal.closed_on) FROM journeys_opportunity AS deal
   JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id
   WHERE deal.tenant_id = %(tenant)s AND deal.account_id = account.id AND deal.kind = 'new' AND stage.kind = 'won'),
  account.customer_since)"""
# A feed of payments as signals; where there is none, the first day that is paid for.
_PAID: Final = """COALESCE(
  (SELECT min(paid.day) FROM accounts_signal AS paid
   WHERE paid.tenant_id = %(tenant)s AND paid.account_id = account.id
     AND paid.measure_id = (SELECT id FROM accounts_measure WHERE tenant_id = %(tenant)s AND key = %(payment)s)
     AND paid.value > 0),
  (SELECT min(line.starts_on) FROM accounts_contractline AS line
   WHERE line.tenant_id = %(tenant)s AND line.account_id = account.id))"""
_CLOCKS: Final = """
INSERT INTO journeys_firstvalue (tenant_id, account_id, version_id, started_on, started_by, evidence, recorded_by,
  details)
SELECT %(tenant)s, account.id, %(version)s, clock.started_on, %(by)s, '', '', '{{}}'
FROM accounts_account AS account
CROSS JOIN LATERAL (SELECT {start} AS started_on) AS clock
WHERE account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND account.status <> 'prospect'
  AND clock.started_on <= %(today)s
ORDER BY account.id
ON CONFLICT (tenant_id, account_id) DO UPDATE
SET started_on = EXCLUDED.started_on, started_by = EXCLUDED.started_by, version_id = EXCLUDED.version_id
WHERE (journeys_firstvalue.started_on, journeys_firstvalue.started_by) <> (EXCLUDED.started_on, EXCLUDED.started_by)
  AND (journeys_firstvalue.reached_on IS NULL OR journeys_firstvalue.reached_on >= EXCLUDED.started_on)"""


# From the next sweep on, the day on which a rule first holds is the day of the event.
_WATCHED: Final = """UPDATE journeys_firstvalue SET details = details || '{"watched": true}'
WHERE tenant_id = %(tenant)s AND reached_on IS NULL AND NOT (details ? 'watched')"""


def _start_clocks(spec: FirstValueSpec, version_id: int, today: date) -> int:
    start = _CLOSED if spec.clock == CLOSE else _PAID
    return _execute(
        _CLOCKS.format(start=start), {"version": version_id, "by": spec.clock, "today": today, "payment": PAYMENT}
    )


def _stop_clocks(spec: FirstValueSpec, today: date, actor: Actor) -> int:
    """Stops the clocks for which the rule of the account's segment holds today."""
    stopped = 0
    named: list[str] = []
    for event in spec.events:
        others = None if event.segments else list(named)
        named += event.segments
        if event.rule is not None:
            stopped += _stop(event, others, today, actor)
    return stopped


_STOP: Final = """
UPDATE journeys_firstvalue AS clock SET reached_on = %s, evidence = %s, recorded_by = %s,
  details = jsonb_build_object('already', NOT (clock.details ? 'watched') AND clock.started_on < %s::date - 1)
WHERE clock.tenant_id = %s AND clock.reached_on IS NULL AND clock.account_id IN ({accounts})
RETURNING clock.account_id"""


def _stop(event: ValueEvent, others: Sequence[str] | None, today: date, actor: Actor) -> int:
    """A clock that was just started on an account of long ago tells that the event happened, not on which day.

    Such a row is marked `already` and stays out of the median.
    """
    accounts = Account.objects.filter(first_values__reached_on=None, first_values__started_on__lte=today)
    accounts = (
        accounts.exclude(segment__in=others) if others is not None else accounts.filter(segment__in=event.segments)
    )
    sql, params = matching(accounts, dict(event.rule or {}), today).values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            _STOP.format(accounts=sql), [today, event.name, actor.label, today, require_tenant_id(), *params]
        )
        found = [row[0] for row in cursor.fetchall()]
    mark_changed(found)
    return len(found)


def _execute(sql: str, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"tenant": require_tenant_id()})
        return int(cursor.rowcount)


@transaction.atomic
def hold_checkpoint(
    *, checkpoint_id: int, outcome: str, note: str, actor: Actor, today: date, now: datetime
) -> Checkpoint:
    """Records that a checkpoint was held and how satisfied the customer was. Held again, it is corrected.

    Raises `DoesNotExist`, and `ValueError` for an unknown outcome or a mixed or poor one without a note.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"Say how it went: {', '.join(OUTCOMES)}.")
    if outcome != "good" and not note.strip():
        raise ValueError("Say in a note what is not good, so that somebody can act on it.")
    point = Checkpoint.objects.select_for_update().select_related("account").get(pk=checkpoint_id)
    before = {"outcome": point.outcome, "held_on": point.held_on}
    point.outcome, point.note, point.held_by = outcome, note.strip(), actor.label
    point.held_on = point.held_on or today
    point.save(update_fields=["outcome", "note", "held_by", "held_on"])
    after = {"checkpoint": point.key, "outcome": outcome, "held_on": point.held_on}
    audit.record(actor=actor, at=now, verb="held checkpoint", subject=point.account, before=before, after=after)
    mark_changed([point.account_id])
    return point


@transaction.atomic
def record_first_value(
    *, account_id: int, reached_on: date, evidence: str, actor: Actor, today: date, now: datetime
) -> FirstValue:
    """Stops the clock of first value on a person's word, with what shows it; a second word corrects the first.

    Raises `ValueError` for a day before the clock's start or after today, for no evidence, and where no clock runs.
    """
    if not evidence.strip():
        raise ValueError("Say what shows it: a figure, a date, a name.")
    clock = FirstValue.objects.select_for_update().select_related("account").filter(account_id=account_id).first()
    if clock is None:
        raise ValueError("No clock runs yet: neither a close nor a first payment is on record.")
    if not clock.started_on <= reached_on <= today:
        raise ValueError(f"The day lies between the start of the clock, {clock.started_on.isoformat()}, and today.")
    before = {"reached_on": clock.reached_on, "evidence": clock.evidence}
    clock.reached_on, clock.evidence, clock.recorded_by = reached_on, evidence.strip(), actor.label
    clock.details = {}
    clock.save(update_fields=["reached_on", "evidence", "recorded_by", "details"])
    after = {"reached_on": reached_on, "evidence": clock.evidence}
    audit.record(actor=actor, at=now, verb="recorded first value", subject=clock.account, before=before, after=after)
    mark_changed([account_id])
    return clock
