"""Reads of first value: the clock of an account, and the time that segments need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection

from accounts.choices import Segment
from core.tenancy import require_tenant_id
from journeys.models import FirstValue
from journeys.rules.first_value import SegmentValue, Waited, by_segment, whole
from journeys.rules.survival import Curve

_SEGMENTS: Final = dict(Segment.choices)
WAITING: Final = 50

# One who left without first value was watched until then. Who reached it before it was watched tells no duration.
_WAITS: Final = """
SELECT account.segment,
       GREATEST(COALESCE(clock.reached_on, gone.day, %(today)s::date) - clock.started_on, 0) AS days,
       count(*) FILTER (WHERE known AND clock.reached_on IS NOT NULL),
       count(*) FILTER (WHERE known AND clock.reached_on IS NULL),
       count(*) FILTER (WHERE NOT known)
FROM journeys_firstvalue AS clock
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = clock.account_id AND account.merged_into_id IS NULL
CROSS JOIN LATERAL (SELECT NOT COALESCE((clock.details ->> 'already')::boolean, false) AS known) AS told
LEFT JOIN LATERAL (SELECT max(lost.effective_on) AS day FROM accounts_revenuemovement AS lost
   WHERE lost.tenant_id = %(tenant)s AND lost.account_id = account.id AND lost.kind = 'churn'
     AND account.status = 'churned' AND clock.reached_on IS NULL) AS gone ON true
WHERE clock.tenant_id = %(tenant)s AND clock.started_on <= %(today)s
GROUP BY 1, 2"""


@dataclass(frozen=True)
class ValueTimes:
    """The time to first value of all accounts and of each segment, in words that a page shows."""

    segments: Sequence[tuple[str, SegmentValue]]
    all: Curve
    unknown: int


def value_times(today: date) -> ValueTimes:
    """One statement over all clocks; accounts that have not reached first value are kept."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, {"tenant": require_tenant_id(), "today": today})
        waits = [Waited(*row) for row in cursor.fetchall()]
    segments = [(_SEGMENTS.get(one.segment, one.segment or "No segment"), one) for one in by_segment(waits)]
    return ValueTimes(segments, whole(waits), sum(one.unknown for one in waits))


def clock_of(account_id: int) -> FirstValue | None:
    """The clock of an account, running or stopped."""
    return FirstValue.objects.filter(account_id=account_id).first()


@dataclass(frozen=True)
class Waiting:
    """A clock that still runs, and for how many days."""

    clock: FirstValue
    days: int


def longest_waiting(today: date) -> list[Waiting]:
    """The customers that wait longest for first value, the first ones of them."""
    clocks = FirstValue.objects.filter(
        reached_on=None, started_on__lte=today, account__status="customer", account__merged_into=None
    )
    rows = clocks.select_related("account", "account__owner").order_by("started_on", "pk")[:WAITING]
    return [Waiting(one, (today - one.started_on).days) for one in rows]
