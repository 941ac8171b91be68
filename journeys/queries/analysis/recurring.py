"""What goes wrong again and again: tickets, losses, customers who left, returned hand-offs, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from accounts.queries.planning import whole_tables
from core.tenancy import require_tenant_id
from journeys.queries.analysis.scope import rows

WINDOW_DAYS: Final = 90
REPEATS: Final = 3
SHOWN: Final = 100
PAGE: Final = 50
SOURCES: Final = {
    "ticket": "Tickets",
    "deal": "Lost deals",
    "outcome": "Left or shrank",
    "handoff": "Returned hand-offs",
}
WAYS: Final = {"exact": "Reason, product and stage", "reason": "Reason", "product": "Product", "stage": "Stage"}

# One row per case of [from, until). The stage is the one of the pipeline or journey on that day. Accounts that were
# merged into another one have given their cases to it.
_CASES: Final = """
SELECT 'ticket' AS source, ticket.id, ticket.account_id, (ticket.opened_at AT TIME ZONE %(zone)s)::date AS day,
       COALESCE(NULLIF(btrim(ticket.attributes ->> 'category'), ''), NULLIF(btrim(ticket.attributes ->> 'reason'), ''),
                NULLIF(btrim(ticket.attributes ->> 'type'), ''), btrim(ticket.subject)) AS said,
       COALESCE(btrim(ticket.attributes ->> 'product'), '') AS product, COALESCE(stage.name, '') AS stage,
       0::bigint AS minor, ticket.subject AS title
FROM accounts_ticket AS ticket
LEFT JOIN journeys_stagevisit AS visit ON visit.tenant_id = %(tenant)s AND visit.account_id = ticket.account_id
  AND visit.entered_on <= (ticket.opened_at AT TIME ZONE %(zone)s)::date
  AND (visit.left_on IS NULL OR visit.left_on > (ticket.opened_at AT TIME ZONE %(zone)s)::date)
LEFT JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
WHERE ticket.tenant_id = %(tenant)s AND ticket.opened_at >= %(from)s::date::timestamp AT TIME ZONE %(zone)s
  AND ticket.opened_at < %(until)s::date::timestamp AT TIME ZONE %(zone)s
UNION ALL
SELECT 'deal', deal.id, deal.account_id, deal.closed_on, btrim(deal.close_reason), COALESCE(product.name, ''),
       COALESCE(furthest.name, ''), COALESCE(deal.amount_minor, 0), deal.name
FROM journeys_opportunity AS deal
JOIN journeys_pipelinestage AS lost ON lost.tenant_id = %(tenant)s AND lost.id = deal.stage_id AND lost.kind = 'lost'
LEFT JOIN accounts_product AS product ON product.tenant_id = %(tenant)s AND product.id = deal.product_id
LEFT JOIN LATERAL (
    SELECT stage.name FROM journeys_opportunitystagevisit AS visit
    JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
    WHERE visit.tenant_id = %(tenant)s AND visit.opportunity_id = deal.id AND stage.kind = 'open'
      AND stage.pipeline_id = deal.pipeline_id
    ORDER BY stage.position DESC LIMIT 1
) AS furthest ON TRUE
WHERE deal.tenant_id = %(tenant)s AND deal.closed_on >= %(from)s AND deal.closed_on < %(until)s
UNION ALL
SELECT 'outcome', outcome.id, outcome.account_id, outcome.day, btrim(outcome.reason), '', COALESCE(stage.name, ''),
       ABS(COALESCE(outcome.amount_minor, 0)), outcome.kind
FROM accounts_outcome AS outcome
LEFT JOIN journeys_stagevisit AS visit ON visit.tenant_id = %(tenant)s AND visit.account_id = outcome.account_id
  AND visit.entered_on < outcome.day AND (visit.left_on IS NULL OR visit.left_on >= outcome.day)
LEFT JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
WHERE outcome.tenant_id = %(tenant)s AND outcome.kind <> 'renewed'
  AND outcome.day >= %(from)s AND outcome.day < %(until)s
UNION ALL
SELECT 'handoff', handoff.id, handoff.account_id, (handoff.answered_at AT TIME ZONE %(zone)s)::date,
       btrim(handoff.return_reason), '', handoff.name, 0, handoff.name
FROM journeys_handoff AS handoff
WHERE handoff.tenant_id = %(tenant)s AND handoff.state = 'returned'
  AND handoff.answered_at >= %(from)s::date::timestamp AT TIME ZONE %(zone)s
  AND handoff.answered_at < %(until)s::date::timestamp AT TIME ZONE %(zone)s
"""
# Spellings of one reason are one: small letters, single blanks, no full stop at the end.
_PLAIN: Final = r"""
SELECT DISTINCT ON (one.source, one.id) one.*,
       rtrim(lower(regexp_replace(one.said, '\s+', ' ', 'g')), '.!? ') AS reason
FROM ({cases}) AS one ORDER BY one.source, one.id
"""
# By the asked way alone: each other grouping would be counted and thrown away.
_CLUSTERS: Final = f"""
WITH plain AS MATERIALIZED ({_PLAIN.format(cases=_CASES)})
SELECT source, %(way)s, {{reason}}, {{product}}, {{stage}}, MIN(said), COUNT(*) FILTER (WHERE day >= %(since)s),
       COUNT(*) FILTER (WHERE day < %(since)s),
       COUNT(DISTINCT account_id) FILTER (WHERE day >= %(since)s), SUM(minor) FILTER (WHERE day >= %(since)s)::bigint,
       MAX(day)
FROM plain WHERE (%(source)s = '' OR source = %(source)s) AND {{named}} <> ''
GROUP BY source, 3, 4, 5
HAVING COUNT(*) FILTER (WHERE day >= %(since)s) >= %(repeats)s
ORDER BY 7 DESC, 10 DESC, 1, 3, 4, 5 LIMIT {SHOWN}
"""  # noqa: S608 -- constants of this module
_ROWS: Final = f"""
SELECT plain.source, plain.id, plain.account_id, account.name, plain.day, plain.said, plain.product, plain.stage,
       plain.minor, plain.title
FROM ({_PLAIN.format(cases=_CASES)}) AS plain
LEFT JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = plain.account_id
WHERE plain.source = %(source)s AND plain.day >= %(since)s
  AND (%(reason)s::text IS NULL OR plain.reason = %(reason)s)
  AND (%(product)s::text IS NULL OR plain.product = %(product)s)
  AND (%(stage)s::text IS NULL OR plain.stage = %(stage)s)
ORDER BY plain.day DESC, plain.id DESC OFFSET %(offset)s LIMIT %(limit)s
"""  # noqa: S608 -- constants of this module
_COUNTS: Final = f"""
SELECT source, COUNT(*), COUNT(*) FILTER (WHERE reason = '')
FROM ({_PLAIN.format(cases=_CASES)}) AS plain WHERE day >= %(since)s GROUP BY source
"""  # noqa: S608 -- constants of this module
_BY: Final = {
    "exact": ("reason", "product", "stage"),
    "reason": ("reason",),
    "product": ("product",),
    "stage": ("stage",),
}
_WAY_NUMBERS: Final = {"exact": 0, "reason": 3, "product": 5, "stage": 6}


@dataclass(frozen=True)
class Cluster:
    """Cases that agree. `before`: how many there were in the 90 days before; `reason` is the key, `said` the words."""

    source: str
    way: int
    reason: str
    product: str
    stage: str
    said: str
    count: int
    before: int
    accounts: int
    minor: int
    last_on: date

    @property
    def source_name(self) -> str:
        return SOURCES[self.source]

    @property
    def title(self) -> str:
        parts = {3: (self.said,), 5: (self.product,), 6: (self.stage,)}.get(
            self.way, (self.said, self.product, self.stage)
        )
        return " · ".join(part for part in parts if part)

    @property
    def address(self) -> dict[str, str]:
        """What names this cluster in an address."""
        given = {0: ("reason", "product", "stage"), 3: ("reason",), 5: ("product",), 6: ("stage",)}[self.way]
        return {"source": self.source} | {name: getattr(self, name) for name in given}


@dataclass(frozen=True)
class Case:
    """One case behind a cluster."""

    source: str
    id: int
    account_id: int | None
    account: str | None
    day: date
    said: str
    product: str
    stage: str
    minor: int
    title: str


@dataclass(frozen=True)
class Recurring:
    """`cases` and `unreasoned`: how many of the last 90 days by source, and those of them without a reason."""

    clusters: Sequence[Cluster]
    cases: dict[str, int]
    unreasoned: dict[str, int]
    since: date


def recurring(*, zone: str, today: date, way: str = "exact", source: str = "") -> Recurring:
    """Problems with three or more cases in the 90 days up to and with today, the most frequent first. Two statements.

    `way` is a key of WAYS, `source` one of SOURCES or "" for all.
    """
    params = _params(zone, today) | {"way": _WAY_NUMBERS[way], "source": source, "repeats": REPEATS}
    with whole_tables():
        clusters = [Cluster(*row) for row in rows(_grouped_by(way), params)]
        counts = rows(_COUNTS, params | {"from": params["since"]})
    return Recurring(
        clusters,
        {name: count for name, count, _ in counts},
        {name: count for name, _, count in counts if count},
        params["since"],
    )


def _grouped_by(way: str) -> str:
    columns = {name: name if name in _BY[way] else "''::text" for name in ("reason", "product", "stage")}
    return _CLUSTERS.format(**columns, named=_BY[way][0])


def cases(
    *, zone: str, today: date, source: str, reason: str | None = None, product: str | None = None,
    stage: str | None = None, offset: int = 0,
) -> list[Case]:  # fmt: skip
    """The cases behind a cluster, the latest first; one more than a page holds when there are more. One statement."""
    params = _params(zone, today)
    params |= {"from": params["since"], "source": source, "reason": reason, "product": product, "stage": stage}
    with whole_tables():
        return [Case(*row) for row in rows(_ROWS, params | {"offset": offset, "limit": PAGE + 1})]


def _params(zone: str, today: date) -> dict[str, Any]:
    until = today + timedelta(days=1)
    since = until - timedelta(days=WINDOW_DAYS)
    return {
        "tenant": require_tenant_id(), "zone": zone, "until": until, "since": since,
        "from": since - timedelta(days=WINDOW_DAYS),
    }  # fmt: skip
