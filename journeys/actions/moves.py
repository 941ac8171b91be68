"""Moves of deals: one verb for many, through the gates; the single move is a list of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from core.actors import Actor
from journeys.models import Opportunity
from journeys.queries.gates import Gate


class GateShut(ValueError):
    """What the gate asks for is missing. `gate.missing` lists it."""

    def __init__(self, gate: Gate) -> None:
        names = "; ".join(line.name for line in gate.missing)
        super().__init__(f"{gate.stage_name} is not open yet. Missing: {names}.")
        self.gate = gate


class ReasonNeeded(ValueError):
    """A step back, or a lost deal, without the reason. `field` is `reason` or `close_reason`."""

    def __init__(self, words: str, field: str = "reason") -> None:
        super().__init__(words)
        self.field = field


class EditionMoved(ValueError):
    """Somebody else has changed it since it was read."""


@dataclass(frozen=True)
class Refusal:
    """One that stays where it is, and why: the names of what is missing, or what is to be said."""

    id: int
    name: str
    missing: tuple[str, ...]
    code: str = "gate"


@dataclass(frozen=True)
class Moved:
    """What became of a move of many: the ids that moved, and those that did not."""

    moved: tuple[int, ...]
    refused: tuple[Refusal, ...] = ()


def move_opportunity(
    *,
    opportunity_id: int,
    stage_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    close_reason: str = "",
    seen_edition: int | None = None,
) -> Opportunity:
    """The deal in another stage of its pipeline. Raises `GateShut`, `ReasonNeeded`, `EditionMoved`, `DoesNotExist`.

    In the stage already: nothing happens.
    """
    raise NotImplementedError


def move_opportunities(
    *,
    opportunity_ids: Collection[int],
    stage_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    close_reason: str = "",
) -> Moved:
    """Many deals into one stage: those whose gates are open go, the others stay and are named. Set-based."""
    raise NotImplementedError
