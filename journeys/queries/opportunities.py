"""Reads of opportunities: the sums of every stage, and the deals in one, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from journeys.models import Opportunity, Pipeline, PipelineStage

PER_STAGE: Final = 6
PAGE: Final = 50


@dataclass(frozen=True)
class StageColumn:
    """One stage: how many deals, what they are worth, and the most valuable of them."""

    stage: PipelineStage
    count: int
    amount_minor: int
    deals: Sequence[Opportunity]

    @property
    def weighted_minor(self) -> int:
        """The value by the stage's probability."""
        return self.amount_minor * self.stage.probability // 100


@dataclass(frozen=True)
class DealPage:
    """A page of deals, and where the next one starts ("" at the end)."""

    deals: Sequence[Opportunity]
    after: str


def stage_columns(pipeline: Pipeline) -> list[StageColumn]:
    """Every stage with its sums and its most valuable deals. Three statements, whatever the number of deals."""
    sums = {
        row["stage_id"]: (row["deals"], row["amount"] or 0)
        for row in Opportunity.objects.filter(pipeline=pipeline)
        .values("stage_id")
        .annotate(deals=Count("pk"), amount=Sum("amount_minor"))
        .order_by()
    }
    best: dict[int, list[Opportunity]] = {}
    for deal in _best_of_each_stage(pipeline):
        best.setdefault(deal.stage_id, []).append(deal)
    return [
        StageColumn(stage, *sums.get(stage.pk, (0, 0)), deals=best.get(stage.pk, []))
        for stage in pipeline.stages.order_by("position")
    ]


def _by_value() -> QuerySet[Opportunity]:
    """Deals with their people, the most valuable first, in an order that pages can go on from."""
    return (
        Opportunity.objects.annotate(worth=Coalesce("amount_minor", 0))
        .select_related("account", "owner", "product")
        .order_by("-worth", "-pk")
    )


def _best_of_each_stage(pipeline: Pipeline) -> QuerySet[Opportunity]:
    place = Window(RowNumber(), partition_by=F("stage_id"), order_by=[F("worth").desc(), F("pk").desc()])
    return _by_value().filter(pipeline=pipeline).annotate(place=place).filter(place__lte=PER_STAGE)


def deals_in_stage(stage: PipelineStage, after: str = "") -> DealPage:
    """A page of the deals of a stage, the most valuable first. An `after` that cannot be is the first page."""
    deals = _by_value().filter(pipeline_id=stage.pipeline_id, stage=stage)
    worth, _, key = after.partition("-")
    if worth.isdecimal() and key.isdecimal() and len(worth) < 19 and len(key) < 19:
        deals = deals.filter(Q(worth__lt=int(worth)) | Q(worth=int(worth), pk__lt=int(key)))
    found = list(deals[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return DealPage(found[:PAGE], f"{last.amount_minor or 0}-{last.pk}" if last else "")


def deals_of_account(account_id: int) -> QuerySet[Opportunity]:
    """The open deals of an account, the first to close first."""
    return (
        Opportunity.objects.filter(account_id=account_id, stage__kind="open")
        .select_related("stage", "owner")
        .order_by(F("close_on").asc(nulls_last=True), "pk")
    )
