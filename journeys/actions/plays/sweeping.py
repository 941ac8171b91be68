"""Plays that start by themselves: by a date, a stage or a signal; and what time does to those that run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from accounts.models import Account
from accounts.queries.planning import whole_tables
from core import audit, facts
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.trees import leaves
from journeys.actions.plays.anchoring import follow_anchors
from journeys.actions.plays.ending import end_plays_of_former
from journeys.actions.plays.engine import Settled, lock_runs, settle
from journeys.actions.plays.outcomes import decide_outcomes
from journeys.actions.plays.starting import Request, begin
from journeys.actions.plays.steps import follow_tasks
from journeys.models import Task
from journeys.queries.plays.checks import at_rest, branches_to_read
from journeys.queries.plays.facts import entries, values_of
from journeys.queries.plays.firing import Firing, firings_of, keys_of, open_episodes
from journeys.queries.plays.planning import by_index
from journeys.queries.plays.reading import live_playbooks, playbook_of
from journeys.rules.play_due import RUNNING
from journeys.rules.playbooks import SWEPT, Playbook, Start

SWEEPER: Final = Actor.system("Playbooks")
CHUNK: Final = 500
_LOCK: Final = 4_710_006  # any number that no other advisory lock of the product has
_NEW_OWNERS: Final = """
WITH given AS (
    SELECT r.id, r.owner_id AS old_id, a.owner_id AS new_id
    FROM journeys_playbookrun r
    JOIN accounts_account a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
    WHERE r.tenant_id = %(tenant)s AND r.state = 'running' AND a.owner_id IS NOT NULL
      AND r.owner_id IS DISTINCT FROM a.owner_id AND NOT r.trace ? 'owner_set'
    ORDER BY r.id FOR NO KEY UPDATE OF r
), tasks AS (
    UPDATE journeys_task t SET assignee_id = g.new_id, covered_for_id = NULL
    FROM given g
    WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'play' AND t.subject_id = g.id AND t.state = 'open'
      AND (t.assignee_id IS NOT DISTINCT FROM g.old_id OR t.covered_for_id = g.old_id)
), steps AS (
    UPDATE journeys_runstep s SET assignee_id = g.new_id
    FROM given g
    WHERE s.tenant_id = %(tenant)s AND s.run_id = g.id AND s.state = 'open'
      AND (s.assignee_id IS NOT DISTINCT FROM g.old_id OR EXISTS (
        SELECT FROM journeys_task t
        WHERE t.tenant_id = %(tenant)s AND t.id = s.task_id AND t.covered_for_id = g.old_id))
)
UPDATE journeys_playbookrun r SET owner_id = g.new_id FROM given g WHERE r.tenant_id = %(tenant)s AND r.id = g.id
"""


@dataclass(frozen=True)
class PlaySweep:
    """Rows written. `refused`: accounts whose trigger fired but whose play may not start.

    `judged`: steps that were opened or left out because a branch was read, its step's day being near.
    """

    started: int = 0
    refused: int = 0
    reached: int = 0
    missed: int = 0
    followed: int = 0
    handed_over: int = 0
    reviews: int = 0
    ended: int = 0
    already: int = 0
    moved: int = 0
    by_playbook: Mapping[str, int] = field(default_factory=dict)
    judged: int = 0


def sweep_plays(
    *, tenant: Tenant, today: date, now: datetime, actor: Actor = SWEEPER,
    in_step: Callable[[], AbstractContextManager[Any]] = transaction.atomic,
) -> PlaySweep:  # fmt: skip
    """Starts what is due on or before today and not yet there, and decides outcomes. A second run writes nothing.

    One statement per start rule finds the accounts, whatever their number. Each playbook is a step of its own, entered
    by `in_step`: with a transaction of its own no row is held while the other playbooks are looked at. Two sweeps at
    once take turns step by step, and what one has started has a key that the other finds.
    """
    with in_step():
        _take_turns(tenant)
        gone = end_plays_of_former(actor=actor, today=today, now=now)
        with connection.cursor() as cursor:
            cursor.execute(_NEW_OWNERS, {"tenant": tenant.pk})
            handed_over = int(cursor.rowcount)
        moved = follow_anchors(today=today)
        followed = follow_tasks(task_ids=_out_of_step(), actor=actor, today=today, now=now)
        over = settle(lock_runs(at_rest().values("pk")), today=today, now=now, actor=actor)
        near = _read_branches(today=today, now=now, actor=actor)
        versions = live_playbooks()
    started: dict[str, int] = {}
    refused = 0
    for version in versions:
        with in_step():
            _take_turns(tenant)
            begun, no = _fire_all(version, tenant=tenant, today=today, now=now, actor=actor)
        refused += no
        if begun:
            started[version.key] = begun
    with in_step():
        _take_turns(tenant)
        decided = decide_outcomes(tenant=tenant, today=today, now=now)
        sweep = PlaySweep(
            sum(started.values()), refused, decided.reached, decided.missed, followed, handed_over, decided.reviews,
            (over + near).finished + gone, decided.already, moved, started, near.opened + near.left_out,
        )  # fmt: skip
        if any(value for name, value in asdict(sweep).items() if name not in {"refused", "reviews"}):
            audit.record(
                actor=actor, at=now, verb="swept plays", subject_type="journeys.playbookrun", after=asdict(sweep)
            )
    return sweep


def _read_branches(*, today: date, now: datetime, actor: Actor) -> Settled:
    """Opens or leaves out the steps whose day has come near. A constant number of statements per 500 plays."""
    ids = list(branches_to_read(today).order_by("pk").values_list("pk", flat=True))
    found = Settled()
    for low in range(0, len(ids), CHUNK):
        found += settle(lock_runs(ids[low : low + CHUNK]), today=today, now=now, actor=actor)
    return found


def _take_turns(tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, tenant.pk % 2**31])


def _fire_all(version: ProcessVersion, *, tenant: Tenant, today: date, now: datetime, actor: Actor) -> tuple[int, int]:
    """All start rules of a playbook; how many plays began and how many may not."""
    book = playbook_of(version)
    begun = refused = 0
    swept = [start for start in book.starts if start.on in SWEPT]
    keys = keys_of(version.key, swept)
    for start in swept:
        yes, no = _fire(version, book, start, keys[start.same_as], tenant=tenant, today=today, now=now, actor=actor)
        begun, refused = begun + yes, refused + no
    return begun, refused


def _out_of_step() -> list[int]:
    """Tasks of open steps that were closed by somebody who did not tell the play."""
    closed = Task.objects.filter(subject_kind="play", run_steps__state="open", run_steps__run__state=RUNNING)
    return list(closed.exclude(state="open").values_list("pk", flat=True)[:10_000])


def _fire(
    version: ProcessVersion, book: Playbook, start: Start, keys: Sequence[str], *, tenant: Tenant, today: date,
    now: datetime, actor: Actor,
) -> tuple[int, int]:  # fmt: skip
    if start.on == "signal":
        _end_episodes(version, start, keys, today)
    with whole_tables():
        firings = list(firings_of(version.key, book, start, keys, tenant, today))
    begun = refused = 0
    for low in range(0, len(firings), CHUNK):
        some = firings[low : low + CHUNK]
        request = Request(
            version, actor, today, now, start.on, origins={one.account_id: one.origin_key for one in some},
            anchors={one.account_id: one.anchor_on for one in some if one.anchor_on},
            traces=_traces(book, start, some, today),
        )  # fmt: skip
        with by_index():
            found = begin(request, [one.account_id for one in some])
        begun, refused = begun + len(found.runs), refused + len(found.refused)
    return begun, refused


def _end_episodes(version: ProcessVersion, start: Start, keys: Sequence[str], today: date) -> None:
    """A signal that no longer holds ends its episode; when it comes again that is another one."""
    open_ones = open_episodes(version.key, keys)
    still = facts.matching(
        Account.objects.filter(pk__in=open_ones.values("account_id")), dict(start.rule or {"all": []}), today
    )
    ids = list(open_ones.exclude(account_id__in=still.order_by().values("pk")).values_list("pk", flat=True))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE journeys_playbookrun SET trace = trace || jsonb_build_object('over_on', %s::text) "
                "WHERE tenant_id = %s AND id = ANY(%s::bigint[])",
                [today.isoformat(), version.tenant_id, lock_runs(ids)],
            )


def _traces(book: Playbook, start: Start, some: Sequence[Firing], today: date) -> dict[int, dict[str, Any]]:
    """What each condition saw, to be kept with the play."""
    trees = [tree for tree in (book.audience, start.rule) if tree is not None]
    keys = [str(leaf["fact"]) for tree in trees for leaf in leaves(tree)]
    ids = [one.account_id for one in some]
    values = values_of(ids, keys, today) if keys else {}
    return {
        one.account_id: {
            "conditions": [entry for tree in trees for entry in entries(tree, values.get(one.account_id, {}))],
            "anchor_on": one.anchor_on,
        }
        for one in some
    }
