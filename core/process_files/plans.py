"""What process files mean for a workspace: what differs, what publishing would change, and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from django.db import transaction

from core import registry, versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import ProcessVersion
from core.process_files.documents import BadFiles, Document, text_of

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
    return [_planned(one, _compared(one, stored), actor, now, today) for one in documents]


@transaction.atomic
def apply(documents: Sequence[Document], *, publish: bool, reason: str, actor: Actor, now: datetime) -> list[Applied]:
    """Every file becomes a draft, with `publish` the live version; all of them or none. Done again it does nothing.

    Files of drafts stay drafts. Where a gate is shut, the reason counts as the signed waiver. Raises `BadFiles`.
    """
    versioning.take_turns()  # two people applying the same files at once make each draft once
    stored = _stored()
    applied, problems = [], []
    for one in documents:
        try:
            applied.append(_apply(one, stored, publish and not one.is_draft, reason, actor, now))
        except versioning.PublishRefused as refusal:
            problems += [one.problem(line) for line in refusal.lines]
        except ValueError as error:
            problems.append(one.problem(str(error)))
    if problems:
        raise BadFiles(problems)
    return applied


_Shelf = dict[tuple[str, str, str], list[ProcessVersion]]


def _stored() -> _Shelf:
    """Live versions and drafts by kind, key and state, the latest first."""
    shelf: _Shelf = {}
    kept = ProcessVersion.objects.filter(state__in=[VersionState.PUBLISHED, VersionState.DRAFT])
    for version in kept.order_by("kind", "key", "-number"):
        shelf.setdefault((version.kind, version.key, str(version.state)), []).append(version)
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


def _planned(one: Document, compared: Compared, actor: Actor, now: datetime, today: date) -> Planned:
    same = compared.state == "same"
    effects = registry.process_kind(one.kind).effects
    told = () if same or effects is None else tuple(effects(one.key, one.definition, today))
    refused, waivable = ([], True) if same or one.is_draft else _against(one, actor, now)
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


def _against(one: Document, actor: Actor, now: datetime) -> tuple[list[str], bool]:
    """What stands against publishing: asked of a draft that is made for the question and taken back."""
    with transaction.atomic():
        try:
            version = _as_draft(one, _stored(), actor, now)
            versioning.refuse_unfit(version)
            return versioning.closed_gates(version), True
        except versioning.PublishRefused as refusal:
            return refusal.lines, refusal.waivable
        finally:
            transaction.set_rollback(True)


def _apply(one: Document, stored: _Shelf, publish: bool, reason: str, actor: Actor, now: datetime) -> Applied:  # noqa: FBT001 -- private, and called in one place
    live = _first(stored, one, VersionState.PUBLISHED)
    text = one.text
    if live is not None and not one.is_draft and text_of(live) == text:
        return Applied(one.file, one.kind, one.key, "unchanged", live.number, ())
    newest = _newest_draft(one, stored)
    if newest is not None and not publish and text_of(newest) == text:
        return Applied(one.file, one.kind, one.key, "unchanged", newest.number, ())
    changes = _changes(live, one) if live is not None else ()
    version = _as_draft(one, stored, actor, now)
    if not publish:
        return Applied(one.file, one.kind, one.key, "drafted", version.number, changes)
    waived = _publish(version, reason, actor, now)
    return Applied(one.file, one.kind, one.key, "published", version.number, changes, waived)


def _as_draft(one: Document, stored: _Shelf, actor: Actor, now: datetime) -> ProcessVersion:
    """The newest version under the key, with the file's content: the newest draft where it has the content already or
    is the same actor's own, else a new one. What is tested and published next is what the file says.
    """
    newest = _newest_draft(one, stored)
    if newest is not None and text_of(newest) == one.text:
        return newest
    if newest is not None and newest.created_by == actor.label:
        return versioning.save_draft(version=newest, definition=one.definition, name=one.name, actor=actor, now=now)
    return versioning.draft(kind=one.kind, key=one.key, name=one.name, definition=one.definition, actor=actor, now=now)


def _newest_draft(one: Document, stored: _Shelf) -> ProcessVersion | None:
    """The latest draft where it is ahead of what is live. Older drafts are left as they are."""
    live, latest = _first(stored, one, VersionState.PUBLISHED), _first(stored, one, VersionState.DRAFT)
    return latest if latest is not None and (live is None or latest.number > live.number) else None


def _publish(version: ProcessVersion, reason: str, actor: Actor, now: datetime) -> tuple[str, ...]:
    try:
        versioning.publish(version=version, actor=actor, now=now, reason=reason)
    except versioning.PublishRefused as refusal:
        if not refusal.waivable:
            raise
        versioning.publish(version=version, actor=actor, now=now, reason=reason, waiver=reason)
        return tuple(refusal.lines)
    return ()
