"""Who answers for a process: owner and deputy. And the lint that names processes which would stand still."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from core import audit, registry, versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import Membership, ProcessOwner, ProcessVersion, Tenant
from core.tenancy import require_tenant_id

Name = tuple[str, str]  # kind and key


class BadOwner(ValueError):
    """The two cannot answer for the process; the message says why and what to do."""


@dataclass(frozen=True)
class Finding:
    """A live process that somebody's holiday would stop, or whose design lacks something, and what is missing."""

    kind: str
    key: str
    name: str
    label: str
    problems: tuple[str, ...]


@transaction.atomic
def set_owner(
    *, kind: str, key: str, owner_id: int, deputy_id: int | None, actor: Actor, now: datetime
) -> ProcessOwner:
    """Gives a process its owner and deputy, both active members of the workspace and not the same. Raises `BadOwner`.

    Done again with the same two it does nothing.
    """
    versioning.take_turns()  # nobody leaves while they are being named
    if not ProcessVersion.objects.filter(kind=kind, key=key).exists():
        raise BadOwner(f"There is no {kind} '{key}'.")
    owner = _member(owner_id, "owner")
    deputy = _member(deputy_id, "deputy") if deputy_id is not None else None
    if deputy is not None and deputy.pk == owner.pk:
        raise BadOwner("deputy: the deputy is there for when the owner is not. Choose somebody else.")
    there = ProcessOwner.objects.filter(kind=kind, key=key).select_related("owner__user", "deputy__user").first()
    if there is not None and (there.owner_id, there.deputy_id) == (owner.pk, deputy.pk if deputy else None):
        return there
    before = _said(there)
    row, _ = ProcessOwner.objects.update_or_create(
        kind=kind, key=key, defaults={"owner": owner, "deputy": deputy, "updated_at": now, "updated_by": actor.label}
    )
    audit.record(actor=actor, at=now, verb="set process owner", subject=row, before=before, after=_said(row))
    return row


def _member(membership_id: int, part: str) -> Membership:
    found = members().filter(pk=membership_id).first()
    if found is None:
        raise BadOwner(f"{part}: choose an active member of this workspace.")
    return found


def _said(row: ProcessOwner | None) -> dict[str, str]:
    if row is None:
        return {}
    return {"owner": str(row.owner.user), "deputy": str(row.deputy.user) if row.deputy else ""}


def members() -> QuerySet[Membership]:
    """Who may answer for a process: the active members, by name."""
    found = Membership.objects.filter(tenant_id=require_tenant_id(), is_active=True, user__is_active=True)
    return found.select_related("user").order_by("user__name", "user__email", "pk")


def owners() -> dict[Name, ProcessOwner]:
    """Owner and deputy of every process that has them. One query."""
    rows = ProcessOwner.objects.select_related("owner__user", "deputy__user")
    return {(row.kind, row.key): row for row in rows}


def owner_of(kind: str, key: str) -> ProcessOwner | None:
    """Owner and deputy of one process."""
    rows = ProcessOwner.objects.filter(kind=kind, key=key)
    return rows.select_related("owner__user", "deputy__user").first()


def is_there(membership: Membership | None) -> bool:
    """Whether the member can act today: active in the workspace, with a sign-in that is not closed."""
    return membership is not None and membership.is_active and membership.user.is_active


def problems_of(row: ProcessOwner | None) -> tuple[str, ...]:
    """What keeps the process from going on without one of its people; empty when nothing does."""
    if row is None:
        return ("It has no owner and no deputy. Name two members.",)
    found = []
    if not is_there(row.owner):
        found.append(f"Its owner {row.owner.user} is no active member any more. Name another one.")
    if row.deputy is None:
        found.append("It has no deputy. Name a member who answers while the owner is away.")
    elif not is_there(row.deputy):
        found.append(f"Its deputy {row.deputy.user} is no active member any more. Name another one.")
    return tuple(found)


def gaps_of(version: ProcessVersion) -> tuple[str, ...]:
    """What the design of a live version lacks, by its kind. No query."""
    gaps = registry.process_kind(version.kind).gaps
    return tuple(gaps(version)) if gaps is not None else ()


def lint() -> list[Finding]:
    """Every live process without an active owner and an active deputy, or with a gap in its design. Two queries."""
    known, labels = owners(), {kind.kind: kind.label for kind in registry.process_kinds()}
    live = ProcessVersion.objects.filter(state=VersionState.PUBLISHED, kind__in=labels)
    return [
        Finding(version.kind, version.key, version.name, labels[version.kind], problems)
        for version in live.order_by("kind", "key")
        if (problems := problems_of(known.get((version.kind, version.key))) + gaps_of(version))
    ]


def owned_by(membership_ids: Iterable[int]) -> dict[int, list[tuple[str, str, str]]]:
    """The live processes that members answer for: kind, key and name, with `deputy` ones told apart by the caller."""
    wanted = set(membership_ids)
    names = dict(_live_names())
    found: dict[int, list[tuple[str, str, str]]] = {}
    for row in ProcessOwner.objects.filter(Q(owner_id__in=wanted) | Q(deputy_id__in=wanted)).order_by("kind", "key"):
        name = names.get((row.kind, row.key))
        for membership_id in {row.owner_id, row.deputy_id} & wanted if name else ():
            found.setdefault(int(membership_id or 0), []).append((row.kind, row.key, str(name)))
    return found


def _live_names() -> Iterable[tuple[Name, str]]:
    live = ProcessVersion.objects.filter(state=VersionState.PUBLISHED).values_list("kind", "key", "name")
    return [((kind, key), name) for kind, key, name in live]


def gone_members(_tenant: Tenant, _now: datetime) -> int:
    """How many processes are in the hands of somebody who is no active member: nobody would be told of anything."""
    named = owners().values()
    return sum(not all(is_there(one) for one in (row.owner, row.deputy) if one is not None) for row in named)
