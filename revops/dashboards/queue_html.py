"""The rows of the queue as HTML, drawn without a template engine for the same reason as the list of accounts."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from core.formatting import money
from core.templatetags import ui
from revops.dashboards.addresses import address
from revops.dashboards.queries.queue import QueueRow
from revops.dashboards.reasons import Reason, Verb, kind_words, reasons, verb


@dataclass(frozen=True)
class Look:
    """What decides how rows are drawn, besides the rows themselves."""

    scope: str
    currency: str
    may_work: bool
    with_money: bool
    hidden: frozenset[str]
    now: datetime
    today: date
    zone: ZoneInfo


def queue_rows(rows: list[QueueRow], look: Look, *, first_is_current: bool) -> SafeString:
    """The rows one after the other. Titles and names are escaped; the rest is ours."""
    drawn = [_row(row, look, is_current=first_is_current and place == 0) for place, row in enumerate(rows)]
    return mark_safe("".join(drawn))  # noqa: S308 -- every text from the database is escaped in _row


@lru_cache(maxsize=4096)
def _health(band: str | None, score: float | None, change: int | None, override: float | None) -> str:
    return f"{ui.band(band, score, word=False, override=override)}{ui.change(change) if change is not None else ''}"


@lru_cache(maxsize=2048)
def _reason(reason: Reason) -> str:
    return f'<span class="reason {reason.tone}">{ui.icon(reason.icon)}{escape(reason.text)}</span>'


def _row(row: QueueRow, look: Look, *, is_current: bool) -> str:
    title = escape(row.title)
    act = verb(row)
    url = address(act.url_name, act.argument) if act else ""
    css = "queue-item current" if is_current else "queue-item"
    shown = f'<a href="{url}" data-open>{title}</a>' if url else title
    return (
        f'<li class="{css}" id="row-{row.key}" data-row{_panel(row, look, is_current=is_current)}>'
        f'{_ring(row, title, look)}<div class="queue-text"><div class="queue-title">{shown}</div>'
        f'<div class="queue-meta">{_who(row)}'
        f"{''.join(_reason(one) for one in _said(row, look))}"
        "</div></div>"
        f'<div class="queue-health">{_health_of(row)}</div>'
        f'<div class="queue-amount">{_amount(row, look)}</div>'
        f'<div class="queue-acts">{_acts(row, act, url, look, is_current=is_current)}</div></li>\n'
    )


def _panel(row: QueueRow, look: Look, *, is_current: bool) -> str:
    if row.account_id is None:
        return ""
    url = f"{address('dashboards:day_task', row.id)}?scope={look.scope}{'&amp;first=1' if is_current else ''}"
    return f' hx-get="{url}" hx-trigger="row-chosen" hx-target="#panel" data-quiet'


def _said(row: QueueRow, look: Look) -> list[Reason]:
    return reasons(row, now=look.now, today=look.today, zone=look.zone, hidden=look.hidden)


def _ring(row: QueueRow, title: str, look: Look) -> str:
    """The ring that says done, and the box that selects. A hand-off is answered on its page, so it has no ring."""
    if not look.may_work:
        return f'<span class="queue-sign soft">{ui.icon("list-checks")}</span>'
    box = (
        f'<input class="check queue-check" type="checkbox" name="task" value="{",".join(map(str, row.ids))}" '
        f'data-select aria-label="Select {title}">'
    )
    if row.kind == "handoff":
        return f'<span class="queue-first">{box}<span class="queue-sign soft">{ui.icon("handshake")}</span></span>'
    also = f' hx-vals=\'{{"also": "{",".join(map(str, row.more))}"}}\'' if row.more else ""
    return (
        f'<span class="queue-first">{box}<button class="done-ring" type="button" data-key="e" '
        f'aria-label="Done: {title}" hx-post="{address("dashboards:task_done", row.id)}?scope={look.scope}"{also} '
        f'hx-target="closest li" hx-swap="outerHTML"></button></span>'
    )


def _who(row: QueueRow) -> str:
    kind = escape(kind_words(row))
    if row.account_id is None:
        return f"<span>{kind}</span>"
    url = address("dashboards:account", row.account_id)
    return f'<a class="medium" href="{url}">{escape(row.account)}</a><span class="queue-kind">· {kind}</span>'


def _health_of(row: QueueRow) -> str:
    if row.account_id is None:
        return ""
    return _health(row.band, row.health, round(row.change) if row.change is not None else None, row.override)


def _amount(row: QueueRow, look: Look) -> str:
    if row.account_id is None:
        return ""
    return money(row.arr_minor, look.currency) if look.with_money else '<span class="muted small">Hidden</span>'


def _acts(row: QueueRow, act: Verb | None, url: str, look: Look, *, is_current: bool) -> str:
    css = "button small-control primary" if is_current else "button small-control"
    drawn = f'<a class="{css}" href="{url}">{act.label}</a>' if act and url else ""
    if not look.may_work:
        return drawn
    if row.group == "snoozed":
        return (
            f'{drawn}<button class="button small-control square ghost" type="button" data-key="h" '
            f'aria-label="Back to the queue: {escape(row.title)}" hx-target="closest li" hx-swap="delete" '
            f'hx-post="{address("dashboards:task_undo", row.id)}?scope={look.scope}">{ui.icon("undo-2")}</button>'
        )
    return (
        f'{drawn}<button class="button small-control square ghost" type="button" data-key="h" '
        f'aria-label="Snooze {escape(row.title)}" hx-target="#dialog" '
        f'hx-get="{address("dashboards:task_snooze", row.id)}">'
        f"{ui.icon('alarm-clock')}</button>"
    )
