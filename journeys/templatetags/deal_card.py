"""A card of the board, drawn without a template engine: fifty of them stand on one page, which is most of its time."""

from datetime import date
from functools import cache
from typing import Any, Final

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from core.formatting import money
from core.templatetags import ui
from journeys.models import Opportunity
from journeys.queries.cards import Card
from journeys.queries.qualification import Progress

register = template.Library()
_ENDS: Final = {"won": '<span class="chip ok">Won</span>', "lost": '<span class="chip">Lost</span>'}


@register.simple_tag(takes_context=True)
def deal_card(context: dict[str, Any], card: Card) -> SafeString:
    """The card of a deal. From the page it takes `today`, `currency`, `may_work` and `may_see_money`."""
    deal, today, may_work = card.deal, context["today"], bool(context.get("may_work"))
    amount = money(deal.amount_minor, context["currency"]) if context.get("may_see_money") else None
    closes = deal.close_on.isoformat() if deal.close_on else ""
    drag = ' draggable="true"' if may_work else ""
    begin = (
        f'<li class="deal" id="deal-{deal.pk}" data-card data-row data-id="{deal.pk}" data-stage="{deal.stage_id}" '
        f'data-edition="{deal.edition}" data-closes="{closes}" '
        f'data-move="{_address("journeys:opportunity_move", deal.pk)}"{drag}>'
    )
    parts = (
        begin,
        _head(card, may_work=may_work),
        f'<p class="small muted truncate">{escape(_about(card))}</p>',
        _money_and_day(deal, amount, today),
        _bars(card),
        _notes(card, today),
        '<p class="deal-note small risk" data-blocked hidden></p></li>\n',
    )
    return mark_safe("".join(parts))  # noqa: S308 -- every text from the database is escaped


@cache
def _pattern(name: str) -> str:
    return reverse(name, args=[0])


def _address(name: str, pk: int) -> str:
    return _pattern(name).replace("/0/", f"/{pk}/", 1)


def _head(card: Card, *, may_work: bool) -> str:
    deal = card.deal
    name = escape(card.company or deal.name)
    sign = _ENDS.get(deal.stage.kind, "")
    if not sign and may_work:
        sign = (
            f'<button class="deal-menu" type="button" data-move-menu aria-haspopup="menu" '
            f'aria-label="Move {escape(deal.name)}">{ui.icon("ellipsis", "s14")}</button>'
        )
    return (
        f'<div class="board-line"><a class="deal-name truncate" href="{_address("journeys:opportunity", deal.pk)}" '
        f'data-open>{name}</a><span class="grow"></span>{sign}</div>'
    )


def _about(card: Card) -> str:
    deal = card.deal
    if deal.stage.kind == "lost":
        return f"Lost: {deal.close_reason or 'no reason given'}"
    return deal.about or (deal.name if card.company else "No account yet")


def _money_and_day(deal: Opportunity, amount: str | None, today: date) -> str:
    shown = f'<b class="num">{escape(amount)}</b>'
    if amount is None:
        shown = f'<span class="muted small">{ui.icon("lock", "s12")} Hidden</span>'
    late = " risk" if deal.stage.kind == "open" and deal.close_on and deal.close_on < today else ""
    day = deal.close_on if deal.stage.kind == "open" else deal.closed_on
    words = ui.day_short(day, today) if day else "no close date" if deal.stage.kind == "open" else ""
    return (
        f'<div class="board-line">{shown}<span class="grow"></span>'
        f'<span class="small soft num{late}">{escape(words)}</span></div>'
    )


def _bars(card: Card) -> str:
    """How far each qualification is, and beside the first one the days in this stage."""
    days = card.days if card.deal.stage.kind == "open" else None
    if not card.progress:
        if days is None:
            return ""
        stage = escape(card.deal.stage.name)
        return f'<div class="board-line small muted"><span class="num">{ui.number(days)} d in {stage}</span></div>'
    stood = "" if days is None else f'<span class="num" title="Days in this stage">{ui.number(days)} d</span>'
    return "".join(_bar(one, stood if place == 0 else "") for place, one in enumerate(card.progress))


def _bar(progress: Progress, stood: str) -> str:
    dots = "".join('<i class="filled"></i>' if met else "<i></i>" for met in progress.dots)
    return (
        f'<div class="board-line small muted"><span class="dots" aria-hidden="true">{dots}</span>'
        f'<span class="num">{escape(progress.name)} {progress.answered}/{progress.asked}</span>'
        f'<span class="grow"></span>{stood}</div>'
    )


def _notes(card: Card, today: date) -> str:
    notes = ""
    if card.waived_until:
        until = escape(ui.day_short(card.waived_until, today))
        notes += f'<p class="deal-note small">{ui.icon("shield-alert", "s12")} Waived until {until}</p>'
    if card.slow:
        usual = ui.number(card.usual_days)
        notes += (
            f'<p class="deal-note small warn">Longer than 90 % of won deals: {ui.number(card.days)} d, '
            f"usually up to {usual} d</p>"
        )
    return notes
