"""Why did a play start for an account on a day, or why not: every condition with its value then."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from accounts.choices import AccountStatus
from accounts.models import Account
from core import registry
from core.choices import VersionState
from core.formatting import day as day_words
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from core.trees import condition_words, judge, leaves, value_words
from journeys.models import PlaybookRun, RunStep, StageVisit
from journeys.queries.plays.facts import anchors_of, currency_of, entries, in_major, said, values_of
from journeys.queries.plays.firing import begins_with, keys_of, live_since
from journeys.queries.plays.language import start_said
from journeys.queries.plays.reading import KIND, playbook_of
from journeys.rules.play_due import AHEAD, LEFT_OUT, NOTICE, RUNNING
from journeys.rules.playbooks import SWEPT, DaysFrom, Playbook, Start, Step


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
    """A question that was decided: the audience, a start rule, what is required, cool-down, a play that ran.

    `rule` is the number of the start rule that it is about, from 1; 0 for what is asked of every one. `alerts`: the
    key and name of the alert rules that start the playbook.
    """

    name: str
    met: bool | None
    words: str
    lines: tuple[TraceLine, ...] = ()
    rule: int = 0
    alerts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Asked:
    """What all start rules are asked about."""

    account: Account
    playbook: str
    versions: list[ProcessVersion]
    day: date
    since: date
    past: list[PlaybookRun]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Trace:
    """The answer. `started` is the play that began on the day; `verdict` says it in one sentence.

    `steps` are those with a branch: what it asks, what it saw on the day, and when it is read. They start nothing.
    """

    account: Account
    version: ProcessVersion
    day: date
    was_live: bool
    started: PlaybookRun | None
    verdict: str
    parts: tuple[TracePart, ...] = field(default=())
    steps: tuple[TracePart, ...] = field(default=())


HIDDEN: Final = "Hidden"
ALERT_RULE: Final = "alert_rule"  # the kind of alert rules, which name the playbook that they start


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
    since, values = live_since(playbook_key, tenant, day), _values(account, book, day)
    asked = _Asked(account, playbook_key, versions, day, since, past, values)
    parts = tuple(_hide(part, hidden) for part in _parts(asked, version, book, was_live=bool(live)))
    steps = tuple(_hide(part, hidden) for part in _branches(asked, book))
    return Trace(account, version, day, bool(live), started, _verdict(started, parts, version, day), parts, steps)


def _values(account: Account, book: Playbook, day: date) -> dict[str, Any]:
    asked = [book.audience, book.requires, *(start.rule for start in book.starts)]
    asked += [step.only_if for variant in book.variants for step in variant.steps]
    trees = [tree for tree in asked if tree]
    keys = [str(leaf["fact"]) for tree in trees for leaf in leaves(tree)]
    return values_of([account.pk], keys, day).get(account.pk, {}) if keys else {}


def _parts(asked: _Asked, version: ProcessVersion, book: Playbook, *, was_live: bool) -> Iterator[TracePart]:
    account, day, past, values = asked.account, asked.day, asked.past, asked.values
    words = "" if was_live else "It was not live yet; this is what its first version would have seen."
    yield TracePart("Live", was_live, words or f"{version} was live.")
    gone = account.status in {AccountStatus.MERGED, AccountStatus.CHURNED}
    status = account.get_status_display().lower()
    if account.status in {AccountStatus.PROSPECT, AccountStatus.CUSTOMER}:
        status = f"a {status}"
    yield TracePart("Account", not gone, f"The account is {status} today." + (" Nothing starts by itself." * gone))
    if book.audience is not None:
        yield _tree_part("Audience", book.audience, values)
    keys = keys_of(asked.playbook, [start for start in book.starts if start.on in SWEPT], asked.versions)
    for number, start in enumerate(book.starts):
        if start.on in SWEPT:
            yield from (replace(part, rule=number + 1) for part in _start_parts(asked, start, keys[start.same_as]))
    if any(start.on == "alert" for start in book.starts):
        yield _alert_part(asked.playbook)
    elif not any(start.on in SWEPT for start in book.starts):
        ways = ", ".join(dict.fromkeys(start_said(one) for one in book.starts)) or "by hand"
        yield TracePart("Trigger", None, f"It starts {ways}; no rule starts it by itself.")
    if book.requires is not None:
        yield _tree_part("Required", book.requires, values)
    if book.one_at_a_time:
        ran = next((run for run in past if run.started_on < day and _ran(run, day)), None)
        words = f"One ran already, since {day_words(ran.started_on)}." if ran else "None was running."
        yield TracePart("One at a time", ran is None, words)


def _branches(asked: _Asked, book: Playbook) -> Iterator[TracePart]:
    """The steps with a branch, of the play that ran on the day or else of the variant that one would have."""
    run = next((one for one in asked.past if one.started_on == asked.day or _ran(one, asked.day)), None)
    of = playbook_of(run.version) if run is not None else book
    variant = of.variant(run.variant) if run is not None else of.variant_for(asked.account.segment)
    branched = [step for step in variant.steps if step.only_if is not None] if variant is not None else []
    rows = {row.key: row for row in RunStep.objects.filter(run=run)} if run is not None and branched else {}
    values: Mapping[str, Any] = asked.values
    if run is not None and branched:
        values = _values(asked.account, of, asked.day)
    for step in branched:
        found = _tree_part(f"Step “{step.title}”", step.only_if or {}, values)
        yield replace(found, words=f"{found.words} {_read(step, rows.get(step.key))}")


def _read(step: Step, row: RunStep | None) -> str:
    """When the branch is read, or what came of it."""
    if row is not None and row.state == LEFT_OUT:
        return f"Read on {day_words(row.done_on)}. {row.note}" if row.done_on else row.note
    if row is not None and row.state != AHEAD:
        return f"It held when the step opened; the step is {row.state} now."
    if row is not None and row.due_on is not None:
        return f"It is read on {day_words(row.due_on - NOTICE)}, a week before the step is due."
    after = "once the step that it waits for is over, and " if step.due is not None and step.due.step else ""
    return f"It is read {after}not before the week in which the step is due."


def _hide(part: TracePart, hidden: Collection[str]) -> TracePart:
    lines = tuple(replace(line, saw=HIDDEN) if line.fact in hidden else line for line in part.lines)
    return replace(part, lines=lines)


def _tree_part(name: str, tree: Mapping[str, Any], values: Mapping[str, Any]) -> TracePart:
    return TracePart(name, judge(tree, values), f"{said(tree)}.", _lines(tree, values))


def _lines(tree: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[TraceLine, ...]:
    known, currency = registry.facts(), currency_of(tree)
    return tuple(
        TraceLine(
            one["fact"], one["label"], condition_words(one), value_words(one["saw"]), one["met"],
            now_only=one["fact"] in known and known[one["fact"]].now_only,
        )
        for one in (in_major(entry, currency) for entry in entries(tree, values))
    )  # fmt: skip


def _alert_part(playbook: str) -> TracePart:
    """The live alert rules that name the playbook: why one was told, or was not, is said there."""
    rules = ProcessVersion.objects.filter(
        kind=ALERT_RULE, state=VersionState.PUBLISHED, definition__playbook=playbook
    ).order_by("name")  # fmt: skip
    found = tuple(rules.values_list("key", "name"))
    if not found:
        return TracePart("Trigger", False, "An alert starts it, and no live alert rule names it.")
    names = ", ".join(name for _, name in found)
    return TracePart("Trigger", None, f"An alert starts it: {names}. Whether it was told is said there.", alerts=found)


def _start_parts(asked: _Asked, start: Start, keys: Sequence[str]) -> Iterator[TracePart]:
    """One start rule as the sweep asks it: whether it fires, and what stands against its firing again."""
    met, words = True, ""
    more: list[TracePart] = []
    if start.days is not None:
        met, words, more = _date_met(asked, keys, start.days)
    elif start.on == "stage":
        met, words, more = _stage_met(asked, start, keys)
    else:
        more = _episode(asked, keys)
    held: bool | None = judge(start.rule, asked.values) if start.rule is not None else True
    lines = _lines(start.rule, asked.values) if start.rule is not None else ()
    cooling = _cooling(start, asked.day, asked.past)
    said_so = start_said(start)
    parts = [f"{said_so[:1].upper()}{said_so[1:]}.", words, cooling]
    found = None if met and held is None else bool(met and held and not cooling)
    yield TracePart("Trigger", found, " ".join(part for part in parts if part), lines)
    yield from more


def _date_met(asked: _Asked, keys: Sequence[str], days: DaysFrom) -> tuple[bool, str, list[TracePart]]:
    anchor = anchors_of([asked.account.pk], days.of, asked.day).get(asked.account.pk)
    if anchor is None:
        return False, "The account has no such day.", []
    due = anchor - timedelta(days=days.days) if days.before else anchor + timedelta(days=days.days)
    if days.before and anchor < asked.day:
        return False, f"The date, {day_words(anchor)}, had passed.", []
    more = [] if days.before else [_live_since(asked, due, f"It was due on {day_words(due)}")]
    fired = [f"{key}{asked.account.pk}:{anchor}" for key in keys]
    words = f"Due on {day_words(due)}, for the date {day_words(anchor)}."
    return due <= asked.day, words, [*more, _fired(asked, fired, "this date")]


def _stage_met(asked: _Asked, start: Start, keys: Sequence[str]) -> tuple[bool, str, list[TracePart]]:
    visit = (
        StageVisit.objects.filter(
            account_id=asked.account.pk, stage__journey="standard", entered_on__lte=asked.day
        )
        .exclude(left_on__lte=asked.day)
        .select_related("stage")
        .order_by("-entered_on")
        .first()
    )  # fmt: skip
    if visit is None:
        return False, "The account was in no stage.", []
    if not visit.is_start_known:
        return False, f"It was in {visit.stage.name}; since when is not known, so nothing starts by it.", []
    words = f"It was in {visit.stage.name} since {day_words(visit.entered_on)}."
    if visit.stage.key != start.stage:
        return False, words, []
    more = _live_since(asked, visit.entered_on, f"The stage was entered on {day_words(visit.entered_on)}")
    fired = [f"{key}{visit.pk}" for key in keys]
    return True, words, [more, _fired(asked, fired, "this stay")]


def _live_since(asked: _Asked, what: date, said_of: str) -> TracePart:
    """What lies before the playbook first went live starts nothing."""
    words = f"{said_of}; the playbook went live on {day_words(asked.since)}."
    return TracePart("Live since", what >= asked.since, words)


def _fired(asked: _Asked, keys: Sequence[str], what: str) -> TracePart:
    """Once per date and per stay in a stage, however it ended."""
    ran = PlaybookRun.objects.filter(origin_key__in=keys, started_on__lt=asked.day).first()
    words = f"A play for {what} started on {day_words(ran.started_on)}." if ran else f"None for {what} before."
    return TracePart("Started already", ran is None, words)


def _episode(asked: _Asked, keys: Sequence[str]) -> list[TracePart]:
    """A signal that goes on has started its play; only when it has been gone does it start another."""
    today = asked.day.isoformat()
    on = PlaybookRun.objects.filter(
        begins_with(keys), account_id=asked.account.pk, trigger="signal", started_on__lt=asked.day
    ).order_by("-started_on")  # fmt: skip
    ran = next((run for run in on if not run.trace.get("over_on") or run.trace["over_on"] > today), None)
    words = (
        f"The signal goes on that started a play on {day_words(ran.started_on)}. It must be gone first."
        if ran else "The signal is new."
    )  # fmt: skip
    return [TracePart("Episode", ran is None, words)]


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
    rules = {part.rule for part in parts if part.name == "Trigger"}
    against = [part for part in parts if part.met is not True and part.name != "Trigger" and not part.rule]
    shut = [[part for part in parts if _is_of(part, rule) and part.met is not True] for rule in sorted(rules)]
    if shut and all(shut):  # one rule that fires is enough
        nearest = min(shut, key=len)
        against += nearest
    if not against:
        return (
            f"{version} did not start on {on}, though by what is known now everything was met. The next look starts it."
        )
    first = against[0]
    return f"{version} did not start on {on}. {first.name}: {first.words}"


def _is_of(part: TracePart, rule: int) -> bool:
    return part.rule == rule and (rule > 0 or part.name == "Trigger")
