"""Hand-offs between teams: cards of the account page, and the check that none is lost."""

from datetime import datetime

from core import registry
from core.models import Tenant
from journeys.queries.handoffs import handoffs_without_task
from journeys.views import expectations, handoffs


def register() -> None:
    """Called once at start."""
    registry.add_section(
        registry.Section("journeys.expectations", "account_main", "Expectations", 20, expectations.account_section)
    )
    registry.add_section(
        registry.Section("journeys.handoffs", "account_side", "Hand-offs", 20, handoffs.account_section)
    )
    registry.add_doctor_check(
        registry.DoctorCheck(
            key="handoffs_with_task",
            label="Every waiting hand-off has an open task",
            count=_without_task,
        )
    )


def _without_task(tenant: Tenant, now: datetime) -> int:
    return handoffs_without_task()
