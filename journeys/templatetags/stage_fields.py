"""Fields of an editor after a refusal: what was typed stands there again, and what is wrong at its field.

The tags read `typed` and `problems` of the page, both by the name of the field.
"""

from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.templatetags.ui import glyph

register = template.Library()
# What only a person fills in; the rest of a form that adds something comes with a choice made.
_WRITTEN = (".name", ".value", ".days", ".segments")


@register.simple_tag(takes_context=True)
def kept(context: Context, field: str, value: Any) -> Any:
    """What was typed into the field, else the value that is saved."""
    return (context.get("typed") or {}).get(field, "" if value is None else value)


@register.simple_tag(takes_context=True)
def wrong(context: Context, field: str) -> SafeString | str:
    """The attributes of a field that was refused."""
    if field not in (context.get("problems") or {}):
        return ""
    return format_html(' aria-invalid="true" aria-describedby="{}-error"', field)


@register.simple_tag(takes_context=True)
def problem(context: Context, field: str) -> SafeString | str:
    """What is wrong with the field, to stand beneath it."""
    words = (context.get("problems") or {}).get(field)
    if not words:
        return ""
    return format_html('<p class="field-error" id="{}-error" role="alert">{}{}</p>', field, glyph("risk"), words)


@register.simple_tag(takes_context=True)
def opened(context: Context, base: str) -> str:
    """Opens a form that adds something while it holds what was typed or what is wrong."""
    typed, problems = context.get("typed") or {}, context.get("problems") or {}
    begun = any(text and name.startswith(base) and name.endswith(_WRITTEN) for name, text in typed.items())
    return " open" if begun or any(name.startswith(base) for name in problems) else ""
