"""Days from opening to winning, with the deals that are still open kept in view."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from accounts.choices import Segment
from journeys.queries.analysis.scope import DEALS, LEAST, Scope, rows
from journeys.rules.survival import Curve, curve_of_counts

_SEGMENTS: Final = dict(Segment.choices)

# What a won deal took, and how long an open one has lasted so far. Lost deals took no time to win.
_WATCHED: Final = f"""
SELECT deal.owner_id, deal.segment, deal.kind,
       CASE deal.kind WHEN 'won' THEN deal.closed_on ELSE %(today)s::date END - deal.opened_on AS days
FROM ({DEALS}) AS deal
WHERE deal.kind <> 'lost' AND deal.opened_on IS NOT NULL
  AND CASE deal.kind WHEN 'won' THEN deal.closed_on ELSE %(today)s::date END >= deal.opened_on
"""  # noqa: S608 -- constants of this package
_PLAIN: Final = f"""
SELECT CASE WHEN GROUPING(watched.owner_id) = 0 THEN 'owner' WHEN GROUPING(watched.segment) = 0 THEN 'segment'
            ELSE 'pipeline' END, watched.owner_id, watched.segment, MIN(person.name),
       COUNT(*) FILTER (WHERE kind = 'won'), COUNT(*) FILTER (WHERE kind = 'open'),
       PERCENTILE_CONT(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE kind = 'won')
FROM ({_WATCHED}) AS watched
LEFT JOIN accounts_person AS person ON person.tenant_id = %(tenant)s AND person.id = watched.owner_id
GROUP BY GROUPING SETS ((), (watched.owner_id), (watched.segment))
"""  # noqa: S608 -- constants of this module
_COUNTS: Final = f"""
SELECT CASE WHEN GROUPING(watched.owner_id) = 0 THEN 'owner' WHEN GROUPING(watched.segment) = 0 THEN 'segment'
            ELSE 'pipeline' END, watched.owner_id, watched.segment, watched.days,
       COUNT(*) FILTER (WHERE kind = 'won'), COUNT(*) FILTER (WHERE kind = 'open')
FROM ({_WATCHED}) AS watched
GROUP BY GROUPING SETS ((watched.days), (watched.owner_id, watched.days), (watched.segment, watched.days))
"""  # noqa: S608 -- constants of this module


@dataclass(frozen=True)
class Cycle:
    """One group. `median` and `p90` are those of won deals alone, `curve` counts the open ones as still on the way."""

    by: str
    key: str
    name: str
    won: int
    open: int
    median: float | None
    p90: float | None
    curve: Curve

    @property
    def is_small(self) -> bool:
        """Too few won deals for a median that says something."""
        return self.won < LEAST

    @property
    def curve_median(self) -> float | None:
        return self.curve.median

    @property
    def curve_p90(self) -> float | None:
        return self.curve.quantile(0.9)


@dataclass(frozen=True)
class Cycles:
    whole: Cycle
    owners: Sequence[Cycle]
    segments: Sequence[Cycle]


def cycles(scope: Scope, *, today: date) -> Cycles:
    """The sales cycle of the pipeline, and by owner and segment. Two statements.

    `median` and `p90` equal `percentile_cont` over `closed_on - opened_on` of the won deals.
    """
    params = scope.params | {"today": today}
    counts: dict[tuple[str, Any], list[tuple[float, int, int]]] = defaultdict(list)
    for by, owner, segment, days, won, waiting in rows(_COUNTS, params):
        counts[by, _key(by, owner, segment)].append((days, won, waiting))
    found = []
    for by, owner, segment, name, won, waiting, percentiles in rows(_PLAIN, params):
        median, p90 = percentiles or (None, None)
        key = _key(by, owner, segment)
        called = (name or "No owner") if by == "owner" else _SEGMENTS.get(key, key) if by == "segment" else "All"
        found.append(Cycle(by, key, str(called), won, waiting, median, p90, curve_of_counts(counts[by, key])))
    whole = next((one for one in found if one.by == "pipeline"), None)
    return Cycles(
        whole or Cycle("pipeline", "", "All", 0, 0, None, None, curve_of_counts(())),
        sorted((one for one in found if one.by == "owner"), key=lambda one: (-one.won, one.name)),
        sorted((one for one in found if one.by == "segment"), key=lambda one: (-one.won, one.name)),
    )


def _key(by: str, owner: int | None, segment: str | None) -> str:
    return str(owner) if by == "owner" else str(segment) if by == "segment" else ""
