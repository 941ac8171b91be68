"""From a figure to the process that moves it: no figure of a page is a dead end (row R2)."""

from dataclasses import dataclass
from typing import Final

from django.urls import NoReverseMatch, reverse

from core.permissions import Permission


@dataclass(frozen=True)
class Act:
    """The process behind a figure. `permission` opens its page."""

    words: str
    url_name: str
    arguments: tuple[str, ...]
    permission: Permission

    @property
    def url(self) -> str:
        """The address, or "" where this installation has no such page."""
        try:
            return reverse(self.url_name, args=self.arguments)
        except NoReverseMatch:
            return ""


_JOURNEY: Final = Act("Customer journey", "journeys:journey", (), Permission.VIEW_ACCOUNTS)
_ALERTS: Final = Act("Alert rules", "health:alert_rules", (), Permission.VIEW_HEALTH)
_MODEL: Final = Act("Score model", "health:models", (), Permission.VIEW_HEALTH)
_RENEWALS: Final = Act("Renewal timeline", "core:process", ("renewal_timeline", "standard"), Permission.VIEW_HEALTH)
_REVIEWS: Final = Act("QBR cadence", "core:process", ("qbr_cadence", "standard"), Permission.VIEW_HEALTH)
_ESCALATIONS: Final = Act(
    "Escalation policy", "core:process", ("escalation_policy", "at_risk_near_renewal"), Permission.VIEW_HEALTH
)

# By the name of the figure. A figure that is not here fails its test.
ACTS: Final[dict[str, Act]] = {
    "book": _JOURNEY,
    "at_risk": _ALERTS,
    "renewals_due": _RENEWALS,
    "on_time": _RENEWALS,
    "qbrs_held": _REVIEWS,
    "grr_cohort": _RENEWALS,
    "nrr_cohort": _JOURNEY,
    "health": _MODEL,
    "escalations": _ESCALATIONS,
}
