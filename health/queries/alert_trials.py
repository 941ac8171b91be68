"""Rules tried on the past: what would have fired, day by day. Nothing is written."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from core import facts
from core.models import ProcessVersion
from core.trees import holds, leaves
from health.queries.alert_rules import clearing, customers_then, firing
from health.queries.facts import CHANGE_DAYS
from health.rules.alerts import AlertRule, Watch, lead_days, median, parse_alert_rule

LOST_WITHIN: Final = 180
DAYS_HELD: Final = 2


@dataclass(frozen=True)
class Fired:
    """One episode that would have been."""

    account_id: int
    opened_on: date
    closed_on: date | None


@dataclass(frozen=True)
class Trial:
    """What a rule would have done. `days`: how many days were looked at."""

    from_day: date
    until_day: date
    days: int
    fired: tuple[Fired, ...]

    @property
    def accounts(self) -> int:
        return len({one.account_id for one in self.fired})


@dataclass(frozen=True, slots=True)
class DraftScore:
    """What a draft of a score model says about an account on a day."""

    score: float | None
    band: str
    coverage: float = 1.0


@dataclass
class DraftScores:
    """A draft in place of the stored scores. `judge(day)` gives account → score.

    Two days are held at a time, the one that is looked at and the one that its changes are measured from: of very
    many accounts a year of days would fill the memory. A day that comes again is asked for again.
    """

    judge: Callable[[date], Mapping[int, DraftScore]]
    yellow_from: float
    _days: dict[date, Mapping[int, DraftScore]] = field(default_factory=dict)

    def on(self, day: date) -> Mapping[int, DraftScore]:
        if day not in self._days:
            while len(self._days) >= DAYS_HELD:
                del self._days[next(iter(self._days))]
            self._days[day] = self.judge(day)
        return self._days[day]

    def facts(self, account_id: int, day: date) -> dict[str, Any]:
        """The facts of health as the draft sees them."""
        now, before = self.on(day).get(account_id), self.on(day - timedelta(days=CHANGE_DAYS)).get(account_id)
        score = now.score if now else None
        earlier = before.score if before else None
        return {
            "health.score": score,
            "health.band": now.band if now else None,
            "health.coverage": now.coverage if now else None,
            "health.change_30d": None if score is None or earlier is None else score - earlier,
            "health.band_30d_ago": before.band if before else None,
            "health.above_red": None if score is None else score - self.yellow_from,
        }


def would_fire(
    rule: AlertRule | ProcessVersion,
    from_day: date,
    until_day: date,
    step_days: int = 7,
    *,
    draft: DraftScores | None = None,
) -> Trial:
    """The episodes that a rule, live or draft, would have opened from a day until before another.

    Every `step_days`-th day is looked at with what is stored now about that day and before: facts that arrived late and
    history brought in afterwards are among it. Cool-down and margin count, budgets do not. With `draft`, facts of
    health come from a draft of the score model. Writes nothing.
    """
    asked = parse_alert_rule(rule.definition) if isinstance(rule, ProcessVersion) else rule
    watches: dict[int, Watch] = {}
    days = [from_day + timedelta(days=n) for n in range(0, max((until_day - from_day).days, 0), step_days)]
    _plan()
    for day in days:
        running = [account_id for account_id, watch in watches.items() if watch.open]
        fires, clears = _day_of_draft(asked, day, running, draft) if draft else _day(asked, day, running)
        for account_id in clears:
            watches[account_id].see(day, fires=False, clears=True)
        for account_id in fires:
            watches.setdefault(account_id, Watch(asked.cool_down_days)).see(day, fires=True, clears=False)
    fired = [
        Fired(account_id, episode.opened_on, episode.closed_on)
        for account_id, watch in watches.items()
        for episode in watch.episodes
    ]
    ordered = tuple(sorted(fired, key=lambda one: (one.opened_on, one.account_id)))
    return Trial(from_day=from_day, until_day=until_day, days=len(days), fired=ordered)


def _plan() -> None:
    """Short statements in great number: to compile each costs more than to run it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")


def _day(rule: AlertRule, day: date, running: list[int]) -> tuple[set[int], set[int]]:
    customers = customers_then(day)
    fires = set(firing(rule, customers, day).order_by().values_list("pk", flat=True))
    if not running:
        return fires, set()
    still = customers.filter(pk__in=running)
    over = set(clearing(rule, still, day).order_by().values_list("pk", flat=True))
    gone = set(running) - set(still.order_by().values_list("pk", flat=True))
    return fires, over | gone


def _day_of_draft(rule: AlertRule, day: date, running: list[int], draft: DraftScores) -> tuple[set[int], set[int]]:
    """The same with scores of a draft: the other facts are read for everybody, and the trees judged here."""
    values = _with_draft(rule, day, draft)
    over = {account_id for account_id, known in values.items() if holds(rule.clear_when, known)}
    fires = {account_id for account_id, known in values.items() if holds(rule.when, known)} - over
    for back in range(1, rule.for_days):
        then = _with_draft(rule, day - timedelta(days=back), draft)
        fires &= {account_id for account_id, known in then.items() if holds(rule.when, known)}
    return fires, {account_id for account_id in running if account_id in over or account_id not in values}


def _with_draft(rule: AlertRule, day: date, draft: DraftScores) -> dict[int, dict[str, Any]]:
    return {account_id: known | draft.facts(account_id, day) for account_id, known in _known(rule, day).items()}


def _known(rule: AlertRule, day: date) -> dict[int, dict[str, Any]]:
    """The facts that are not about health, of everybody who was a customer."""
    keys = sorted({str(leaf["fact"]) for tree in (rule.when, rule.clear_when) for leaf in leaves(tree)})
    others = [key for key in keys if not key.startswith("health.")]
    columns = [facts.fact_column(key) for key in others]
    rows = facts.annotate_facts(customers_then(day).order_by(), others, day).values_list("pk", *columns)
    return {row[0]: dict(zip(others, row[1:], strict=True)) for row in rows}


@dataclass(frozen=True)
class Record:
    """How a rule's alerts, tried or real, stand against what happened.

    `judged`: alerts that are 180 days old; `right`: those with a loss within that time; `young`: alerts with a loss
    that are not that old, and are in neither figure.
    """

    fired: int
    accounts: int
    judged: int
    right: int
    lead_days: float | None
    young: int = 0

    @property
    def precision(self) -> float | None:
        return self.right / self.judged if self.judged else None


def record_of(fired: tuple[Fired, ...], lost: Mapping[int, date], *, today: date) -> Record:
    """The alerts against the losses. What is too young to be judged counts as neither right nor wrong.

    A young alert with a loss is no exception: those without one are not counted yet, so the share would be too high.
    """
    window = timedelta(days=LOST_WITHIN)
    right = judged = young = 0
    leads: list[float] = []
    for one in fired:
        lost_on = lost.get(one.account_id)
        hit = lost_on is not None and one.opened_on <= lost_on <= one.opened_on + window
        if one.opened_on + window > today:
            young += hit
            continue
        judged += 1
        right += hit
        if hit and lost_on is not None:
            leads.append((lost_on - one.opened_on).days)
    return Record(len(fired), len({one.account_id for one in fired}), judged, right, median(leads), young)


@dataclass(frozen=True)
class EarlyShare:
    """How many of the lost were alerted, how many early enough to act; and how many of those who stayed, too."""

    lost: int
    alerted: int
    early: int
    at_least_days: int
    stayed: int
    stayed_alerted: int

    @property
    def share(self) -> float | None:
        return self.early / self.lost if self.lost else None


def early_share(
    fired: Mapping[str, tuple[Fired, ...]],
    lost: Mapping[int, date],
    stayed: Set[int],
    *,
    at_least_days: int = 90,
    within_days: int = 365,
) -> EarlyShare:
    """Of the lost accounts, those with an alert of any rule at least so many days before, and within a year.

    `stayed` are the accounts that were not lost: a rule that fires for everybody is early for the lost, too.
    """
    opened: dict[int, list[date]] = {}
    for alerts in fired.values():
        for one in alerts:
            opened.setdefault(one.account_id, []).append(one.opened_on)
    alerted = early = 0
    for account_id, lost_on in lost.items():
        recent = [day for day in opened.get(account_id, []) if day > lost_on - timedelta(days=within_days)]
        lead = lead_days(recent, lost_on)
        alerted += lead is not None
        early += lead is not None and lead >= at_least_days
    return EarlyShare(len(lost), alerted, early, at_least_days, len(stayed), len(stayed & opened.keys()))
