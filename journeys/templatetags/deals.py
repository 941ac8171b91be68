"""How answers are written: days and amounts that are stored as JSON."""

from datetime import date

from django import template

from core import formatting
from core.money import from_minor

register = template.Library()


@register.filter
def iso_day(text: object) -> str:
    """`28 Jan 2027` of `2027-01-28`; anything else as it is."""
    try:
        return formatting.day(date.fromisoformat(str(text)), None)
    except ValueError:
        return str(text or "")


@register.filter
def whole_amount(minor: object, currency: str) -> str:
    """The amount as it is typed: `12500.00`."""
    return str(from_minor(minor, currency)) if isinstance(minor, int) else ""
