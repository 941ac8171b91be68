"""Stage-to-stage conversion from history, as a matrix, and by cohort."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from journeys.queries.analysis.scope import LEAST, REACHED, Scope, rows
from journeys.rules.drops import biggest_drop

_TALLY: Final = f"""
WITH {REACHED}
SELECT date_trunc('month', cohort_on)::date, kind, furthest, COUNT(*), SUM(amount_minor)::bigint FROM reached
GROUP BY 1, 2, 3
"""  # noqa: S608 -- constants of this package
_STAGES: Final = """
SELECT stage.id, stage.key, stage.name, stage.position FROM journeys_pipelinestage AS stage
WHERE stage.tenant_id = %(tenant)s AND stage.pipeline_id = %(pipeline)s AND stage.kind = 'open'
ORDER BY stage.position
"""
WON: Final = "won"
LOST: Final = "lost"


@dataclass(frozen=True)
class Sum:
    """Deals and what they are worth together, in minor units."""

    deals: int = 0
    minor: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.deals + other.deals, self.minor + other.minor)

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.deals - other.deals, self.minor - other.minor)


@dataclass(frozen=True)
class Share:
    """A part of a base. `of_deals` and `of_amount` are None where the base is too small or has no value."""

    part: Sum
    base: Sum

    @property
    def of_deals(self) -> float | None:
        return self.part.deals / self.base.deals if self.base.deals else None

    @property
    def of_amount(self) -> float | None:
        return self.part.minor / self.base.minor if self.base.minor > 0 else None

    @property
    def is_small(self) -> bool:
        """Whether the base is under what a share is shown for."""
        return self.base.deals < LEAST


@dataclass(frozen=True)
class Stage:
    """One open stage. entered = advanced + lost + waiting.

    `waiting` are the deals whose furthest stage it is and that are still open: they are neither gone on nor lost, and
    stay out of the base of the rate.
    """

    id: int
    key: str
    name: str
    following: str
    entered: Sum
    advanced: Sum
    lost: Sum
    waiting: Sum

    @property
    def rate(self) -> Share:
        """Gone on, of those about whom it is decided."""
        return Share(self.advanced, self.advanced + self.lost)

    @property
    def drop(self) -> Share:
        """Lost, of those about whom it is decided."""
        return Share(self.lost, self.advanced + self.lost)


@dataclass(frozen=True)
class Line:
    """The deals of one month (None: the day is not known): how many came to each stage, and how many were won."""

    month: date | None
    deals: Sum
    reached: Sequence[Share]
    won: Share
    open: Sum


@dataclass(frozen=True)
class Conversion:
    """Everything that the funnel shows.

    `matrix[i][j]`: of the deals that came to stage i, those that came to stage i + 1 + j; the last column is won.
    Here the still open ones are in the base, because each stage would have another one without them.
    """

    stages: Sequence[Stage]
    matrix: Sequence[Sequence[Share]]
    months: Sequence[Line]
    deals: Sum
    won: Sum
    lost: Sum
    open: Sum

    @property
    def biggest_drop(self) -> Stage | None:
        """The stage that loses the largest share of its decided deals; stages with too few count only if all have."""
        return self._worst(lambda one: one.deals)

    @property
    def biggest_drop_by_amount(self) -> Stage | None:
        """The same by what the deals are worth."""
        return self._worst(lambda one: one.minor)

    def _worst(self, measure: Callable[[Sum], int]) -> Stage | None:
        return biggest_drop(
            self.stages,
            lost=lambda one: measure(one.lost),
            decided=lambda one: measure(one.drop.base),
            is_small=lambda one: one.drop.is_small,
        )


def conversion(scope: Scope) -> Conversion:
    """The funnel of a scope. Two statements; what they return is as large as months × stages."""
    names = rows(_STAGES, scope.params)
    cells: dict[tuple[date | None, str, int], Sum] = {}
    for month, kind, furthest, deals, minor in rows(_TALLY, scope.params):
        cells[month, kind, furthest] = Sum(deals, minor)
    tally: dict[tuple[str, int], Sum] = defaultdict(Sum)
    for (_, kind, furthest), one in cells.items():
        tally[kind, furthest] += one
    positions = [row[3] for row in names]
    return Conversion(
        stages=_stages(names, tally),
        matrix=_matrix(positions, tally),
        months=_months(positions, cells),
        deals=_total(tally),
        won=_total(tally, WON),
        lost=_total(tally, LOST),
        open=_total(tally, "open"),
    )


def _total(tally: Mapping[tuple[str, int], Sum], only: str = "") -> Sum:
    return sum((one for (kind, _), one in tally.items() if not only or kind == only), Sum())


def _came_to(position: int, tally: Mapping[tuple[str, int], Sum]) -> Sum:
    return sum((one for (kind, furthest), one in tally.items() if kind == WON or furthest >= position), Sum())


def _stages(names: Sequence[tuple[int, str, str, int]], tally: Mapping[tuple[str, int], Sum]) -> list[Stage]:
    found = []
    for place, (stage_id, key, name, position) in enumerate(names):
        entered = _came_to(position, tally)
        lost, waiting = tally.get((LOST, position), Sum()), tally.get(("open", position), Sum())
        following = names[place + 1][2] if place + 1 < len(names) else "Won"
        found.append(Stage(stage_id, key, name, following, entered, entered - lost - waiting, lost, waiting))
    return found


def _matrix(positions: Sequence[int], tally: Mapping[tuple[str, int], Sum]) -> list[list[Share]]:
    came = [*(_came_to(position, tally) for position in positions), _total(tally, WON)]
    return [[Share(later, came[i]) for later in came[i + 1 :]] for i in range(len(positions))]


def _months(positions: Sequence[int], cells: Mapping[tuple[date | None, str, int], Sum]) -> list[Line]:
    by_month: dict[date | None, dict[tuple[str, int], Sum]] = defaultdict(dict)
    for (month, kind, furthest), one in cells.items():
        by_month[month][kind, furthest] = one
    found = []
    for month in sorted(by_month, key=lambda one: (one is None, one or date.min)):
        tally = by_month[month]
        everybody = _total(tally)
        reached = [Share(_came_to(position, tally), everybody) for position in positions]
        found.append(Line(month, everybody, reached, Share(_total(tally, WON), everybody), _total(tally, "open")))
    return found
