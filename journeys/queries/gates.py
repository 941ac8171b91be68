"""Gates: what must be true before a deal or an account goes into a stage, and what of it is missing."""

from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from accounts.models import Account
from core.models import ProcessVersion
from journeys.models import Opportunity, PipelineStage, Waiver


@dataclass(frozen=True)
class GateLine:
    """One criterion at a gate. `fix` says how to meet it: `answer:framework.question`, `evidence:key`,
    `field:amount`, `contact:role`, or "" where only the facts can change.

    `stage_key` and `part` (entry or exit) say where in the document it stands.
    """

    key: str
    name: str
    met: bool
    detail: str = ""
    fix: str = ""
    met_on: date | None = None
    met_by: str = ""
    stage_key: str = ""
    part: str = ""
    waived: bool = False


@dataclass(frozen=True)
class Gate:
    """The gate into a stage. `waiver` is the approved one that opens what is missing, if there is one."""

    stage_key: str
    stage_name: str
    version: ProcessVersion | None
    lines: tuple[GateLine, ...] = ()
    waiver: Waiver | None = None
    needs_reason: bool = False
    needs_close_reason: bool = False
    asked: Waiver | None = field(default=None, compare=False)

    @property
    def missing(self) -> tuple[GateLine, ...]:
        """What is not met and not waived."""
        return tuple(line for line in self.lines if not line.met and not line.waived)

    @property
    def is_open(self) -> bool:
        return not self.missing


def opportunity_gate(*, opportunity: Opportunity, to_stage: PipelineStage, today: date) -> Gate:
    """The gate from where the deal is into a stage of its pipeline. A constant number of statements."""
    raise NotImplementedError


def account_gate(*, account_id: int, to_stage: str, today: date) -> Gate:
    """The gate from where the account is into a stage of the journey, by key."""
    raise NotImplementedError


def account_missing(accounts: QuerySet[Account], today: date) -> dict[int, tuple[str, ...]]:
    """For accounts that may not go on to the next stage yet: the names of what is missing. One statement."""
    raise NotImplementedError
