"""The portfolio over time, from the roll-up: the same cost at a thousand accounts and at a hundred thousand."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Max, Min

from core.tenancy import require_tenant_id
from health.choices import EVERYBODY, Band
from health.models import HealthDay, ScoringState

_ZERO = dict.fromkeys(Band.values, 0)


@dataclass(frozen=True)
class TrendPoint:
    """One week: what was stored on its last known day. All four bands are always there, in both dictionaries."""

    week: date
    day: date
    accounts: dict[str, int] = field(default_factory=lambda: dict(_ZERO))
    arr_minor: dict[str, int] = field(default_factory=lambda: dict(_ZERO))
    mean_score: float | None = None
    arr_weighted_score: float | None = None
    imported: bool = False

    @property
    def scored(self) -> int:
        return sum(count for band, count in self.accounts.items() if band != Band.NONE)


@dataclass(frozen=True)
class Marker:
    """The first day on which a version of a model scored somebody."""

    day: date
    name: str
    number: int


@dataclass(frozen=True)
class Trend:
    """`imported_until`: the last day of history that was brought in rather than computed then; None when all was."""

    points: list[TrendPoint]
    markers: list[Marker]
    imported_until: date | None


@dataclass(frozen=True)
class BandChange:
    """Net change of one band between two days."""

    band: str
    accounts_before: int
    accounts_after: int
    arr_before: int
    arr_after: int


_WEEKS = """
WITH weeks AS (
    SELECT week::date AS week, (
        SELECT max(d.day) FROM health_healthday d WHERE d.tenant_id = %(tenant)s AND d.day <= week::date
    ) AS day
    FROM generate_series(%(first)s::date, %(until)s::date, interval '7 days') AS week
)
SELECT w.week, w.day, d.band, sum(d.accounts)::bigint, sum(d.arr_minor)::bigint,
       sum(d.score_hundredths)::bigint, sum(d.arr_score), bool_or(d.imported)
FROM weeks w
JOIN health_healthday d ON d.tenant_id = %(tenant)s AND d.day = w.day
WHERE d.owner_id = %(owner)s AND (%(segment)s = '' OR d.segment = %(segment)s)
  AND (%(version)s::bigint IS NULL OR d.model_version_id = %(version)s)
GROUP BY w.week, w.day, d.band
ORDER BY w.week, d.band"""


def portfolio_trend(
    *,
    until: date,
    weeks: int = 52,
    segment: str = "",
    owner_id: int | None = None,
    version_id: int | None = None,
) -> Trend:
    """The last weeks up to a day, oldest first; weeks before the first stored day are absent. Three statements.

    What is shown for a past day is what was stored by then: nothing is worked out again.
    """
    points = _points(until - timedelta(weeks=weeks - 1), until, segment, owner_id, version_id)
    since = points[0].day if points else until
    firsts = (
        HealthDay.objects.filter(owner_id=EVERYBODY, day__gte=since, day__lte=until, accounts__gt=0)
        .values_list("model_version__name", "model_version__number")
        .annotate(first=Min("day"))
        .order_by("first")
    )
    markers = [Marker(day, name, number) for name, number, day in firsts if day > since]
    imported = HealthDay.objects.filter(owner_id=EVERYBODY, day__gte=since, day__lte=until, imported=True)
    return Trend(points, markers, imported.aggregate(last=Max("day"))["last"])


def portfolio_now(*, segment: str = "", owner_id: int | None = None) -> TrendPoint | None:
    """What the current scores add up to; None before the first run."""
    state = ScoringState.objects.first()
    if state is None:
        return None
    points = _points(state.rolled_on, state.rolled_on, segment, owner_id)
    return points[0] if points else None


def band_changes(*, since: date, until: date, segment: str = "", owner_id: int | None = None) -> list[BandChange]:
    """Net accounts and ARR per band between what was stored on two days; empty when one of them has nothing."""
    before = _points(since, since, segment, owner_id)
    after = _points(until, until, segment, owner_id)
    if not before or not after:
        return []
    return [
        BandChange(
            band,
            before[0].accounts[band],
            after[0].accounts[band],
            before[0].arr_minor[band],
            after[0].arr_minor[band],
        )
        for band in Band.values
    ]


@dataclass
class _Sums:
    hundredths: int = 0
    arr_score: Decimal = Decimal(0)
    imported: bool = False


@dataclass(frozen=True)
class Part:
    """One line of a breakdown: what was stored under a segment, an owner or a model version on a day."""

    key: str
    name: str
    accounts: dict[str, int]
    arr_minor: dict[str, int]
    arr_weighted_score: float | None

    @property
    def total(self) -> int:
        return sum(self.accounts.values())

    @property
    def total_minor(self) -> int:
        return sum(self.arr_minor.values())

    @property
    def scored(self) -> int:
        return self.total - self.accounts[Band.NONE]


DIMENSIONS: Final = ("segment", "owner", "version", "stage")
_BY: Final = {
    "segment": ("d.segment", "''", "", "d.owner_id = %(owner)s"),
    "owner": (
        "d.owner_id::text",
        "max(p.name)",
        "LEFT JOIN accounts_person p ON p.tenant_id = d.tenant_id AND p.id = d.owner_id",
        "CASE WHEN %(owner)s = -1 THEN d.owner_id <> -1 ELSE d.owner_id = %(owner)s END",
    ),
    "version": (
        "d.model_version_id::text",
        "max(v.name || ' v' || v.number)",
        "JOIN core_processversion v ON v.tenant_id = d.tenant_id AND v.id = d.model_version_id",
        "d.owner_id = %(owner)s",
    ),
}
_BREAKDOWN: Final = """
SELECT {key}, {name}, d.band, sum(d.accounts)::bigint, sum(d.arr_minor)::bigint, sum(d.arr_score)
FROM health_healthday d {join}
WHERE d.tenant_id = %(tenant)s AND d.day = %(day)s AND {owner} AND (%(segment)s = '' OR d.segment = %(segment)s)
  AND (%(version)s::bigint IS NULL OR d.model_version_id = %(version)s)
GROUP BY 1, d.band HAVING sum(d.accounts) <> 0 OR sum(d.arr_minor) <> 0"""

# The roll-up has no stage: the current scores are read, with the stage in which each account stands now.
_BY_STAGE: Final = """
SELECT COALESCE(st.id::text, '0'), max(st.name), s.band, count(*), sum(s.counted_arr_minor)::bigint,
    sum(s.counted_arr_minor::numeric * COALESCE(round(s.score * 100), 0)::bigint)
FROM health_score s
LEFT JOIN journeys_stagevisit v ON v.tenant_id = s.tenant_id AND v.account_id = s.account_id AND v.left_on IS NULL
LEFT JOIN journeys_lifecyclestage st ON st.tenant_id = v.tenant_id AND st.id = v.stage_id
WHERE s.tenant_id = %(tenant)s AND (%(segment)s = '' OR s.counted_segment = %(segment)s)
  AND (%(owner)s = -1 OR s.counted_owner_id = %(owner)s)
  AND (%(version)s::bigint IS NULL OR s.model_version_id = %(version)s)
GROUP BY 1, s.band"""


def breakdown(
    by: str, *, day: date, segment: str = "", owner_id: int | None = None, version_id: int | None = None
) -> list[Part]:
    """What was stored on a day, split by one of `DIMENSIONS`, largest ARR first. One statement.

    Stages are not stored by day: there `day` does not count and the split is that of the current scores.
    """
    sql = _BY_STAGE
    if by != "stage":
        key, name, join, owner = _BY[by]
        sql = _BREAKDOWN.format(key=key, name=name, join=join, owner=owner)
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "day": day,
        "segment": segment,
        "version": version_id,
        "owner": EVERYBODY if owner_id is None else owner_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    parts: dict[str, Part] = {}
    sums: dict[str, Decimal] = {}
    for key, name, band, accounts, arr, arr_score in rows:
        part = parts.setdefault(key, Part(key, name or "", dict(_ZERO), dict(_ZERO), None))
        part.accounts[band], part.arr_minor[band] = accounts, arr
        sums[key] = sums.get(key, Decimal(0)) + (arr_score or 0)
    found = [replace(part, arr_weighted_score=_mean(sums[key], part.arr_minor)) for key, part in parts.items()]
    return sorted(found, key=lambda part: (-part.total_minor, -part.total, part.key))


def _mean(arr_score: Decimal, arr_minor: dict[str, int]) -> float | None:
    scored = sum(arr for band, arr in arr_minor.items() if band != Band.NONE)
    return float(arr_score / scored) / 100 if scored else None


def _points(
    first: date, until: date, segment: str, owner_id: int | None, version_id: int | None = None
) -> list[TrendPoint]:
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "first": first,
        "until": until,
        "segment": segment,
        "owner": EVERYBODY if owner_id is None else owner_id,
        "version": version_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WEEKS, params)
        rows = cursor.fetchall()
    points: dict[date, TrendPoint] = {}
    sums: dict[date, _Sums] = {}
    for week, day, band, accounts, arr, hundredths, arr_score, imported in rows:
        point = points.setdefault(week, TrendPoint(week, day))
        point.accounts[band], point.arr_minor[band] = accounts, arr
        total = sums.setdefault(week, _Sums())
        total.hundredths += hundredths
        total.arr_score += arr_score
        total.imported = total.imported or imported
    return [_finished(point, sums[week]) for week, point in points.items()]


def _finished(point: TrendPoint, total: _Sums) -> TrendPoint:
    return TrendPoint(
        week=point.week,
        day=point.day,
        accounts=point.accounts,
        arr_minor=point.arr_minor,
        mean_score=total.hundredths / point.scored / 100 if point.scored else None,
        arr_weighted_score=_mean(total.arr_score, point.arr_minor),
        imported=total.imported,
    )
