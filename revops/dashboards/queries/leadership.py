"""What a leader reads beside the trend: retention, movement, renewals, reviews and escalations, by segment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any, Final

from django.db import connection

from accounts.choices import MovementKind
from accounts.queries.revenue import PER_ACCOUNT, SUMS
from core.tenancy import require_tenant_id
from qbr.queries import HELD_COUNTS
from renewals.queries import IS_COUNTED, IS_ON_TIME, RATE_DAYS, rate_window

YEAR: Final = timedelta(days=365)
MIN_ACCOUNTS: Final = 20
MIN_BASE: Final = 5
MONTHS_AHEAD: Final = 6
Z_95: Final = 1.96

_RETENTION: Final = f"""
SELECT a.segment, count(*) FILTER (WHERE x > 0), coalesce(sum(x), 0)::bigint, coalesce(sum(kept), 0)::bigint,
       coalesce(sum(now_pays), 0)::bigint, coalesce(sum(arr_end), 0)::bigint, coalesce(sum(arr_start), 0)::bigint,
       count(*) FILTER (WHERE x > 0 AND arr_end <= 0),
       coalesce(sum(kept::numeric * kept), 0), coalesce(sum(kept::numeric * x), 0), coalesce(sum(x::numeric * x), 0)
FROM (SELECT account_id, arr_start, arr_end, ({SUMS["grr_cohort"][1]}) AS x, ({SUMS["grr_cohort"][0]}) AS kept,
             ({SUMS["nrr_cohort"][0]}) AS now_pays
      FROM ({PER_ACCOUNT}) AS account) AS part
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = part.account_id
GROUP BY a.segment
"""  # noqa: S608 -- put together from this module's and the metric contracts' own texts
_MOVEMENTS: Final = """
SELECT a.segment, m.kind, sum(m.amount_minor)::bigint, count(DISTINCT m.account_id)
FROM accounts_revenuemovement m
JOIN accounts_account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id AND a.status <> 'merged'
WHERE m.tenant_id = %(tenant)s AND m.effective_on > %(start)s AND m.effective_on <= %(end)s
GROUP BY a.segment, m.kind
"""
_DUE: Final = """
SELECT a.segment, date_trunc('month', r.due_on)::date, CASE WHEN r.state = 'open' THEN r.forecast ELSE r.state END,
       sum(r.amount_minor)::bigint, count(*)
FROM renewals_renewal r JOIN accounts_account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
WHERE r.tenant_id = %(tenant)s AND r.state <> 'dropped' AND r.due_on >= %(first_month)s AND r.due_on < %(last_month)s
GROUP BY 1, 2, 3
"""
_DECIDED: Final = f"""
SELECT a.segment, r.due_on >= %(rated_from)s, count(*), count(*) FILTER (WHERE {IS_ON_TIME})
FROM renewals_renewal r JOIN accounts_account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
WHERE r.tenant_id = %(tenant)s AND r.state = 'won' AND {IS_COUNTED}
  AND r.due_on >= %(rated_before)s AND r.due_on < %(rated_until)s
GROUP BY 1, 2
"""  # noqa: S608 -- put together from the definitions of renewals
_REVIEWS: Final = f"""
SELECT a.segment, q.due_on >= %(rated_from)s, {HELD_COUNTS}
FROM qbr_qbr q JOIN accounts_account a ON a.tenant_id = q.tenant_id AND a.id = q.account_id AND a.status <> 'merged'
WHERE q.tenant_id = %(tenant)s AND q.due_on >= %(rated_before)s AND q.due_on < %(rated_until)s
GROUP BY 1, 2
"""  # noqa: S608 -- put together from the definition of reviews
_ESCALATED: Final = """
SELECT a.segment, e.tier, count(*) FILTER (WHERE e.state = 'open'),
       count(*) FILTER (WHERE e.state = 'open' AND e.respond_by < %(now)s),
       count(*) FILTER (WHERE e.opened_at <= %(year_ago)s AND (e.closed_at IS NULL OR e.closed_at > %(year_ago)s))
FROM escalations_escalation e JOIN accounts_account a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
WHERE e.tenant_id = %(tenant)s AND (e.state = 'open' OR e.closed_at > %(year_ago)s)
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Retention:
    """One segment (or all) over a period. The interval is that of a ratio over accounts, 95 %."""

    segment: str | None
    accounts: int = 0
    base_minor: int = 0
    kept_minor: int = 0
    now_minor: int = 0
    end_minor: int = 0
    start_minor: int = 0
    lost: int = 0
    kept_kept: float = 0.0
    kept_base: float = 0.0
    base_base: float = 0.0

    @property
    def grr(self) -> float | None:
        return self.kept_minor / self.base_minor if self.base_minor else None

    @property
    def nrr(self) -> float | None:
        return self.now_minor / self.base_minor if self.base_minor else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the gross retention lies, or None under 20 accounts."""
        if self.grr is None or self.accounts < MIN_ACCOUNTS:
            return None
        spread = self.kept_kept - 2 * self.grr * self.kept_base + self.grr**2 * self.base_base
        error = sqrt(max(spread, 0.0) * self.accounts / (self.accounts - 1)) / self.base_minor
        return max(self.grr - Z_95 * error, 0.0), min(self.grr + Z_95 * error, 1.0)


@dataclass(frozen=True)
class Movement:
    kind: str
    label: str
    amount_minor: int
    accounts: int


@dataclass(frozen=True)
class Share:
    """`part` of `whole`; the rate is None under the minimum base."""

    part: int = 0
    whole: int = 0

    @property
    def rate(self) -> float | None:
        return self.part / self.whole if self.whole >= MIN_BASE else None


@dataclass(frozen=True)
class TierLine:
    tier: int
    open: int = 0
    over: int = 0


@dataclass(frozen=True)
class Snapshot:
    """Everything of one workspace by segment, as it came from the database; `of` reads one segment or all."""

    start: date
    end: date
    retention: list[Retention]
    retention_before: list[Retention]
    movements: list[tuple[str, str, int, int]]
    due: list[tuple[str, date, str, int, int]]
    decided: list[tuple[str, bool, int, int]]
    reviews: list[tuple[str, bool, int, int, int]]
    escalated: list[tuple[str, int, int, int, int]]

    def of(self, segment: str | None) -> "Leadership":
        return Leadership(
            start=self.start,
            end=self.end,
            retention=_sum(self.retention, segment),
            before=_sum(self.retention_before, segment),
            movements=_movements([row[1:] for row in self.movements if segment in (None, row[0])]),
            due=_due([row[1:] for row in self.due if segment in (None, row[0])]),
            on_time=_share(self.decided, segment, is_now=True),
            on_time_before=_share(self.decided, segment, is_now=False),
            reviews=_share(self.reviews, segment, is_now=True),
            reviews_before=_share(self.reviews, segment, is_now=False),
            tiers=_tiers([row[1:] for row in self.escalated if segment in (None, row[0])]),
            escalated_before=sum(row[4] for row in self.escalated if segment in (None, row[0])),
            segments=self.retention,
        )


@dataclass(frozen=True)
class Leadership:
    """The page's figures for one segment, or for all."""

    start: date
    end: date
    retention: Retention
    before: Retention
    movements: list[Movement]
    due: dict[date, dict[str, int]]
    on_time: Share
    on_time_before: Share
    reviews: Share
    reviews_before: Share
    tiers: list[TierLine]
    escalated_before: int
    segments: list[Retention] = field(default_factory=list)

    @property
    def unexplained_minor(self) -> int:
        """What the movements leave between start and end: 0, or the ledger and the lines disagree."""
        moved = sum(one.amount_minor for one in self.movements)
        return self.retention.end_minor - self.retention.start_minor - moved


def snapshot(*, today: date, now: datetime, zone: str) -> Snapshot:
    """The last twelve months and the twelve before, by segment. Seven statements, each one GROUP BY."""
    start = today - YEAR
    month = today.replace(day=1)
    rated_from, rated_until = rate_window(today)
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "start": start,
        "end": today,
        "rated_before": rated_from - timedelta(days=RATE_DAYS),
        "rated_from": rated_from,
        "rated_until": rated_until,
        "year_ago": now - YEAR,
        "now": now,
        "zone": zone,
        "first_month": month,
        "last_month": add_months(month, MONTHS_AHEAD),
    }
    earlier = params | {"start": start - YEAR, "end": start}
    return Snapshot(
        start=start,
        end=today,
        retention=[_retention(row) for row in _rows(_RETENTION, params)],
        retention_before=[_retention(row) for row in _rows(_RETENTION, earlier)],
        movements=_rows(_MOVEMENTS, params),
        due=_rows(_DUE, params),
        decided=_rows(_DECIDED, params),
        reviews=_rows(_REVIEWS, params),
        escalated=_rows(_ESCALATED, params),
    )


def add_months(month: date, count: int) -> date:
    """The first day of the month so many months later."""
    place = month.year * 12 + month.month - 1 + count
    return date(place // 12, place % 12 + 1, 1)


def _rows(sql: str, params: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _retention(row: tuple[Any, ...]) -> Retention:
    return Retention(*row[:8], *(float(value) for value in row[8:]))


def _sum(rows: list[Retention], segment: str | None) -> Retention:
    chosen = [row for row in rows if segment in (None, row.segment)]
    names = [name for name in Retention.__dataclass_fields__ if name != "segment"]
    return Retention(segment, **{name: sum(getattr(row, name) for row in chosen) for name in names})


def _movements(rows: list[Any]) -> list[Movement]:
    order = ("new", "reactivation", "expansion", "price", "fx", "contraction", "churn")
    sums: dict[str, list[int]] = {}
    for kind, amount, accounts in rows:
        total = sums.setdefault(kind, [0, 0])
        total[0] += amount
        total[1] += accounts
    labels = dict(MovementKind.choices)
    return [Movement(kind, str(labels[kind]), *sums[kind]) for kind in order if kind in sums and sums[kind][0]]


def _due(rows: list[Any]) -> dict[date, dict[str, int]]:
    months: dict[date, dict[str, int]] = {}
    for month, forecast, amount, _count in rows:
        by = months.setdefault(month, {})
        by[forecast] = by.get(forecast, 0) + amount
    return months


def _share(rows: Sequence[tuple[Any, ...]], segment: str | None, *, is_now: bool) -> Share:
    chosen = [row for row in rows if segment in (None, row[0]) and row[1] is is_now]
    return Share(sum(row[3] for row in chosen), sum(row[2] for row in chosen))


def _tiers(rows: list[Any]) -> list[TierLine]:
    return [
        TierLine(
            tier,
            sum(row[1] for row in rows if row[0] == tier),
            sum(row[2] for row in rows if row[0] == tier),
        )
        for tier in (1, 2, 3, 4)
    ]
