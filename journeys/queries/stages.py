"""Reads of the customer journey."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum

from accounts.choices import AccountStatus
from accounts.models import Account
from journeys.models import LifecycleStage, StageVisit

JOURNEY_KIND: Final = "journey"
STANDARD: Final = "standard"  # the journey that accounts walk
CONTACTS: Final = "contacts"  # the one of people at the customer


def current_stage(field: str) -> Subquery:
    """A field of the open visit of an account's row, for annotations: `stage__key`, `stage__name`, `entered_on`."""
    return Subquery(StageVisit.objects.filter(account_id=OuterRef("pk"), left_on=None).values(field)[:1])


def with_current_stage(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """The same accounts with `stage_key`, `stage_name` and `stage_since`; None where no stage or start is known."""
    return accounts.annotate(
        stage_key=current_stage("stage__key"),
        stage_name=current_stage("stage__name"),
        stage_since=Subquery(
            StageVisit.objects.filter(account_id=OuterRef("pk"), left_on=None, is_start_known=True).values(
                "entered_on"
            )[:1]
        ),
    )


def lifecycle_stages(journey: str = STANDARD) -> QuerySet[LifecycleStage]:
    """The stages of a journey in their order."""
    return LifecycleStage.objects.filter(journey=journey).order_by("position")


def visits_of_account(account_id: int) -> QuerySet[StageVisit]:
    """Every stay of the account, the latest first; the open one is the current stage."""
    return StageVisit.objects.filter(account_id=account_id).select_related("stage").order_by("-entered_on", "-pk")


@dataclass(frozen=True)
class StageLoad:
    """A stage of the journey with the accounts that are in it now, and what is missing in its description."""

    stage: LifecycleStage
    accounts: int
    arr_minor: int

    @property
    def gaps(self) -> list[str]:
        """What the stage lacks, in words."""
        missing = [("a team", self.stage.owner_team), ("what success means", self.stage.success)]
        return [words for words, value in missing if not value]


def stage_loads() -> list[StageLoad]:
    """Every stage in its order with the number and ARR of its accounts, those who left apart. Two statements."""
    sums = {
        row["stage_id"]: (row["accounts"], row["arr"] or 0)
        for row in StageVisit.objects.filter(left_on=None, account__merged_into=None)
        .exclude(account__status=AccountStatus.CHURNED)
        .values("stage_id")
        .annotate(accounts=Count("pk"), arr=Sum("account__arr_minor"))
        .order_by()
    }
    return [StageLoad(stage, *sums.get(stage.pk, (0, 0))) for stage in lifecycle_stages()]
