"""Absences and books that go over."""

from datetime import datetime

from core import registry
from core.models import Tenant
from journeys.queries.absences import book_in_hand, misplaced_cover


def register() -> None:
    """Called once at start."""
    registry.add_member_duty("journeys.book", book_in_hand)
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="covered_tasks",
            label="Open tasks are covered only for people who are away",
            count=_misplaced,
        )
    )


def _misplaced(tenant: Tenant, now: datetime) -> int:
    # The sweep runs hourly: who came back today may still be covered for.
    return misplaced_cover(tenant.today(now))
