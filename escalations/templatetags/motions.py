"""The chip of a running clock."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import formatting
from core.templatetags.ui import glyph, icon

register = template.Library()
CLOSE_SECONDS = 3600


@register.simple_tag
def clock_chip(left: float) -> SafeString:
    """A clock with shape and words: `1 h 42 m left`, amber under an hour, red when it is over."""
    words = formatting.clock_left(left)
    if left < 0:
        return format_html('<span class="chip risk">{}{}</span>', glyph("risk"), words)
    if left < CLOSE_SECONDS:
        return format_html('<span class="chip warn">{}{}</span>', glyph("warn"), words)
    return format_html('<span class="chip">{}{}</span>', icon("timer"), words)
