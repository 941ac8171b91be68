"""Facts about the journey that rules can use."""

from datetime import date
from typing import Any, Final

from django.db.models import Exists, OuterRef

from core.registry import Fact
from journeys.models import FirstValue
from journeys.queries.stages import current_stage


def _stage(_as_of: date) -> Any:
    return current_stage("stage__key")


def _value_proven(as_of: date) -> Any:
    return Exists(FirstValue.objects.filter(account_id=OuterRef("pk"), reached_on__lte=as_of))


STAGE_FACTS: Final = (
    Fact(
        "journeys.stage",
        "Lifecycle stage",
        "choice",
        _stage,
        "The key of the current stage; unknown without one.",
        now_only=True,
    ),
    Fact(
        "journeys.value_proven",
        "First value reached",
        "boolean",
        _value_proven,
        "Whether the event of first value happened by the date.",
    ),
)
