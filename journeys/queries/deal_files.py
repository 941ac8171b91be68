"""Opportunities as a file."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.money import from_minor
from core.spreadsheets import harmless
from journeys.queries.board import Filters
from journeys.queries.deal_table import chosen_deals, deal_order

MOST_ROWS: Final = 20_000
HEAD: Final = (
    "id", "external_id", "name", "account", "about", "kind", "pipeline", "stage", "probability", "forecast", "owner",
    "amount", "currency", "opened_on", "close_on", "closed_on", "close_reason",
)  # fmt: skip


@dataclass(frozen=True)
class DealFile:
    """A file of deals; `cut` says that there are more than it holds."""

    text: str
    rows: int
    cut: bool


def deals_as_csv(filters: Filters, today: date, *, stage: str, state: str, money: bool) -> DealFile:
    """The rows of the table, the first to close first, at most 20,000. Without the right to money `amount` is empty."""
    found = list(
        chosen_deals(filters, today, stage=stage, state=state)
        .select_related("account", "owner", "stage", "pipeline")
        .order_by(deal_order(), "pk")[: MOST_ROWS + 1]
    )
    deals = found[:MOST_ROWS]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for deal in deals:
        amount = from_minor(deal.amount_minor, deal.currency) if money and deal.amount_minor is not None else ""
        texts = (deal.external_id, deal.name, deal.account.name if deal.account else "", deal.about)
        writer.writerow(
            [
                deal.pk,
                *(harmless(one) for one in texts),
                deal.kind,
                harmless(deal.pipeline.name),
                harmless(deal.stage.name),
                deal.stage.probability,
                deal.stage.forecast,
                harmless(deal.owner.name if deal.owner else ""),
                amount,
                deal.currency,
                deal.opened_on or "",
                deal.close_on or "",
                deal.closed_on or "",
                harmless(deal.close_reason),
            ]
        )
    return DealFile(text.getvalue(), len(deals), cut=len(found) > MOST_ROWS)
