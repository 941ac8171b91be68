"""What another version of a playbook means for the plays that run, for its page; and any two versions compared."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Count, Sum

from accounts.queries.planning import whole_tables
from core import versioning
from core.differences import Change
from core.models import ProcessVersion, Tenant
from core.version_history import live_among, versions_of
from journeys.models import PlaybookRun
from journeys.queries.plays.firing import would_start
from journeys.queries.plays.moving import MovePlan, MovePreview, move_preview
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_due import RUNNING
from journeys.rules.play_words import start_words

LOOKED_AT: Final = 300


@dataclass(frozen=True)
class MovedRun:
    """A running play as it would stand under another version."""

    run: PlaybookRun
    plan: MovePlan
    can_move: bool


@dataclass(frozen=True)
class Running:
    """The running plays of a playbook, and those that could go over to the draft, of the first ones looked at.

    `before`: the first step that differs; `movable`: the plays that have not reached it.
    """

    total: int
    arr_minor: int
    by_version: list[tuple[int, int]]
    before: str = ""
    movable: tuple[int, ...] = ()
    late: int = 0
    looked_at: int = 0


@dataclass(frozen=True)
class StartsThen:
    """What the next sweep would start by a draft's rules, each in words, and how many running plays it meets."""

    plays: int
    held: int
    by_rule: list[tuple[str, int]]
    running: Running


def running_plays(version: ProcessVersion, *, today: date) -> Running:
    """The running plays of the version's playbook. Of a draft also how many could go over and would be late."""
    rows = PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).order_by("version__number")
    counted = list(rows.values_list("version__number").annotate(n=Count("pk"), arr=Sum("account__arr_minor")))
    total = sum(count for _, count, _ in counted)
    base = Running(total, sum(arr or 0 for *_, arr in counted), [(number, count) for number, count, _ in counted])
    if not version.is_draft or not total:
        return base
    found = _preview(version, today) if total > LOOKED_AT else move_preview(version, today)
    movable = found.not_reached
    return Running(
        base.total,
        base.arr_minor,
        base.by_version,
        before=f"step {found.changed_from}" if found.changed_from else "",
        movable=tuple(one.run_id for one in movable),
        late=sum(bool(one.late) for one in movable),
        looked_at=len(found.plans),
    )


def starts_then(version: ProcessVersion, *, tenant: Tenant, today: date) -> StartsThen:
    """As `process plan` says it, for the page: asked as the sweep asks. A statement per rule; writes nothing."""
    starts = version.definition.get("starts", [])
    with whole_tables():
        found = would_start(version.key, playbook_of(version), tenant, today)
    by_rule = [(start_words(starts[place]), count) for place, count in found.by_start]
    return StartsThen(found.plays, found.held, by_rule, running_plays(version, today=today))


def others_running(version: ProcessVersion) -> int:
    """How many running plays are on another version."""
    return PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).exclude(version=version).count()


def movable_runs(version: ProcessVersion, *, today: date) -> tuple[int, ...]:
    """Every running play that has not reached the first step that differs."""
    return tuple(one.run_id for one in move_preview(version, today).not_reached)


def due_preview(version: ProcessVersion, *, today: date) -> list[MovedRun]:
    """The running plays with the days of their steps now and under the version, the first ones to be looked at.

    A bounded number of statements, whatever the number of plays.
    """
    found = _preview(version, today)
    free = {one.run_id for one in found.not_reached}
    runs = PlaybookRun.objects.filter(pk__in=[one.run_id for one in found.plans]).select_related("account", "version")
    by_id = {run.pk: run for run in runs}
    return [MovedRun(by_id[one.run_id], one, one.run_id in free) for one in found.plans if one.run_id in by_id]


def _preview(version: ProcessVersion, today: date) -> MovePreview:
    others = PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).exclude(version=version)
    return move_preview(version, today, list(others.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT]))


def compared(key: str, old: str, new: str) -> tuple[ProcessVersion | None, ProcessVersion | None, list[Change]]:
    """Two versions by number and what differs; left out, the newest against what it was begun from."""
    versions = versions_of(KIND, key)
    by_number = {str(one.number): one for one in versions}
    newer = by_number.get(new) or (versions[0] if versions else None)
    if newer is None:
        return None, None, []
    older = by_number.get(old) or by_number.get(str(newer.based_on)) or live_among(versions)
    if older is None or older == newer:
        older = next((one for one in versions if one.number < newer.number), None)
    return older, newer, versioning.diff(older, newer) if older is not None else []
