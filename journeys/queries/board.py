"""The board: columns with their sums and first cards. A constant number of statements, whatever the number of deals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from core.tenancy import require_tenant_id
from journeys.models import Opportunity, Pipeline, PipelineStage
from journeys.queries.cards import Card, cards_of
from journeys.queries.pace import Pace, pace_of
from journeys.queries.pipelines import stages_of
from journeys.rules.periods import Period, closing_window, quarter_of

FIRST: Final = 10
MOST: Final = 50

# Number and amount by stage: open deals of the filters, and those closed in the quarter. Read from indexes alone.
_SUMS: Final = """
SELECT stage_id, COUNT(*), COALESCE(SUM(amount_minor), 0)::bigint
FROM journeys_opportunity
WHERE tenant_id = %(tenant)s AND pipeline_id = %(pipeline)s AND stage_id = ANY(%(open)s) {mine} {closing}
GROUP BY stage_id
UNION ALL
SELECT stage_id, COUNT(*), COALESCE(SUM(amount_minor), 0)::bigint
FROM journeys_opportunity
WHERE tenant_id = %(tenant)s AND pipeline_id = %(pipeline)s AND stage_id = ANY(%(ends)s) {mine}
  AND closed_on >= %(quarter)s AND closed_on < %(next_quarter)s
GROUP BY stage_id
"""
# A few rows per stage, from the index in their order; and the last to be closed in the quarter.
_FIRST: Final = """
SELECT one.* FROM unnest(%(open)s::bigint[]) AS stage(id) CROSS JOIN LATERAL (
    SELECT * FROM journeys_opportunity
    WHERE tenant_id = %(tenant)s AND pipeline_id = %(pipeline)s AND stage_id = stage.id {mine} {closing}
    ORDER BY close_on NULLS LAST, id LIMIT %(first)s
) AS one
UNION ALL
(SELECT * FROM journeys_opportunity
 WHERE tenant_id = %(tenant)s AND pipeline_id = %(pipeline)s AND stage_id = ANY(%(ends)s) {mine}
   AND closed_on >= %(quarter)s AND closed_on < %(next_quarter)s
 ORDER BY closed_on DESC, id DESC LIMIT %(first)s)
"""
_MORE: Final = """
SELECT * FROM journeys_opportunity
WHERE tenant_id = %(tenant)s AND pipeline_id = %(pipeline)s AND stage_id = %(stage)s {mine} {closing} {behind}
ORDER BY close_on NULLS LAST, id LIMIT %(most)s
"""
_ONE: Final = "SELECT * FROM journeys_opportunity WHERE tenant_id = %(tenant)s AND id = %(deal)s"


@dataclass(frozen=True)
class Filters:
    """What of a pipeline is shown. `owner_id` None is everybody; `closes` names a window of `rules.periods`."""

    pipeline: Pipeline
    owner_id: int | None = None
    closes: str = ""


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


def _closing(deals: QuerySet[Opportunity], filters: Filters, today: date) -> QuerySet[Opportunity]:
    window = closing_window(filters.closes, today)
    if window is None:
        return deals
    if window.start is not None:
        deals = deals.filter(close_on__gte=window.start)
    return deals.filter(close_on__lt=window.end)


def board(filters: Filters, today: date) -> Board:
    """The columns of a pipeline with their first cards."""
    stages = stages_of(filters.pipeline)
    params = _params(filters, today, stages)
    sums = _sums(filters, params)
    pace = pace_of(filters.pipeline, today)
    cards = cards_of(_chosen(_FIRST, filters, params), params | {"first": FIRST}, filters.pipeline, pace, today)
    columns = [_column(stage, sums, cards, pace) for stage in stages if stage.kind == "open"]
    return Board([*columns, _closed(today, stages, sums, cards)], stages, quarter_of(today), filters.pipeline,
                 empty=not any(count for count, _ in sums.values()))  # fmt: skip


def more_cards(filters: Filters, stage: PipelineStage, after: str, today: date) -> tuple[list[Card], str]:
    """The cards of a column behind the place `after`, up to the most that a column shows, and the place behind them."""
    behind, place = _behind(after)
    params = _params(filters, today, stages_of(filters.pipeline)) | place
    params |= {"stage": stage.pk, "most": MOST - FIRST}
    pace = pace_of(filters.pipeline, today)
    picked = _chosen(_MORE, filters, params).replace("{behind}", behind)
    cards = cards_of(picked, params, filters.pipeline, pace, today)
    return cards, place_of(cards[-1].deal) if cards else ""


def moved(filters: Filters, deal: Opportunity, today: date) -> tuple[Board, Card]:
    """The board without cards, for its heads, and the card of a deal: what changes when it has moved."""
    stages = stages_of(filters.pipeline)
    params = _params(filters, today, stages)
    sums = _sums(filters, params)
    pace = pace_of(filters.pipeline, today)
    columns = [_column(stage, sums, [], pace) for stage in stages if stage.kind == "open"]
    pipeline = filters.pipeline if deal.pipeline_id == filters.pipeline.pk else deal.pipeline
    [card] = cards_of(_ONE, params | {"deal": deal.pk}, pipeline, pace, today)
    return Board([*columns, _closed(today, stages, sums, [])], stages, quarter_of(today), filters.pipeline), card


def _column(
    stage: PipelineStage, sums: Mapping[int, tuple[int, int]], cards: Iterable[Card], pace: Mapping[int, Pace]
) -> Column:
    mine = [card for card in cards if card.deal.stage_id == stage.pk]
    count, amount = sums.get(stage.pk, (0, 0))
    return Column(stage.key, stage.name, stage, count, amount, mine, place_of(mine[-1].deal) if mine else "",
                  pace.get(stage.pk))  # fmt: skip


def _closed(
    today: date, stages: Sequence[PipelineStage], sums: Mapping[int, tuple[int, int]], cards: Iterable[Card]
) -> Column:
    ends = {stage.pk: stage.kind for stage in stages if stage.kind != "open"}
    mine = [card for card in cards if card.deal.stage_id in ends]
    mine.sort(key=lambda card: (card.deal.closed_on or today, card.deal.pk), reverse=True)
    won = sum(sums.get(pk, (0, 0))[0] for pk, kind in ends.items() if kind == "won")
    lost = sum(sums.get(pk, (0, 0))[0] for pk, kind in ends.items() if kind == "lost")
    amount = sum(sums.get(pk, (0, 0))[1] for pk, kind in ends.items() if kind == "won")
    return Column("closed", f"Closed, {quarter_of(today).short}", None, won + lost, amount, mine, "", None, won, lost)


def _params(filters: Filters, today: date, stages: Iterable[PipelineStage]) -> dict[str, Any]:
    """The values that the statements of the board share."""
    window, quarter = closing_window(filters.closes, today), quarter_of(today)
    by_end: dict[bool, list[int]] = {True: [], False: []}
    for stage in stages:
        by_end[stage.kind != "open"].append(stage.pk)
    return {
        "tenant": require_tenant_id(),
        "pipeline": filters.pipeline.pk,
        "owner": filters.owner_id,
        "open": by_end[False],
        "ends": by_end[True],
        "start": window.start if window else None,
        "end": window.end if window else None,
        "quarter": quarter.start,
        "next_quarter": quarter.end,
    }


def _chosen(statement: str, filters: Filters, params: Mapping[str, Any]) -> str:
    """The statement with the conditions of the filters; their values come apart from it, as parameters."""
    mine = "" if filters.owner_id is None else "AND owner_id = %(owner)s"
    closing = "" if params["start"] is None else "AND close_on >= %(start)s"
    closing += "" if params["end"] is None else " AND close_on < %(end)s"
    return statement.replace("{mine}", mine).replace("{closing}", closing)


def _sums(filters: Filters, params: Mapping[str, Any]) -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_chosen(_SUMS, filters, params), params)
        return {stage_id: (number, amount) for stage_id, number, amount in cursor.fetchall()}


def place_of(deal: Opportunity) -> str:
    """Where a card stands in the order of its column: `2026-12-01.55`, or `-.55` without a close date."""
    return f"{deal.close_on.isoformat() if deal.close_on else '-'}.{deal.pk}"


def _behind(after: str) -> tuple[str, dict[str, Any]]:
    """The condition for deals behind a place, with its values; none for what is no place."""
    day, _, key = after.rpartition(".")
    if not key.isdecimal() or len(key) > 18:
        return "", {}
    if day == "-":
        return "AND close_on IS NULL AND id > %(key)s", {"key": int(key)}
    try:
        closes = date.fromisoformat(day)
    except ValueError:
        return "", {}
    later = "AND (close_on > %(closes)s OR (close_on = %(closes)s AND id > %(key)s) OR close_on IS NULL)"
    return later, {"key": int(key), "closes": closes}
