"""Members of a workspace: their role, and leaving without leaving anything behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import audit, registry, reviews
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant
from core.permissions import ROLE_PERMISSIONS, Permission
from core.processes import owners
from core.tenancy import require_tenant_id


class MemberRefused(ValueError):
    """The member cannot be changed like this; the message says why and what to do first, `url` where."""

    def __init__(self, message: str, *, url: str = "") -> None:
        super().__init__(message)
        self.url = url


@dataclass(frozen=True)
class MemberRow:
    """A member as the page shows them: what they answer for, and why they cannot leave yet."""

    membership: Membership
    processes: tuple[tuple[str, str, str], ...]
    duties: tuple[registry.Duty, ...]

    @property
    def is_active(self) -> bool:
        return self.membership.is_active

    @property
    def may_leave(self) -> bool:
        return not self.processes and not self.duties


def members() -> list[MemberRow]:
    """Every member, the active ones first, by name; with what would be left behind. A bounded number of queries."""
    found = list(
        Membership.objects.filter(tenant_id=require_tenant_id())
        .select_related("user")
        .order_by("-is_active", "user__name", "user__email", "pk")[:500]
    )
    ids = [one.pk for one in found]
    owned = owners.owned_by(ids)
    duties = _duties(ids)
    return [MemberRow(one, tuple(owned.get(one.pk, ())), tuple(duties.get(one.pk, ()))) for one in found]


def _duties(membership_ids: Sequence[int]) -> dict[int, list[registry.Duty]]:
    found: dict[int, list[registry.Duty]] = {}
    for count in registry.member_duties():
        for membership_id, duty in count(membership_ids).items():
            found.setdefault(membership_id, []).append(duty)
    return found


@transaction.atomic
def change_role(*, membership_id: int, role: Role, actor: Actor, now: datetime) -> Membership:
    """Gives a member another role. Raises `MemberRefused` when nobody would be left to manage members, or to approve
    processes where this workspace asks for a second person.
    """
    member = _member(membership_id)
    if member.role == role:
        return member
    if not _manages(role):
        _somebody_stays(member)
    if Permission.CONFIGURE_PROCESSES not in ROLE_PERMISSIONS.get(role, frozenset()):
        _two_may_approve(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    audit.record(
        actor=actor, at=now, verb="changed role", subject=member, before={"role": before}, after={"role": str(role)}
    )
    return member


@transaction.atomic
def deactivate_member(*, membership_id: int, actor: Actor, now: datetime) -> Membership:
    """Closes the workspace to a member; what they did stays theirs. Done again it does nothing.

    Raises `MemberRefused` while they answer for a process as owner or deputy, own accounts or open tasks, are the last
    who manages members, one of two who approve processes, or the one who asks.
    """
    member = _member(membership_id)
    if not member.is_active:
        return member
    if member.pk == actor.membership_id:
        raise MemberRefused("You cannot close the workspace to yourself. Ask another member who manages members.")
    _somebody_stays(member)
    _two_may_approve(member)
    held = owners.owned_by([member.pk]).get(member.pk, [])
    if held:
        raise MemberRefused(
            f"{member.user} answers for {_listed([name for _, _, name in held])}. Name others there first."
        )
    duties = _duties([member.pk]).get(member.pk, [])
    if duties:
        words = " and ".join(one.words for one in duties)
        url = next((one.url for one in duties if one.url), "")
        raise MemberRefused(
            f"{member.user} still has {words}. Hand the book over first, and give away what is left.", url=url
        )
    member.is_active = False
    member.save(update_fields=["is_active"])
    audit.record(actor=actor, at=now, verb="deactivated member", subject=member)
    return member


@transaction.atomic
def reactivate_member(*, membership_id: int, actor: Actor, now: datetime) -> Membership:
    """Lets a former member in again, with the role that they had."""
    member = _member(membership_id)
    if not member.is_active:
        member.is_active = True
        member.save(update_fields=["is_active"])
        audit.record(actor=actor, at=now, verb="reactivated member", subject=member)
    return member


def _member(membership_id: int) -> Membership:
    tenant_id = require_tenant_id()
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)  # two who leave at once take turns
    found = Membership.objects.filter(tenant_id=tenant_id, pk=membership_id).select_related("user").first()
    if found is None:
        raise MemberRefused("This is no member of the workspace.")
    return found


def _manages(role: str) -> bool:
    return Permission.MANAGE_MEMBERS in ROLE_PERMISSIONS.get(role, frozenset())


def _somebody_stays(member: Membership) -> None:
    if not _manages(member.role):
        return
    roles = [role for role in ROLE_PERMISSIONS if _manages(role)]
    others = Membership.objects.filter(
        tenant_id=member.tenant_id, is_active=True, user__is_active=True, role__in=roles
    ).exclude(pk=member.pk)
    if not others.exists():
        raise MemberRefused(f"{member.user} is the last who manages members. Give somebody else the role first.")


def _two_may_approve(member: Membership) -> None:
    tenant = Tenant.objects.get(pk=member.tenant_id)
    able = reviews.approvers(tenant)
    if tenant.needs_approval and able.filter(pk=member.pk).exists() and able.exclude(pk=member.pk).count() < 2:
        raise MemberRefused(
            f"{member.user} is one of two who approve processes, and this workspace asks for a second person. Give "
            "somebody else the role first."
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
