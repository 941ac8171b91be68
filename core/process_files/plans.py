"""What process files mean for a workspace: what differs, what publishing would change, and doing it."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from django.db import transaction

from core import references, registry, reviews, versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import ProcessVersion, Tenant
from core.process_files.documents import BadFiles, Document, Problem, text_of
from core.tenancy import require_tenant_id

State = Literal["same", "differs", "new", "only_live"]
Outcome = Literal["unchanged", "drafted", "published"]


@dataclass(frozen=True)
class Compared:
    """A file beside what is live. `new`: nothing is live under its key; `only_live`: no file is there."""

    file: str
    kind: str
    key: str
    state: State
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Planned(Compared):
    """With it: what publishing would change in the workspace, and what stands against it."""

    effects: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    waivable: bool = True


@dataclass(frozen=True)
class Applied:
    """What became of a file. `waived` holds the shut gates that the reason was signed for."""

    file: str
    kind: str
    key: str
    outcome: Outcome
    number: int
    changes: tuple[str, ...]
    waived: tuple[str, ...] = ()


def compare(documents: Sequence[Document], *, whole: bool) -> list[Compared]:
    """Each file beside its live version, drafts beside the latest draft. With `whole` also what has no file."""
    stored = _stored()
    found = [_compared(one, stored) for one in documents]
    if whole:
        named = {(one.kind, one.key) for one in documents}
        found += [
            Compared("", kind, key, "only_live", ())
            for kind, key, state in stored
            if state == VersionState.PUBLISHED and (kind, key) not in named
        ]
    return found


def plan(documents: Sequence[Document], *, actor: Actor, now: datetime, today: date) -> list[Planned]:
    """What applying and publishing the files would do. It leaves nothing behind."""
    stored = _stored()
    together = _together(documents)
    lost = _bad_references(documents, stored)
    return [
        _planned(one, stored, together, [line for file, line in lost if file is one], actor, now, today)
        for one in documents
    ]


@transaction.atomic
def apply(documents: Sequence[Document], *, publish: bool, reason: str, actor: Actor, now: datetime) -> list[Applied]:
    """Every file becomes a draft, with `publish` the live version; all of them or none. Done again it does nothing.

    Files of drafts stay drafts. Where a gate is shut, the reason counts as the signed waiver. What is named by others
    goes first, whatever the order of the files. Raises `BadFiles`, also for names that lead nowhere or in a circle.
    """
    versioning.take_turns()  # two people applying the same files at once make each draft once
    stored = _stored()
    _refuse_bad_references(documents, stored)
    together = _together(documents) if publish else frozenset()
    applied, problems = [], []
    for one in _ordered(documents):
        try:
            applied.append(_apply(one, stored, publish and not one.is_draft, together, reason, actor, now))
        except versioning.PublishRefused as refusal:
            problems += [one.problem(line) for line in refusal.lines]
        except ValueError as error:
            problems.append(one.problem(str(error)))
    if problems:
        raise BadFiles(problems)
    place = {(one.kind, one.key, one.file): number for number, one in enumerate(documents)}
    return sorted(applied, key=lambda one: place[one.kind, one.key, one.file])


def _together(documents: Sequence[Document]) -> frozenset[references.Name]:
    return frozenset((one.kind, one.key) for one in documents if not one.is_draft)


def _ordered(documents: Sequence[Document]) -> list[Document]:
    """What is named comes before what names it; drafts last."""
    order, _ = references.in_order(_named(documents))
    place = {name: number for number, name in enumerate(order)}
    return sorted(documents, key=lambda one: (one.is_draft, place.get((one.kind, one.key), -1)))


def _named(documents: Sequence[Document]) -> dict[references.Name, list[registry.Reference]]:
    return {(one.kind, one.key): references.of(one.kind, one.definition) for one in documents if not one.is_draft}


def _refuse_bad_references(documents: Sequence[Document], stored: "_Shelf") -> None:
    """Every name of another process leads somewhere, among the files or in the workspace, and to no circle."""
    problems = [one.problem(line) for one, line in _bad_references(documents, stored)]
    if problems := [*problems, *_circles(documents)]:
        raise BadFiles(problems)


def _bad_references(documents: Sequence[Document], stored: "_Shelf") -> list[tuple[Document, str]]:
    beside: dict[references.Name, list[dict[str, Any]]] = {}
    for (kind, key, _), versions in stored.items():
        beside.setdefault((kind, key), []).extend(version.definition for version in versions)
    for one in documents:
        if one.is_draft:
            beside.setdefault((one.kind, one.key), []).append(one.definition)
    for one in documents:
        if not one.is_draft:
            beside[one.kind, one.key] = [one.definition]
    problems = []
    for one in documents:
        for named in references.of(one.kind, one.definition):
            said = [references.problem_of(named, target) for target in beside.get((named.kind, named.key), [None])]
            if all(said):
                problems.append((one, said[0]))
    return problems


def _circles(documents: Sequence[Document]) -> list[Problem]:
    by_name = {(one.kind, one.key): one for one in documents if not one.is_draft}
    _, circles = references.in_order(_named(documents))
    return [
        by_name[name].problem(
            f"{one.field}: {one.kind} '{one.key}' names this {name[0]} in turn, so neither could go live first. "
            "Remove one of the two references."
        )
        for name, one in circles
    ]


_Shelf = dict[tuple[str, str, str], list[ProcessVersion]]


def _stored() -> _Shelf:
    """Live versions and drafts, in review or not, by kind, key and state, the latest first."""
    shelf: _Shelf = {}
    kept = ProcessVersion.objects.exclude(state=VersionState.RETIRED)
    for version in kept.order_by("kind", "key", "-number"):
        state = VersionState.DRAFT if version.is_draft else VersionState.PUBLISHED
        shelf.setdefault((version.kind, version.key, str(state)), []).append(version)
    return shelf


def _compared(one: Document, stored: _Shelf) -> Compared:
    live = _first(stored, one, VersionState.PUBLISHED)
    beside = _first(stored, one, VersionState.DRAFT) if one.is_draft else live
    if beside is not None and text_of(beside) == one.text:
        return Compared(one.file, one.kind, one.key, "same", ())
    changes = _changes(beside or live, one) if beside or live else ()
    return Compared(one.file, one.kind, one.key, "differs" if beside or live else "new", changes)


def _first(stored: _Shelf, one: Document, state: VersionState) -> ProcessVersion | None:
    return next(iter(stored.get((one.kind, one.key, str(state)), [])), None)


def _changes(before: ProcessVersion | None, one: Document) -> tuple[str, ...]:
    after = ProcessVersion(kind=one.kind, key=one.key, name=one.name, definition=one.definition)
    return tuple(change.text for change in versioning.diff(before, after))


def _planned(
    one: Document,
    stored: _Shelf,
    together: frozenset[references.Name],
    lost: list[str],
    actor: Actor,
    now: datetime,
    today: date,
) -> Planned:
    compared = _compared(one, stored)
    same = compared.state == "same"
    effects = registry.process_kind(one.kind).effects
    told = () if same or effects is None else tuple(effects(one.key, one.definition, today))
    refused, waivable = ([], True) if same or one.is_draft else _against(one, stored, together, actor, now)
    if lost:  # what it names is neither live nor among the files, be the file as it was
        refused, waivable = list(dict.fromkeys([*lost, *refused])), False
    return Planned(
        compared.file,
        compared.kind,
        compared.key,
        compared.state,
        compared.changes,
        effects=told,
        refused=tuple(refused),
        waivable=waivable,
    )


def _against(
    one: Document, stored: _Shelf, together: frozenset[references.Name], actor: Actor, now: datetime
) -> tuple[list[str], bool]:
    """What stands against publishing: asked of a draft that is made for the question and taken back."""
    mine = ((name, kept) for name, kept in stored.items() if name[:2] == (one.kind, one.key))
    own = {name: [copy(version) for version in kept] for name, kept in mine}
    with transaction.atomic():
        try:
            version = _as_draft(one, own, actor, now, publish=True)
            versioning.refuse_unfit(version, together=together)
            if versioning.lacks_approval(version, Tenant.objects.get(pk=require_tenant_id())):
                return [versioning.NEEDS_APPROVAL], False
            return versioning.closed_gates(version), True
        except versioning.PublishRefused as refusal:
            return refusal.lines, refusal.waivable
        finally:
            transaction.set_rollback(True)


def _apply(
    one: Document,
    stored: _Shelf,
    publish: bool,  # noqa: FBT001 -- private, and called in one place
    together: frozenset[references.Name],
    reason: str,
    actor: Actor,
    now: datetime,
) -> Applied:
    live = _first(stored, one, VersionState.PUBLISHED)
    text = one.text
    if live is not None and not one.is_draft and text_of(live) == text:
        return Applied(one.file, one.kind, one.key, "unchanged", live.number, ())
    newest = _newest_draft(one, stored)
    if newest is not None and not publish and text_of(newest) == text:
        return Applied(one.file, one.kind, one.key, "unchanged", newest.number, ())
    changes = _changes(live, one) if live is not None else ()
    version = _as_draft(one, stored, actor, now, publish=publish)
    if not publish:
        return Applied(one.file, one.kind, one.key, "drafted", version.number, changes)
    waived = _publish(version, together, reason, actor, now)
    return Applied(one.file, one.kind, one.key, "published", version.number, changes, waived)


def _as_draft(one: Document, stored: _Shelf, actor: Actor, now: datetime, *, publish: bool) -> ProcessVersion:
    """The newest version under the key, with the file's content: the newest draft where it has the content already or
    the same member wrote what it says, else a new one. What is tested and published next is what the file says.

    Raises `PublishRefused` rather than take a draft away from those who review it, or lay a second one over it; only
    what goes live at once passes by the review of somebody else's.
    """
    newest = _newest_draft(one, stored)
    if newest is not None and text_of(newest) == one.text:
        return newest
    own = newest is not None and reviews.written_by(newest) == (actor.membership_id, actor.label)
    if newest is not None and newest.state == VersionState.IN_REVIEW and (own or not publish):
        raise versioning.PublishRefused([f"review: {versioning.InReview(newest)}"], waivable=False)
    if newest is not None and own:
        return versioning.save_draft(version=newest, definition=one.definition, name=one.name, actor=actor, now=now)
    return versioning.draft(kind=one.kind, key=one.key, name=one.name, definition=one.definition, actor=actor, now=now)


def _newest_draft(one: Document, stored: _Shelf) -> ProcessVersion | None:
    """The latest draft where it is ahead of what is live. Older drafts are left as they are."""
    live, latest = _first(stored, one, VersionState.PUBLISHED), _first(stored, one, VersionState.DRAFT)
    return latest if latest is not None and (live is None or latest.number > live.number) else None


def _publish(
    version: ProcessVersion, together: frozenset[references.Name], reason: str, actor: Actor, now: datetime
) -> tuple[str, ...]:
    try:
        versioning.publish(version=version, actor=actor, now=now, reason=reason, together=together)
    except versioning.PublishRefused as refusal:
        if not refusal.waivable:
            raise
        versioning.publish(version=version, actor=actor, now=now, reason=reason, waiver=reason, together=together)
        return tuple(refusal.lines)
    return ()
