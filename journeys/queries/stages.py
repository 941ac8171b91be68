"""Reads of the customer journey."""

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Account
from journeys.models import LifecycleStage, StageVisit


def current_stage(field: str) -> Subquery:
    """A field of the open visit of an account's row, for annotations: `stage__key`, `stage__name`, `entered_on`."""
    return Subquery(StageVisit.objects.filter(account_id=OuterRef("pk"), left_on=None).values(field)[:1])


def with_current_stage(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """The same accounts with `stage_key`, `stage_name` and `stage_since`; None where no stage is known."""
    return accounts.annotate(
        stage_key=current_stage("stage__key"),
        stage_name=current_stage("stage__name"),
        stage_since=current_stage("entered_on"),
    )


def lifecycle_stages() -> QuerySet[LifecycleStage]:
    """The stages of the journey in their order."""
    return LifecycleStage.objects.order_by("position")


def visits_of_account(account_id: int) -> QuerySet[StageVisit]:
    """Every stay of the account, the latest first; the open one is the current stage."""
    return StageVisit.objects.filter(account_id=account_id).select_related("stage").order_by("-entered_on", "-pk")
