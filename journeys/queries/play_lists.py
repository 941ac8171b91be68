"""The list of playbooks: versions, running plays, what came of those that are over, and which are due for a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Q

from core.choices import VersionState
from core.formatting import percent
from core.models import Job, ProcessOwner, ProcessVersion
from core.version_history import live_among, open_draft
from journeys.models import PlaybookRun
from journeys.queries.plays.figures import VersionFigures, playbook_figures
from journeys.queries.plays.reading import KIND
from journeys.queries.plays.runs import plays
from journeys.rules import play_words as words
from journeys.rules.play_due import RUNNING
from journeys.rules.play_editing import variant_keys
from journeys.rules.play_library import LIBRARY, STARTER

FEW: Final = 5
START_PLAYS: Final = "journeys.start_plays"
PAGE: Final = 50
MOST_AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class Record:
    """What came of the plays of a playbook, all its versions together. Without five known outcomes there is no rate."""

    runs: int = 0
    running: int = 0
    reached: int = 0
    known: int = 0
    on_time: int = 0
    finished: int = 0
    name: str = ""
    since_review: int = 0
    asks_for_review: bool = False
    is_weak: bool = False
    already: int = 0

    @property
    def rate(self) -> float | None:
        return self.reached / self.known if self.known >= FEW else None

    @property
    def words(self) -> str:
        """`31 of 34 renewed, 91 % on time`; before any outcome is known, how many plays are over."""
        over = self.runs - self.running
        on_time = f", {percent(self.on_time / self.finished, 0)} on time" if self.finished >= FEW else ""
        beside = f", {self.already:,} had it at the start" if self.already else ""
        if self.known:
            name = f"{self.name[:1].lower()}{self.name[1:]}" if self.name else "reached it"
            return f"{self.reached:,} of {self.known:,}: {name}{beside}{on_time}"
        return f"{over:,} over, none judged yet{beside}" if over else "No play is over yet"


@dataclass(frozen=True)
class PlaybookRow:
    """A playbook on the list."""

    key: str
    name: str
    category: str
    goal: str
    starts: str
    live: ProcessVersion | None
    draft: ProcessVersion | None
    owner: str
    deputy: str
    variants: int
    steps: int
    record: Record


def playbook_list(today: date) -> list[PlaybookRow]:
    """Every playbook, by category and name. A bounded number of statements."""
    found: dict[str, list[ProcessVersion]] = {}
    for version in ProcessVersion.objects.filter(kind=KIND).exclude(state=VersionState.RETIRED).order_by("-number"):
        found.setdefault(version.key, []).append(version)
    owners = {
        one.key: one for one in ProcessOwner.objects.filter(kind=KIND).select_related("owner__user", "deputy__user")
    }
    known = records(list(found), today)
    rows = [
        row
        for key, versions in found.items()
        if (row := _row(key, versions, owners.get(key), known.get(key, Record()))) is not None
    ]
    return sorted(rows, key=lambda row: (row.category.lower() or "~", row.name.lower()))


def records(keys: list[str], today: date) -> dict[str, Record]:
    """The record of each playbook that was ever live. Four statements."""
    return {key: _record(figures) for key, figures in playbook_figures(keys, today).items()}


def _record(figures: Sequence[VersionFigures]) -> Record:
    live = next((one for one in figures if one.version.state == VersionState.PUBLISHED), None)
    outcome = (live.version.definition.get("outcome") or {}) if live is not None else {}
    return Record(
        runs=sum(one.runs for one in figures),
        running=sum(one.running for one in figures),
        reached=sum(one.reached.part for one in figures),
        known=sum(one.reached.of for one in figures),
        on_time=sum(one.on_time.part for one in figures),
        finished=sum(one.on_time.of for one in figures),
        name=str(outcome.get("name", "")),
        since_review=live.decided_since_review if live is not None else 0,
        asks_for_review=live is not None and live.asks_for_review,
        is_weak=live is not None and live.is_weak,
        already=sum(one.already for one in figures),
    )


def _row(key: str, versions: list[ProcessVersion], owner: ProcessOwner | None, record: Record) -> PlaybookRow | None:
    live, draft = live_among(versions), open_draft(versions)
    shown = live or draft
    if shown is None:
        return None
    document = shown.definition
    keys = variant_keys(document)
    first = document["variants"][0] if "variants" in document else document
    return PlaybookRow(
        key=key,
        name=shown.name,
        category=document.get("category", ""),
        goal=document.get("goal", ""),
        starts=", ".join(words.start_words(one) for one in document.get("starts", [])) or "by hand",
        live=live,
        draft=draft,
        owner=str(owner.owner.user) if owner else "",
        deputy=str(owner.deputy.user) if owner and owner.deputy else "",
        variants=len(keys) if keys != [""] else 0,
        steps=len(first.get("steps", [])),
        record=record,
    )


def too_many(asked: int) -> str:
    """Why plays do not start for so many accounts at once, rather than leave some of them out; "" where they do."""
    if asked <= MOST_AT_ONCE:
        return ""
    return f"{asked:,} accounts were chosen, and at most {MOST_AT_ONCE:,} start at once. Choose fewer."


def starters() -> list[tuple[str, str]]:
    """The live playbooks that a new one can begin from."""
    live = ProcessVersion.objects.filter(kind=KIND, state=VersionState.PUBLISHED).order_by("name")
    return [(str(key), str(name)) for key, name in live.values_list("key", "name")]


def templates() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a new playbook can begin like, by group: those that are live here, and the starters as delivered."""
    delivered = [(f"{STARTER}{key}", name) for key, name, _ in LIBRARY]
    groups = [("Live in this workspace", starters()), ("Starters as delivered", delivered)]
    return [(label, found) for label, found in groups if found]


@dataclass(frozen=True)
class RunPage:
    """A page of the plays of a playbook; `next` is the value of `?after=` for the following one, "" at the end."""

    runs: list[PlaybookRun]
    next: str


def runs_of(key: str, *, state: str, after: str) -> RunPage:
    """The plays of a playbook, those that started last first, fifty at a time. One statement."""
    found = plays().filter(playbook=key).order_by("-started_on", "-pk")
    found = found.filter(state=RUNNING) if state == RUNNING else found.exclude(state=RUNNING)
    day, _, number = after.partition("_")
    try:
        start = date.fromisoformat(day)
    except ValueError:
        start = None
    if start is not None and number.isascii() and number.isdecimal() and len(number) < 18:
        found = found.filter(Q(started_on__lt=start) | Q(started_on=start, pk__lt=int(number)))
    rows = list(found[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return RunPage(rows[:PAGE], f"{last.started_on}_{last.pk}" if last is not None else "")


def start_job_of(number: str) -> Job | None:
    """The job of that number, if it starts plays: its progress, and at the end how many and why not all."""
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        return None
    return Job.objects.filter(pk=int(number), kind=START_PLAYS).first()
