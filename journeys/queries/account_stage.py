"""The stage of one account as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from accounts.models import Account
from journeys.models import Checkpoint, FirstValue, StageVisit
from journeys.queries.checkpoints import checkpoints_of
from journeys.queries.first_value import clock_of
from journeys.queries.gate_lines import GateLine
from journeys.queries.gates import Gate, account_gate
from journeys.queries.journey_figures import live_journey, stored_figures
from journeys.queries.stages import lifecycle_stages, visits_of_account
from journeys.rules.journeys import JourneySpec, ValueEvent, parse_journey


def _spec_of(gate: Gate | None) -> JourneySpec | None:
    """What the journey says, from the version that the gate was read of where there is one."""
    if gate is None or gate.version is None:
        return live_journey()[1]
    try:
        return parse_journey(gate.version.definition)
    except ValueError:  # from before its language changed
        return None


@dataclass(frozen=True)
class StageSection:
    """Where the account stands, since when, and what is missing to go on. `key` is "" without a stage.

    With `is_at_least` nobody knows when the stay began: `since` is the day from which it is known to be there. `since`
    and `days` are None without a stage.
    """

    key: str
    name: str
    days: int | None
    since: date | None
    is_at_least: bool
    limit: int | None
    expected: int | None
    success: str
    next_key: str
    next_name: str
    lines: Sequence[GateLine]
    checkpoints: Sequence[Checkpoint]
    visits: Sequence[StageVisit]
    clock: FirstValue | None
    clock_days: int
    event: ValueEvent | None

    @property
    def missing(self) -> int:
        return sum(not line.met and not line.waived for line in self.lines)

    @property
    def is_stuck(self) -> bool:
        return self.limit is not None and self.days is not None and self.days > self.limit


def stage_section(*, account: Account, today: date, sees_money: bool) -> StageSection:
    """Everything the section shows, in a constant number of statements."""
    stages = list(lifecycle_stages())
    visits = list(visits_of_account(account.pk)[:12])
    here = visits[0] if visits and visits[0].left_on is None else None
    later = [one for one in stages if here is not None and one.position > here.stage.position]
    following = later[0] if later else None
    gate = None
    if following is not None:
        gate = account_gate(account_id=account.pk, to_stage=following.key, today=today, sees_money=sees_money)
    figures = stored_figures()
    limits = {one.key: one.limit for one in figures.stages} if figures else {}
    spec = _spec_of(gate)
    clock = clock_of(account.pk)
    return StageSection(
        key=here.stage.key if here else "",
        name=here.stage.name if here else "",
        days=(today - here.entered_on).days if here else None,
        since=here.entered_on if here else None,
        is_at_least=here is not None and not here.is_start_known,
        limit=limits.get(here.stage.key) if here else None,
        expected=here.stage.expected_days if here else None,
        success=here.stage.success if here else "",
        next_key=following.key if following else (stages[0].key if stages and here is None else ""),
        next_name=following.name if following else (stages[0].name if stages and here is None else ""),
        lines=gate.lines if gate else (),
        checkpoints=checkpoints_of(account.pk),
        visits=visits,
        clock=clock,
        clock_days=((clock.reached_on or today) - clock.started_on).days if clock else 0,
        event=spec.first_value.event_for(account.segment) if spec else None,
    )
