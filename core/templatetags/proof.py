"""Pictures of proof: an AUC with its interval on the scale from a coin to certainty."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def auc_interval(auc: float | None, low: float | None, high: float | None, tone: str = "other") -> SafeString:
    """The interval as a line with its ends and the value as a block, from 0.4 to 1. The number stands beside it."""
    if auc is None:
        return format_html('<svg class="{}" height="16" aria-hidden="true"></svg>', "auc-interval")
    line = ""
    if low is not None and high is not None:
        line = format_html(
            '<line class="auc-line" x1="{0}" x2="{1}" y1="8" y2="8"/><line class="auc-line" x1="{0}" x2="{0}" y1="4" '
            'y2="12"/><line class="auc-line" x1="{1}" x2="{1}" y1="4" y2="12"/>',
            _at(low),
            _at(high),
        )
    return format_html(
        '<svg class="auc-interval {0}" height="16" aria-hidden="true"><line class="auc-track" x1="0" x2="100%" y1="8" '
        'y2="8"/><line class="auc-coin" x1="{1}" x2="{1}" y1="0" y2="16"/>{2}<circle class="auc-dot" cx="{3}" cy="8" '
        'r="4"/></svg>',
        tone,
        _at(0.5),
        line,
        _at(auc),
    )


def _at(value: float) -> str:
    return f"{min(max((value - 0.4) / 0.6, 0), 1) * 100:.4g}%"
