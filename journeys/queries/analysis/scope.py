"""Which deals an analysis looks at: one pipeline, a cohort by creation or by close, an owner, a segment, a product."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from django.db import connection

from core.tenancy import require_tenant_id

Cohort = Literal["created", "closed"]

# From how many on a share or a median is shown; under it the page says "too few".
LEAST: Final = 5


@dataclass(frozen=True)
class Scope:
    """The deals of [start, end) by the day they were created or closed; without days, all of them.

    `owner_id` and `product_id` 0 mean the deals without one; `segment` and `kind` None mean every one.
    """

    pipeline_id: int
    cohort: Cohort = "created"
    start: date | None = None
    end: date | None = None
    owner_id: int | None = None
    product_id: int | None = None
    segment: str | None = None
    kind: str | None = None

    @property
    def params(self) -> dict[str, Any]:
        return {
            "tenant": require_tenant_id(),
            "pipeline": self.pipeline_id,
            "cohort": self.cohort,
            "start": self.start,
            "end": self.end,
            "owner": self.owner_id,
            "product": self.product_id,
            "segment": self.segment,
            "kind": self.kind,
        }


_CHOSEN: Final = """
SELECT o.id, o.stage_id, COALESCE(o.owner_id, 0) AS owner_id, COALESCE(o.product_id, 0) AS product_id,
       COALESCE(account.segment, '') AS segment, o.kind AS deal_kind,
       COALESCE(o.amount_minor, 0) AS amount_minor, o.opened_on, o.closed_on,
       CASE %(cohort)s WHEN 'created' THEN o.opened_on ELSE o.closed_on END AS cohort_on,
       stage.kind, stage.position
FROM journeys_opportunity AS o
JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = o.stage_id
LEFT JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = o.account_id
WHERE o.tenant_id = %(tenant)s AND o.pipeline_id = %(pipeline)s
  AND (%(owner)s::bigint IS NULL OR COALESCE(o.owner_id, 0) = %(owner)s::bigint)
  AND (%(product)s::bigint IS NULL OR COALESCE(o.product_id, 0) = %(product)s::bigint)
  AND (%(segment)s::text IS NULL OR COALESCE(account.segment, '') = %(segment)s::text)
  AND (%(kind)s::text IS NULL OR o.kind = %(kind)s::text)
"""
_IN_PERIOD: Final = """
  AND (%(start)s::date IS NULL
       OR (CASE %(cohort)s WHEN 'created' THEN o.opened_on ELSE o.closed_on END) >= %(start)s::date)
  AND (%(end)s::date IS NULL OR (CASE %(cohort)s WHEN 'created' THEN o.opened_on ELSE o.closed_on END) < %(end)s::date)
"""

# The deals of a scope, whenever they were created or closed, and those of its period.
ANY_TIME: Final = _CHOSEN
DEALS: Final = f"{_CHOSEN} {_IN_PERIOD}"

# The furthest open stage of every deal, as a position. A skipped stage lies before it and counts as passed, a stage
# that was entered again counts once. A deal without a visit came to the first open stage.
REACHED: Final = f"""
deal AS MATERIALIZED ({DEALS}), reached AS (
    SELECT deal.id, deal.stage_id, deal.owner_id, deal.amount_minor, deal.opened_on, deal.closed_on, deal.cohort_on,
           deal.kind, deal.position,
           GREATEST(MAX(visited.position), CASE WHEN deal.kind = 'open' THEN deal.position END,
                     (SELECT MIN(first.position) FROM journeys_pipelinestage AS first
                      WHERE first.tenant_id = %(tenant)s AND first.pipeline_id = %(pipeline)s
                        AND first.kind = 'open')) AS furthest
    FROM deal
    LEFT JOIN journeys_opportunitystagevisit AS visit
      ON visit.tenant_id = %(tenant)s AND visit.opportunity_id = deal.id
    LEFT JOIN journeys_pipelinestage AS visited
      ON visited.tenant_id = %(tenant)s AND visited.id = visit.stage_id AND visited.kind = 'open'
     AND visited.pipeline_id = %(pipeline)s
    GROUP BY deal.id, deal.stage_id, deal.owner_id, deal.amount_minor, deal.opened_on, deal.closed_on, deal.cohort_on,
             deal.kind, deal.position
)"""  # noqa: S608 -- constants of this module


def rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


@dataclass(frozen=True)
class Choices:
    """What the filters of the page offer: whoever and whatever the pipeline's deals have."""

    owners: Sequence[tuple[int, str]] = field(default_factory=tuple)
    products: Sequence[tuple[int, str]] = field(default_factory=tuple)
    segments: Sequence[str] = field(default_factory=tuple)
    kinds: Sequence[str] = field(default_factory=tuple)


_CHOICES: Final = f"""
WITH deal AS MATERIALIZED ({ANY_TIME})
SELECT 'owner', person.id::text, person.name FROM accounts_person AS person
WHERE person.tenant_id = %(tenant)s AND person.id IN (SELECT owner_id FROM deal)
UNION ALL
SELECT 'product', product.id::text, product.name FROM accounts_product AS product
WHERE product.tenant_id = %(tenant)s AND product.id IN (SELECT product_id FROM deal)
UNION ALL SELECT DISTINCT 'segment', segment, segment FROM deal
UNION ALL SELECT DISTINCT 'kind', deal_kind, deal_kind FROM deal
UNION ALL SELECT DISTINCT 'owner', '0', 'No owner' FROM deal WHERE owner_id = 0
UNION ALL SELECT DISTINCT 'product', '0', 'No product' FROM deal WHERE product_id = 0
ORDER BY 1, 3, 2
"""  # noqa: S608 -- constants of this module


def choices(pipeline_id: int) -> Choices:
    """Owners and products by name, segments and kinds, of the deals of a pipeline. One statement."""
    found: dict[str, list[tuple[str, str]]] = {"owner": [], "product": [], "segment": [], "kind": []}
    for what, key, name in rows(_CHOICES, Scope(pipeline_id).params):
        found[what].append((key, name))
    owners, products = ([(int(key), name) for key, name in found[what]] for what in ("owner", "product"))
    return Choices(owners, products, [key for key, _ in found["segment"]], [key for key, _ in found["kind"]])
