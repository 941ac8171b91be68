"""The board: columns with their sums and first cards. A constant number of statements, whatever the number of deals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from journeys.models import Opportunity, OpportunityStageVisit, Pipeline, PipelineStage, Waiver
from journeys.queries.pace import Pace, pace_of
from journeys.queries.qualification import Progress, frameworks_of_pipelines, progress_of
from journeys.rules.periods import Period, closing_window, quarter_of

FIRST: Final = 10
MOST: Final = 50


@dataclass(frozen=True)
class Filters:
    """What of a pipeline is shown. `owner_id` None is everybody; `closes` names a window of `rules.periods`."""

    pipeline: Pipeline
    owner_id: int | None = None
    closes: str = ""


@dataclass(frozen=True)
class Card:
    """One deal on the board. `slow` is set when it stands here longer than 90 % of won deals did."""

    deal: Opportunity
    days: int | None
    progress: Sequence[Progress] = ()
    slow: bool = False
    waiver: Waiver | None = None
    usual_days: int | None = None


@dataclass(frozen=True)
class Column:
    """One open stage, or all closed ones together (`stage` None)."""

    key: str
    name: str
    stage: PipelineStage | None
    count: int
    amount_minor: int
    cards: Sequence[Card] = ()
    after: str = ""
    pace: Pace | None = None
    won: int = 0
    lost: int = 0

    @property
    def more(self) -> int:
        """How many cards the next request brings."""
        return max(0, min(self.count, MOST) - len(self.cards))

    @property
    def weighted_minor(self) -> int:
        """The amount by the stage's probability."""
        return self.amount_minor * self.stage.probability // 100 if self.stage else 0


@dataclass(frozen=True)
class Board:
    """Everything on the page. `stages` are all of the pipeline in their order, to move to."""

    columns: Sequence[Column]
    stages: Sequence[PipelineStage]
    quarter: Period
    pipeline: Pipeline
    empty: bool = False

    @property
    def open_count(self) -> int:
        return sum(one.count for one in self.columns if one.stage)

    @property
    def open_minor(self) -> int:
        return sum(one.amount_minor for one in self.columns if one.stage)

    @property
    def weighted_minor(self) -> int:
        """By the stages' probabilities, divided once: the total of the forecast is the same."""
        return sum(one.amount_minor * one.stage.probability for one in self.columns if one.stage) // 100


def filtered(filters: Filters) -> QuerySet[Opportunity]:
    """The deals of a pipeline and an owner, open and closed."""
    deals = Opportunity.objects.filter(pipeline_id=filters.pipeline.pk)
    if filters.owner_id is not None:
        deals = deals.filter(owner_id=filters.owner_id)
    return deals


def open_deals(filters: Filters, today: date) -> QuerySet[Opportunity]:
    """The open deals of the filters."""
    return _closing(filtered(filters).filter(stage__kind="open"), filters, today)


def closed_deals(filters: Filters, today: date) -> QuerySet[Opportunity]:
    """The deals of the filters that were won or lost in this quarter."""
    return _closed_lately(filtered(filters).exclude(stage__kind="open"), today)


def _closing(deals: QuerySet[Opportunity], filters: Filters, today: date) -> QuerySet[Opportunity]:
    window = closing_window(filters.closes, today)
    if window is None:
        return deals
    if window.start is not None:
        deals = deals.filter(close_on__gte=window.start)
    return deals.filter(close_on__lt=window.end)


def _closed_lately(deals: QuerySet[Opportunity], today: date) -> QuerySet[Opportunity]:
    quarter = quarter_of(today)
    return deals.filter(closed_on__gte=quarter.start, closed_on__lt=quarter.end)


def board(filters: Filters, today: date) -> Board:
    """The columns of a pipeline with their first cards."""
    stages = list(filters.pipeline.stages.order_by("position"))
    sums = _sums(filters, today, stages)
    open_stages = [stage for stage in stages if stage.kind == "open"]
    ids = _first_ids(filters, today, open_stages)
    pace = pace_of(filters.pipeline.pk, today)
    cards = cards_of(Opportunity.objects.filter(pk__in=ids), filters.pipeline, pace, today)
    columns = [_column(stage, sums, cards, pace) for stage in open_stages]
    return Board([*columns, _closed(filters, today, stages, sums, cards)], stages, quarter_of(today), filters.pipeline,
                 empty=not any(count for count, _ in sums.values()))  # fmt: skip


def more_cards(filters: Filters, stage: PipelineStage, after: str, today: date) -> tuple[list[Card], str]:
    """The cards of a column behind the place `after`, up to the most that a column shows, and the place behind them."""
    deals = _behind(open_deals(filters, today).filter(stage_id=stage.pk), after)
    found = list(deals.order_by(F("close_on").asc(nulls_last=True), "pk").values_list("pk", flat=True)[: MOST - FIRST])
    pace = pace_of(filters.pipeline.pk, today)
    cards = cards_of(Opportunity.objects.filter(pk__in=found), filters.pipeline, pace, today)
    return cards, place_of(cards[-1].deal) if cards else ""


def moved(filters: Filters, deal: Opportunity, today: date) -> tuple[Board, Card]:
    """The board without cards, for its heads, and the card of a deal: what changes when it has moved."""
    stages = list(filters.pipeline.stages.order_by("position"))
    sums = _sums(filters, today, stages)
    pace = pace_of(filters.pipeline.pk, today)
    columns = [*(_column(stage, sums, [], pace) for stage in stages if stage.kind == "open"),
               _closed(filters, today, stages, sums, [])]  # fmt: skip
    card = cards_of(Opportunity.objects.filter(pk=deal.pk), deal.pipeline, pace, today)[0]
    return Board(columns, stages, quarter_of(today), filters.pipeline), card


def _column(
    stage: PipelineStage, sums: Mapping[int, tuple[int, int]], cards: Iterable[Card], pace: Mapping[int, Pace]
) -> Column:
    mine = [card for card in cards if card.deal.stage_id == stage.pk]
    count, amount = sums.get(stage.pk, (0, 0))
    return Column(stage.key, stage.name, stage, count, amount, mine, place_of(mine[-1].deal) if mine else "",
                  pace.get(stage.pk))  # fmt: skip


def _closed(
    filters: Filters,
    today: date,
    stages: Sequence[PipelineStage],
    sums: Mapping[int, tuple[int, int]],
    cards: Iterable[Card],
) -> Column:
    ends = {stage.pk: stage.kind for stage in stages if stage.kind != "open"}
    mine = [card for card in cards if card.deal.stage_id in ends]
    mine.sort(key=lambda card: (card.deal.closed_on or today, card.deal.pk), reverse=True)
    won = sum(sums.get(pk, (0, 0))[0] for pk, kind in ends.items() if kind == "won")
    lost = sum(sums.get(pk, (0, 0))[0] for pk, kind in ends.items() if kind == "lost")
    amount = sum(sums.get(pk, (0, 0))[1] for pk, kind in ends.items() if kind == "won")
    return Column("closed", f"Closed, {quarter_of(today).short}", None, won + lost, amount, mine, "", None, won, lost)


def _sums(filters: Filters, today: date, stages: Iterable[PipelineStage]) -> dict[int, tuple[int, int]]:
    """Number and amount by stage: one statement, which finds all that it needs in indexes."""
    by_end: dict[bool, list[int]] = {True: [], False: []}
    for stage in stages:
        by_end[stage.kind != "open"].append(stage.pk)
    still_open = _closing(filtered(filters).filter(stage_id__in=by_end[False]), filters, today)
    closed = _closed_lately(filtered(filters).filter(stage_id__in=by_end[True]), today)
    both = _by_stage(still_open).union(_by_stage(closed), all=True)
    return {stage_id: (number, int(amount)) for stage_id, number, amount in both}


def _by_stage(deals: QuerySet[Opportunity]) -> QuerySet[Opportunity, tuple[Any, ...]]:
    sums = deals.order_by().values("stage_id").annotate(n=Count("*"), amount=Coalesce(Sum("amount_minor"), 0))
    return sums.values_list("stage_id", "n", "amount")


def _first_ids(filters: Filters, today: date, open_stages: Sequence[PipelineStage]) -> list[int]:
    """The first cards of every column: one statement that reads a few rows per stage from the index."""
    parts = [
        open_deals(filters, today).filter(stage_id=stage.pk)
        .order_by(F("close_on").asc(nulls_last=True), "pk").values_list("pk", flat=True)[:FIRST]
        for stage in open_stages
    ]  # fmt: skip
    closed = closed_deals(filters, today).order_by("-closed_on", "-pk").values_list("pk", flat=True)[:FIRST]
    return list(closed.union(*parts, all=True))


def cards_of(deals: QuerySet[Opportunity], pipeline: Pipeline, pace: Mapping[int, Pace], today: date) -> list[Card]:
    """The cards of deals of one pipeline, the first to close first."""
    here = OpportunityStageVisit.objects.filter(opportunity_id=OuterRef("pk"), left_on=None).values("entered_on")[:1]
    found = list(
        deals.select_related("account", "owner", "stage")
        .annotate(entered_on=Subquery(here))
        .order_by(F("close_on").asc(nulls_last=True), "pk")
    )
    return cards_in_order(found, pipeline, pace, today)


def cards_in_order(
    found: Sequence[Opportunity], pipeline: Pipeline, pace: Mapping[int, Pace], today: date
) -> list[Card]:
    """Deals of one pipeline, annotated with `entered_on`, as cards in the order given. Four statements."""
    progress = progress_of(found, frameworks_of_pipelines([pipeline.pk]))
    waivers = {
        one.opportunity_id: one
        for one in Waiver.objects.filter(
            opportunity_id__in=[deal.pk for deal in found], state="approved", used_at=None, expires_on__gt=today
        )
    }
    return [_card(deal, progress.get(deal.pk, []), waivers.get(deal.pk), pace, today) for deal in found]


def _card(
    deal: Opportunity, progress: Sequence[Progress], waiver: Waiver | None, pace: Mapping[int, Pace], today: date
) -> Card:
    entered: date | None = getattr(deal, "entered_on", None)
    days = (today - entered).days if entered is not None else None
    usual = pace[deal.stage_id].slow_days if deal.stage_id in pace else None
    slow = deal.stage.kind == "open" and days is not None and usual is not None and days > usual
    return Card(deal, days, progress, slow, waiver, usual)


def place_of(deal: Opportunity) -> str:
    """Where a card stands in the order of its column: `2026-12-01.55`, or `-.55` without a close date."""
    return f"{deal.close_on.isoformat() if deal.close_on else '-'}.{deal.pk}"


def _behind(deals: QuerySet[Opportunity], after: str) -> QuerySet[Opportunity]:
    day, _, key = after.rpartition(".")
    if not key.isdecimal() or len(key) > 18:
        return deals
    if day == "-":
        return deals.filter(close_on=None, pk__gt=int(key))
    try:
        closes = date.fromisoformat(day)
    except ValueError:
        return deals
    return deals.filter(Q(close_on__gt=closes) | Q(close_on=closes, pk__gt=int(key)) | Q(close_on=None))
