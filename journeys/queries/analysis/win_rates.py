"""Won of decided, by count and by amount, for the cohort of creation or of close, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from journeys.queries.analysis.scope import DEALS, LEAST, Scope, rows
from journeys.rules.rates import Rate, amount_win_rate, win_rate

_RATES: Final = f"""
SELECT GROUPING(deal.month), deal.month, COUNT(*) FILTER (WHERE kind = 'won'), COUNT(*) FILTER (WHERE kind = 'lost'),
       COUNT(*) FILTER (WHERE kind = 'open'), COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'won'), 0)::bigint,
       COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'lost'), 0)::bigint
FROM (SELECT chosen.*, date_trunc('month', chosen.cohort_on)::date AS month FROM ({DEALS}) AS chosen) AS deal
GROUP BY GROUPING SETS ((), (deal.month))
ORDER BY 1 DESC, deal.month NULLS LAST
"""  # noqa: S608 -- constants of this package


@dataclass(frozen=True)
class WinRate:
    """One cohort: `month` None is the whole period, or in the list the deals whose day is not known."""

    month: date | None
    won: int
    lost: int
    open: int
    won_minor: int
    lost_minor: int

    @property
    def decided(self) -> int:
        return self.won + self.lost

    @property
    def by_count(self) -> Rate:
        return win_rate(self.won, self.lost)

    @property
    def by_amount(self) -> Rate:
        return amount_win_rate(self.won_minor, self.lost_minor, lost=self.lost)

    @property
    def is_small(self) -> bool:
        """Too few decided deals for a share that says something."""
        return self.decided < LEAST


@dataclass(frozen=True)
class WinRates:
    whole: WinRate
    months: Sequence[WinRate]


def win_rates(scope: Scope) -> WinRates:
    """Both variants over the period and per month of the chosen cohort. One statement."""
    found = [WinRate(*row[1:]) for row in rows(_RATES, scope.params)]
    return WinRates(found[0], found[1:])
