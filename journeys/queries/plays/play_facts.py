"""Facts that playbooks bring along."""

from datetime import date
from typing import Any, Final

from django.db.models import OuterRef, Subquery

from accounts.queries.early_warning import days_between
from core.registry import Fact
from journeys.choices import OpportunityKind, StageKind
from journeys.models import Opportunity


def _days_since_expansion(as_of: date) -> Any:
    won = Opportunity.objects.filter(
        account_id=OuterRef("pk"), kind=OpportunityKind.EXPANSION, stage__kind=StageKind.WON, closed_on__lte=as_of
    )
    return days_between(as_of, Subquery(won.order_by("-closed_on").values("closed_on")[:1]))


PLAY_FACTS: Final = (
    Fact(
        "journeys.days_since_expansion",
        "Days since an expansion was won",
        "number",
        _days_since_expansion,
        "Days from the close of the latest expansion that was won; unknown without one.",
    ),
)
