"""Inputs and values in words: how a reading makes its value, and how the value is read aloud."""

from typing import Any

from core import registry
from core.formatting import DASH, NO_BREAK, number
from health.engine import SOURCES
from health.rules import Categories, Input, Missing, Reading

# Measures whose value is an amount, for readers who see none.
MONEY = frozenset({"contracts.arr"})


def is_money(reading: Reading) -> bool:
    """Whether the value is an amount, which not every role sees."""
    fact = registry.facts().get(reading.measure)
    return reading.measure in MONEY or (fact is not None and fact.type == "money")


_SHORT_UNITS = frozenset({"d", "h", "min"})
_WORDS = {
    "sum": "sum of {days} days",
    "mean": "mean of {days} days",
    "max": "highest of {days} days",
    "last": "last of {days} days",
    "count": "in {days} days",
    "distinct_days": "active days in {days}",
    "trend": "{days} days against before",
    "days_since": "since the last, up to {days}",
}


def in_words(what: Reading | Input) -> str:
    """How a reading makes its value; of an input, what counts when nothing was observed."""
    if isinstance(what, Reading):
        if what.measure in registry.facts():
            return "days since" if what.aggregate == "days_since" else "as of the day"
        return _WORDS[what.aggregate].format(days=what.window_days)
    return {
        Missing.EXCLUDE: "Leave out",
        Missing.NEUTRAL: "Neutral 50",
        Missing.WORST: "Worst 0",
        Missing.CARRY: f"Carry {what.carry_days} days",
    }[what.missing]


def source_name(reading: Reading) -> str:
    """Where the value comes from, by the name that people know."""
    known = SOURCES.get(reading.measure) or registry.facts().get(reading.measure)
    return known.label if known else reading.measure.replace("_", " ").capitalize()


def unit_of(reading: Reading) -> str:
    if reading.aggregate == "days_since":
        return "d"
    source = SOURCES.get(reading.measure)
    return source.unit if source else ""


def category_name(reading: Reading, value: float | None) -> str:
    """The name at the place that a category's value is; empty for numbers."""
    if value is None or not isinstance(reading.mapping, Categories):
        return ""
    return reading.mapping.points[int(value)][0]


def value_in_words(reading: Reading, value: float | None) -> str:
    """`−12 %`, `34`, `12 d`, `Active`; a dash where nothing was observed."""
    if value is None:
        return DASH
    if name := category_name(reading, value):
        return name
    if reading.aggregate == "trend":
        return f"{number(value * 100, 0, plus=True)}{NO_BREAK}%"
    text = number(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)
    unit = unit_of(reading)
    return f"{text}{NO_BREAK}{unit}" if unit in _SHORT_UNITS else text


def without_money(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report for somebody who may not see amounts: nothing about ARR is left, however deep."""
    return {name: _bare(value) for name, value in figures.items() if not name.startswith("arr")}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return without_money(value)
    return [_bare(one) for one in value] if isinstance(value, list) else value
