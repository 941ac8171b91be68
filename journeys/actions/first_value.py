"""The clock of first value: started by a close or a first payment, stopped by an event or on a person's word."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Account
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.facts import keeps_past, matching
from core.tenancy import require_tenant_id
from core.trees import tree_key
from journeys.models import FirstValue, JourneyFigures
from journeys.queries.stages import STANDARD
from journeys.rules.first_value import unlooked
from journeys.rules.journeys import CLOSE, FirstValueSpec, ValueEvent

PAYMENT: Final = "payment_received"

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


# The rule that was last asked of a clock. From the next look on, the day on which it first holds is that of the event.
_WATCHED: Final = """
UPDATE journeys_firstvalue AS clock SET details = clock.details || jsonb_build_object('watched', %s::text)
WHERE clock.tenant_id = %s AND clock.reached_on IS NULL AND clock.started_on <= %s
  AND clock.details->>'watched' IS DISTINCT FROM %s AND clock.account_id IN ({accounts})"""
# Where this rule was not asked on the day before, it tells that the event happened, not on which day: `already`.
_STOP: Final = """
UPDATE journeys_firstvalue AS clock SET reached_on = %s, evidence = %s, recorded_by = %s,
  details = jsonb_build_object('already',
    NOT (COALESCE(clock.details->>'watched', '') = %s AND %s) AND clock.started_on < %s::date - 1)
WHERE clock.tenant_id = %s AND clock.reached_on IS NULL AND clock.account_id IN ({accounts})
RETURNING clock.account_id"""


def run_clocks(spec: FirstValueSpec, *, version_id: int, today: date, actor: Actor) -> tuple[int, int]:
    """Starts and stops clocks; says how many. Days on which no sweep ran are asked for, each as of itself.

    A rule on a fact whose past nobody keeps can only be asked today: what it stops after such days is marked `already`
    and stays out of every duration.
    """
    started = _start(spec, version_id, today)
    last = JourneyFigures.objects.filter(journey=STANDARD).values_list("swept_on", flat=True).first()
    stopped = 0
    before = last
    for day in unlooked(last, today):
        stopped += _ask_all(spec, day, today=today, last=last, before=before, actor=actor)
        before = day
    return started, stopped


def _start(spec: FirstValueSpec, version_id: int, today: date) -> int:
    start = _CLOSED if spec.clock == CLOSE else _PAID
    return _execute(
        _CLOCKS.format(start=start), {"version": version_id, "by": spec.clock, "today": today, "payment": PAYMENT}
    )


def _ask_all(
    spec: FirstValueSpec, day: date, *, today: date, last: date | None, before: date | None, actor: Actor
) -> int:
    """Stops the clocks for which the rule of the account's segment holds as of the day."""
    stopped = 0
    named: list[str] = []
    for event in spec.events:
        everybody = Account.objects.all()
        accounts = (
            everybody.filter(segment__in=event.segments) if event.segments else everybody.exclude(segment__in=named)
        )
        named += event.segments
        dated = event.rule is not None and keeps_past(event.rule)
        if dated or day == today:
            looked = before if dated else last
            is_next = looked is not None and looked >= day - timedelta(days=1)
            stopped += _ask(event, accounts, day, is_next=is_next, actor=actor)
    return stopped


def _unnamed(segments: Collection[str]) -> QuerySet[Account]:
    return Account.objects.exclude(segment__in=segments)


def _ask(event: ValueEvent, accounts: QuerySet[Account], day: date, *, is_next: bool, actor: Actor) -> int:
    """`is_next`: the day before was looked at, or this one already. Only a person's word stops what has no rule."""
    rule = tree_key(event.rule) if event.rule is not None else ""
    found: list[int] = []
    tenant = require_tenant_id()
    with connection.cursor() as cursor:
        if event.rule is not None:
            waiting = accounts.filter(first_values__reached_on=None, first_values__started_on__lte=day)
            sql, params = matching(waiting, dict(event.rule), day).values("pk").query.sql_with_params()
            asked = [day, event.name, actor.label, rule, is_next, day, tenant, *params]
            cursor.execute(_STOP.format(accounts=sql), asked)
            found = [row[0] for row in cursor.fetchall()]
        sql, params = accounts.order_by().values("pk").query.sql_with_params()
        cursor.execute(_WATCHED.format(accounts=sql), [rule, tenant, day, rule, *params])
    mark_changed(found)
    return len(found)


def _execute(sql: str, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"tenant": require_tenant_id()})
        return int(cursor.rowcount)


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
