"""Everything of the analysis of one scope, for the page, its files and the API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from accounts.queries.planning import whole_tables
from core.money import from_minor
from journeys.queries.analysis import definitions
from journeys.queries.analysis.consistency import Consistency, Qualified, consistency
from journeys.queries.analysis.conversion import Conversion, Share, Stage, Sum, conversion
from journeys.queries.analysis.cycles import Cycle, Cycles, cycles
from journeys.queries.analysis.friction import Friction, friction
from journeys.queries.analysis.scope import Scope
from journeys.queries.analysis.win_rates import WinRate, WinRates, win_rates
from journeys.rules.rates import Rate

Cell = str | int | float | Decimal | date | None
_FLOWS: Final = ("entered", "advanced", "lost", "waiting")
Table = tuple[list[str], list[list[Cell]]]


@dataclass(frozen=True)
class Analysis:
    scope: Scope
    as_of: date
    conversion: Conversion
    win_rates: WinRates
    cycles: Cycles
    consistency: Consistency
    friction: Sequence[Friction]

    @property
    def won_without_cycle(self) -> int:
        """Won deals that the sales cycle leaves out: without both days, or closed before they were opened."""
        return self.conversion.won.deals - self.cycles.whole.won


def analysis(scope: Scope, *, today: date) -> Analysis:
    """Nine statements, whatever the number of deals."""
    with whole_tables():
        return Analysis(
            scope=scope,
            as_of=today,
            conversion=conversion(scope),
            win_rates=win_rates(scope),
            cycles=cycles(scope, today=today),
            consistency=consistency(scope),
            friction=friction(scope, today=today),
        )


def as_json(found: Analysis, *, with_money: bool) -> dict[str, Any]:
    """The analysis as scripts read it: rates as fractions, money in minor units, null where there is too little."""
    flow = found.conversion
    return {
        "as_of": found.as_of,
        "cohort": {"by": found.scope.cohort, "from": found.scope.start, "to": found.scope.end},
        "deals": {name: _sum(getattr(flow, name), with_money=with_money) for name in ("deals", "won", "lost", "open")},
        "stages": [_stage(one, with_money=with_money) for one in flow.stages],
        "matrix": [
            {"from": stage.name, "to": [share.part.deals for share in row]}
            for stage, row in zip(flow.stages, flow.matrix, strict=True)
        ],
        "biggest_drop_off": flow.biggest_drop.name if flow.biggest_drop else None,
        "biggest_drop_off_by_amount": flow.biggest_drop_by_amount.name if flow.biggest_drop_by_amount else None,
        "win_rate": _win_rate(found.win_rates.whole, with_money=with_money),
        "win_rate_by_month": [_win_rate(one, with_money=with_money) for one in found.win_rates.months],
        "cycle_days": [
            _cycle(one) for one in (found.cycles.whole, *found.cycles.owners, *found.cycles.segments)
        ],
        "won_without_cycle": found.won_without_cycle,
        "qualification": [_qualified(one) for one in found.consistency.people],
        "friction": [_friction(one, with_money=with_money) for one in found.friction],
        "definitions": {one.key: one.text for one in definitions.DEFINITIONS},
    }  # fmt: skip


def _sum(one: Sum, *, with_money: bool) -> dict[str, Any]:
    return {"deals": one.deals, "amount_minor": one.minor if with_money else None}


def _share(share: Share, value: float | None) -> float | None:
    return None if share.is_small else value


def _stage(one: Stage, *, with_money: bool) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        **{
            name: _sum(getattr(one, name), with_money=with_money) for name in ("entered", "advanced", "lost", "waiting")
        },
        "conversion": _share(one.rate, one.rate.of_deals),
        "conversion_by_amount": _share(one.rate, one.rate.of_amount) if with_money else None,
    }


def _rate(rate: Rate, *, small: bool) -> float | None:
    return None if small else rate.value


def _win_rate(one: WinRate, *, with_money: bool) -> dict[str, Any]:
    return {
        "month": one.month,
        "won": one.won,
        "lost": one.lost,
        "open": one.open,
        "by_count": _rate(one.by_count, small=one.is_small),
        "by_amount": _rate(one.by_amount, small=one.is_small) if with_money else None,
    }


def _cycle(one: Cycle) -> dict[str, Any]:
    return {
        "by": one.by,
        "name": one.name,
        "won": one.won,
        "open": one.open,
        "median_of_won": one.median,
        "p90_of_won": one.p90,
        "median": one.curve_median,
        "p90": one.curve_p90,
    }


def _qualified(one: Qualified) -> dict[str, Any]:
    return {"person": one.name, "deals": one.deals, "complete": one.complete, "share": one.share}


def _friction(one: Friction, *, with_money: bool) -> dict[str, Any]:
    return {
        "stage": one.name,
        "lost": one.lost,
        "lost_minor": one.lost_minor if with_money else None,
        "waiting": one.waiting,
        "waiting_minor": one.waiting_minor if with_money else None,
        "usual_days": one.usual_days,
    }


class _Maker:
    """The tables of the files. Amounts are in whole units of the currency, empty without the right to see them."""

    def __init__(self, scope: Scope, currency: str, *, today: date, with_money: bool) -> None:
        self.scope, self.currency, self.today, self.with_money = scope, currency, today, with_money

    def money(self, minor: int) -> Decimal | None:
        return from_minor(minor, self.currency) if self.with_money else None

    def funnel(self) -> Table:
        head = ["stage", "came", "went_on", "lost", "open", "rate", "amount_came", "amount_lost", "amount_open"]
        return head, [
            [one.name, one.entered.deals, one.advanced.deals, one.lost.deals, one.waiting.deals, one.rate.of_deals,
             self.money(one.entered.minor), self.money(one.lost.minor), self.money(one.waiting.minor)]
            for one in conversion(self.scope).stages
        ]  # fmt: skip

    def matrix(self) -> Table:
        flow = conversion(self.scope)
        names = [one.name for one in flow.stages]
        rows: list[list[Cell]] = []
        for place, (name, row) in enumerate(zip(names, flow.matrix, strict=True)):
            rows.append([name, flow.stages[place].entered.deals, *[None] * place, *(one.part.deals for one in row)])
        return ["from", "came", *names[1:], "Won"], rows

    def cohorts(self) -> Table:
        flow = conversion(self.scope)
        head = ["month", "deals", *(one.name for one in flow.stages), "Won", "Still open"]
        return head, [
            [
                one.month,
                one.deals.deals,
                *(share.part.deals for share in one.reached),
                one.won.part.deals,
                one.open.deals,
            ]
            for one in flow.months
        ]

    def win_rate(self) -> Table:
        head = ["month", "won", "lost", "open", "rate_by_count", "amount_won", "amount_lost", "rate_by_amount"]
        by = f"all, by day of {'creation' if self.scope.cohort == 'created' else 'close'}"
        found = win_rates(self.scope)
        lines = [(by, found.whole), *((one.month, one) for one in found.months)]
        return head, [
            [month, one.won, one.lost, one.open, one.by_count.value, self.money(one.won_minor),
             self.money(one.lost_minor), one.by_amount.value if self.with_money else None]
            for month, one in lines
        ]  # fmt: skip

    def cycle(self) -> Table:
        head = ["by", "name", "won", "open", "median_of_won", "p90_of_won", "median_with_open", "p90_with_open"]
        found = cycles(self.scope, today=self.today)
        return head, [
            [one.by, one.name, one.won, one.open, one.median, one.p90, one.curve_median, one.curve_p90]
            for one in (found.whole, *found.owners, *found.segments)
        ]

    def consistency(self) -> Table:
        return ["person", "deals", "complete", "share", "answered"], [
            [one.name, one.deals, one.complete, one.share, one.answered] for one in consistency(self.scope).people
        ]

    def friction(self) -> Table:
        head = ["stage", "lost", "amount_lost", "waiting", "amount_waiting", "median_days", "usual_days"]
        return head, [
            [one.name, one.lost, self.money(one.lost_minor), one.waiting, self.money(one.waiting_minor),
             one.median_days, one.usual_days]
            for one in friction(self.scope, today=self.today)
        ]  # fmt: skip


FILES: Final = ("funnel", "matrix", "cohorts", "win_rate", "cycle", "consistency", "friction")


def file_rows(scope: Scope, figure: str, currency: str, *, today: date, with_money: bool) -> Iterator[list[Cell]]:
    """The table of a figure, its head first; nothing else is computed. `figure` is one of FILES."""
    with whole_tables():
        head, lines = getattr(_Maker(scope, currency, today=today, with_money=with_money), figure)()
    yield head
    yield from lines
