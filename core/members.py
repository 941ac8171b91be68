"""Members of a workspace: their role, and leaving without leaving anything behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import audit, registry
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant
from core.permissions import ROLE_PERMISSIONS, Permission
from core.processes import owners
from core.tenancy import require_tenant_id


class MemberRefused(ValueError):
    """The member cannot be changed like this; the message says why and what to do first."""


@dataclass(frozen=True)
class MemberRow:
    """A member as the page shows them: what they answer for, and why they cannot leave yet."""

    membership: Membership
    processes: tuple[tuple[str, str, str], ...]
    duties: tuple[str, ...]

    @property
    def is_active(self) -> bool:
        return self.membership.is_active

    @property
    def may_leave(self) -> bool:
        return not self.processes


def members() -> list[MemberRow]:
    """Every member, the active ones first, by name; with what would be left behind. A bounded number of queries."""
    found = list(
        Membership.objects.filter(tenant_id=require_tenant_id())
        .select_related("user")
        .order_by("-is_active", "user__name", "user__email", "pk")[:500]
    )
    ids = [one.pk for one in found]
    owned = owners.owned_by(ids)
    duties: dict[int, list[str]] = {}
    for count in registry.member_duties():
        for membership_id, words in count(ids).items():
            duties.setdefault(membership_id, []).append(words)
    return [MemberRow(one, tuple(owned.get(one.pk, ())), tuple(duties.get(one.pk, ()))) for one in found]


@transaction.atomic
def change_role(*, membership_id: int, role: Role, actor: Actor, now: datetime) -> Membership:
    """Gives a member another role. Raises `MemberRefused` when nobody would be left to manage members."""
    member = _member(membership_id)
    if member.role == role:
        return member
    if not _manages(role):
        _somebody_stays(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    audit.record(
        actor=actor, at=now, verb="changed role", subject=member, before={"role": before}, after={"role": str(role)}
    )
    return member


@transaction.atomic
def deactivate_member(*, membership_id: int, actor: Actor, now: datetime) -> Membership:
    """Closes the workspace to a member; what they did stays theirs. Done again it does nothing.

    Raises `MemberRefused` while they answer for a process as owner or deputy, are the last who manages members, or
    are the one who asks.
    """
    member = _member(membership_id)
    if not member.is_active:
        return member
    if member.pk == actor.membership_id:
        raise MemberRefused("You cannot close the workspace to yourself. Ask another member who manages members.")
    _somebody_stays(member)
    held = owners.owned_by([member.pk]).get(member.pk, [])
    if held:
        raise MemberRefused(
            f"{member.user} answers for {_listed([name for _, _, name in held])}. Name others there first."
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


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
