"""Deals as cards, with what a card says of them. One statement for the deals and one for the names of frameworks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from journeys.models import Opportunity, Pipeline
from journeys.queries.pace import Pace
from journeys.queries.pipelines import stages_of
from journeys.queries.qualification import Progress, frameworks_of_pipelines, progress_in, progress_of

# Written out, as are the statements that pick the deals: to compose them takes the ORM longer than to run them.
_CARDS: Final = """
SELECT deal.*, account.name AS company, visit.entered_on,
       (SELECT MAX(waiver.expires_on) FROM journeys_waiver AS waiver
        WHERE waiver.tenant_id = %(tenant)s AND waiver.opportunity_id = deal.id AND waiver.state = 'approved'
          AND waiver.used_at IS NULL AND waiver.expires_on > %(today)s) AS waived_until,
       ARRAY(SELECT answer.framework || '.' || answer.question FROM journeys_answer AS answer
             WHERE answer.tenant_id = %(tenant)s AND answer.opportunity_id = deal.id AND answer.is_complete) AS met
FROM ({picked}) AS deal
LEFT JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = deal.account_id
LEFT JOIN journeys_opportunitystagevisit AS visit
  ON visit.tenant_id = %(tenant)s AND visit.opportunity_id = deal.id AND visit.left_on IS NULL
ORDER BY deal.close_on NULLS LAST, deal.id
"""


@dataclass(frozen=True)
class Card:
    """One deal. `slow`: it stands here longer than 90 % of won deals did. `company`: its account's name, or empty."""

    deal: Opportunity
    days: int | None
    progress: Sequence[Progress] = ()
    slow: bool = False
    usual_days: int | None = None
    company: str = ""
    waived_until: date | None = None


def cards_of(
    picked: str, params: Mapping[str, Any], pipeline: Pipeline, pace: Mapping[int, Pace], today: date
) -> list[Card]:
    """The deals that a statement picks, as cards, the first to close first.

    `picked` is a SELECT of whole rows of `journeys_opportunity`, written in this room, for deals of one pipeline;
    `params` are its values, with the workspace as `tenant`. Two statements.
    """
    asked = frameworks_of_pipelines([pipeline.pk])[pipeline.pk]
    stages = {stage.pk: stage for stage in stages_of(pipeline)}
    cards = []
    for deal in Opportunity.objects.raw(_CARDS.replace("{picked}", picked), {**params, "today": today}):
        if deal.stage_id in stages:
            deal.stage = stages[deal.stage_id]
        days, slow, usual = _stay(deal, deal.entered_on, pace, today)
        progress = progress_in(asked, deal.met)
        cards.append(Card(deal, days, progress, slow, usual, deal.company or "", deal.waived_until))
    return cards


def cards_in_order(
    found: Sequence[Opportunity], pipeline: Pipeline, pace: Mapping[int, Pace], today: date
) -> list[Card]:
    """Deals of one pipeline with account, annotated with `entered_on`, as cards in the order given. Two statements."""
    progress = progress_of(found, frameworks_of_pipelines([pipeline.pk]))
    cards = []
    for deal in found:
        days, slow, usual = _stay(deal, getattr(deal, "entered_on", None), pace, today)
        cards.append(Card(deal, days, progress[deal.pk], slow, usual, deal.account.name if deal.account else ""))
    return cards


def _stay(
    deal: Opportunity, entered: date | None, pace: Mapping[int, Pace], today: date
) -> tuple[int | None, bool, int | None]:
    days = (today - entered).days if entered is not None else None
    usual = pace[deal.stage_id].slow_days if deal.stage_id in pace else None
    slow = deal.stage.kind == "open" and days is not None and usual is not None and days > usual
    return days, slow, usual
