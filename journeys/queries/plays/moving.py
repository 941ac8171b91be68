"""What moving running plays to another version would do, before anybody does it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet, Sum

from accounts.models import Account
from core.formatting import money_short, plural
from core.models import ProcessVersion, Tenant
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays.reading import calendar_of, playbook_of, playbooks_of
from journeys.rules.play_due import AHEAD, DONE, LEFT_OUT, OPEN, OVER, RUNNING, Calendar, Standing, base_of, due_day
from journeys.rules.playbooks import Playbook, Variant


@dataclass(frozen=True)
class MovePlan:
    """One running play, were it moved: which steps would come and go, and what would be late.

    `reached` is the number of the first step that is not over yet, `steps` how many are done.
    """

    run_id: int
    account_id: int
    variant: str
    reached: int
    steps: int
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    moved_days: tuple[tuple[str, date | None, date], ...] = ()
    late: tuple[str, ...] = ()


@dataclass(frozen=True)
class MovePreview:
    """All running plays of a playbook that are not on the version yet. `changed_from`: the first step that differs."""

    plans: tuple[MovePlan, ...]
    arr_minor: int
    changed_from: int | None

    @property
    def not_reached(self) -> tuple[MovePlan, ...]:
        """Those that have not reached the first step that differs: for them nothing that was begun changes."""
        return tuple(one for one in self.plans if self.changed_from is None or one.reached < self.changed_from)

    @property
    def late(self) -> tuple[MovePlan, ...]:
        """Those of which a step would be overdue at once that is not overdue now."""
        return tuple(one for one in self.plans if one.late)

    def before_step(self, number: int) -> tuple[int, ...]:
        """The plays that have not reached that step yet, counted from 1, for `move_plays`."""
        return tuple(one.run_id for one in self.plans if one.reached < number)


def move_preview(version: ProcessVersion, today: date, run_ids: Sequence[int] | None = None) -> MovePreview:
    """What `move_plays` to the version would do today. Four statements, whatever the number of plays."""
    others = PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).exclude(version=version)
    if run_ids is not None:
        others = others.filter(pk__in=run_ids)
    return _preview(others, playbook_of(version), today)


def changed_from(version: ProcessVersion) -> int | None:
    """The first step in which the version differs from what plays run by, of all of them. Two statements."""
    playbook = playbook_of(version)
    runs = PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).exclude(version=version).order_by()
    kinds = set(runs.values_list("version_id", "variant", "account__segment").distinct())
    books = playbooks_of(version_id for version_id, *_ in kinds)
    firsts = []
    for version_id, variant, segment in kinds:
        new = playbook.variant(variant) or playbook.variant_for(segment)
        if new is not None:
            firsts.append(first_difference(books[version_id][1].variant(variant), new))
    return min((one for one in firsts if one is not None), default=None)


def running_plays_meet(key: str, playbook: Playbook, today: date, tenant: Tenant) -> list[str]:
    """What the version would meet, in words: `affects 12 running plays (€3.42M), 5 have not reached step 3, …`."""
    found = _preview(PlaybookRun.objects.filter(playbook=key, state=RUNNING), playbook, today)
    if not found.plans:
        return ["No play of it is running."]
    parts = [f"affects {plural(len(found.plans), 'running play')} ({money_short(found.arr_minor, tenant.currency)})"]
    if found.changed_from is not None:
        verb = "has" if len(found.not_reached) == 1 else "have"
        parts.append(f"{len(found.not_reached)} {verb} not reached step {found.changed_from}")
    parts.append(f"{len(found.late)} would be late at once" if found.late else "none would be late at once")
    return [", ".join(parts)]


def _preview(runs: QuerySet[PlaybookRun], playbook: Playbook, today: date) -> MovePreview:
    rows = list(runs.select_related("account", "version").order_by("pk"))
    steps: dict[int, dict[str, RunStep]] = {run.pk: {} for run in rows}
    for step in RunStep.objects.filter(run__in=runs).order_by("run_id", "position"):
        steps.setdefault(step.run_id, {})[step.key] = step
    calendar = calendar_of(playbook)
    olds = {run.version_id: playbook_of(run.version) for run in rows}
    plans = []
    changed: list[int] = []
    for run in rows:
        old, new = olds[run.version_id].variant(run.variant), _target(playbook, run)
        if new is None:
            continue
        first = first_difference(old, new)
        changed += [first] if first is not None else []
        plans.append(_plan(run, steps[run.pk], new, calendar, today))
    accounts = {run.account_id for run in rows}
    arr = Account.objects.filter(pk__in=accounts).aggregate(sum=Sum("arr_minor"))["sum"] or 0
    return MovePreview(tuple(plans), arr, min(changed, default=None))


def _target(playbook: Playbook, run: PlaybookRun) -> Variant | None:
    return playbook.variant(run.variant) or playbook.variant_for(run.account.segment)


def first_difference(old: Variant | None, new: Variant) -> int | None:
    """The number of the first step that differs between two, from 1; None for equal ones."""
    before = old.steps if old is not None else ()
    for number, (was, now) in enumerate(zip(before, new.steps, strict=False), start=1):
        if was != now:
            return number
    return None if len(before) == len(new.steps) else min(len(before), len(new.steps)) + 1


def _plan(run: PlaybookRun, steps: dict[str, RunStep], new: Variant, calendar: Calendar, today: date) -> MovePlan:
    wanted = {step.key: step for step in new.steps}
    stand = {key: Standing(row.state, row.done_on) for key, row in steps.items() if row.state != LEFT_OUT}
    days = dict(_days(run, new, stand, calendar))
    pending = {key: row for key, row in steps.items() if row.state in {AHEAD, OPEN}}
    moved = tuple(
        (wanted[key].title, row.due_on, days[key]) for key, row in pending.items()
        if key in days and row.due_on != days[key] and row.due_on is not None
    )  # fmt: skip
    late = tuple(
        wanted[key].title for key, day in days.items()
        if day < today and not ((row := steps.get(key)) and row.due_on is not None and row.due_on < today)
    )  # fmt: skip
    at = min((row.position for row in steps.values() if row.state in {AHEAD, OPEN}), default=len(steps) + 1)
    return MovePlan(
        run_id=run.pk, account_id=run.account_id, variant=new.key, reached=at,
        steps=sum(1 for row in steps.values() if row.state == DONE),
        added=tuple(step.title for step in new.steps if step.key not in steps),
        dropped=tuple(row.title for key, row in pending.items() if key not in wanted), moved_days=moved, late=late,
    )  # fmt: skip


def _days(run: PlaybookRun, new: Variant, stand: dict[str, Standing], calendar: Calendar) -> Iterator[tuple[str, date]]:
    """The days of the steps that would be open: those not over whose base is known."""
    for step in new.steps:
        mine = stand.get(step.key)
        if step.due is None or (mine is not None and mine.state in OVER):
            continue
        base = base_of(step.due, anchor_on=run.anchor_on, started_on=run.started_on, stand=stand)
        if base is not None:
            yield step.key, due_day(step.due, base, run.started_on, calendar).day
