"""How stages are usually passed: the share that moves on, and the days that nine of ten won deals needed at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.keeping import kept
from core.tenancy import require_tenant_id
from journeys.models import Pipeline
from journeys.queries.pipelines import stages_of

KEPT_SECONDS: Final = 600
ENOUGH: Final = 20

# One row per open stage: deals that came to it (a stage that was jumped over counts as passed), those that went on,
# and the 90th percentile of the days that won deals stood in it. The stages come as values: the plan of a statement
# that joins their table five times takes longer than its work in a small workspace.
_PACE: Final = """
WITH stage AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(kinds)s::text[], %(positions)s::int[]) AS s(id, kind, position)
), deal AS MATERIALIZED (
    SELECT o.id, stage.kind, stage.position
    FROM journeys_opportunity AS o JOIN stage ON stage.id = o.stage_id
    WHERE o.tenant_id = %(tenant)s AND o.pipeline_id = %(pipeline)s
), stay AS MATERIALIZED (
    SELECT visit.opportunity_id, visit.stage_id, stage.position, visit.left_on - visit.entered_on AS days
    FROM journeys_opportunitystagevisit AS visit JOIN stage ON stage.id = visit.stage_id
    WHERE visit.tenant_id = %(tenant)s AND visit.stage_id = ANY(%(open)s)
), reached AS (
    SELECT deal.id, deal.kind,
           GREATEST(MAX(stay.position), MAX(deal.position) FILTER (WHERE deal.kind = 'open'), %(first)s) AS furthest
    FROM deal LEFT JOIN stay ON stay.opportunity_id = deal.id
    GROUP BY deal.id, deal.kind
), tally AS (
    SELECT kind, furthest, COUNT(*) AS deals FROM reached GROUP BY kind, furthest
), passed AS (
    SELECT stage.id,
           COALESCE(SUM(deals) FILTER (WHERE tally.kind = 'won' OR furthest >= stage.position), 0)::bigint AS entered,
           COALESCE(SUM(deals) FILTER (WHERE tally.kind = 'won' OR furthest > stage.position), 0)::bigint AS advanced
    FROM stage LEFT JOIN tally ON true
    WHERE stage.kind = 'open'
    GROUP BY stage.id
), slow AS MATERIALIZED (
    SELECT stay.stage_id, COUNT(*) AS stays, PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY stay.days) AS p90
    FROM stay JOIN deal ON deal.id = stay.opportunity_id AND deal.kind = 'won'
    WHERE stay.days IS NOT NULL
    GROUP BY stay.stage_id
)
SELECT passed.id, passed.entered, passed.advanced, COALESCE(slow.stays, 0), slow.p90
FROM passed LEFT JOIN slow ON slow.stage_id = passed.id
"""


@dataclass(frozen=True)
class Pace:
    """One open stage. Rates under the minimum base are not told: `enough` is false."""

    entered: int
    advanced: int
    won_stays: int
    p90: float | None

    @property
    def enough(self) -> bool:
        return self.entered >= ENOUGH

    @property
    def moves_on(self) -> float | None:
        """The share of the deals that came here and went on, or None when too few came."""
        return self.advanced / self.entered if self.enough else None

    @property
    def slow_days(self) -> int | None:
        """The days within which nine of ten won deals left the stage, or None when too few did."""
        return round(self.p90) if self.p90 is not None and self.won_stays >= ENOUGH else None


def pace_of(pipeline: Pipeline, today: date) -> Mapping[int, Pace]:
    """By open stage of a pipeline, over the whole history. Kept for ten minutes where the pipeline is large."""
    rows = kept(f"pace:{pipeline.pk}:{today}", lambda: _counted(pipeline), size=_deals, seconds=KEPT_SECONDS)
    return {row[0]: Pace(*row[1:]) for row in rows}


def _deals(rows: Sequence[tuple[Any, ...]]) -> int:
    """All deals of the pipeline: each of them came to the first stage."""
    return max((row[1] for row in rows), default=0)


def _counted(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    stages = stages_of(pipeline)
    open_stages = [stage for stage in stages if stage.kind == "open"]
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "pipeline": pipeline.pk,
        "ids": [stage.pk for stage in stages],
        "kinds": [stage.kind for stage in stages],
        "positions": [stage.position for stage in stages],
        "open": [stage.pk for stage in open_stages],
        "first": min((stage.position for stage in open_stages), default=None),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PACE, params)
        return [tuple(row) for row in cursor.fetchall()]
