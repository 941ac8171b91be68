"""Review of drafts: asked for, taken back, sent back with a note, approved by a second person."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from core import audit, versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import AuditEntry, Membership, ProcessVersion, Tenant
from core.notify import notify
from core.permissions import ROLE_PERMISSIONS, Permission, roles_with

ASKED: Final = "asked for review"
SENT_BACK: Final = "sent back"


class ReviewRefused(ValueError):
    """The review cannot take this step; the message says why and what to do."""


class NobodyElse(ValueError):
    """Approval cannot be asked for: only one person could give it."""


@transaction.atomic
def ask_for_review(*, version: ProcessVersion, actor: Actor, now: datetime, reason: str) -> ProcessVersion:
    """Puts a draft before a second person. Raises `PublishRefused` for content that could never be live, `NotADraft`,
    and `ReviewRefused` when it is in review already or no reason is given.
    """
    tenant = versioning.take_turns()
    version.refresh_from_db()
    _must_be(version, VersionState.DRAFT)
    if actor.membership_id is None:
        raise ReviewRefused("A review is asked for by a person. Sign as a member.")
    if not reason.strip():
        raise ReviewRefused("reason: say what the change is for. The reviewer reads it first.")
    versioning.refuse_unfit(version)
    version.state = VersionState.IN_REVIEW
    version.review_asked_by, version.review_asked_at, version.review_reason = actor.label, now, reason.strip()
    version.approved_by, version.approved_at = "", None
    version.save(update_fields=versioning.REVIEW_FIELDS)
    entry = audit.record(actor=actor, at=now, verb=ASKED, subject=version, reason=version.review_reason)
    _tell(_others(tenant, actor), entry, version, f"{actor.label} asks for a review of {version}.", tenant, now)
    return version


@transaction.atomic
def take_back(*, version: ProcessVersion, actor: Actor, now: datetime) -> ProcessVersion:
    """Makes it a plain draft again; an approval is gone with it. Raises `ReviewRefused` when it is not in review.

    Whoever asked is told when it is somebody else who takes it back.
    """
    tenant = versioning.take_turns()
    version.refresh_from_db()
    _must_be(version, VersionState.IN_REVIEW)
    asker = _asker(version)
    versioning.out_of_review(version)
    version.save(update_fields=versioning.REVIEW_FIELDS)
    entry = audit.record(actor=actor, at=now, verb="took back from review", subject=version)
    text = f"{actor.label} took {version} back from review."
    _tell(_known(asker) - _known(actor.membership_id), entry, version, text, tenant, now)
    return version


@transaction.atomic
def send_back(*, version: ProcessVersion, actor: Actor, now: datetime, note: str) -> ProcessVersion:
    """Back to its author with what is to be changed; who asked is told. Raises `ReviewRefused`."""
    tenant = versioning.take_turns()
    version.refresh_from_db()
    _must_be(version, VersionState.IN_REVIEW)
    if not note.strip():
        raise ReviewRefused("note: say what is to be changed.")
    asker = _asker(version)
    versioning.out_of_review(version)
    version.save(update_fields=versioning.REVIEW_FIELDS)
    entry = audit.record(actor=actor, at=now, verb=SENT_BACK, subject=version, reason=note.strip())
    _tell(_known(asker), entry, version, f"{actor.label} sent {version} back: {note.strip()}", tenant, now)
    return version


@transaction.atomic
def approve(*, version: ProcessVersion, actor: Actor, now: datetime, seen_hash: str = "") -> ProcessVersion:
    """A second person's yes to exactly this content. Raises `ReviewRefused` for whoever asked or wrote it last, for
    a program, and when it is not in review; `DraftMoved` when it is not what the approver had seen.
    """
    tenant = versioning.take_turns()
    version.refresh_from_db()
    _must_be(version, VersionState.IN_REVIEW)
    versioning.must_be_as_seen(version, seen_hash)
    if actor.membership_id is None:
        raise ReviewRefused("An approval is given by a person. Sign as a member.")
    if not approvers(tenant).filter(pk=actor.membership_id).exists():
        raise ReviewRefused(f"{actor.label} may not approve. {', '.join(_roles())} may.")
    asker = _asker(version)
    if actor.membership_id == asker or (asker is None and actor.label == version.review_asked_by):
        raise ReviewRefused("You asked for this review. Somebody else approves it.")
    if actor.membership_id == written_by(version)[0]:
        raise ReviewRefused("You wrote what stands there. Somebody else approves it.")
    version.approved_by, version.approved_at = actor.label, now
    version.save(update_fields=versioning.REVIEW_FIELDS)
    entry = audit.record(actor=actor, at=now, verb="approved", subject=version, after={"hash": version.content_hash})
    _tell(_known(asker), entry, version, f"{actor.label} approved {version}. It can go live.", tenant, now)
    return version


@transaction.atomic
def need_approval(*, needed: bool, actor: Actor, now: datetime, reason: str = "") -> Tenant:
    """Whether a process of this workspace goes live only after a second person has approved it.

    Switched off it needs a reason, and everybody else who may approve is told. Raises `NobodyElse` while fewer than
    two active members could approve, and `ReviewRefused` without the reason.
    """
    tenant = versioning.take_turns()
    if needed and approvers(tenant).count() < 2:
        raise NobodyElse(
            f"Only one member could approve, so nothing could go live. Give a second one the role {_roles()[0]} first."
        )
    if tenant.needs_approval and not needed and not reason.strip():
        raise ReviewRefused("reason: say why nobody else is to look any more. Everybody who may approve reads it.")
    if tenant.needs_approval != needed:
        before, tenant.needs_approval = {"needs_approval": tenant.needs_approval}, needed
        tenant.save(update_fields=["needs_approval"])
        entry = audit.record(
            actor=actor, at=now, verb="changed approval", subject=tenant, before=before,
            after={"needs_approval": needed}, reason=reason.strip(),
        )  # fmt: skip
        if not needed:
            text = f"{actor.label} switched approval off: {reason.strip()}"
            notify(
                membership_ids=_others(tenant, actor), kind="process_review", key=f"approval:{entry.pk}", text=text,
                url=reverse("core:process_versions"), tenant=tenant, now=now,
            )  # fmt: skip
    return tenant


def last_note(version: ProcessVersion) -> AuditEntry | None:
    """Why the draft was last sent back: who, when and the note; None when it never was, or was asked for again."""
    if version.state != VersionState.DRAFT:
        return None
    trail = AuditEntry.objects.filter(subject_type="core.processversion", subject_id=version.pk)
    last = trail.filter(verb__in=[ASKED, SENT_BACK, "edited draft"]).order_by("-at", "-pk").first()
    return last if last is not None and last.verb == SENT_BACK else None


def _must_be(version: ProcessVersion, state: VersionState) -> None:
    if version.state == state:
        return
    if state == VersionState.IN_REVIEW:
        raise ReviewRefused(f"{version} is not in review. Load the page again to see where it stands.")
    if version.state == VersionState.IN_REVIEW:
        raise ReviewRefused(f"{version} is in review already.")
    raise versioning.NotADraft(f"{version} is no draft any more. Make a new draft of it instead.")


def written_by(version: ProcessVersion) -> tuple[int | None, str]:
    """Whose content it is: the member who saved it last, if a member it was, and the name at that time."""
    trail = AuditEntry.objects.filter(subject_type="core.processversion", subject_id=version.pk)
    last = trail.filter(verb__in=["drafted", "edited draft"]).order_by("-at", "-pk").first()
    return (last.actor_membership_id, last.actor_label) if last is not None else (None, version.created_by)


def _asker(version: ProcessVersion) -> int | None:
    """The member who asked last; a name alone could belong to two."""
    trail = AuditEntry.objects.filter(subject_type="core.processversion", subject_id=version.pk, verb=ASKED)
    last = trail.order_by("-at", "-pk").first()
    return last.actor_membership_id if last is not None else None


def approvers(tenant: Tenant) -> QuerySet[Membership]:
    """The members who may approve, as they are there today."""
    roles = [role for role, granted in ROLE_PERMISSIONS.items() if Permission.CONFIGURE_PROCESSES in granted]
    return Membership.objects.filter(tenant=tenant, is_active=True, user__is_active=True, role__in=roles)


def _others(tenant: Tenant, actor: Actor) -> set[int]:
    return set(approvers(tenant).exclude(pk=actor.membership_id or 0).values_list("pk", flat=True))


def _roles() -> list[str]:
    return roles_with(Permission.CONFIGURE_PROCESSES)


def _known(membership_id: int | None) -> set[int]:
    return {membership_id} if membership_id is not None else set()


def _tell(
    members: set[int], entry: AuditEntry, version: ProcessVersion, text: str, tenant: Tenant, now: datetime
) -> None:
    notify(
        membership_ids=members,
        kind="process_review",
        key=f"review:{entry.pk}",
        text=text,
        url=reverse("core:process", args=[version.kind, version.key]),
        tenant=tenant,
        now=now,
    )
