"""Live history judged again, each row by its own version from the facts dated by its day. Reads only.

What differs was stored from other facts than there are now: some arrived late, or were corrected since. An input that
reads what is known for today only cannot be judged again, and differs too.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.models import ProcessVersion
from health.models import ScoreHistory
from health.queries.live import model_of
from health.queries.moments import judge_moments

AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class Difference:
    """A stored row that would be another one now."""

    account_id: int
    as_of: date
    stored: float | None
    judged: float | None


@dataclass(frozen=True)
class Backtest:
    compared: int
    differences: tuple[Difference, ...]


def backtest(*, since: date, until: date) -> Backtest:
    """Every account-day that was scored live in the half-open period, imported history left aside."""
    rows = (
        ScoreHistory.objects.filter(as_of__gte=since, as_of__lt=until)
        .order_by("account_id", "as_of", "-computed_at")
        .distinct("account_id", "as_of")
    )
    by_version: dict[int, list[ScoreHistory]] = defaultdict(list)
    for row in rows:
        if not row.imported and row.sub_scores:  # an account that left has a row without any
            by_version[row.model_version_id].append(row)
    versions = ProcessVersion.objects.in_bulk(list(by_version))
    differences: list[Difference] = []
    for version_id, stored in sorted(by_version.items()):
        for start in range(0, len(stored), AT_ONCE):
            differences += _differing(versions[version_id], stored[start : start + AT_ONCE])
    return Backtest(sum(map(len, by_version.values())), tuple(differences))


def _differing(version: ProcessVersion, stored: list[ScoreHistory]) -> list[Difference]:
    judged = judge_moments(model_of(version), [(row.account_id, row.as_of) for row in stored])
    return [
        Difference(row.account_id, row.as_of, row.score, one.score)
        for row, one in zip(stored, judged, strict=True)
        if (row.score, row.coverage, row.sub_scores) != (one.score, one.coverage, list(one.sub_scores))
    ]
