"""The journey map as its page shows it. A constant number of statements, whatever the number of accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

from core.models import ProcessVersion
from journeys.models import LifecycleStage
from journeys.queries.journey_figures import Figures, live_journey, stored_figures, work_out
from journeys.queries.stage_accounts import StageRows, stage_accounts
from journeys.queries.stages import lifecycle_stages
from journeys.rules.handoffs import HandoffSpec
from journeys.rules.journey_map import Part, StageFigures, biggest, heights, lowest_rate
from journeys.rules.journeys import JourneySpec, LifecycleStageSpec

COHORT: Final = "cohort"
NOW: Final = "now"
TALLEST: Final = 116.0
SMALLEST: Final = 10.0
STUCK_SHOWN: Final = 6
_EMPTY_STAGE: Final = LifecycleStageSpec(key="", name="", owner_team="", success="")


@dataclass(frozen=True)
class MapStage:
    """A column of the map."""

    stage: LifecycleStage
    spec: LifecycleStageSpec
    figures: StageFigures
    shown: Part
    height: float
    next_height: float
    begins_lane: bool
    is_last: bool
    is_selected: bool
    is_biggest: bool
    handoff: HandoffSpec | None
    handoff_hours: float | None

    @property
    def top(self) -> float:
        return (TALLEST - self.height) / 2

    @property
    def flow(self) -> str:
        """The outline of what flows on to the next stage, for a picture 100 wide."""
        top, next_top = self.top, (TALLEST - self.next_height) / 2
        bottom, next_bottom = top + self.height, next_top + self.next_height
        return (
            f"M68 {top:.1f} C 82 {top:.1f} 96 {next_top:.1f} 110 {next_top:.1f} V {next_bottom:.1f} "
            f"C 96 {next_bottom:.1f} 82 {bottom:.1f} 68 {bottom:.1f} Z"
        )

    @property
    def accepted_in(self) -> str:
        """How soon the hand-off is usually taken over."""
        return "" if self.handoff_hours is None else days_words(self.handoff_hours / 24)


def days_words(days: float) -> str:
    """`0.6 d`, `1.4 d`, `12 d`."""
    return f"{days:.1f} d" if days < 10 else f"{days:.0f} d"


@dataclass(frozen=True)
class Finding:
    """The biggest drop-off and where the smallest share goes on; None where no stage may be rated."""

    by_value: MapStage | None
    by_accounts: MapStage | None
    by_value_next: str
    by_accounts_next: str
    lowest: MapStage | None
    lowest_next: str


@dataclass(frozen=True)
class HandoffLine:
    """A hand-off over ninety days."""

    spec: HandoffSpec
    accepted: int
    returned: int
    waiting: int
    late: int
    median_hours: float | None

    @property
    def median(self) -> str:
        return "" if self.median_hours is None else days_words(self.median_hours / 24)

    @property
    def goal(self) -> str:
        return days_words(self.spec.accept_within_hours / 24)


@dataclass(frozen=True)
class MapPage:
    """All that the page shows."""

    stages: Sequence[MapStage]
    selected: MapStage
    finding: Finding
    stuck: StageRows
    handoffs: Sequence[HandoffLine]
    top_reason: Mapping[str, Any] | None
    frictions: Sequence[MapStage]
    gaps: Sequence[MapStage]
    version: ProcessVersion | None
    as_of: date
    computed_at: datetime
    outside: Part


def journey_map(*, view: str, selected: str, today: date, now: datetime) -> MapPage | None:
    """The map; None where the workspace has no journey. `selected` is a key, else the biggest drop-off is chosen."""
    stages = list(lifecycle_stages())
    if not stages:
        return None
    version, spec = live_journey()
    found = stored_figures() or work_out(today=today, now=now)
    columns = _columns(stages, spec, found, view, selected)
    chosen = next(one for one in columns if one.is_selected)
    return MapPage(
        stages=columns,
        selected=chosen,
        finding=_finding(columns),
        stuck=stage_accounts(
            stage=chosen.stage,
            show="stuck",
            limit=chosen.figures.limit,
            back_to=chosen.spec.back_to,
            today=today,
            most=STUCK_SHOWN,
        )
        if chosen.figures.limit is not None
        else StageRows((), ""),
        handoffs=_handoff_lines(spec, found),
        top_reason=_reason(spec, found),
        frictions=sorted(
            (one for one in columns if one.figures.friction.accounts),
            key=lambda one: (-one.figures.friction.minor, -one.figures.friction.accounts),
        ),
        gaps=[one for one in columns if one.spec.gaps],
        version=version,
        as_of=found.as_of,
        computed_at=found.computed_at,
        outside=found.outside,
    )


def _columns(
    stages: Sequence[LifecycleStage], spec: JourneySpec | None, found: Figures, view: str, selected: str
) -> list[MapStage]:
    by_key = {one.key: one for one in found.stages}
    figures = [by_key.get(stage.key, StageFigures(stage.key)) for stage in stages]
    shown = [one.now if view == NOW else one.entered for one in figures]
    tall = heights([one.accounts for one in shown], tallest=TALLEST, smallest=SMALLEST)
    worst = _worst(figures)
    keys = [stage.key for stage in stages]
    chosen = selected if selected in keys else worst.key if worst else _fullest(figures)
    handoffs = {one.from_stage: one for one in spec.handoffs} if spec else {}
    return [
        MapStage(
            stage=stage,
            spec=(spec.stage(stage.key) if spec else None) or _EMPTY_STAGE,
            figures=figures[place],
            shown=shown[place],
            height=tall[place],
            next_height=tall[place + 1] if place + 1 < len(stages) else 0.0,
            begins_lane=place == 0 or stages[place - 1].owner_team != stage.owner_team,
            is_last=place == len(stages) - 1,
            is_selected=stage.key == chosen,
            is_biggest=worst is not None and worst.key == stage.key,
            handoff=handoffs.get(stage.key),
            handoff_hours=_median_hours(handoffs.get(stage.key), found),
        )
        for place, stage in enumerate(stages)
    ]


def _worst(figures: Sequence[StageFigures]) -> StageFigures | None:
    """By what is lost or stuck in money, else in accounts."""
    return biggest(figures, lambda one: one.friction.minor) or biggest(figures, lambda one: one.friction.accounts)


def _fullest(figures: Sequence[StageFigures]) -> str:
    return max(figures, key=lambda one: one.now.accounts).key


def _median_hours(handoff: HandoffSpec | None, found: Figures) -> float | None:
    hours = found.handoffs.get(handoff.key, {}).get("median_hours") if handoff else None
    return None if hours is None else float(hours)


def _finding(columns: Sequence[MapStage]) -> Finding:
    by_key = {one.stage.key: one for one in columns}
    # From a stage with a loop there are several ways on, so that no single next one is named.
    names = {one.stage.key: later.stage.name for one, later in pairwise(columns) if not one.spec.back_to}
    figures = [one.figures for one in columns]
    value = biggest(figures, lambda one: one.friction.minor)
    accounts = biggest(figures, lambda one: one.friction.accounts)
    lowest = lowest_rate(figures)

    def column(one: StageFigures | None) -> MapStage | None:
        return by_key[one.key] if one else None

    def following(one: StageFigures | None) -> str:
        return names.get(one.key, "") if one else ""

    return Finding(
        by_value=column(value),
        by_accounts=column(accounts),
        by_value_next=following(value),
        by_accounts_next=following(accounts),
        lowest=column(lowest),
        lowest_next=following(lowest),
    )


def _handoff_lines(spec: JourneySpec | None, found: Figures) -> list[HandoffLine]:
    lines = []
    for one in spec.handoffs if spec else ():
        said = found.handoffs.get(one.key, {})
        hours = said.get("median_hours")
        accepted, returned, waiting, late = (
            int(said.get(word, 0)) for word in ("accepted", "returned", "waiting", "late")
        )
        lines.append(HandoffLine(one, accepted, returned, waiting, late, None if hours is None else float(hours)))
    return lines


def _reason(spec: JourneySpec | None, found: Figures) -> Mapping[str, Any] | None:
    if found.top_reason is None:
        return None
    names = {one.key: one.name for one in spec.handoffs} if spec else {}
    key = str(found.top_reason["key"])
    return {**found.top_reason, "name": names.get(key, key)}
