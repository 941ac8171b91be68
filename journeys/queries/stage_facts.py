"""Facts about the journey that rules can use."""

from datetime import date
from typing import Any, Final

from core.registry import Fact
from journeys.queries.stages import current_stage


def _stage(_as_of: date) -> Any:
    return current_stage("stage__key")


STAGE_FACTS: Final = (
    Fact(
        "journeys.stage",
        "Lifecycle stage",
        "choice",
        _stage,
        "The key of the current stage; unknown without one.",
        now_only=True,
    ),
)
