"""The deals behind a figure, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from accounts.queries.planning import whole_tables
from journeys.queries.analysis.scope import LEAST, REACHED, Scope, rows

PAGE: Final = 50

# Conditions over the deals of `reached`; %(position)s is the stage that is asked about.
_WHICH: Final[Mapping[str, tuple[str, str]]] = {
    "all": ("Deals", "TRUE"),
    "open": ("Open deals", "deal.kind = 'open'"),
    "won": ("Won deals", "deal.kind = 'won'"),
    "lost": ("Lost deals", "deal.kind = 'lost'"),
    "decided": ("Won and lost deals", "deal.kind <> 'open'"),
    "came": ("Came to the stage", "(deal.kind = 'won' OR deal.furthest >= %(position)s)"),
    "advanced": ("Went on from the stage", "(deal.kind = 'won' OR deal.furthest > %(position)s)"),
    "dropped": ("Lost in the stage", "deal.kind = 'lost' AND deal.furthest = %(position)s"),
    "furthest": ("Open, furthest in the stage", "deal.kind = 'open' AND deal.furthest = %(position)s"),
    "cycle": (
        "Won and open deals with a day of opening",
        (
            "deal.kind <> 'lost' AND deal.opened_on IS NOT NULL "
            "AND COALESCE(deal.closed_on, %(today)s::date) >= deal.opened_on"
        ),
    ),
    "waiting": (
        "Waiting in the stage beyond the usual time",
        (
            "deal.kind = 'open' AND deal.position = %(position)s AND EXISTS (SELECT FROM usual "
            "WHERE usual.stays >= %(least)s AND %(today)s::date - here.entered_on > usual.p90)"
        ),
    ),
}
OF_A_STAGE: Final = frozenset({"came", "advanced", "dropped", "furthest", "waiting"})

_SQL: Final = f"""
WITH {REACHED}, usual AS (
    SELECT COUNT(*) AS stays, PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY visit.left_on - visit.entered_on) AS p90
    FROM journeys_opportunitystagevisit AS visit
    JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
    WHERE visit.tenant_id = %(tenant)s AND stage.pipeline_id = %(pipeline)s AND stage.position = %(position)s
      AND stage.kind = 'open' AND visit.left_on IS NOT NULL AND visit.entered_on IS NOT NULL
)
SELECT deal.id, o.name, o.account_id, account.name, person.name, stage.name, deal.kind, deal.amount_minor, o.currency,
       deal.opened_on, deal.closed_on, o.close_reason, furthest.name, %(today)s::date - here.entered_on
FROM reached AS deal
JOIN journeys_opportunity AS o ON o.tenant_id = %(tenant)s AND o.id = deal.id
JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = deal.stage_id
LEFT JOIN journeys_pipelinestage AS furthest ON furthest.tenant_id = %(tenant)s
  AND furthest.pipeline_id = %(pipeline)s AND furthest.position = deal.furthest
LEFT JOIN journeys_opportunitystagevisit AS here
  ON here.tenant_id = %(tenant)s AND here.opportunity_id = deal.id AND here.left_on IS NULL
LEFT JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = o.account_id
LEFT JOIN accounts_person AS person ON person.tenant_id = %(tenant)s AND person.id = deal.owner_id
WHERE {{which}} AND (%(month)s::date IS NULL OR date_trunc('month', deal.cohort_on)::date = %(month)s::date)
"""  # noqa: S608 -- constants of this package
_ORDER: Final = " ORDER BY deal.amount_minor DESC, deal.id DESC LIMIT %(limit)s"
_AFTER: Final = " AND (deal.amount_minor, deal.id) < (%(minor)s, %(id)s)"


@dataclass(frozen=True)
class Deal:
    id: int
    name: str
    account_id: int | None
    account: str | None
    owner: str | None
    stage: str
    kind: str
    amount_minor: int
    currency: str
    opened_on: date | None
    closed_on: date | None
    close_reason: str
    furthest: str | None
    days_here: int | None

    @property
    def days(self) -> int | None:
        """From opening to close."""
        return (self.closed_on - self.opened_on).days if self.opened_on and self.closed_on else None


@dataclass(frozen=True)
class Deals:
    """A page of deals, and where the next one starts ("" at the end)."""

    title: str
    deals: Sequence[Deal]
    after: str


def is_known(which: str) -> bool:
    return which in _WHICH


def deals_behind(
    scope: Scope, which: str, *, today: date, position: int = -1, month: date | None = None, after: str = ""
) -> Deals:
    """The most valuable first. `which` is a key that `is_known`. One statement; an impossible `after` is the start."""
    title, condition = _WHICH[which]
    params = scope.params | {
        "position": position, "today": today, "least": LEAST, "month": month, "limit": PAGE + 1,
    }  # fmt: skip
    minor, _, key = after.rpartition("-")
    sql = _SQL.format(which=condition)
    if minor.isdecimal() and key.isdecimal() and len(minor) < 19 and len(key) < 19:
        sql += _AFTER
        params |= {"minor": int(minor), "id": int(key)}
    with whole_tables():
        found = [Deal(*row) for row in rows(sql + _ORDER, params)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Deals(title, found[:PAGE], f"{max(last.amount_minor, 0)}-{last.id}" if last else "")
