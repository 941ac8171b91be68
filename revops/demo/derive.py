"""What the product derives from the facts of a new demo: revenue, past scores, and the main job."""

from core.models import Tenant
from revops.demo.seed import Demo, Say


def derive(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Revenue as of the last day, and the scores that history would have shown."""


def main_job(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Scores, renewals, QBRs and escalations as of the last day: what the night would do."""
