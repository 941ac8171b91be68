"""Who acts: a member of the workspace, or a named part of the system."""

from dataclasses import dataclass

from core.models import Membership


@dataclass(frozen=True)
class Actor:
    """The name stays readable in the audit trail after the member has left."""

    label: str
    membership_id: int | None = None

    @classmethod
    def person(cls, membership: Membership) -> "Actor":
        return cls(label=str(membership.user), membership_id=membership.pk)

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls(label=name)
