"""How stages are usually passed: the share that moves on, and the days that nine of ten won deals needed at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.keeping import LARGE, kept
from core.tenancy import require_tenant_id
from journeys.models import Opportunity

KEPT_SECONDS: Final = 600
ENOUGH: Final = 20

# One row per open stage: deals that came to it (a stage that was jumped over counts as passed), those that went on,
# and the 90th percentile of the days that won deals stood in it.
_PACE: Final = """
WITH deal AS MATERIALIZED (
    SELECT o.id, stage.kind, stage.position
    FROM journeys_opportunity AS o
    JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = o.stage_id
    WHERE o.tenant_id = %(tenant)s AND o.pipeline_id = %(pipeline)s
), stay AS MATERIALIZED (
    SELECT visit.opportunity_id, visit.stage_id, stage.position, visit.left_on - visit.entered_on AS days
    FROM journeys_opportunitystagevisit AS visit
    JOIN journeys_pipelinestage AS stage
      ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id AND stage.pipeline_id = %(pipeline)s
     AND stage.kind = 'open'
    WHERE visit.tenant_id = %(tenant)s
), reached AS (
    SELECT deal.id, deal.kind,
           GREATEST(MAX(stay.position), MAX(deal.position) FILTER (WHERE deal.kind = 'open'),
                    (SELECT MIN(first.position) FROM journeys_pipelinestage AS first
                     WHERE first.tenant_id = %(tenant)s AND first.pipeline_id = %(pipeline)s
                       AND first.kind = 'open')) AS furthest
    FROM deal LEFT JOIN stay ON stay.opportunity_id = deal.id
    GROUP BY deal.id, deal.kind
), tally AS (
    SELECT kind, furthest, COUNT(*) AS deals FROM reached GROUP BY kind, furthest
), passed AS (
    SELECT stage.id,
           COALESCE(SUM(deals) FILTER (WHERE tally.kind = 'won' OR furthest >= stage.position), 0)::bigint AS entered,
           COALESCE(SUM(deals) FILTER (WHERE tally.kind = 'won' OR furthest > stage.position), 0)::bigint AS advanced
    FROM journeys_pipelinestage AS stage LEFT JOIN tally ON true
    WHERE stage.tenant_id = %(tenant)s AND stage.pipeline_id = %(pipeline)s AND stage.kind = 'open'
    GROUP BY stage.id
), slow AS (
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


def pace_of(pipeline_id: int, today: date) -> Mapping[int, Pace]:
    """By open stage of a pipeline, over the whole history. Kept for ten minutes where the pipeline is large."""
    deals = Opportunity.objects.filter(pipeline_id=pipeline_id).order_by()[: LARGE + 1].count()
    rows = kept(f"pace:{pipeline_id}:{today}", lambda: _counted(pipeline_id), size=deals, seconds=KEPT_SECONDS)
    return {row[0]: Pace(*row[1:]) for row in rows}


def _counted(pipeline_id: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_PACE, {"tenant": require_tenant_id(), "pipeline": pipeline_id})
        return [tuple(row) for row in cursor.fetchall()]
