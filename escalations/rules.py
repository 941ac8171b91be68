"""Policies and their words: pure functions of documents and of what was seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import OPERATORS, only

HIDDEN: Final = "Hidden"
HOURS_AT_MOST: Final = 24 * 90
_OPERATORS: Final = {**OPERATORS, "in": "is", "is_unknown": "is unknown"}
# How a fact is said where a person wants the reason, not the trace.
_PHRASES: Final = {
    "health.band": "{}",
    "health.score": "score {}",
    "health.change_30d": "score {} in 30 days",
    "renewals.days_to_renewal": "{} days to renewal",
    "accounts.days_since_contact": "{} days without contact",
}
# Facts that come and go with the feeds: without a value nobody knows, rather than there being nothing.
_OBSERVED: Final = "health."
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
    only(definition, "", {"criteria", "tier", "respond_hours", "task_title", "priority"})
    criteria = definition.get("criteria")
    if not isinstance(criteria, dict) or not criteria:
        raise BadPolicy("criteria: a policy needs `criteria`: a tree of all, any, not and conditions on facts.")
    if criteria in ({"all": []}, {"any": []}):
        raise BadPolicy("criteria: empty, every account would be escalated. Name at least one condition.")
    title = str(definition.get("task_title", "")).strip()
    if not title or len(title) > 200:
        raise BadPolicy("task_title: `task_title` is missing or longer than 200 letters. Say what the owner is to do.")
    return Policy(
        criteria=criteria,
        tier=_whole(definition, "tier", 1, 4),
        respond_hours=_whole(definition, "respond_hours", 1, HOURS_AT_MOST),
        task_title=title,
        priority=_whole({"priority": 0, **definition}, "priority", 0, 100),
    )


def unless_known_otherwise(tree: Mapping[str, Any], *, negated: bool = False) -> dict[str, Any]:
    """The criteria, with every condition on a score also held to be true where there is no score at the moment.

    Other facts are always known: no open renewal is none, not an unknown one.
    """
    for word in ("all", "any"):
        if word in tree:
            return {word: [unless_known_otherwise(branch, negated=negated) for branch in tree[word]]}
    if "not" in tree:
        return {"not": unless_known_otherwise(tree["not"], negated=not negated)}
    leaf, fact = dict(tree), str(tree.get("fact", ""))
    if not fact.startswith(_OBSERVED) or tree.get("op") in {"is_known", "is_unknown"}:
        return leaf
    unknown: list[dict[str, Any]] = [{"fact": fact, "op": "is_unknown"}]
    if fact == "health.band":
        unknown.append({"fact": fact, "op": "eq", "value": "none"})
    return {"all": [leaf, *({"not": one} for one in unknown)]} if negated else {"any": [leaf, *unknown]}


def _whole(definition: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = definition.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadPolicy(f"{name}: `{name}` is a whole number from {low} to {high}, not {value!r}.")
    return value


def seen(trace: Sequence[Mapping[str, Any]], hidden: Collection[str] = ()) -> tuple[Seen, ...]:
    """The stored trace in words, condition by condition. Of `hidden` facts neither value nor limit is said."""
    return tuple(_seen(entry, is_hidden=entry.get("fact") in hidden) for entry in trace)


def _seen(entry: Mapping[str, Any], *, is_hidden: bool) -> Seen:
    limit = HIDDEN if is_hidden else _word(entry.get("value"))
    return Seen(
        fact=str(entry.get("fact", "")),
        label=str(entry.get("label", entry.get("fact", ""))),
        rule=f"{_OPERATORS.get(str(entry.get('op')), '?')} {limit}".strip(),
        saw=HIDDEN if is_hidden else _word(entry.get("saw")) or "nothing known",
    )


def reason(trace: Sequence[Mapping[str, Any]], hidden: Collection[str] = ()) -> str:
    """What was seen, each fact once: `At risk, 43 days to renewal`. The values of `hidden` facts are not said."""
    parts = dict.fromkeys(_phrase(entry) for entry in seen(trace, hidden))
    words = ", ".join(parts)
    return words[:1].upper() + words[1:] if words else "Opened by hand"


def _phrase(entry: Seen) -> str:
    if entry.fact == "renewals.days_to_renewal" and entry.saw.startswith("-"):
        return f"renewal {entry.saw[1:]} days late"
    if entry.fact in _PHRASES:
        return _PHRASES[entry.fact].format(entry.saw)
    return f"{entry.label.lower()} {entry.saw}"


def _word(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, (list, tuple)):
        return " or ".join(_word(one) for one in value)
    if isinstance(value, float):
        return f"{value:.1f}"
    return _VALUES.get(str(value), str(value))
