"""What a gate says of a criterion: the value that was seen, what is asked, and how it can be met. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

_OPERATORS: Final = {
    "eq": "needs to be",
    "lt": "needs to be under",
    "lte": "needs to be at most",
    "gt": "needs to be over",
    "gte": "needs to be at least",
    "in": "needs to be",
    "is_known": "needs to be known",
    "is_unknown": "needs to be empty",
}
# What a condition under `not` asks for.
_OTHERWISE: Final = {
    "eq": "must not be",
    "lt": "needs to be at least",
    "lte": "needs to be over",
    "gt": "needs to be at most",
    "gte": "needs to be under",
    "in": "must not be",
    "is_known": "needs to be empty",
    "is_unknown": "needs to be known",
}
# Facts that a field of the deal, or a contact of its account, decides.
FIXES: Final[Mapping[str, str]] = {
    "opportunity.amount": "field:amount",
    "opportunity.amount_known": "field:amount",
    "opportunity.close_on": "field:close_on",
    "opportunity.days_to_close": "field:close_on",
    "opportunity.owner_known": "field:owner",
    "opportunity.account_known": "field:account",
    "opportunity.product_known": "field:product",
    "opportunity.contacts": "contact:",
    "opportunity.has_champion": "contact:champion",
    "opportunity.has_decision_maker": "contact:decision_maker",
    "opportunity.has_economic_buyer": "contact:decision_maker",
    "opportunity.has_sponsor": "contact:sponsor",
}

Leaf = tuple[str, str, Any, bool]


def leaves(tree: Mapping[str, Any], *, wanted: bool = True) -> list[Leaf]:
    """The conditions of a tree as (fact, operator, value, wanted), in reading order; not wanted under `not`."""
    if "fact" in tree:
        return [(str(tree["fact"]), str(tree["op"]), tree.get("value"), wanted)]
    if "not" in tree:
        return leaves(tree["not"], wanted=not wanted)
    return [leaf for branch in tree.get("all") or tree.get("any") or [] for leaf in leaves(branch, wanted=wanted)]


def fix_of(tree: Mapping[str, Any], unmet: Sequence[str]) -> str:
    """How the first of the conditions that do not hold can be met, or ""."""
    return next((FIXES[fact] for fact, *_ in leaves(tree) if fact in unmet and fact in FIXES), "")


def holds(op: str, limit: Any, value: Any) -> bool | None:
    """Whether one condition holds of a value; None where the value is not known."""
    if op in {"is_known", "is_unknown"}:
        return (value is None) == (op == "is_unknown")
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(limit, list):
        limit = date.fromisoformat(str(limit))
    compare: dict[str, Callable[[], bool]] = {
        "eq": lambda: value == limit,
        "lt": lambda: value < limit,
        "lte": lambda: value <= limit,
        "gt": lambda: value > limit,
        "gte": lambda: value >= limit,
        "in": lambda: value in limit,
    }
    return compare[op]()


def _is_met(leaf: Leaf, values: Mapping[str, Any]) -> bool:
    """Whether a condition is as it is wanted; what is not known never is."""
    fact, op, limit, wanted = leaf
    return holds(op, limit, values.get(fact)) is wanted


def seen_words(
    tree: Mapping[str, Any],
    values: Mapping[str, Any],
    labels: Mapping[str, str],
    say: Callable[[str, Any], str],
    hidden: Collection[str] = (),
) -> str:
    """`Amount is € 0; needs to be over € 10,000`: the conditions that do not hold, else what was seen of all.

    Of facts in `hidden` neither the value nor the limit is said.
    """
    told = []
    asked = leaves(tree)
    unmet = [leaf for leaf in asked if not _is_met(leaf, values)]
    for fact, op, limit, wanted in unmet or asked:
        value = values.get(fact)
        label = labels.get(fact, fact)
        if fact in hidden:
            told.append(f"{label} is hidden")
            continue
        if isinstance(value, bool):
            told.append(f"{label}: {'yes' if value else 'no'}")
            continue
        saw = f"{label} is {'not known' if value is None else say(fact, value) or 'empty'}"
        if not unmet:
            told.append(saw)
            continue
        limits = limit if isinstance(limit, list) else [limit]
        tail = "" if op in {"is_known", "is_unknown"} else f" {' or '.join(say(fact, one) for one in limits)}"
        told.append(f"{saw}; {(_OPERATORS if wanted else _OTHERWISE).get(op, op)}{tail}")
    return ". ".join(told)


def unmet_facts(tree: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """The facts whose conditions do not hold."""
    return [leaf[0] for leaf in leaves(tree) if not _is_met(leaf, values)]
