"""Why did a play start for an account on a day, or why not: every condition with its value then."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from accounts.choices import AccountStatus
from accounts.models import Account
from core import registry
from core.formatting import day as day_words
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from journeys.models import PlaybookRun, StageVisit
from journeys.queries.plays.facts import anchors_of, entries, in_major, said, values_of
from journeys.queries.plays.language import start_said
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_due import RUNNING
from journeys.rules.playbooks import SWEPT, DaysFrom, Playbook, Start
from journeys.rules.trees import condition_words, judge, leaves, value_words


@dataclass(frozen=True)
class TraceLine:
    """One condition: what it asks, what it saw on the day, and whether that was enough (None: not known).

    `now_only`: the value is the one of today, since nobody keeps its past.
    """

    fact: str
    label: str
    rule: str
    saw: str
    met: bool | None
    now_only: bool = False


@dataclass(frozen=True)
class TracePart:
    """A question that was decided: the audience, a start rule, what is required, cool-down, a play that ran."""

    name: str
    met: bool | None
    words: str
    lines: tuple[TraceLine, ...] = ()


@dataclass(frozen=True)
class Trace:
    """The answer. `started` is the play that began on the day; `verdict` says it in one sentence."""

    account: Account
    version: ProcessVersion
    day: date
    was_live: bool
    started: PlaybookRun | None
    verdict: str
    parts: tuple[TracePart, ...] = field(default=())


HIDDEN: Final = "Hidden"


def why_started(playbook_key: str, account_id: int, day: date, hidden: Collection[str] = frozenset()) -> Trace | None:
    """What the version that was live on the day saw then; with none live then, what the oldest one would have seen.

    Of `hidden` facts, such as amounts for those who see no money, the value is not said. None for a playbook that was
    never live, or an account that is not here.
    """
    account = Account.objects.filter(pk=account_id).first()
    versions = list(
        ProcessVersion.objects.filter(kind=KIND, key=playbook_key, published_at__isnull=False).order_by("-number")
    )
    if account is None or not versions:
        return None
    tenant = Tenant.objects.get(pk=require_tenant_id())
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=tenant.zone)
    live = [one for one in versions if one.published_at and one.published_at < end]
    version = live[0] if live else versions[-1]
    book = playbook_of(version)
    past = list(PlaybookRun.objects.filter(playbook=playbook_key, account_id=account_id, started_on__lte=day)
                .select_related("version").order_by("-started_on", "-pk")[:50])  # fmt: skip
    started = next((run for run in past if run.started_on == day), None)
    parts = tuple(_hide(part, hidden) for part in _parts(account, version, book, day, past, was_live=bool(live)))
    return Trace(account, version, day, bool(live), started, _verdict(started, parts, version, day), parts)


def _parts(
    account: Account, version: ProcessVersion, book: Playbook, day: date, past: list[PlaybookRun], *, was_live: bool
) -> Iterator[TracePart]:
    trees = [tree for tree in (book.audience, book.requires, *(start.rule for start in book.starts)) if tree]
    keys = [str(leaf["fact"]) for tree in trees for leaf in leaves(tree)]
    values = values_of([account.pk], keys, day).get(account.pk, {}) if keys else {}
    words = "" if was_live else "It was not live yet; this is what its first version would have seen."
    yield TracePart("Live", was_live, words or f"{version} was live.")
    gone = account.status in {AccountStatus.MERGED, AccountStatus.CHURNED}
    status = account.get_status_display().lower()
    yield TracePart("Account", not gone, f"The account is {status} today." + (" Nothing starts by itself." * gone))
    if book.audience is not None:
        yield _tree_part("Audience", book.audience, values)
    swept = [start for start in book.starts if start.on in SWEPT]
    for start in swept:
        yield _start_part(account, start, values, day, past)
    if not swept:
        ways = ", ".join(dict.fromkeys(start_said(one) for one in book.starts)) or "by hand"
        yield TracePart("Trigger", None, f"It starts {ways}; no rule starts it by itself.")
    if book.requires is not None:
        yield _tree_part("Required", book.requires, values)
    if book.one_at_a_time:
        ran = next((run for run in past if run.started_on < day and _ran(run, day)), None)
        words = f"One ran already, since {day_words(ran.started_on)}." if ran else "None was running."
        yield TracePart("One at a time", ran is None, words)


def _hide(part: TracePart, hidden: Collection[str]) -> TracePart:
    lines = tuple(replace(line, saw=HIDDEN) if line.fact in hidden else line for line in part.lines)
    return replace(part, lines=lines)


def _tree_part(name: str, tree: Mapping[str, Any], values: Mapping[str, Any]) -> TracePart:
    return TracePart(name, judge(tree, values), f"{said(tree)}.", _lines(tree, values))


def _lines(tree: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[TraceLine, ...]:
    known = registry.facts()
    return tuple(
        TraceLine(
            one["fact"], one["label"], condition_words(in_major(one)), value_words(in_major(one)["saw"]), one["met"],
            now_only=one["fact"] in known and known[one["fact"]].now_only,
        )
        for one in entries(tree, values)
    )  # fmt: skip


def _start_part(
    account: Account, start: Start, values: Mapping[str, Any], day: date, past: list[PlaybookRun]
) -> TracePart:
    met, words = True, ""
    if start.days is not None:
        met, words = _date_met(account, start.days, day)
    elif start.on == "stage":
        met, words = _stage_met(account, start.stage, day)
    held: bool | None = judge(start.rule, values) if start.rule is not None else True
    lines = _lines(start.rule, values) if start.rule is not None else ()
    cooling = _cooling(start, day, past)
    said_so = start_said(start)
    parts = [f"{said_so[:1].upper()}{said_so[1:]}.", words, cooling]
    found = None if met and held is None else bool(met and held and not cooling)
    return TracePart("Trigger", found, " ".join(part for part in parts if part), lines)


def _date_met(account: Account, days: DaysFrom, day: date) -> tuple[bool, str]:
    anchor = anchors_of([account.pk], days.of, day).get(account.pk)
    if anchor is None:
        return False, "The account has no such day."
    due = anchor - timedelta(days=days.days) if days.before else anchor + timedelta(days=days.days)
    if days.before and anchor < day:
        return False, f"The date, {day_words(anchor)}, had passed."
    return due <= day, f"Due on {day_words(due)}, for the date {day_words(anchor)}."


def _stage_met(account: Account, stage: str, day: date) -> tuple[bool, str]:
    visit = (
        StageVisit.objects.filter(account_id=account.pk, entered_on__lte=day)
        .exclude(left_on__lte=day)
        .select_related("stage")
        .order_by("-entered_on")
        .first()
    )
    if visit is None:
        return False, "The account was in no stage."
    return visit.stage.key == stage, f"It was in {visit.stage.name} since {day_words(visit.entered_on)}."


def _cooling(start: Start, day: date, past: list[PlaybookRun]) -> str:
    for run in past:
        if run.started_on < day:
            until = run.started_on + timedelta(days=start.cool_down_days)
            began = f"the last one started on {day_words(run.started_on)}"
            return f"Cooling down until {day_words(until)}: {began}." if day < until else ""
    return ""


def _ran(run: PlaybookRun, day: date) -> bool:
    return run.state == RUNNING or (run.ended_on is not None and run.ended_on > day)


def _verdict(started: PlaybookRun | None, parts: tuple[TracePart, ...], version: ProcessVersion, day: date) -> str:
    on = day_words(day)
    if started is not None:
        return f"{started.version} started on {on}, by {started.started_by}."
    triggers = [part for part in parts if part.name == "Trigger"]
    against = [part for part in parts if part.met is not True and part.name != "Trigger"]
    if triggers and not any(part.met for part in triggers):
        against += triggers[:1]
    if not against:
        return (
            f"{version} did not start on {on}, though by what is known now everything was met. The next look starts it."
        )
    first = against[0]
    return f"{version} did not start on {on}. {first.name}: {first.words}"
