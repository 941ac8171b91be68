"""How much work waits for a person, for the sidebar: one statement, whatever the size of the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.models import Membership


@dataclass(frozen=True)
class WaitingCounts:
    """`waiting` by place; `alerts` names the places where a clock is running on this person."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    alerts: frozenset[str] = frozenset()
    workspaces: int = 1


def waiting_counts(*, membership: Membership, today: date) -> WaitingCounts:
    """What waits for the person behind the membership."""
    return WaitingCounts(workspaces=Membership.objects.filter(user_id=membership.user_id, is_active=True).count())
