"""Reads of the ground."""

from datetime import datetime
from uuid import uuid4

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from core.choices import JobState, VersionState
from core.models import Job, Membership, ProcessVersion, Tenant
from core.tenancy import current_tenant_id, require_tenant_id


def active_membership(*, user_id: int, membership_id: int | None) -> Membership | None:
    """The chosen membership while it is live, else the user's first one, else None. One query."""
    return (
        Membership.objects.filter(user_id=user_id, is_active=True, user__is_active=True)
        .select_related("tenant", "user")
        .order_by(Case(When(pk=membership_id or 0, then=Value(0)), default=Value(1), output_field=IntegerField()), "pk")
        .first()
    )


def memberships_of(user_id: int) -> QuerySet[Membership]:
    """The workspaces that a user may switch to, by name."""
    return Membership.objects.filter(user_id=user_id, is_active=True).select_related("tenant").order_by("tenant__name")


def workspace_currency() -> str:
    """The currency of the current workspace, whose smallest unit may be no hundredth; "" outside of one. One query."""
    tenant_id = current_tenant_id()
    found = Tenant.objects.filter(pk=tenant_id).values_list("currency", flat=True).first() if tenant_id else None
    return found or ""


def needs_approval() -> bool:
    """Whether processes of the current workspace go live only with a second person's approval. One query."""
    return Tenant.objects.filter(pk=require_tenant_id(), needs_approval=True).exists()


def published_version(kind: str, key: str) -> ProcessVersion | None:
    """The live version of a process, or None before the first one is published."""
    return ProcessVersion.objects.filter(kind=kind, key=key, state=VersionState.PUBLISHED).first()


def published_versions(kind: str) -> QuerySet[ProcessVersion]:
    """The live versions of a kind, in a stable order."""
    return ProcessVersion.objects.filter(kind=kind, state=VersionState.PUBLISHED).order_by("key")


def due_jobs(now: datetime) -> QuerySet[Job]:
    """Jobs whose bell was lost or whose worker died: open, and past the time until which somebody was trusted."""
    return Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    )


def new_key() -> str:
    """A key for work that may be asked for many times, such as an import of the same file."""
    return uuid4().hex
