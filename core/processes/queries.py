"""Reads for the pages of processes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core import registry, versioning
from core.choices import VersionState
from core.differences import Change
from core.models import AuditEntry, ProcessOwner, ProcessVersion, Tenant
from core.processes.owners import owner_of, owners, problems_of
from core.registry import Asked, ProcessKind
from core.reviews import last_note
from core.version_history import live_among, version_before

SHOWN: Final = 100
SUMMARISED: Final = 20


@dataclass(frozen=True)
class Row:
    """A process on the list. `changed_at` and `changed_by` are of whatever happened last: a draft or a publishing."""

    kind: str
    key: str
    name: str
    live: ProcessVersion | None
    drafts: int
    in_review: int
    owner: ProcessOwner | None
    problems: tuple[str, ...]
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True)
class Group:
    """The processes of a kind."""

    kind: str
    label: str
    rows: list[Row]


@dataclass(frozen=True)
class Version:
    """A version on its process's page, with what it changed in words; None where nobody worked that out.

    `asked`: what whoever brings it back must choose.
    """

    version: ProcessVersion
    word: str
    changes: list[Change] | None
    asked: list[Asked]

    @property
    def is_discarded(self) -> bool:
        return self.version.state == VersionState.RETIRED and self.version.published_at is None


@dataclass(frozen=True)
class Page:
    """A process with its versions, the newest first, and two of them compared."""

    kind: str
    key: str
    label: str
    name: str
    live: ProcessVersion | None
    draft: ProcessVersion | None
    before: ProcessVersion | None
    versions: list[Version]
    older: ProcessVersion | None
    newer: ProcessVersion
    changes: list[Change]
    closed: list[str]
    unfit: list[str]
    lacks_approval: bool
    sent_back: AuditEntry | None
    owner: ProcessOwner | None
    owner_problems: tuple[str, ...]
    note: str

    @property
    def in_review(self) -> bool:
        return self.draft is not None and self.draft.state == VersionState.IN_REVIEW

    @property
    def before_asks(self) -> bool:
        """Whether going back to what was live before needs a choice: where deals of a lost stage go."""
        return self.before is not None and any(one.asked for one in self.versions if one.version == self.before)


def overview() -> list[Group]:
    """Every process by kind, in the order of registration. Two queries."""
    known = owners()
    found: dict[tuple[str, str], list[ProcessVersion]] = {}
    for version in ProcessVersion.objects.defer("definition").order_by("kind", "key", "-number"):
        found.setdefault((version.kind, version.key), []).append(version)
    groups = []
    for kind in sorted(registry.process_kinds(), key=lambda one: one.label):
        rows = [_row(versions, known.get(name)) for name, versions in found.items() if name[0] == kind.kind]
        if rows:
            groups.append(Group(kind.kind, kind.label, rows))
    return groups


def _row(versions: list[ProcessVersion], owner: ProcessOwner | None) -> Row:
    newest = versions[0]
    live = live_among(versions)
    acts = [(one.created_at, one.created_by) for one in versions]
    acts += [(one.published_at, one.published_by) for one in versions if one.published_at is not None]
    changed_at, changed_by = max(acts)
    return Row(
        newest.kind,
        newest.key,
        (live or newest).name,
        live,
        sum(one.is_draft for one in versions),
        sum(one.state == VersionState.IN_REVIEW for one in versions),
        owner,
        problems_of(owner) if live else (),
        changed_at,
        changed_by,
    )


def process_page(kind: str, key: str, tenant: Tenant, *, older: str = "", newer: str = "") -> Page | None:
    """A process, or None. `older` and `newer` are numbers to compare; left out, what matters most is compared."""
    versions = list(ProcessVersion.objects.filter(kind=kind, key=key).order_by("-number")[:SHOWN])
    known = {one.kind: one for one in registry.process_kinds()}
    if not versions or kind not in known:
        return None
    live = live_among(versions)
    draft = next((one for one in versions if one.is_draft), None)
    before = version_before(kind, key)
    by_number = {str(one.number): one for one in versions}
    new = by_number.get(newer) or draft or live or versions[0]
    owner = owner_of(kind, key)
    old = by_number.get(older) or (live if new.is_draft else _beneath(new, versions, before))
    asked = _asked(known[kind], key, versions)
    return Page(
        kind=kind,
        key=key,
        label=known[kind].label,
        name=(live or versions[0]).name,
        live=live,
        draft=draft,
        before=before,
        versions=[_version(one, place, versions, asked) for place, one in enumerate(versions)],
        older=old,
        newer=new,
        changes=versioning.diff(old, new) if old is not None else [],
        closed=versioning.closed_gates(draft) if draft is not None else [],
        unfit=versioning.unfit_lines(draft) if draft is not None else [],
        lacks_approval=draft is not None and versioning.lacks_approval(draft, tenant),
        sent_back=last_note(draft) if draft is not None else None,
        owner=owner,
        owner_problems=problems_of(owner) if live else (),
        note=known[kind].note,
    )


def _asked(kind: ProcessKind, key: str, versions: list[ProcessVersion]) -> dict[int, list[Asked]]:
    """By number, what bringing a version back that was live once asks of whoever does it."""
    past = [one for one in versions if one.state == VersionState.RETIRED and one.published_at is not None]
    if kind.on_return is None:
        return {}
    asked = kind.on_return(key, [one.definition for one in past])
    return {one.number: found for one, found in zip(past, asked, strict=True)}


def version_of(kind: str, key: str, number: str) -> ProcessVersion | None:
    """The version of that number, or the live one when none is named."""
    if kind not in {one.kind for one in registry.process_kinds()}:
        return None
    versions = ProcessVersion.objects.filter(kind=kind, key=key)
    if not number:
        return versions.filter(state=VersionState.PUBLISHED).first()
    return versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None


def _beneath(
    version: ProcessVersion, versions: list[ProcessVersion], before: ProcessVersion | None
) -> ProcessVersion | None:
    """What the version took the place of: the one that was live before it, else the next older one."""
    if version.state == VersionState.PUBLISHED and before is not None:
        return before
    return next((one for one in versions if one.number < version.number), None)


def _version(
    version: ProcessVersion, place: int, versions: list[ProcessVersion], asked: dict[int, list[Asked]]
) -> Version:
    older = [one for one in versions[place + 1 :] if version.based_on in (None, one.number)]
    summary = versioning.diff(older[0], version) if older and place < SUMMARISED else None
    return Version(version, _word(version), summary, asked.get(version.number, []))


def _word(version: ProcessVersion) -> str:
    if version.state == VersionState.RETIRED and version.published_at is None:
        return "Discarded"
    return str(VersionState(version.state).label)


def plain(text: str) -> str:
    """Without the character that Postgres keeps in no text."""
    return text.replace("\x00", "")[:80]
