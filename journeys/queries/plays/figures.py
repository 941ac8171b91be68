"""What came of plays, version by version, and which of them ask for a review."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.models import AuditEntry, ProcessVersion
from core.tenancy import require_tenant_id
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_figures import Share, last_periods, share

REVIEWED: Final = "reviewed playbook"
LEAST_PER_PERIOD: Final = 5
_NONE: Final = Share(0, 0)
_FIGURES: Final = """
WITH late AS (
    SELECT s.run_id, bool_or(s.done_on > s.due_on) AS is_late, count(*) FILTER (WHERE s.state = 'done') AS done,
           count(*) FILTER (WHERE s.state = 'done' AND s.done_on > s.due_on) AS done_late,
           count(*) FILTER (WHERE s.state = 'skipped') AS skipped
    FROM journeys_runstep s
    JOIN journeys_playbookrun r ON r.tenant_id = s.tenant_id AND r.id = s.run_id AND r.playbook = ANY(%(keys)s::text[])
    WHERE s.tenant_id = %(tenant)s AND s.state IN ('done', 'skipped')
    GROUP BY s.run_id
)
SELECT r.playbook, r.version_id, count(*), count(*) FILTER (WHERE r.state = 'running'),
       count(*) FILTER (WHERE r.state = 'finished'), count(*) FILTER (WHERE r.state = 'stopped'),
       count(*) FILTER (WHERE r.state = 'finished' AND NOT COALESCE(l.is_late, false)),
       count(*) FILTER (WHERE r.outcome = 'reached'), count(*) FILTER (WHERE r.outcome = 'missed'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.ended_on - r.started_on) FILTER (WHERE r.state = 'finished'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.outcome_on - r.started_on) FILTER (WHERE r.outcome = 'reached'),
       COALESCE(sum(l.done), 0), COALESCE(sum(l.done_late), 0), COALESCE(sum(l.skipped), 0),
       count(*) FILTER (WHERE r.outcome IN ('reached', 'missed')
           AND COALESCE(r.outcome_on, r.ended_on) >= COALESCE(v.since, '-infinity')),
       count(*) FILTER (WHERE r.outcome = 'already')
FROM journeys_playbookrun r
LEFT JOIN late l ON l.run_id = r.id
LEFT JOIN unnest(%(versions)s::bigint[], %(since)s::date[]) AS v(version_id, since) ON v.version_id = r.version_id
WHERE r.tenant_id = %(tenant)s AND r.playbook = ANY(%(keys)s::text[])
GROUP BY r.playbook, r.version_id
"""
_PERIODS: Final = """
SELECT r.playbook, r.version_id, q.n, count(*) FILTER (WHERE r.outcome = 'reached'), count(*)
FROM journeys_playbookrun r
JOIN unnest(%(ns)s::int[], %(froms)s::date[], %(untils)s::date[]) AS q(n, from_on, until_on)
    ON r.started_on >= q.from_on AND r.started_on < q.until_on
WHERE r.tenant_id = %(tenant)s AND r.playbook = ANY(%(keys)s::text[]) AND r.outcome IN ('reached', 'missed')
GROUP BY r.playbook, r.version_id, q.n
"""


@dataclass(frozen=True)
class VersionFigures:
    """The plays of one version. `reached` is a share of those whose outcome is known, with its 95 % interval.

    `already`: those whose outcome held when they started. They stand outside the share and ask for no review.
    """

    version: ProcessVersion
    runs: int = 0
    running: int = 0
    finished: int = 0
    stopped: int = 0
    on_time: Share = _NONE
    reached: Share = _NONE
    median_days: float | None = None
    median_days_to_outcome: float | None = None
    steps_done: int = 0
    steps_late: int = 0
    steps_skipped: int = 0
    decided_since_review: int = 0
    review_after: int = 20
    periods: tuple[Share, ...] = ()
    floor: int = 30
    already: int = 0

    @property
    def is_weak(self) -> bool:
        """Below its floor in each of the last two quarters, with enough known outcomes in both."""
        return len(self.periods) == 2 and all(one.is_below(self.floor, LEAST_PER_PERIOD) for one in self.periods)

    @property
    def asks_for_review(self) -> bool:
        """Enough plays have ended with a known outcome since it was published or last reviewed, or it is weak."""
        return self.decided_since_review >= self.review_after or self.is_weak


def playbook_figures(keys: Iterable[str], today: date) -> dict[str, tuple[VersionFigures, ...]]:
    """The figures of every version that was ever live, the latest first, by playbook. Four statements."""
    wanted = sorted(set(keys))
    versions = list(
        ProcessVersion.objects.filter(kind=KIND, key__in=wanted, published_at__isnull=False).order_by("key", "-number")
    )
    reviewed = _reviewed([version.pk for version in versions])
    rows = {row[1]: row for row in _rows(_FIGURES, wanted, versions=list(reviewed), since=list(reviewed.values()))}
    periods = last_periods(today, 2)
    counts = {
        (row[1], row[2]): Share(row[3], row[4])
        for row in _rows(
            _PERIODS, wanted, ns=[0, 1], froms=[one[0] for one in periods], untils=[one[1] for one in periods]
        )
    }
    found: dict[str, list[VersionFigures]] = {key: [] for key in wanted}
    for version in versions:
        shares = tuple(counts.get((version.pk, n), _NONE) for n in (0, 1))
        found[version.key].append(_figures(version, rows.get(version.pk), shares))
    return {key: tuple(ones) for key, ones in found.items()}


def _figures(version: ProcessVersion, row: Sequence[Any] | None, periods: tuple[Share, ...]) -> VersionFigures:
    book = playbook_of(version)
    if row is None:
        return VersionFigures(version, review_after=book.review_after_runs, floor=book.floor)
    return VersionFigures(
        version=version, runs=row[2], running=row[3], finished=row[4], stopped=row[5], on_time=share(row[6], row[4]),
        reached=share(row[7], row[7] + row[8]), median_days=row[9], median_days_to_outcome=row[10],
        steps_done=int(row[11]), steps_late=int(row[12]), steps_skipped=int(row[13]), decided_since_review=row[14],
        review_after=book.review_after_runs, periods=periods, floor=book.floor,
        already=row[15],
    )  # fmt: skip


def _reviewed(version_ids: Sequence[int]) -> dict[int, date]:
    """The day after the last review of each version that had one."""
    found = AuditEntry.objects.filter(
        verb=REVIEWED, subject_type="core.processversion", subject_id__in=version_ids
    ).order_by("at")
    return {int(pk or 0): at.date() for pk, at in found.values_list("subject_id", "at")}


def _rows(sql: str, keys: Sequence[str], **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": require_tenant_id(), "keys": list(keys), **params})
        return list(cursor.fetchall())
