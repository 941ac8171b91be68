"""What decides whether a start rule fires: asked by the sweep of all accounts, and by the trace of one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import CharField, Exists, F, Func, Min, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Account
from core import facts
from core.models import ProcessVersion, Tenant
from journeys.models import PlaybookRun, StageVisit
from journeys.queries.plays.facts import anchor, living
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_due import RUNNING
from journeys.rules.playbooks import SWEPT, Playbook, Start

ISO: Final = "YYYY-MM-DD"


@dataclass(frozen=True)
class Firing:
    """An account for which a start rule fires, with the key of what it fires for: a date, a stay, an episode."""

    account_id: int
    origin_key: str
    anchor_on: date | None = None


@dataclass(frozen=True)
class WouldStart:
    """What the next sweep would start by rules, were a version live.

    `by_start`: for each start rule its place in the document and its plays. `held`: accounts for which a rule fires
    and that lack what must hold before a start; they are in no count.
    """

    plays: int = 0
    held: int = 0
    by_start: tuple[tuple[int, int], ...] = ()


def published(playbook: str) -> QuerySet[ProcessVersion]:
    """Every version of a playbook that was ever live."""
    return ProcessVersion.objects.filter(kind=KIND, key=playbook, published_at__isnull=False)


def keys_of(
    playbook: str, starts: Iterable[Start], versions: Iterable[ProcessVersion] | None = None
) -> dict[str, tuple[str, ...]]:
    """How the keys begin of what start rules start, by `same_as`: by what a rule says, wherever it stands.

    The first is the one that new plays get. The others are those of plays from before: they were numbered by the place
    of their rule, so every place at which the same rule ever stood counts. One statement, or none given the versions.
    """
    places: dict[str, set[int]] = {}
    for version in published(playbook) if versions is None else versions:
        for number, start in enumerate(playbook_of(version).starts):
            places.setdefault(start.same_as, set()).add(number)
    return {
        start.same_as: (
            rule_key(playbook, start),
            *(f"{start.on}:{playbook}:{number}:" for number in sorted(places.get(start.same_as, ()))),
        )
        for start in starts
    }


def rule_key(playbook: str, start: Start) -> str:
    """How the keys begin of what the start rule starts from now on."""
    return f"{start.on}:{playbook}:{start.same_as}:"


def running_for(playbook: str) -> Exists:
    """Accounts for which the playbook runs."""
    return Exists(PlaybookRun.objects.filter(playbook=playbook, account_id=OuterRef("pk"), state=RUNNING))


def lately_for(playbook: str, start: Start, today: date) -> Exists:
    """Accounts for which the rule cools down."""
    since = today - timedelta(days=start.cool_down_days)
    return Exists(PlaybookRun.objects.filter(playbook=playbook, account_id=OuterRef("pk"), started_on__gt=since))


def dated_for(accounts: QuerySet[Account], start: Start, since: date, today: date) -> QuerySet[Account]:
    """Due on or before today. Before a date: while it lies ahead; after one: not from before the playbook was live.

    With the date as `play_day`.
    """
    if start.days is None:
        return accounts.none()
    length = timedelta(days=start.days.days)
    if start.days.before:
        due = Q(play_day__lte=today + length, play_day__gte=today)
    else:
        due = Q(play_day__lte=today - length, play_day__gte=since - length)
    return accounts.annotate(play_day=anchor(start.days.of, today)).filter(due)


def visits_for(accounts: QuerySet[Account], start: Start, since: date, today: date) -> QuerySet[StageVisit]:
    """Stays in the stage that go on, entered since the playbook was live."""
    return StageVisit.objects.filter(
        stage__key=start.stage, stage__journey="standard", left_on=None, entered_on__gte=since,
        entered_on__lte=today, is_start_known=True, account__in=accounts.order_by().values("pk"),
    )  # fmt: skip


def open_episodes(playbook: str, keys: Sequence[str]) -> QuerySet[PlaybookRun]:
    """Plays of a signal rule whose signal has not been gone since: of this rule, whatever the others started."""
    signals = PlaybookRun.objects.filter(playbook=playbook, trigger="signal", trace__over_on__isnull=True)
    return signals.filter(begins_with(keys))


def begins_with(keys: Sequence[str]) -> Q:
    """Plays whose key begins with one of these."""
    return reduce(or_, (Q(origin_key__startswith=key) for key in keys))


def firings_of(
    playbook: str, book: Playbook, start: Start, keys: Sequence[str], tenant: Tenant, today: date
) -> Iterator[Firing]:
    """The accounts for which the rule fires and has not fired for this date, stay or episode. One statement."""
    found = _firing(playbook, book, start, keys, tenant, today)
    if start.on == "date":
        of_anchor = start.days is not None and start.days.of == book.anchor
        for pk, day in found.order_by("pk").values_list("pk", "play_day"):
            yield Firing(pk, f"{keys[0]}{pk}:{day}", day if of_anchor else None)
    elif start.on == "stage":
        found = found.order_by("account_id")
        for pk, visit_id, entered_on in found.values_list("account_id", "pk", "entered_on"):
            yield Firing(pk, f"{keys[0]}{visit_id}", entered_on if book.anchor == "stage_entered" else None)
    else:
        for pk in found.order_by("pk").values_list("pk", flat=True):
            yield Firing(pk, f"{keys[0]}{pk}:{today}")


def _firing(
    playbook: str, book: Playbook, start: Start, keys: Sequence[str], tenant: Tenant, today: date
) -> QuerySet[Any]:
    """Accounts, of a rule by a stage their stays: at most one each."""
    accounts = living()
    if book.one_at_a_time:
        accounts = accounts.filter(~running_for(playbook))
    if start.cool_down_days:
        accounts = accounts.filter(~lately_for(playbook, start, today))
    for tree in (book.audience, start.rule):
        if tree is not None:
            accounts = facts.matching(accounts, dict(tree), today)
    if start.on == "date":
        dated = dated_for(accounts, start, live_since(playbook, tenant, today), today)
        return _not_fired(dated, keys, Cast("pk", TextField()), Value(":"), iso_day("play_day"))
    if start.on == "stage":
        visits = visits_for(accounts, start, live_since(playbook, tenant, today), today)
        return _not_fired(visits, keys, Cast("pk", TextField()))
    return accounts.filter(~Exists(open_episodes(playbook, keys).filter(account_id=OuterRef("pk"))))


def _not_fired(rows: QuerySet[Any], keys: Sequence[str], *parts: Any) -> QuerySet[Any]:
    """Those whose key has started no play: what was once done costs the sweep nothing any more."""
    for n, key in enumerate(keys):
        origin = Concat(Value(key), *parts, output_field=TextField())
        done = PlaybookRun.objects.filter(origin_key=OuterRef(f"play_origin_{n}"))
        rows = rows.annotate(**{f"play_origin_{n}": origin}).filter(~Exists(done))
    return rows


def would_start(playbook: str, book: Playbook, tenant: Tenant, today: date) -> WouldStart:
    """What the next sweep would start by rules, were this live: asked as the sweep asks, rule by rule in its order.

    Writes nothing. One statement per rule, and one for what must hold before a start, whatever the number of accounts;
    of them their ids alone are read. An account without the day that its steps count from is not foreseen.
    """
    swept = [(place, start) for place, start in enumerate(book.starts) if start.on in SWEPT]
    if not swept:
        return WouldStart()
    keys = keys_of(playbook, [start for _, start in swept])
    begun: set[int] = set()
    fit: set[int] | None = None
    held: set[int] = set()
    same: set[str] = set()
    counts = []
    for place, start in swept:
        column = "account_id" if start.on == "stage" else "pk"
        found = _firing(playbook, book, start, keys[start.same_as], tenant, today)
        ids = set(found.order_by().values_list(column, flat=True))
        if ids and book.requires is not None:
            fit = set(_fit(book, today)) if fit is None else fit
            held |= ids - fit
            ids &= fit
        # What an earlier rule has started runs by then, or cools this one down, or has its key.
        if book.one_at_a_time or start.cool_down_days or start.same_as in same:
            ids -= begun
        begun |= ids
        same.add(start.same_as)
        counts.append((place, len(ids)))
    return WouldStart(sum(count for _, count in counts), len(held - begun), tuple(counts))


def _fit(book: Playbook, today: date) -> QuerySet[Account, int]:
    """Accounts that have what must hold before a start."""
    return facts.matching(living(), dict(book.requires or {}), today).order_by().values_list("pk", flat=True)


def live_since(playbook: str, tenant: Tenant, today: date) -> date:
    """The day on which the playbook first went live: what lies before it starts nothing afterwards."""
    first = ProcessVersion.objects.filter(kind=KIND, key=playbook, published_at__isnull=False).aggregate(
        first=Min("published_at")
    )["first"]
    return tenant.today(first) if first is not None else today


def iso_day(column: str) -> Func:
    """A date as the keys write it."""
    return Func(F(column), Value(ISO), function="to_char", output_field=CharField())
