"""Versions of processes: draft → published → retired. The mechanism only; the kinds come from the registry."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from core import audit, references, registry
from core.actors import Actor
from core.choices import VersionState
from core.differences import Change, Line, compare, plain_lines
from core.models import ProcessVersion, Tenant
from core.queries import published_version
from core.tenancy import require_tenant_id
from core.unsaid import unsaid
from core.version_history import live_among, once_live, restored, version_before

DEFAULT: Final = "Default of a new workspace."
NEEDS_APPROVAL: Final = (
    "approval: nobody else has approved this version, and this workspace asks for it. Ask for a review; a second "
    "person approves it there."
)
OLDER_NEEDS_APPROVAL: Final = (
    "approval: one step back goes without a second person, and v{} is further back. Make a draft of it and ask for a "
    "review."
)
REVIEW_FIELDS: Final = (
    "state", "review_asked_by", "review_asked_at", "review_reason", "approved_by", "approved_at",
)  # fmt: skip


class NotADraft(ValueError):
    """Only a draft can be edited, discarded or published: what was live stays as it was."""


class DraftMoved(ValueError):
    """Somebody else has saved the draft since it was read."""


class InReview(ValueError):
    """The draft lies before a second person: what they look at changes only once it is taken back."""

    def __init__(self, version: ProcessVersion) -> None:
        by = f", as {version.review_asked_by} asked" if version.review_asked_by else ""
        super().__init__(f"{version} is in review{by}. Take it back first, so that its reviewers know.")


class LiveMoved(ValueError):
    """Another version went live since the page was shown."""


class NothingBefore(ValueError):
    """No earlier content was ever live under this key."""


class PublishRefused(ValueError):
    """The version may not go live. `lines` say what stands against it; a signed waiver helps where `waivable`."""

    def __init__(self, lines: list[str], *, waivable: bool = True) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines
        self.waivable = waivable


def content_hash(definition: dict[str, Any]) -> str:
    """The same content gives the same hash, whatever the order of its keys."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def take_turns() -> Tenant:
    """Holds the workspace's row until the end of the transaction: two people publishing at once take turns.

    Rows that refer to the workspace are written meanwhile: the lock leaves its key alone.
    """
    return Tenant.objects.select_for_update(no_key=True).get(pk=require_tenant_id())


@transaction.atomic
def draft(
    *,
    kind: str,
    key: str,
    name: str,
    definition: dict[str, Any],
    actor: Actor,
    now: datetime,
    based_on: int | None = None,
) -> ProcessVersion:
    """A new draft with the next number. Raises `ValueError` when the kind refuses the definition.

    `based_on` is the number of the version that it started from; left out, the live one.
    """
    registry.process_kind(kind).parse(definition)
    _must_be_about(kind, key, definition)
    take_turns()
    live = published_version(kind, key)
    last = ProcessVersion.objects.filter(kind=kind, key=key).aggregate(last=Max("number"))["last"] or 0
    version = ProcessVersion.objects.create(
        kind=kind,
        key=key,
        name=name,
        number=last + 1,
        definition=definition,
        content_hash=content_hash(definition),
        based_on=based_on if based_on is not None or live is None else live.number,
        created_at=now,
        created_by=actor.label,
    )
    audit.record(actor=actor, at=now, verb="drafted", subject=version, after={"hash": version.content_hash})
    return version


@transaction.atomic
def save_draft(
    *,
    version: ProcessVersion,
    definition: dict[str, Any],
    name: str,
    actor: Actor,
    now: datetime,
    seen_hash: str = "",
) -> ProcessVersion:
    """Gives a draft new content. Raises `ValueError` (the kind refuses it), `NotADraft`, or `DraftMoved` when the
    draft no longer has the content hash that the editor had seen. The same content again does nothing.

    Raises `InReview` for what a second person looks at; `core.drafts.rewrite` takes it back first where that is said.
    """
    registry.process_kind(version.kind).parse(definition)
    _must_be_about(version.kind, version.key, definition)
    take_turns()
    version.refresh_from_db()
    _must_be_draft(version)
    must_be_as_seen(version, seen_hash)
    before, after = version.content_hash, content_hash(definition)
    if (before, version.name) == (after, name):
        return version
    if version.state == VersionState.IN_REVIEW:
        raise InReview(version)
    version.definition, version.name, version.content_hash = definition, name, after
    version.save(update_fields=["definition", "name", "content_hash"])
    audit.record(
        actor=actor, at=now, verb="edited draft", subject=version, before={"hash": before}, after={"hash": after}
    )
    return version


def out_of_review(version: ProcessVersion) -> None:
    """Makes it a plain draft that nobody has approved; the caller saves `REVIEW_FIELDS`."""
    version.state = VersionState.DRAFT
    version.review_asked_by, version.review_asked_at, version.review_reason = "", None, ""
    version.approved_by, version.approved_at = "", None


@transaction.atomic
def discard(*, version: ProcessVersion, actor: Actor, now: datetime, reason: str = "") -> ProcessVersion:
    """Puts a draft away. Its row stays, retired without ever having been live. Raises `NotADraft`."""
    take_turns()
    version.refresh_from_db()
    _must_be_draft(version)
    version.state = VersionState.RETIRED
    version.save(update_fields=["state"])
    audit.record(actor=actor, at=now, verb="discarded draft", subject=version, reason=reason)
    return version


def _must_be_about(kind: str, key: str, definition: dict[str, Any]) -> None:
    """A document that repeats its kind and key cannot be stored under others."""
    if not registry.process_kind(kind).headed:
        return
    for field, meant in (("kind", kind), ("key", key)):
        if definition.get(field, meant) != meant:
            raise ValueError(f"{field}: '{definition[field]}' is another one than this version's. Write {meant}.")


def _must_be_draft(version: ProcessVersion) -> None:
    if not version.is_draft:
        raise NotADraft(f"{version} is no draft any more. Make a new draft of it instead.")


def must_be_as_seen(version: ProcessVersion, seen_hash: str) -> None:
    """Raises `DraftMoved` when the content is no longer what somebody had before their eyes; "" asks nothing."""
    if seen_hash and seen_hash != version.content_hash:
        raise DraftMoved(f"{version} was saved by somebody else since you opened it. Reload to see their changes.")


def closed_gates(version: ProcessVersion) -> list[str]:
    """What stands against publishing it, in lines for a reader; empty when nothing does."""
    kind = registry.process_kind(version.kind)
    return kind.gate(version) if kind.gate is not None else []


def refuse_unfit(version: ProcessVersion, *, together: Collection[references.Name] = ()) -> None:
    """Raises `PublishRefused` for content that may be drafted but never be live. No waiver helps.

    `together` names processes that go live in the same act, so that nothing is said about what they say now.
    """
    _refuse_content(version)
    broken = references.broken(version, together)
    if broken:
        raise PublishRefused(broken, waivable=False)


def _refuse_content(version: ProcessVersion) -> None:
    kind = registry.process_kind(version.kind)
    try:
        kind.parse(version.definition)
        if kind.publish_check is not None:
            kind.publish_check(version.definition)
    except PublishRefused:
        raise
    except ValueError as error:
        raise PublishRefused([str(error)], waivable=False) from error


def unfit_lines(version: ProcessVersion, *, together: Collection[references.Name] = ()) -> list[str]:
    """What `refuse_unfit` would say, for a page; empty when the content may be live."""
    try:
        refuse_unfit(version, together=together)
    except PublishRefused as refusal:
        return refusal.lines
    return []


def lacks_approval(version: ProcessVersion, tenant: Tenant) -> bool:
    """Whether a second person has still to approve it before it may go live."""
    return tenant.needs_approval and not (version.state == VersionState.IN_REVIEW and version.approved_by)


@transaction.atomic
def publish(
    *,
    version: ProcessVersion,
    actor: Actor,
    now: datetime,
    reason: str,
    waiver: str = "",
    seen_hash: str = "",
    exempt: bool = False,
    together: Collection[references.Name] = (),
) -> ProcessVersion:
    """Makes a draft the live version; the one before is retired, never changed. Publishing the live one does nothing.

    Raises `NotADraft`, and `PublishRefused` when the content may not be live, a gate is shut, or the workspace asks
    for a second person's approval and there is none. With `waiver`, the signed reason, a shut gate lets it pass, and
    the version keeps who waived it and why. Only what is `exempt` (defaults, and content that was live before) needs
    no approval; the version then keeps the waiver as the note. Raises `DraftMoved` when the draft no longer has the
    content hash that the publisher had seen.
    """
    tenant = take_turns()
    version.refresh_from_db()
    if version.state == VersionState.PUBLISHED:
        return version
    _must_be_draft(version)
    must_be_as_seen(version, seen_hash)
    refuse_unfit(version, together=together)
    if lacks_approval(version, tenant) and not exempt:
        raise PublishRefused([NEEDS_APPROVAL], waivable=False)
    closed = closed_gates(version)
    if closed and not waiver.strip():
        raise PublishRefused(closed)
    if lacks_approval(version, tenant):
        closed = [*closed, NEEDS_APPROVAL]
    if closed:
        version.waived_by, version.waiver_reason = actor.label, waiver.strip()
    ProcessVersion.objects.filter(kind=version.kind, key=version.key, state=VersionState.PUBLISHED).update(
        state=VersionState.RETIRED
    )
    version.state = VersionState.PUBLISHED
    version.published_at, version.published_by, version.reason = now, actor.label, reason
    version.save(
        update_fields=["state", "published_at", "published_by", "reason", "waived_by", "waiver_reason"],
    )
    waived = {"waived": closed, "waiver": version.waiver_reason} if closed else {}
    audit.record(actor=actor, at=now, verb="published", subject=version, after=waived, reason=reason)
    kind = registry.process_kind(version.kind)
    if kind.after_publish is not None:
        kind.after_publish(version, actor, now)
    return version


@transaction.atomic
def rollback(
    *,
    kind: str,
    key: str,
    actor: Actor,
    now: datetime,
    reason: str,
    to: int | None = None,
    seen: int | None = None,
    answers: Mapping[str, str] | None = None,
) -> ProcessVersion:
    """Publishes the content that was live before (or that of version `to`) under a new number.

    `answers` to what the kind asks of whoever brings it back (`on_return`) go into the new version.

    It has been live, so a shut gate does not hold it up: the reason counts as the signed waiver and is kept as such.
    Nor does a missing approval, for one step back; what is older needs it. Raises `NothingBefore`, `PublishRefused`,
    and `LiveMoved` when the live version is no longer `seen`, the one before the eyes of whoever pressed.
    """
    tenant, live, why = take_turns(), published_version(kind, key), reason.strip()
    if not why:
        raise PublishRefused(["reason: say why it goes back. It is kept with the version."], waivable=False)
    if seen is not None and (live is None or live.number != seen):
        raise LiveMoved(f"Another version of '{key}' went live meanwhile. Load the page again and look first.")
    last = version_before(kind, key)
    before = last if to is None else once_live(kind, key).filter(number=to).first()
    if before is None:
        raise NothingBefore(f"No earlier version of '{key}' was ever live. Make a draft and publish it instead.")
    one_step = before == last and live is not None and (live.approved_by or restored(live) is None)
    if tenant.needs_approval and not one_step:
        raise PublishRefused([OLDER_NEEDS_APPROVAL.format(before.number)], waivable=False)
    version = draft(
        kind=kind,
        key=key,
        name=before.name,
        definition=_answered(before, answers or {}),
        actor=actor,
        now=now,
        based_on=before.number,
    )
    return publish(version=version, actor=actor, now=now, reason=why, waiver=why, exempt=True)


def _answered(version: ProcessVersion, answers: Mapping[str, str]) -> dict[str, Any]:
    answered = registry.process_kind(version.kind).answered
    if answers and answered is None:
        label = registry.process_kind(version.kind).label.lower()
        raise PublishRefused([f"{', '.join(answers)}: nothing is asked of a {label} that comes back."], waivable=False)
    return version.definition if answered is None else answered(version.key, version.definition, answers)


def described(kind: str, name: str, definition: dict[str, Any]) -> list[Line]:
    """A document in words: its name, then what its kind says about it."""
    return _named(name, _said(kind, definition))


def _named(name: str, lines: list[Line]) -> list[Line]:
    return [Line("name", "name", name), *(line for line in lines if line.path != "name")]


def _said(kind: str, definition: dict[str, Any]) -> list[Line]:
    """The kind's own words; a version from before its language changed is told by its fields."""
    words = registry.process_kind(kind).describe
    try:
        return words(definition) if words is not None else plain_lines(definition)
    except ValueError:
        return plain_lines(definition)


def diff(old: ProcessVersion | None, new: ProcessVersion) -> list[Change]:
    """What the new version changes, in the language of the work; what the kind has no words for, by its fields.

    Without an old version everything is new.
    """
    if old is None:
        return compare([], described(new.kind, new.name, new.definition))
    words = registry.process_kind(new.kind).describe or plain_lines
    try:
        before, after = words(old.definition), words(new.definition)
    except ValueError:  # from before its language changed: both by their fields, so that like is compared with like
        words, before, after = plain_lines, plain_lines(old.definition), plain_lines(new.definition)
    changes = compare(_named(old.name, before), _named(new.name, after))
    return [*changes, *unsaid(old.definition, new.definition, words, changes)]


@transaction.atomic
def ensure_published(
    *, kind: str, key: str, name: str, definition: dict[str, Any], actor: Actor, now: datetime
) -> ProcessVersion:
    """The live version under this key; publishes the given definition as v1 when there is none. Idempotent.

    A default has no history of its own to be proven on: a shut gate or a missing approval is passed with a stored
    waiver that says so.
    """
    live = published_version(kind, key)
    if live is not None:
        return live
    tenant = take_turns()
    past = list(ProcessVersion.objects.filter(kind=kind, key=key))  # somebody may have been faster
    if live := live_among(past):
        return live
    if past or registry.process_kind(kind).gate is not None:
        version = draft(kind=kind, key=key, name=name, definition=definition, actor=actor, now=now)
        return publish(version=version, actor=actor, now=now, reason=DEFAULT, waiver=DEFAULT, exempt=True)
    first = ProcessVersion(kind=kind, key=key, name=name, definition=definition)
    return _publish_first(first, tenant, actor, now)


def _publish_first(version: ProcessVersion, tenant: Tenant, actor: Actor, now: datetime) -> ProcessVersion:
    """Version 1, live at once: a workspace is made of dozens of defaults, and none of them has a past to look at."""
    _must_be_about(version.kind, version.key, version.definition)
    _refuse_content(version)
    if missing := references.not_there(version):
        raise PublishRefused(missing, waivable=False)
    version.number, version.state, version.reason = 1, VersionState.PUBLISHED, DEFAULT
    version.content_hash = content_hash(version.definition)
    version.created_at = version.published_at = now
    version.created_by = version.published_by = actor.label
    if tenant.needs_approval:
        version.waived_by, version.waiver_reason = actor.label, DEFAULT
    version.save(force_insert=True)
    told = {"hash": version.content_hash}
    audit.record(actor=actor, at=now, verb="published", subject=version, after=told, reason=DEFAULT)
    follow = registry.process_kind(version.kind).after_publish
    if follow is not None:
        follow(version, actor, now)
    return version
