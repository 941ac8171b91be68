"""What each stage costs: deals lost there, and deals that wait there beyond the usual time, in money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from journeys.queries.analysis.scope import LEAST, REACHED, Scope, rows

# Usual is what nine of ten finished stays kept within; with fewer than five of them nothing is called long.
_FRICTION: Final = f"""
WITH {REACHED}, finished AS (
    SELECT visit.stage_id, visit.left_on - visit.entered_on AS days
    FROM journeys_opportunitystagevisit AS visit
    JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
    WHERE visit.tenant_id = %(tenant)s AND stage.pipeline_id = %(pipeline)s AND stage.kind = 'open'
      AND visit.left_on IS NOT NULL AND visit.entered_on IS NOT NULL
), usual AS (
    SELECT stage_id, COUNT(*) AS stays,
           PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) AS median,
           PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY days) AS p90
    FROM finished GROUP BY stage_id
), waiting AS (
    SELECT deal.stage_id, COUNT(*) AS deals, SUM(deal.amount_minor)::bigint AS minor,
           SUM(%(today)s::date - visit.entered_on - usual.p90)::float AS days
    FROM deal
    JOIN journeys_opportunitystagevisit AS visit
      ON visit.tenant_id = %(tenant)s AND visit.opportunity_id = deal.id AND visit.left_on IS NULL
    JOIN usual ON usual.stage_id = deal.stage_id AND usual.stays >= %(least)s
    WHERE deal.kind = 'open' AND %(today)s::date - visit.entered_on > usual.p90
    GROUP BY deal.stage_id
), lost AS (
    SELECT furthest, COUNT(*) AS deals, SUM(amount_minor)::bigint AS minor
    FROM reached WHERE kind = 'lost' GROUP BY furthest
)
SELECT stage.id, stage.key, stage.name, COALESCE(lost.deals, 0), COALESCE(lost.minor, 0), COALESCE(waiting.deals, 0),
       COALESCE(waiting.minor, 0), COALESCE(waiting.days, 0), COALESCE(usual.stays, 0), usual.median, usual.p90
FROM journeys_pipelinestage AS stage
LEFT JOIN lost ON lost.furthest = stage.position
LEFT JOIN waiting ON waiting.stage_id = stage.id
LEFT JOIN usual ON usual.stage_id = stage.id
WHERE stage.tenant_id = %(tenant)s AND stage.pipeline_id = %(pipeline)s AND stage.kind = 'open'
ORDER BY COALESCE(lost.minor, 0) DESC, COALESCE(waiting.minor, 0) DESC, COALESCE(lost.deals, 0) DESC, stage.position
"""  # noqa: S608 -- constants of this package


@dataclass(frozen=True)
class Friction:
    """One stage. `usual_days` is the 90th percentile of finished stays, None with fewer than five of them."""

    id: int
    key: str
    name: str
    lost: int
    lost_minor: int
    waiting: int
    waiting_minor: int
    waiting_days: float
    stays: int
    median_days: float | None
    p90_days: float | None

    @property
    def usual_days(self) -> float | None:
        return self.p90_days if self.stays >= LEAST else None


def friction(scope: Scope, *, today: date) -> Sequence[Friction]:
    """The stages of the pipeline, the one that lost most money first. One statement."""
    return [Friction(*row) for row in rows(_FRICTION, scope.params | {"today": today, "least": LEAST})]
