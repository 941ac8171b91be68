"""Pictures and words of the score model's page: the weight with its tick, and bands as words."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.templatetags.ui import band_of

register = template.Library()


@register.simple_tag
def weight_track(share: float, live: float | None, top: float) -> SafeString:
    """The track of a weight from 0 to `top` percent, with a tick at the live weight. The numbers stand beside it."""

    def at(value: float) -> str:
        return f"{min(max(value / top * 100, 0), 100):.4g}%"

    tick = (
        format_html('<line class="track-tick" x1="{0}" x2="{0}" y1="2" y2="18"/>', at(live)) if live is not None else ""
    )
    return format_html(
        '<svg class="weight-track" height="20" aria-hidden="true">'
        '<rect class="track" y="8" width="100%" height="4" rx="2"/>'
        '<rect class="filled" y="8" width="{}" height="4" rx="2"/>{}</svg>',
        at(share),
        tick,
    )


@register.filter
def band_word(key: str) -> str:
    """`At risk` for red."""
    return band_of(key)[1]


@register.simple_tag
def interval(middle: float, low: float | None, high: float | None, css: str = "", start: float = 0.4) -> SafeString:
    """An estimate with its interval on an axis from `start` to 1. The numbers stand beside it."""

    def at(value: float) -> str:
        return f"{min(max((value - start) / (1 - start) * 100, 0), 100):.4g}%"

    whiskers = (
        format_html(
            '<line class="whisker" x1="{0}" x2="{1}" y1="10" y2="10"/>'
            '<line class="whisker" x1="{0}" x2="{0}" y1="6" y2="14"/>'
            '<line class="whisker" x1="{1}" x2="{1}" y1="6" y2="14"/>',
            at(low),
            at(high),
        )
        if low is not None and high is not None
        else ""
    )
    return format_html(
        '<svg class="interval {}" height="20" aria-hidden="true"><line class="axis" x1="0" x2="100%" y1="10" y2="10"/>'
        '{}<rect class="mark" x="{}" y="6" width="7" height="8" rx="2" transform="translate(-3.5)"/></svg>',
        css,
        whiskers,
        at(middle),
    )


@register.simple_tag
def lead_lines(points: Sequence[Any]) -> SafeString:
    """Precision, solid, and recall, dashed, by lead time, from 0 to 100 %. A table beside it says the same."""
    places = [8 + 84 * at / max(len(points) - 1, 1) for at in range(len(points))]

    def line(name: str) -> SafeString:
        known = [
            (x, 108 - getattr(one, name) * 96)
            for x, one in zip(places, points, strict=True)
            if getattr(one, name) is not None
        ]
        segments = format_html_join(
            "",
            '<line x1="{}%" y1="{}" x2="{}%" y2="{}"/>',
            ((f"{a[0]:.4g}", f"{a[1]:.4g}", f"{b[0]:.4g}", f"{b[1]:.4g}") for a, b in pairwise(known)),
        )
        dots = format_html_join("", '<circle cx="{}%" cy="{}" r="3"/>', ((f"{x:.4g}", f"{y:.4g}") for x, y in known))
        return format_html('<g class="{}">{}{}</g>', name, segments, dots)

    grid = format_html_join(
        "", '<line class="axis" x1="8%" x2="92%" y1="{0}" y2="{0}"/><text x="0" y="{1}">{2}</text>',
        ((108 - share * 0.96, 112 - share * 0.96, f"{share} %") for share in (0, 50, 100)),
    )  # fmt: skip
    days = format_html_join(
        "", '<text x="{}%" y="130" text-anchor="middle">{} d</text>',
        ((f"{x:.4g}", one.lead_days) for x, one in zip(places, points, strict=True)),
    )  # fmt: skip
    lines = line("precision") + line("recall")
    return format_html('<svg class="lead-lines" height="136" aria-hidden="true">{}{}{}</svg>', grid, lines, days)
