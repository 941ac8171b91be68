"""Policies and their words: pure functions of documents and of what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

HOURS_AT_MOST: Final = 24 * 90
_OPERATORS: Final = {
    "eq": "is",
    "lt": "is under",
    "lte": "is at most",
    "gt": "is over",
    "gte": "is at least",
    "in": "is",
    "is_known": "is known",
    "is_unknown": "is unknown",
}
# How a fact is said where a person wants the reason, not the trace.
_PHRASES: Final = {
    "health.band": "{}",
    "health.score": "score {}",
    "health.change_30d": "score {} in 30 days",
    "renewals.days_to_renewal": "{} days to renewal",
    "accounts.days_since_contact": "{} days without contact",
}
_VALUES: Final = {
    "red": "At risk",
    "yellow": "Watch",
    "green": "Healthy",
    "none": "No score",
    "mid_market": "Mid-market",
    "enterprise": "Enterprise",
    "small": "Small business",
}


@dataclass(frozen=True)
class Policy:
    """When an account is escalated, to which tier, how soon somebody must answer, and what they are to do."""

    criteria: dict[str, Any]
    tier: int
    respond_hours: int
    task_title: str
    priority: int


@dataclass(frozen=True)
class Seen:
    """One condition of a policy and what it saw."""

    fact: str
    label: str
    rule: str
    saw: str


class BadPolicy(ValueError):
    """The document cannot be used; the message names the field and the remedy."""


def parse_policy(definition: Mapping[str, Any]) -> Policy:
    """Raises `BadPolicy`. Whether the criteria name known facts is checked against the registry, not here."""
    criteria = definition.get("criteria")
    if not isinstance(criteria, dict) or not criteria:
        raise BadPolicy("A policy needs `criteria`: a tree of all, any, not and conditions on facts.")
    if criteria in ({"all": []}, {"any": []}):
        raise BadPolicy("The criteria are empty: every account would be escalated. Name at least one condition.")
    title = str(definition.get("task_title", "")).strip()
    if not title or len(title) > 200:
        raise BadPolicy("`task_title` is missing or longer than 200 characters: say what the owner is to do.")
    return Policy(
        criteria=criteria,
        tier=_whole(definition, "tier", 1, 4),
        respond_hours=_whole(definition, "respond_hours", 1, HOURS_AT_MOST),
        task_title=title,
        priority=_whole({"priority": 0, **definition}, "priority", 0, 100),
    )


def _whole(definition: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = definition.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadPolicy(f"`{name}` is a whole number from {low} to {high}, not {value!r}.")
    return value


def seen(trace: Sequence[Mapping[str, Any]]) -> tuple[Seen, ...]:
    """The stored trace in words, condition by condition."""
    return tuple(
        Seen(
            fact=str(entry.get("fact", "")),
            label=str(entry.get("label", entry.get("fact", ""))),
            rule=f"{_OPERATORS.get(str(entry.get('op')), '?')} {_word(entry.get('value'))}".strip(),
            saw=_word(entry.get("saw")) or "nothing known",
        )
        for entry in trace
    )


def reason(trace: Sequence[Mapping[str, Any]]) -> str:
    """What was seen, each fact once: `At risk, 43 days to renewal`."""
    parts = dict.fromkeys(
        _PHRASES[entry.fact].format(entry.saw) if entry.fact in _PHRASES else f"{entry.label.lower()} {entry.saw}"
        for entry in seen(trace)
    )
    words = ", ".join(parts)
    return words[:1].upper() + words[1:] if words else "Opened by hand"


def _word(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, (list, tuple)):
        return " or ".join(_word(one) for one in value)
    if isinstance(value, float):
        return f"{value:.1f}"
    return _VALUES.get(str(value), str(value))
