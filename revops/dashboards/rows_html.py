"""The rows of the list of accounts as HTML: fifty rows of a dozen parts each, drawn without a template engine.

A template needs four fifths of the page's time for them. Small parts repeat from row to row and are kept by value.
"""

from datetime import date
from functools import lru_cache
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.choices import Segment
from core.formatting import money
from core.templatetags import ui
from revops.dashboards.queries.portfolio_rows import Row
from revops.templatetags import dashboards as parts

_SEGMENTS: Final = {key: escape(label) for key, label in Segment.choices}
_DASH: Final = "–"


@lru_cache(maxsize=4096)
def _band(band: str | None, score: float | None, override: float | None) -> str:
    return str(ui.band(band, score, override=override))


@lru_cache(maxsize=1024)
def _change(points: float | None) -> str:
    return str(ui.change(points))


@lru_cache(maxsize=4096)
def _due(day: date | None, today: date) -> str:
    return str(ui.due(day, today))


@lru_cache(maxsize=2048)
def _silence(day: date | None, today: date) -> str:
    return str(parts.days_since(day, today))


@lru_cache(maxsize=64)
def _forecast(key: str | None) -> str:
    return str(parts.forecast(key))


@lru_cache(maxsize=256)
def _coverage(percent: int | None) -> str:
    if percent is None:
        return _DASH
    css = ' class="warn"' if percent < 60 else ""
    return f'<span class="coverage">{ui.bar(percent, 100, "thin w28 quiet")}<span{css}>{percent} %</span></span>'


@lru_cache(maxsize=4096)
def _tile(name: str) -> str:
    return str(ui.tile(name))


@lru_cache(maxsize=2048)
def _owner(owner_id: int | None, name: str | None) -> str:
    if not name:
        return '<span class="muted">nobody</span>'
    face = ui.avatar(name, named=True)
    return f'<a href="?view=all&amp;owner={owner_id}" title="{escape(name)}">{face}</a>'


@lru_cache(maxsize=4096)
def _line(values: tuple[float | None, ...]) -> str:
    return str(ui.sparkline(values, width=64))


def rows_html(rows: list[Row], *, today: date, currency: str, with_money: bool) -> SafeString:
    """The table rows. Names are escaped; everything else is a number, a date or a word of ours."""
    return mark_safe("".join(_row(row, today, currency, with_money=with_money) for row in rows))  # noqa: S308 -- escaped


def _row(row: Row, today: date, currency: str, *, with_money: bool) -> str:
    name = escape(row.name)
    change = _change(round(row.change) if row.change is not None else None)
    covered = round(row.coverage * 100) if row.coverage is not None else None
    amount = money(row.arr_minor, currency) if with_money else '<span class="muted">Hidden</span>'
    sum_of = f' data-amount="{row.arr_minor}"' if with_money else ""
    phone_change = f' <span class="only-phone">{change}</span>' if row.change is not None else ""
    return (
        f'<tr data-row><td class="select-cell"><span class="check-hit"><input class="check" type="checkbox" '
        f'name="account" value="{row.id}" data-select{sum_of} aria-label="Select {name}"></span></td>'
        f'<th scope="row" class="at-1"><div class="with-tile">{_tile(row.name)}<div class="name-cell">'
        f'<a class="medium" href="/accounts/{row.id}/" data-open>{name}</a>'
        f'<span class="small muted">{_SEGMENTS.get(row.segment, escape(row.segment))}</span></div></div></th>'
        f'<td class="at-3">{_band(row.band, row.score, row.override)}{phone_change}</td>'
        f'<td class="number">{change}</td>'
        f'<td class="fold-4">{_line(tuple(row.line))}</td><td class="number at-2">{amount}</td>'
        f'<td class="fold-5 stage-cell">{escape(row.stage) if row.stage else _DASH}</td>'
        f'<td class="at-4">{_due(row.renewal_on, today)}</td><td>{_forecast(row.forecast)}</td>'
        f'<td class="number fold-3">{_coverage(covered)}</td><td class="fold-2">{_owner(row.owner_id, row.owner)}</td>'
        f'<td class="number fold-1">{_silence(row.last_contact_on, today)}</td></tr>\n'
    )
