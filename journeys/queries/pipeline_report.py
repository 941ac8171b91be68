"""The pipeline in figures: win rate, sales cycle, and how far deals come, stage by stage.

Stage conversion counts a deal once per stage, however often it was there. A deal has entered every stage up to the
furthest open one it was ever in (so a skipped stage counts as passed), and a won deal has passed them all. A lost deal
whose source does not say where it was lost counts for the first stage only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from django.db import connection

from accounts.queries.planning import whole_tables
from core.tenancy import require_tenant_id
from journeys.queries.analysis.scope import LEAST
from journeys.rules.drops import biggest_drop
from journeys.rules.rates import Rate, amount_win_rate, win_rate

Cohort = Literal["all", "created", "closed"]

# The deals of the report: of one pipeline or all, and by the day on which they were created or closed.
_DEALS: Final = """
SELECT o.id, o.pipeline_id, o.stage_id, o.owner_id, o.product_id, COALESCE(o.amount_minor, 0) AS amount_minor,
       stage.kind, stage.position, CASE WHEN o.closed_on >= o.opened_on THEN o.closed_on - o.opened_on END AS days
FROM journeys_opportunity AS o
JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = o.stage_id
WHERE o.tenant_id = %(tenant)s AND (%(pipeline)s::bigint IS NULL OR o.pipeline_id = %(pipeline)s::bigint)
  AND (%(cohort)s <> 'created' OR (o.opened_on >= %(start)s::date AND o.opened_on < %(end)s::date))
  AND (%(cohort)s <> 'closed' OR (o.closed_on >= %(start)s::date AND o.closed_on < %(end)s::date))
"""

_TOTALS: Final = f"""
SELECT COUNT(*), COUNT(*) FILTER (WHERE kind = 'open'), COUNT(*) FILTER (WHERE kind = 'won'),
       COUNT(*) FILTER (WHERE kind = 'lost'),
       COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'won'), 0)::bigint,
       COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'lost'), 0)::bigint,
       COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'open'), 0)::bigint,
       (AVG(days) FILTER (WHERE kind = 'won'))::float, (AVG(days) FILTER (WHERE kind = 'lost'))::float,
       PERCENTILE_CONT(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE kind = 'won'),
       PERCENTILE_CONT(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE kind = 'lost'),
       COUNT(days) FILTER (WHERE kind = 'won'), COUNT(days) FILTER (WHERE kind = 'lost')
FROM ({_DEALS}) AS deal
"""  # noqa: S608 -- constants of this module

_NUMBERS: Final = (
    "opportunities", "open", "won", "lost", "won_value_minor", "lost_value_minor", "open_value_minor"
)  # fmt: skip

_GROUPS: Final = f"""
SELECT GROUPING(deal.owner_id), COALESCE(person.name, 'No owner'), COALESCE(product.name, 'No product'),
       COUNT(*), COUNT(*) FILTER (WHERE kind = 'open'), COUNT(*) FILTER (WHERE kind = 'won'),
       COUNT(*) FILTER (WHERE kind = 'lost'), COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'won'), 0)::bigint
FROM ({_DEALS}) AS deal
LEFT JOIN accounts_person AS person ON person.tenant_id = %(tenant)s AND person.id = deal.owner_id
LEFT JOIN accounts_product AS product ON product.tenant_id = %(tenant)s AND product.id = deal.product_id
GROUP BY GROUPING SETS ((deal.owner_id, person.name), (deal.product_id, product.name))
ORDER BY 1, 8 DESC, 2, 3, deal.owner_id, deal.product_id
"""  # noqa: S608 -- constants of this module

_STAGES: Final = f"""
WITH deal AS MATERIALIZED ({_DEALS}), reached AS (
    SELECT deal.id, deal.pipeline_id, deal.stage_id, deal.kind,
           GREATEST(MAX(visited.position), MAX(deal.position) FILTER (WHERE deal.kind = 'open'),
                    (SELECT MIN(first.position) FROM journeys_pipelinestage AS first
                     WHERE first.tenant_id = %(tenant)s AND first.pipeline_id = deal.pipeline_id
                       AND first.kind = 'open')) AS furthest
    FROM deal
    LEFT JOIN journeys_opportunitystagevisit AS visit
      ON visit.tenant_id = %(tenant)s AND visit.opportunity_id = deal.id
    LEFT JOIN journeys_pipelinestage AS visited
      ON visited.tenant_id = %(tenant)s AND visited.id = visit.stage_id AND visited.kind = 'open'
     AND visited.pipeline_id = deal.pipeline_id
    GROUP BY deal.id, deal.pipeline_id, deal.stage_id, deal.kind
), tally AS (
    SELECT pipeline_id, stage_id, kind, furthest, COUNT(*) AS deals FROM reached GROUP BY 1, 2, 3, 4
)
SELECT pipeline.key, pipeline.name, stage.key, stage.name, stage.kind,
       COALESCE(SUM(tally.deals) FILTER (WHERE CASE WHEN stage.kind = 'open'
           THEN tally.kind = 'won' OR tally.furthest >= stage.position ELSE tally.stage_id = stage.id END), 0)::bigint,
       COALESCE(SUM(tally.deals) FILTER (WHERE stage.kind = 'open'
           AND (tally.kind = 'won' OR tally.furthest > stage.position)), 0)::bigint,
       COALESCE(SUM(tally.deals) FILTER (WHERE tally.stage_id = stage.id), 0)::bigint,
       COALESCE(SUM(tally.deals) FILTER (WHERE tally.kind = 'lost' AND tally.furthest = stage.position), 0)::bigint
FROM journeys_pipelinestage AS stage
JOIN journeys_pipeline AS pipeline ON pipeline.tenant_id = %(tenant)s AND pipeline.id = stage.pipeline_id
LEFT JOIN tally ON tally.pipeline_id = stage.pipeline_id
WHERE stage.tenant_id = %(tenant)s AND (%(pipeline)s::bigint IS NULL OR stage.pipeline_id = %(pipeline)s::bigint)
GROUP BY pipeline.id, pipeline.key, pipeline.name, pipeline.is_default, stage.id, stage.key, stage.name, stage.kind,
         stage.position
HAVING %(pipeline)s::bigint IS NOT NULL OR COUNT(tally.deals) > 0
ORDER BY pipeline.is_default DESC, pipeline.name, pipeline.id, stage.position
"""  # noqa: S608 -- constants of this module


@dataclass(frozen=True)
class Cycle:
    """Days from opening to close. A deal without both dates, or closed before it was opened, is not among `deals`."""

    mean: float | None
    median: float | None
    p90: float | None
    deals: int


@dataclass(frozen=True)
class Tally:
    """One owner's or product's deals. Of several of one name the second is "Name (2)"."""

    name: str
    opportunities: int
    open: int
    won: int
    lost: int
    won_value_minor: int

    @property
    def win_rate(self) -> Rate:
        return win_rate(self.won, self.lost)


@dataclass(frozen=True)
class StageFlow:
    """How many deals came to a stage, went on from it, are in it, and were lost in it. Closed stages only count."""

    pipeline: str
    key: str
    name: str
    kind: str
    entered: int
    advanced: int
    current: int
    lost_here: int

    @property
    def decided(self) -> int:
        """Deals that went on or were lost here; the others are still open."""
        return self.advanced + self.lost_here

    @property
    def conversion(self) -> float | None:
        return self.advanced / self.entered if self.kind == "open" and self.entered else None


@dataclass(frozen=True)
class PipelineReport:
    """Everything that `pipeline_report` prints."""

    opportunities: int
    open: int
    won: int
    lost: int
    won_value_minor: int
    lost_value_minor: int
    open_value_minor: int
    won_cycle: Cycle
    lost_cycle: Cycle
    stages: Sequence[StageFlow]
    owners: Sequence[Tally]
    products: Sequence[Tally]
    cohort: Mapping[str, Any] = field(default_factory=dict)

    @property
    def biggest_drop_off(self) -> StageFlow | None:
        """The open stage that loses the largest share of its decided deals, as on the page of the analysis."""
        stages = [stage for stage in self.stages if stage.kind == "open"]
        return biggest_drop(
            stages,
            lost=lambda one: one.lost_here,
            decided=lambda one: one.decided,
            is_small=lambda one: one.decided < LEAST,
        )


def pipeline_report(
    *,
    pipeline_id: int | None = None,
    cohort: Cohort = "all",
    start: date | None = None,
    end: date | None = None,
) -> PipelineReport:
    """The report over one pipeline or all, for all deals or for those created or closed in [start, end).

    Three statements, whatever the number of deals.
    """
    params = {
        "tenant": require_tenant_id(),
        "pipeline": pipeline_id,
        "cohort": cohort,
        "start": start,
        "end": end,
    }
    with whole_tables(), connection.cursor() as cursor:
        cursor.execute(_TOTALS, params)
        total = cursor.fetchone()
        cursor.execute(_GROUPS, params)
        groups = cursor.fetchall()
        cursor.execute(_STAGES, params)
        stages = [StageFlow(row[1], *row[2:]) for row in cursor.fetchall()]
    return PipelineReport(
        **dict(zip(_NUMBERS, total, strict=False)),
        won_cycle=_cycle(total[7], total[9], total[11]),
        lost_cycle=_cycle(total[8], total[10], total[12]),
        stages=stages,
        owners=_tallies([(row[1], *row[3:]) for row in groups if row[0] == 0]),
        products=_tallies([(row[2], *row[3:]) for row in groups if row[0] == 1]),
        cohort={"by": cohort, "from": start, "to": end},
    )


def _tallies(rows: Sequence[tuple[Any, ...]]) -> list[Tally]:
    """The rows with names of their own: they are the keys of the report."""
    taken = {row[0] for row in rows}
    used: set[str] = set()
    found = []
    for name, *numbers in rows:
        own = name
        if name in used:
            own = next(one for n in range(2, len(rows) + 2) if (one := f"{name} ({n})") not in taken | used)
        used.add(own)
        found.append(Tally(own, *numbers))
    return found


def _cycle(mean: float | None, percentiles: list[float] | None, deals: int) -> Cycle:
    median, p90 = percentiles or (None, None)
    return Cycle(mean, median, p90, deals)


def as_json(report: PipelineReport) -> dict[str, Any]:
    """The report as scripts read it."""
    drop = report.biggest_drop_off
    rate, by_amount = (
        win_rate(report.won, report.lost),
        amount_win_rate(report.won_value_minor, report.lost_value_minor, lost=report.lost),
    )
    return {
        "cohort": dict(report.cohort),
        "opportunities": report.opportunities,
        "open": report.open,
        "won": report.won,
        "lost": report.lost,
        **_rate("win_rate", rate),
        **_rate("win_rate_by_amount", by_amount),
        "won_value_minor": report.won_value_minor,
        "open_value_minor": report.open_value_minor,
        "average_won_minor": report.won_value_minor // report.won if report.won else None,
        "cycle_days": {"won": _cycle_json(report.won_cycle), "lost": _cycle_json(report.lost_cycle)},
        "stages": [_stage_json(stage) for stage in report.stages],
        "biggest_drop_off": drop.name if drop else None,
        "biggest_drop_off_pipeline": drop.pipeline if drop else None,
        "by": {
            "owner": {one.name: _tally_json(one) for one in report.owners},
            "product": {one.name: _tally_json(one) for one in report.products},
        },
    }


def _rate(name: str, rate: Rate) -> dict[str, Any]:
    found: dict[str, Any] = {name: rate.value}
    return found if rate.value is not None else {**found, f"{name}_reason": rate.reason}


def _cycle_json(cycle: Cycle) -> dict[str, Any]:
    return {"mean": cycle.mean, "median": cycle.median, "p90": cycle.p90, "deals": cycle.deals}


def _stage_json(stage: StageFlow) -> dict[str, Any]:
    going = stage.kind == "open"
    return {
        "pipeline": stage.pipeline,
        "name": stage.name,
        "kind": stage.kind,
        "entered": stage.entered,
        "advanced": stage.advanced if going else None,
        "conversion": stage.conversion,
        "current": stage.current,
        "lost_here": stage.lost_here if going else None,
    }


def _tally_json(one: Tally) -> dict[str, Any]:
    return {
        "opportunities": one.opportunities,
        "won": one.won,
        "lost": one.lost,
        "open": one.open,
        **_rate("win_rate", one.win_rate),
        "won_value_minor": one.won_value_minor,
    }
