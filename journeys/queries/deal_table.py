"""Opportunities as a table: sorted, page by page by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from journeys.models import Opportunity, OpportunityStageVisit
from journeys.queries.board import Filters, filtered, open_deals
from journeys.queries.cards import Card, cards_in_order
from journeys.queries.pace import pace_of
from journeys.rules.periods import closing_window

PAGE: Final = 50
_LAST_DAY: Final = date(9999, 12, 31)


@dataclass(frozen=True)
class Sort:
    """A column that the table can be sorted by. `empty` stands for no value, at the end of the list."""

    field: str
    empty: Any
    down: bool

    def text(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, date) else str(value)

    def read(self, text: str) -> Any:
        """The value of a cursor, or None for one that nothing has."""
        try:
            return date.fromisoformat(text) if isinstance(self.empty, date) else _number_or_text(text, self.empty)
        except ValueError:
            return None


def _number_or_text(text: str, empty: Any) -> Any:
    if isinstance(empty, int):
        return int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else None
    return text


SORTS: Final[Mapping[str, Sort]] = {
    "closes": Sort("close_on", _LAST_DAY, down=False),
    "amount": Sort("amount_minor", 0, down=True),
    "name": Sort("name", "", down=False),
    "opened": Sort("opened_on", date(1, 1, 1), down=True),
}
STATES: Final = ("open", "won", "lost")


@dataclass(frozen=True)
class TablePage:
    """One page. `after` is where the next begins, empty on the last."""

    cards: Sequence[Card]
    after: str
    sort: str
    state: str
    stage: str


def deal_table(
    filters: Filters, today: date, *, sort: str = "", after: str = "", stage: str = "", state: str = ""
) -> TablePage:
    """A page of the deals: open ones unless `state` says won, lost or all. What cannot be is the first page."""
    sort = sort if sort in SORTS else "closes"
    state = state if state in {"won", "lost", "all"} else "open"
    how = SORTS[sort]
    deals = chosen_deals(filters, today, stage=stage, state=state)
    deals = deals.annotate(sorted_by=Coalesce(how.field, Value(how.empty)))
    value_text, _, key = after.rpartition("~")
    value = how.read(value_text) if key.isdecimal() and len(key) < 19 else None
    if value is not None and "\x00" not in value_text:
        word = "lt" if how.down else "gt"
        deals = deals.filter(Q(**{f"sorted_by__{word}": value}) | Q(**{"sorted_by": value, f"pk__{word}": int(key)}))
    order = ("-sorted_by", "-pk") if how.down else ("sorted_by", "pk")
    here = OpportunityStageVisit.objects.filter(opportunity_id=OuterRef("pk"), left_on=None).values("entered_on")[:1]
    found = list(
        deals.select_related("account", "owner", "stage")
        .annotate(entered_on=Subquery(here))
        .order_by(*order)[: PAGE + 1]
    )
    rest = f"{how.text(found[PAGE - 1].sorted_by)}~{found[PAGE - 1].pk}" if len(found) > PAGE else ""
    pace = pace_of(filters.pipeline, today)
    return TablePage(cards_in_order(found[:PAGE], filters.pipeline, pace, today), rest, sort, state, stage)


def chosen_deals(filters: Filters, today: date, *, stage: str, state: str) -> QuerySet[Opportunity]:
    """The deals of the filters in a stage (by key; none is all) and of a state."""
    deals = filtered(filters)
    if state not in {"won", "lost", "all"}:
        deals = open_deals(filters, today)
    elif (window := closing_window(filters.closes, today)) is not None:
        # A closed deal counts by the day on which it closed.
        deals = deals.annotate(closes=Coalesce("closed_on", "close_on")).filter(closes__lt=window.end)
        if window.start is not None:
            deals = deals.filter(closes__gte=window.start)
    if state in {"won", "lost"}:
        deals = deals.filter(stage__kind=state)
    if stage and "\x00" not in stage:
        deals = deals.filter(stage__key=stage)
    return deals


def deal_order() -> Any:
    """The first to close first, those without a date last."""
    return F("close_on").asc(nulls_last=True)
