"""Writes of the ground: workspaces and who may enter them."""

from datetime import datetime

from django.db import transaction

from core import audit, registry
from core.actors import Actor
from core.choices import Role
from core.members import change_role
from core.models import Membership, Tenant, User
from core.tenancy import tenant_context


class SlugTaken(ValueError):
    """A workspace with this short name exists already."""


@transaction.atomic
def create_tenant(
    *, slug: str, name: str, currency: str, timezone: str, actor: Actor, now: datetime, is_demo: bool = False
) -> Tenant:
    """A workspace with its published defaults from every app. Raises `SlugTaken`."""
    if Tenant.objects.filter(slug=slug).exists():
        raise SlugTaken(f"There is a workspace '{slug}' already. Choose another short name.")
    tenant = Tenant.objects.create(slug=slug, name=name, currency=currency, timezone=timezone, is_demo=is_demo)
    with tenant_context(tenant.pk):
        audit.record(actor=actor, at=now, verb="created workspace", subject=tenant, after={"slug": slug})
        for default in registry.tenant_defaults():
            default.make(tenant, actor, now)
    return tenant


@transaction.atomic
def add_member(
    *, tenant: Tenant, email: str, name: str, role: Role, password: str | None, actor: Actor, now: datetime
) -> Membership:
    """A membership of the workspace, with a user made when the address is new. A former member is let in again.

    A member with another role gets this one, unless `core.members.change_role` refuses it: `MemberRefused`.
    A password is set only for a new user: nobody's sign-in changes because another workspace invites them.
    """
    user = User.objects.filter(email=email.strip().lower()).first() or User.objects.create_user(
        email, password, name=name
    )
    there = Membership.objects.filter(tenant=tenant, user=user, is_active=True).exclude(role=role).first()
    if there is not None:
        with tenant_context(tenant.pk):
            return change_role(membership_id=there.pk, role=role, actor=actor, now=now)
    membership, _ = Membership.objects.update_or_create(
        tenant=tenant, user=user, defaults={"role": role, "is_active": True}
    )
    with tenant_context(tenant.pk):
        audit.record(actor=actor, at=now, verb="added member", subject=membership, after={"role": str(role)})
    return membership
