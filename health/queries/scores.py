"""Scores of many accounts at once, each by one statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import FloatField, Value

from core.tenancy import require_tenant_id
from health.models import Score, ScoreHistory
from health.queries.overrides import all_overrides, override_score


@dataclass(frozen=True)
class CurrentScore:
    """The score as it stands. `score` is None exactly when `band` is "none"."""

    account_id: int
    score: float | None
    band: str
    coverage: float
    as_of: date
    computed_at: datetime
    model_name: str
    model_number: int
    override: float | None = None


def current_scores(account_ids: Iterable[int], *, on: date | None = None) -> dict[int, CurrentScore]:
    """By account; accounts that were never scored, or are not scored any more, are absent. One statement.

    With `on`, today, the override that is in force stands beside the computed score.
    """
    beside = override_score(on, "account_id") if on else Value(None, output_field=FloatField())
    rows = (
        Score.objects.filter(account_id__in=list(account_ids))
        .annotate(beside=beside)
        .values_list(
            "account_id",
            "score",
            "band",
            "coverage",
            "as_of",
            "computed_at",
            "model_version__name",
            "model_version__number",
            "beside",
        )
    )
    return {row[0]: CurrentScore(*row) for row in rows}


def stored_on(
    account_id: int, day: date, *, known: datetime | None = None, with_overrides: bool = False
) -> ScoreHistory | None:
    """What was known on a day: the last row at or before it, with its version. Never recomputed.

    With `known`, only what had been computed before that instant: days brought in as history were not known then.
    """
    rows = ScoreHistory.objects.filter(account_id=account_id, as_of__lte=day)
    if known is not None:
        rows = rows.filter(computed_at__lt=known, imported=False)
    rows = rows.select_related("model_version").order_by("-as_of", "-computed_at")
    return rows.annotate(overrides=all_overrides()).first() if with_overrides else rows.first()


_SPARKS = """
SELECT * FROM (
    SELECT DISTINCT ON (h.account_id, week) h.account_id, ceil((h.as_of - %(start)s::date) / 7.0)::int AS week, h.score
    FROM health_scorehistory h
    WHERE h.tenant_id = %(tenant)s AND h.account_id = ANY(%(ids)s)
      AND h.as_of > %(start)s AND h.as_of <= %(until)s
    ORDER BY h.account_id, week, h.as_of DESC, h.computed_at DESC
) AS inside
UNION ALL
SELECT asked.id, 0, earlier.score
FROM unnest(%(ids)s::bigint[]) AS asked(id)
CROSS JOIN LATERAL (
    SELECT h.score FROM health_scorehistory h
    WHERE h.tenant_id = %(tenant)s AND h.account_id = asked.id AND h.as_of <= %(start)s
    ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
) AS earlier
ORDER BY 1, 2"""


def sparklines(account_ids: Iterable[int], *, until: date, weeks: int = 26) -> dict[int, list[float | None]]:
    """The score at the end of each of the last weeks, oldest first, `weeks` numbers per account that has any.

    A week without a new row carries the one before; None before the first score and while there was none.
    """
    ids = sorted(set(account_ids))
    found: dict[int, dict[int, float | None]] = {}
    for account_id, week, score in _rows(
        _SPARKS, {"ids": ids, "start": until - timedelta(weeks=weeks), "until": until}
    ):
        found.setdefault(account_id, {})[week] = score
    lines: dict[int, list[float | None]] = {}
    for account_id, by_week in found.items():
        last = by_week.get(0)
        line = lines[account_id] = []
        for week in range(1, weeks + 1):
            last = by_week.get(week, last)
            line.append(last)
    return lines


_CHANGES = """
SELECT now.account_id, now.score - earlier.score
FROM health_score now
CROSS JOIN LATERAL (
    SELECT h.score FROM health_scorehistory h
    WHERE h.tenant_id = now.tenant_id AND h.account_id = now.account_id AND h.as_of <= %(then)s
    ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
) AS earlier
WHERE now.tenant_id = %(tenant)s AND now.account_id = ANY(%(ids)s) AND now.score - earlier.score IS NOT NULL"""


def changes_30d(account_ids: Iterable[int], *, as_of: date) -> dict[int, float]:
    """Points since what was known 30 days before; absent where one of the two moments has no score."""
    ids = sorted(set(account_ids))
    return dict(_rows(_CHANGES, {"ids": ids, "then": as_of - timedelta(days=30)}))


def _rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    if not params["ids"]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": require_tenant_id(), **params})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
