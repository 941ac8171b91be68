"""The five figures above the queue. All of them read indexes or roll-ups, never accounts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Sum

from accounts.choices import AccountStatus
from accounts.models import Account
from core.models import Tenant
from core.tenancy import require_tenant_id
from health.choices import EVERYBODY, Band
from health.queries import Freshness
from health.queries.state import ENDED_AFTER, LATE_AFTER
from qbr.queries import HELD_COUNTS, IS_REQUIRED, quarter_of
from renewals.queries import IS_COUNTED, IS_ON_TIME, rate_window

MIN_BASE: Final = 5
# Whose book is empty: somebody who is no person of the workspace. (0 keeps the accounts without an owner.)
NOBODY: Final = -2

# The roll-up on the day that agrees with the current scores, and a week before.
_BOOKS: Final = """
WITH state AS (
  SELECT st.as_of, st.changed_at, st.full_run_at, st.rolled_on, (
    SELECT w.day FROM health_healthday w WHERE w.tenant_id = %(tenant)s AND w.day <= st.rolled_on - 7
    ORDER BY w.day DESC LIMIT 1) AS week_on
  FROM health_scoringstate st WHERE st.tenant_id = %(tenant)s
)
SELECT d.owner_id, state.as_of, state.changed_at, state.full_run_at, state.rolled_on = d.day, d.band,
       sum(d.accounts)::bigint, sum(d.arr_minor)::bigint, sum(d.arr_score)
FROM state
LEFT JOIN health_healthday d ON d.tenant_id = %(tenant)s AND d.owner_id = ANY(%(owners)s)
 AND d.day = ANY(ARRAY[state.rolled_on, state.week_on]) AND (%(segment)s::text IS NULL OR d.segment = %(segment)s)
GROUP BY 1, 2, 3, 4, 5, 6
"""


@dataclass(frozen=True)
class BandSum:
    accounts: int = 0
    arr_minor: int = 0
    arr_score: int = 0


@dataclass(frozen=True)
class Book:
    """A person's accounts (or everybody's) as the roll-up has them, now and a week ago."""

    as_of: date | None
    changed_at: datetime | None
    full_run_at: datetime | None
    now: dict[str, BandSum]
    week_ago: dict[str, BandSum]

    @property
    def accounts(self) -> int:
        return sum(one.accounts for one in self.now.values())

    @property
    def arr_minor(self) -> int:
        return sum(one.arr_minor for one in self.now.values())

    @property
    def average_arr_minor(self) -> int:
        return self.arr_minor // self.accounts if self.accounts else 0

    @property
    def at_risk(self) -> BandSum:
        return self.now.get(Band.RED, BandSum())

    @property
    def at_risk_change_minor(self) -> int | None:
        """None while there is no week to compare with."""
        return self.at_risk.arr_minor - self.week_ago.get(Band.RED, BandSum()).arr_minor if self.week_ago else None

    @property
    def scored(self) -> int:
        return sum(one.accounts for band, one in self.now.items() if band != Band.NONE)

    @property
    def weighted_score(self) -> float | None:
        """The ARR-weighted mean of the scored accounts."""
        arr = sum(one.arr_minor for band, one in self.now.items() if band != Band.NONE)
        return sum(one.arr_score for one in self.now.values()) / arr / 100 if arr else None


def books(owner_ids: Iterable[int | None], segment: str | None = None) -> dict[int | None, Book]:
    """What the accounts of some owners add up to; None stands for everybody. One query over a handful of rows."""
    wanted = {EVERYBODY if one is None else one: one for one in owner_ids}
    params: dict[str, Any] = {"tenant": require_tenant_id(), "owners": list(wanted), "segment": segment}
    days: dict[int, dict[bool, dict[str, BandSum]]] = {one: {True: {}, False: {}} for one in wanted}
    stamps: tuple[date | None, datetime | None, datetime | None] = (None, None, None)
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, params)
        for owner, as_of, changed_at, full_run_at, is_now, band, accounts, arr, arr_score in cursor.fetchall():
            stamps = (as_of, changed_at, full_run_at)
            if owner is not None:
                days[owner][is_now][band] = BandSum(accounts, arr, int(arr_score or 0))
    if stamps[0] is None:
        return {asked: _unscored(asked, segment) for asked in wanted.values()}
    return {asked: Book(*stamps, now=days[owner][True], week_ago=days[owner][False]) for owner, asked in wanted.items()}


def _unscored(owner_id: int | None, segment: str | None) -> Book:
    """Before the first scores there is no roll-up: the customers themselves are summed up, none of them scored."""
    customers = Account.objects.filter(status=AccountStatus.CUSTOMER)
    if owner_id is not None:
        customers = customers.filter(owner_id=owner_id)
    if segment is not None:
        customers = customers.filter(segment=segment)
    sums = customers.aggregate(accounts=Count("pk"), arr=Sum("arr_minor"))
    now = {str(Band.NONE): BandSum(sums["accounts"], sums["arr"] or 0)} if sums["accounts"] else {}
    return Book(None, None, None, now=now, week_ago={})


def book(owner_id: int | None, segment: str | None = None) -> Book:
    """What an owner's accounts add up to, or everybody's. One query."""
    return books([owner_id], segment)[owner_id]


_MOTIONS: Final = f"""
SELECT
  (SELECT json_build_object('count', count(*), 'amount', coalesce(sum(amount_minor), 0),
                            'late', count(*) FILTER (WHERE due_on < %(today)s))
   FROM renewals_renewal r WHERE r.tenant_id = %(tenant)s AND r.state = 'open' AND r.due_on <= %(in_90_days)s
     AND {{renewal_owner}}),
  (SELECT json_build_object('won', count(*), 'on_time', count(*) FILTER (WHERE {IS_ON_TIME}))
   FROM renewals_renewal r WHERE r.tenant_id = %(tenant)s AND r.state = 'won' AND r.due_on >= %(since)s
     AND r.due_on < %(until)s AND {IS_COUNTED} AND {{renewal_owner}}),
  (SELECT json_build_array({HELD_COUNTS}, count(*) FILTER (WHERE q.state = 'sent'))
   FROM qbr_qbr q WHERE q.tenant_id = %(tenant)s AND {IS_REQUIRED} AND q.due_on >= %(quarter)s
     AND q.due_on < %(quarter_end)s
     AND {{qbr_owner}})
"""  # noqa: S608 -- put together from the definitions of renewals and reviews


@dataclass(frozen=True)
class Motions:
    """Renewals and business reviews of a person (or of everybody)."""

    renewals: int
    renewals_minor: int
    renewals_late: int
    won: int
    on_time: int
    qbrs_due: int
    qbrs_held: int
    qbrs_cancelled: int
    qbrs_sent: int

    @property
    def on_time_rate(self) -> float | None:
        """None under the minimum base: too few to speak of a rate."""
        return self.on_time / self.won if self.won >= MIN_BASE else None

    @property
    def qbrs_open(self) -> int:
        return self.qbrs_due - self.qbrs_held - self.qbrs_cancelled


def stamp(figures: Book, tenant: Tenant, now: datetime) -> Freshness:
    """How fresh the scores under these figures are, without asking again."""
    if figures.as_of is None:
        return Freshness(None, None, None, is_late=False)
    ended = figures.as_of < tenant.today(now) - ENDED_AFTER
    late = figures.full_run_at is None or now - figures.full_run_at > LATE_AFTER
    return Freshness(figures.as_of, figures.changed_at, figures.as_of if ended else None, is_late=late)


def together(many: Iterable[Book]) -> Book:
    """The books of several people as one."""
    found = list(many)
    first = next((one for one in found if one.as_of), Book(None, None, None, now={}, week_ago={}))
    now, week_ago = _summed(one.now for one in found), _summed(one.week_ago for one in found)
    return replace(first, now=now, week_ago=week_ago)


def _summed(many: Iterable[dict[str, BandSum]]) -> dict[str, BandSum]:
    sums: dict[str, BandSum] = {}
    for one in many:
        for band, more in one.items():
            was = sums.get(band, BandSum())
            sums[band] = BandSum(
                was.accounts + more.accounts, was.arr_minor + more.arr_minor, was.arr_score + more.arr_score
            )
    return sums


def book_of(owner_ids: Sequence[int] | None) -> Book:
    """What the accounts of these people add up to; None stands for everybody. One query."""
    return book(None) if owner_ids is None else together(books(owner_ids).values())


def motions(*, owner_id: int | None = None, owner_ids: Sequence[int] | None = None, today: date, zone: str) -> Motions:
    """Renewals due in 90 days, how many of the last year were won in time, reviews of this quarter. One query.

    Of one person, of several, or of everybody.
    """
    since, until = rate_window(today)
    quarter, quarter_end = quarter_of(today)
    owners = [owner_id] if owner_id is not None else owner_ids
    owned = {"renewal_owner": "r.owner_id = ANY(%(owners)s)", "qbr_owner": "q.owner_id = ANY(%(owners)s)"}
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "owners": list(owners or ()),
        "today": today,
        "zone": zone,
        "in_90_days": today + timedelta(days=90),
        "since": since,
        "until": until,
        "quarter": quarter,
        "quarter_end": quarter_end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOTIONS.format(**(owned if owners is not None else dict.fromkeys(owned, "true"))), params)
        due, decided, qbrs = cursor.fetchone()
    return Motions(
        renewals=due["count"],
        renewals_minor=due["amount"],
        renewals_late=due["late"],
        won=decided["won"],
        on_time=decided["on_time"],
        qbrs_due=qbrs[0],
        qbrs_held=qbrs[1],
        qbrs_cancelled=qbrs[2],
        qbrs_sent=qbrs[3],
    )
