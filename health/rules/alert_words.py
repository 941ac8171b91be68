"""Alerts in words: conditions, what they saw, why one did or did not open. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import OPERATORS
from core.trees import judge_leaf

HIDDEN: Final = "Hidden"
UNKNOWN: Final = "not known"
_OPERATORS: Final = {**OPERATORS, "in": "is"}
_BANDS: Final = {"red": "At risk", "yellow": "Watch", "green": "Healthy", "none": "No score"}
_FRACTIONS: Final = frozenset({"accounts.usage_change", "health.coverage"})
_SIGNED: Final = frozenset({"accounts.usage_change", "health.change_30d", "health.above_red"})
_PHRASES: Final = {
    "health.band": "{}",
    "health.score": "score {}",
    "health.change_30d": "score {} in 30 days",
    "accounts.usage_change": "usage {}",
    "accounts.days_since_contact": "{} days without contact",
    "accounts.tickets_30d": "{} tickets in 30 days",
    "accounts.tickets_60d": "{} tickets in 60 days",
    "accounts.ticket_ratio": "{} times the usual",
    "accounts.sponsors_left": "{} of their sponsors or champions left",
    "accounts.invoice_overdue_days": "{} days overdue",
    "accounts.detractors": "{} low answers",
}
# Said by the others already: the band 30 days ago stands behind "turned at risk".
_SILENT: Final = frozenset({"health.band_30d_ago"})


@dataclass(frozen=True)
class SeenCondition:
    """One condition and what it saw. `met`: None where the value was not known."""

    fact: str
    label: str
    rule: str
    saw: str
    met: bool | None


def seen(trace: Sequence[Mapping[str, Any]], hidden: Collection[str] = ()) -> tuple[SeenCondition, ...]:
    """A trace in words, condition by condition. Of `hidden` facts neither value nor limit is said."""
    return tuple(_seen(entry, is_hidden=entry.get("fact") in hidden) for entry in trace)


def reason(trace: Sequence[Mapping[str, Any]], hidden: Collection[str] = ()) -> str:
    """What was seen, each fact once: `Score −12.4 in 30 days`."""
    parts = dict.fromkeys(_phrase(entry) for entry in seen(trace, hidden) if entry.fact not in _SILENT)
    words = ", ".join(parts)
    return words[:1].upper() + words[1:]


def condition(leaf: Mapping[str, Any]) -> str:
    """The right side of a condition: `is at most −10`."""
    op, fact = str(leaf.get("op")), str(leaf.get("fact"))
    limit = "" if op in {"is_known", "is_unknown"} else value_words(fact, leaf.get("value"))
    return f"{_OPERATORS.get(op, '?')} {limit}".strip()


def value_words(fact: str, value: Any) -> str:
    """A value as people read it: bands by their names, fractions in per cent, signs on changes."""
    if value is None:
        return UNKNOWN
    if isinstance(value, (list, tuple)):
        return " or ".join(value_words(fact, one) for one in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _BANDS.get(str(value), str(value))
    number = value * 100 if fact in _FRACTIONS else value
    text = f"{abs(number):,.0f}" if round(abs(number), 1) == round(abs(number)) else f"{abs(number):,.1f}"
    sign = "−" if number < 0 and text != "0" else "+" if number > 0 and fact in _SIGNED else ""
    return f"{sign}{text}{' %' if fact in _FRACTIONS else ''}"


def _seen(entry: Mapping[str, Any], *, is_hidden: bool) -> SeenCondition:
    fact = str(entry.get("fact", ""))
    return SeenCondition(
        fact=fact,
        label=str(entry.get("label", fact)),
        rule=HIDDEN if is_hidden else condition(entry),
        saw=HIDDEN if is_hidden else value_words(fact, entry.get("saw")),
        met=judge_leaf(entry, entry.get("saw")),
    )


def _phrase(entry: SeenCondition) -> str:
    if entry.fact in _PHRASES:
        return _PHRASES[entry.fact].format(entry.saw)
    return f"{entry.label.lower()} {entry.saw}"
