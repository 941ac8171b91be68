"""Pictures that the server draws as SVG: they print, need no script, and take their colours from classes."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting as f

register = template.Library()

_MARKS: Final = {"done": "done", "done_late": "late-done", "late": "late", "next": "next", "ahead": ""}
_TICKED: Final = frozenset({"done", "done_late"})
_LINE: Final = 30


@register.simple_tag
def renewal_strip(
    steps: Sequence[Mapping[str, Any]], start: date, end: date, today: date, notice: date | None = None
) -> SafeString:
    """The way to a renewal: `steps` with on (date), title, text, state (done done_late late next ahead), then the end.

    Decorative: `.strip-list` beside it carries the same for phones and screen readers.
    """
    span = max((end - start).days, 1)

    def at(day: date) -> float:
        return round(2 + 95 * min(max((day - start).days / span, 0), 1), 2)

    now, stop = at(today), at(end)
    places = [at(step["on"]) for step in steps]
    lines = _text_lines([(x, str(step.get("text", ""))) for x, step in zip(places, steps, strict=True)], stop)
    marks = format_html_join(
        "", "{}", ((_step(x, step, line),) for x, step, line in zip(places, steps, lines, strict=True))
    )
    end_mark = format_html(
        '<rect class="mark end" x="{0}%" y="{1}" width="12" height="12" rx="3" transform="translate(-6)"/>'
        '<text class="title" x="{0}%" y="54" text-anchor="end" dx="8">End</text>'
        '<text class="sub" x="{0}%" y="70" text-anchor="end" dx="8">{2}</text>',
        stop,
        _LINE - 6,
        f.day(end),
    )
    right = now < 8 or (notice is not None and notice <= today)
    return format_html(
        '<svg class="strip-line{8}" aria-hidden="true">'
        '<line class="track" x1="2%" x2="{3}%" y1="{0}" y2="{0}"/>'
        '<line class="passed" x1="2%" x2="{1}%" y1="{0}" y2="{0}"/>'
        '{2}{4}{5}<line class="today" x1="{1}%" x2="{1}%" y1="{6}" y2="{7}"/>'
        '<text class="title" x="{1}%" y="12" dx="{9}" text-anchor="{10}">Today</text></svg>',
        _LINE,
        now,
        marks,
        stop,
        end_mark,
        _notice(at(notice), notice, today, beside=right and abs(at(notice) - now) < 6) if notice else "",
        _LINE - 14,
        _LINE + 14,
        " two-lines" if 1 in lines else "",
        4 if right else -4,
        "start" if right else "end",
    )


def _text_lines(texts: Sequence[tuple[float, str]], stop: float) -> list[int]:
    """On which line each text goes so that none runs into another: the first (0), the second (1), or nowhere (-1).

    Widths are estimated for the narrowest strip that shows texts at all (`.strip` hides them below 960 px).
    """
    percent_per_letter = 6.2 / 960 * 100
    edges = [0.0, 0.0]
    lines = []
    for x, text in texts:
        width = len(text) * percent_per_letter
        left = x - 1 if x < 8 else x - width / 2
        limits = (stop - 11, 100.0)
        fits = [line for line in (0, 1) if left >= edges[line] and left + width <= limits[line]]
        line = fits[0] if fits else -1
        if line >= 0:
            edges[line] = left + width + 1
        lines.append(line)
    return lines


def _step(x: float, step: Mapping[str, Any], line: int) -> SafeString:
    anchor, shift = ("start", -8) if x < 8 else ("middle", 0)
    state = str(step.get("state", "ahead"))
    # The tick is drawn around its own zero point and moved by a nested picture, since x is a percentage.
    tick = (
        format_html(
            '<svg x="{}%" y="{}" overflow="visible"><path class="tick" d="M-3.2 .2l2.2 2.2 4.2-4.6"/></svg>', x, _LINE
        )
        if state in _TICKED
        else ""
    )
    text = (
        format_html('<text class="sub" x="{}%" y="{}" dx="{}" text-anchor="{}">{}</text>', x, 70 + 15 * line, shift,
                    anchor, step.get("text", ""))
        if line >= 0
        else ""
    )  # fmt: skip
    return format_html(
        '<circle class="mark {}" cx="{}%" cy="{}" r="6.5"><title>{}</title></circle>{}'
        '<text class="title" x="{}%" y="54" dx="{}" text-anchor="{}">{}</text>{}',
        _MARKS.get(state, ""), x, _LINE, step.get("text", ""), tick, x, shift, anchor, step["title"], text,
    )  # fmt: skip


def _notice(x: float, notice: date, today: date, *, beside: bool) -> SafeString:
    left = (notice - today).days
    words = f"in {left} days" if left > 1 else "tomorrow" if left == 1 else "today" if left == 0 else "has passed"
    anchor, shift = ("end", -10) if x > 70 else ("start", 10)
    # Where the word "Today" already stands right of the line, the deadline follows it.
    aside = 52 if beside and x <= 70 else 0
    return format_html(
        '<svg x="{0}%" y="9" overflow="visible"><path class="glyph-risk" d="M{5}-4l4 4-4 4-4-4z"/></svg>'
        '<text class="risk" x="{0}%" y="13" dx="{1}" text-anchor="{2}">Notice deadline {3}, {4}</text>',
        x,
        shift + aside,
        anchor,
        f.day_short(notice, today),
        words,
        aside,
    )


@register.simple_tag
def waterfall(
    rows: Sequence[Mapping[str, Any]],
    label: str,
    *,
    edge: float | None = None,
    edge_label: str = "",
    decimals: int = 1,
) -> SafeString:
    """Point by point from a start to an end. `rows`: name, second (line below), value, tone (total value cover config
    gain loss); totals stand on the axis, the rest are steps. The axis may be cut: say so in words under the picture."""
    width, height, top, bottom = 560.0, 262.0, 24.0, 218.0
    levels = _levels(rows)
    low = min((min(first, last) for first, last in levels if first != 0), default=0.0)
    high = max(max(first, last) for first, last in levels)
    room = max((high - low) * 0.25, 1.0)
    floor, ceiling = max(low - room, 0.0), high + room / 3
    slot = width / max(len(rows), 1)

    def y(value: float) -> float:
        return round(bottom - (max(value, floor) - floor) / (ceiling - floor) * (bottom - top), 1)

    body = format_html_join(
        "",
        "{}",
        (
            (_column(row, slot * index, slot, y(first), y(last), y(levels[index][1]), decimals),)
            for index, (row, (first, last)) in enumerate(zip(rows, levels, strict=True))
        ),
    )
    line = _edge(edge, edge_label, y(edge), levels[-1][1], width, slot) if edge and floor < edge < ceiling else ""
    return format_html(
        '<svg class="drawn" width="100%" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>{}{}</svg>',
        width,
        height,
        label,
        width,
        bottom,
        bottom,
        body,
        line,
    )


def _edge(edge: float, label: str, y: float, last: float, width: float, slot: float) -> SafeString:
    """The line of a band's edge, with its word where the columns leave room: right of a fall, left before a rise."""
    x, anchor, shift = (width - 4, "end", -6) if last < edge else (slot * 0.95, "start", 14)
    return format_html(
        '<line class="edge-line" x1="0" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="{}">{}</text>',
        width,
        y,
        y,
        round(x, 1),
        y + shift,
        anchor,
        label,
    )


def _levels(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Where each column starts and ends: totals from the axis, steps from where the last one ended."""
    levels: list[tuple[float, float]] = []
    running = 0.0
    for row in rows:
        value = float(row["value"])
        first = 0.0 if row.get("tone") == "total" else running
        running = value if row.get("tone") == "total" else running + value
        levels.append((first, running))
    return levels


def _column(
    row: Mapping[str, Any], left: float, slot: float, first: float, last: float, link: float, decimals: int
) -> SafeString:
    total = row.get("tone") == "total"
    bar_top, bar_bottom = min(first, last), max(first, last)
    middle = round(left + slot / 2, 1)
    value = row["value"] if isinstance(row["value"], int | float | Decimal) else float(row["value"])
    above = total or value > 0
    name, _, rest = str(row["name"]).partition(" ")
    second = row.get("second") or rest
    if row.get("second"):
        name = str(row["name"])
    return format_html(
        '<line class="link-line" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>'
        '<text class="value" x="{}" y="{}" text-anchor="middle">{}</text>'
        '<text x="{}" y="236" text-anchor="middle">{}</text>'
        '<text class="second" x="{}" y="250" text-anchor="middle">{}</text>',
        round(left + slot * 0.2, 1), round(left + slot * 1.2, 1), link, link,
        row.get("tone", "value"), round(left + slot * 0.2, 1), bar_top, round(slot * 0.6, 1),
        max(round(bar_bottom - bar_top, 1), 1.5),
        middle, bar_top - 6 if above else bar_bottom + 14, f.number(value, decimals, plus=not total),
        middle, name, middle, second,
    )  # fmt: skip
