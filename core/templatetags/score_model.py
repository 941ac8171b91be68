"""Pictures and words of the score model's page: the weight with its tick, and bands as words."""

from django import template
from django.utils.html import format_html
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
        '<svg class="weight-track" height="20" aria-hidden="true"><rect class="track" y="8" width="100%" height="4" rx="2"/>'
        '<rect class="filled" y="8" width="{}" height="4" rx="2"/>{}</svg>',
        at(share),
        tick,
    )


@register.filter
def band_word(key: str) -> str:
    """`At risk` for red."""
    return band_of(key)[1]
