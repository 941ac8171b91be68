"""Facts about the journey that rules can use."""

from datetime import date
from typing import Any, Final

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, Value, When

from accounts.models import ContractLine
from core.registry import EntryOf, Fact
from journeys.choices import StageKind
from journeys.models import FirstValue, Opportunity
from journeys.queries.stages import JOURNEY_KIND, STANDARD, current_stage


def _stage(_as_of: date) -> Any:
    return current_stage("stage__key")


def _value_proven(as_of: date) -> Any:
    return Exists(FirstValue.objects.filter(account_id=OuterRef("pk"), reached_on__lte=as_of))


def _signed(as_of: date) -> Any:
    won = Opportunity.objects.filter(account_id=OuterRef("pk"), stage__kind=StageKind.WON)
    paid = ContractLine.objects.filter(
        Q(ends_on=None) | Q(ends_on__gt=as_of), account_id=OuterRef("pk"), starts_on__lte=as_of
    )
    return Case(When(Exists(won) | Exists(paid), then=Value(True)), default=Value(False), output_field=BooleanField())


STAGE_FACTS: Final = (
    Fact(
        "journeys.signed",
        "Contract signed",
        "boolean",
        _signed,
        "Whether a deal of the account is won or a contract is running.",
        now_only=True,
    ),
    Fact(
        "journeys.stage",
        "Lifecycle stage",
        "choice",
        _stage,
        "The key of the current stage; unknown without one.",
        now_only=True,
        values_in=EntryOf(JOURNEY_KIND, STANDARD, "stages"),
    ),
    Fact(
        "journeys.value_proven",
        "First value reached",
        "boolean",
        _value_proven,
        "Whether the event of first value happened by the date.",
    ),
)
