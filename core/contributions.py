"""What the ground itself contributes to the registry."""

from core import deliveries, registry
from core.processes import owners
from core.registry import DoctorCheck


def register() -> None:
    """Called once at start."""
    registry.add_doctor_check(
        DoctorCheck("core.deliveries", "Every notification was delivered, or is on its way", deliveries.stuck)
    )
    registry.add_doctor_check(
        DoctorCheck("core.process_owners", "Whoever answers for a process is an active member", owners.gone_members)
    )
