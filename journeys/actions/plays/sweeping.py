"""Plays that start by themselves: by a date, a stage or a signal; and what time does to those that run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from accounts.models import Account
from accounts.queries.planning import whole_tables
from core import audit, facts
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from journeys.actions.plays.outcomes import decide_outcomes
from journeys.actions.plays.starting import Request, begin
from journeys.actions.plays.steps import follow_tasks
from journeys.models import PlaybookRun, StageVisit, Task
from journeys.queries.plays.facts import anchor, entries, living, values_of
from journeys.queries.plays.planning import by_index
from journeys.queries.plays.reading import KIND, live_playbooks, playbook_of
from journeys.rules.play_due import RUNNING
from journeys.rules.playbooks import SWEPT, Playbook, Start
from journeys.rules.trees import leaves

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
), tasks AS (
    UPDATE journeys_task t SET assignee_id = g.new_id, covered_for_id = NULL
    FROM given g
    WHERE t.tenant_id = %(tenant)s AND t.subject_kind = 'play' AND t.subject_id = g.id AND t.state = 'open'
      AND t.assignee_id IS NOT DISTINCT FROM g.old_id
), steps AS (
    UPDATE journeys_runstep s SET assignee_id = g.new_id
    FROM given g
    WHERE s.tenant_id = %(tenant)s AND s.run_id = g.id AND s.state = 'open'
      AND s.assignee_id IS NOT DISTINCT FROM g.old_id
)
UPDATE journeys_playbookrun r SET owner_id = g.new_id FROM given g WHERE r.tenant_id = %(tenant)s AND r.id = g.id
"""


@dataclass(frozen=True)
class PlaySweep:
    """Rows written. `refused`: accounts whose trigger fired but whose play may not start."""

    started: int = 0
    refused: int = 0
    reached: int = 0
    missed: int = 0
    followed: int = 0
    handed_over: int = 0
    reviews: int = 0
    by_playbook: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Firing:
    account_id: int
    origin_key: str
    anchor_on: date | None = None


@transaction.atomic
def sweep_plays(*, tenant: Tenant, today: date, now: datetime, actor: Actor = SWEEPER) -> PlaySweep:
    """Starts what is due on or before today and not yet there, and decides outcomes. A second run writes nothing.

    One statement per start rule finds the accounts, whatever their number; two sweeps at once take turns.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, tenant.pk % 2**31])
        cursor.execute(_NEW_OWNERS, {"tenant": tenant.pk})
        handed_over = int(cursor.rowcount)
    followed = follow_tasks(task_ids=_out_of_step(), actor=actor, today=today, now=now)
    started: dict[str, int] = {}
    refused = 0
    for version in live_playbooks():
        book = playbook_of(version)
        for number, start in enumerate(book.starts):
            if start.on in SWEPT:
                begun, no = _fire(version, book, number, start, tenant=tenant, today=today, now=now, actor=actor)
                refused += no
                if begun:
                    started[version.key] = started.get(version.key, 0) + begun
    decided = decide_outcomes(tenant=tenant, today=today, now=now)
    sweep = PlaySweep(
        sum(started.values()), refused, decided.reached, decided.missed, followed, handed_over, decided.reviews, started
    )
    if sweep.started or sweep.followed or sweep.handed_over or sweep.reached or sweep.missed:
        audit.record(actor=actor, at=now, verb="swept plays", subject_type="journeys.playbookrun", after=asdict(sweep))
    return sweep


def _out_of_step() -> list[int]:
    """Tasks of open steps that were closed by somebody who did not tell the play."""
    closed = Task.objects.filter(subject_kind="play", run_steps__state="open", run_steps__run__state=RUNNING)
    return list(closed.exclude(state="open").values_list("pk", flat=True)[:10_000])


def _fire(
    version: ProcessVersion, book: Playbook, number: int, start: Start, *, tenant: Tenant, today: date,
    now: datetime, actor: Actor,
) -> tuple[int, int]:  # fmt: skip
    if start.on == "signal":
        _end_episodes(version, start, today)
    with whole_tables():
        firings = list(_firings(version, book, number, start, tenant, today))
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


def _firings(
    version: ProcessVersion, book: Playbook, number: int, start: Start, tenant: Tenant, today: date
) -> Iterator[_Firing]:
    """The accounts for which the rule fires and has not fired in this episode, with the key of the episode."""
    accounts = living()
    if book.one_at_a_time:
        running = PlaybookRun.objects.filter(playbook=version.key, account_id=OuterRef("pk"), state=RUNNING)
        accounts = accounts.filter(~Exists(running))
    if start.cool_down_days:
        since = today - timedelta(days=start.cool_down_days)
        lately = PlaybookRun.objects.filter(playbook=version.key, account_id=OuterRef("pk"), started_on__gt=since)
        accounts = accounts.filter(~Exists(lately))
    for tree in (book.audience, start.rule):
        if tree is not None:
            accounts = facts.matching(accounts, dict(tree), today)
    key = f"{start.on}:{version.key}:{number}"
    if start.on == "date":
        for pk, day in _by_date(accounts, start, _live_since(version, tenant, today), today):
            yield _Firing(pk, f"{key}:{pk}:{day}", day if start.days and start.days.of == book.anchor else None)
    elif start.on == "stage":
        for pk, visit_id, entered_on in _by_stage(accounts, start, _live_since(version, tenant, today), today):
            yield _Firing(pk, f"{key}:{visit_id}", entered_on if book.anchor == "stage_entered" else None)
    else:
        running_episode = PlaybookRun.objects.filter(
            playbook=version.key, account_id=OuterRef("pk"), trigger="signal", trace__over_on__isnull=True
        )
        for pk in accounts.filter(~Exists(running_episode)).order_by("pk").values_list("pk", flat=True):
            yield _Firing(pk, f"{key}:{pk}:{today}")


def _by_date(accounts: QuerySet[Account], start: Start, live_since: date, today: date) -> list[tuple[int, date]]:
    """Due on or before today. Before a date: while it lies ahead; after one: not from before the playbook was live."""
    if start.days is None:
        return []
    dated = accounts.annotate(play_day=anchor(start.days.of, today))
    length = timedelta(days=start.days.days)
    if start.days.before:
        due = Q(play_day__lte=today + length, play_day__gte=today)
    else:
        due = Q(play_day__lte=today - length, play_day__gte=live_since - length)
    return list(dated.filter(due).order_by("pk").values_list("pk", "play_day"))


def _by_stage(accounts: QuerySet[Account], start: Start, live_since: date, today: date) -> list[tuple[int, int, date]]:
    visits = StageVisit.objects.filter(
        stage__key=start.stage, stage__journey="standard", left_on=None, entered_on__gte=live_since,
        entered_on__lte=today, account__in=accounts.order_by().values("pk"),
    )  # fmt: skip
    return list(visits.order_by("account_id").values_list("account_id", "pk", "entered_on"))


def _live_since(version: ProcessVersion, tenant: Tenant, today: date) -> date:
    """The day on which the playbook first went live: what lies before it starts nothing afterwards."""
    first = ProcessVersion.objects.filter(kind=KIND, key=version.key, published_at__isnull=False).aggregate(
        first=Min("published_at")
    )["first"]
    return tenant.today(first) if first is not None else today


def _end_episodes(version: ProcessVersion, start: Start, today: date) -> None:
    """A signal that no longer holds ends its episode; when it comes again that is another one."""
    open_ones = PlaybookRun.objects.filter(playbook=version.key, trigger="signal", trace__over_on__isnull=True)
    still = facts.matching(
        Account.objects.filter(pk__in=open_ones.values("account_id")), dict(start.rule or {"all": []}), today
    )
    ids = list(open_ones.exclude(account_id__in=still.order_by().values("pk")).values_list("pk", flat=True))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE journeys_playbookrun SET trace = trace || jsonb_build_object('over_on', %s::text) "
                "WHERE tenant_id = %s AND id = ANY(%s::bigint[])",
                [today.isoformat(), version.tenant_id, ids],
            )


def _traces(book: Playbook, start: Start, some: Sequence[_Firing], today: date) -> dict[int, dict[str, Any]]:
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
