"""Small parts that only the pages across the apps have."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from core.formatting import NO_BREAK, day_short, percent
from core.permissions import may
from core.templatetags.ui import _glyph, bar, icon, query
from journeys.choices import ForecastCategory
from revops.dashboards.acts import ACTS
from revops.dashboards.addresses import address

register = template.Library()

_FORECASTS: Final = dict(ForecastCategory.choices)
SILENT_DAYS: Final = 30


@register.filter
def at(mapping: Mapping[str, Any], key: str | None) -> Any:
    """The value under a key, or "" where there is none."""
    return mapping.get(key or "", "")


@register.simple_tag(takes_context=True)
def sort_head(context: dict[str, Any], label: str, key: str, current: str, css: str = "") -> SafeString:
    """A column head that sorts; pressed again, it turns the order round."""
    name = key.lstrip("-")
    is_current = current.lstrip("-") == name
    target = (name if current.startswith("-") else f"-{name}") if is_current else key
    address = query(context, sort=target, after="", before="")
    if not is_current:
        return format_html('<th class="{}" scope="col"><a class="sort" href="{}">{}</a></th>', css, address, label)
    down = current.startswith("-")
    return format_html(
        '<th class="{}" scope="col" aria-sort="{}"><a class="sort" href="{}">{}{}</a></th>',
        css,
        "descending" if down else "ascending",
        address,
        label,
        icon("arrow-down" if down else "arrow-up", "s12"),
    )


@register.simple_tag
def forecast(key: str | None) -> SafeString:
    """The forecast as a word; a diamond stands before "At risk"."""
    if not key:
        return mark_safe('<span class="muted">–</span>')
    word = _FORECASTS.get(key, key)
    if key == ForecastCategory.AT_RISK:
        return format_html('<span class="risk medium row tight">{}{}</span>', _glyph("risk", "tiny"), word)
    return format_html('<span class="{}">{}</span>', "muted" if key == ForecastCategory.NOT_YET else "soft", word)


@register.simple_tag(takes_context=True)
def act(context: dict[str, Any], key: str) -> SafeString:
    """The link from a figure to the process that moves it; nothing for who may not see that."""
    one = ACTS[key]
    membership = getattr(context["request"], "membership", None)
    if membership is None or not may(membership.role, one.permission) or not one.url:
        return SafeString("")
    words = f"{one.words}: the process that moves this figure"
    return format_html(
        '<a class="figure-act" data-act href="{}" title="{}" aria-label="{}">{}</a>',
        one.url,
        words,
        words,
        icon("workflow", "s14"),
    )


@register.simple_tag
def days_since(day: date | None, today: date) -> SafeString:
    """How long ago: `31 d`, amber from 30 days on; "never" where nothing is on record."""
    if day is None:
        return mark_safe('<span class="muted">never</span>')
    days = (today - day).days
    css = "warn medium" if days >= SILENT_DAYS else "soft"
    return format_html('<span class="{}">{}{}d</span>', css, f"{max(days, 0):,}", NO_BREAK)


@register.simple_tag
def moment(at: datetime, today: date) -> str:
    """The time of an event of today, else its day; times are in the workspace's zone.

    What is known to the day only stands at midnight: of it the day is told.
    """
    local = localtime(at)
    timed = local.date() == today and local.time() != time.min
    return f"{local:%H:%M}" if timed else day_short(local.date(), today)


@register.simple_tag
def place(url_name: str, subject: int, account_id: int) -> str:
    """The address of what an event is about, or "" where this installation has no such page."""
    argument = account_id if url_name.startswith("health:") else subject
    try:
        return reverse(url_name, args=[argument])
    except NoReverseMatch:
        return ""


_PLACES: Final = {
    "renewal": "renewals:detail",
    "qbr": "qbr:detail",
    "escalation": "escalations:detail",
    "alert": "health:alert",
    "handoff": "journeys:handoff",
    "play": "journeys:play",
}


@register.simple_tag
def place_of(subject_kind: str, subject_id: int | None) -> str:
    """Where the work on a task is done, or "" for a task that stands by itself."""
    name = _PLACES.get(subject_kind)
    return address(name, subject_id) if name and subject_id is not None else ""


@register.simple_tag
def bar_signed(amount: int, top: int) -> SafeString:
    """A bar as long as the amount, in the tone of its sign."""
    return bar(abs(amount), top, "bare ok" if amount > 0 else "bare risk", align="end")


@register.simple_tag
def in_time(open_count: int, over: int) -> SafeString:
    """Bar and rate of what is not over its target."""
    share = (open_count - over) / open_count
    tone = "ok" if over == 0 else "warn" if share >= 0.5 else "risk"
    return format_html('{}<span class="small soft number">{}</span>', bar(share, 1, tone), percent(share, 0))
