"""Sentences that documents of several kinds need."""

from collections.abc import Mapping
from typing import Any

from core import registry
from core.differences import said
from core.money import from_minor
from core.queries import workspace_currency
from core.shapes import OPERATORS


def sentence(tree: Mapping[str, Any] | None) -> str:
    """A tree over facts as one sentence in the names that people know: `Segment is enterprise and ARR is over 9`."""
    if not tree:
        return "always"
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in tree:
            parts = [(branch, sentence(branch)) for branch in tree[word]]
            many = len(parts) > 1
            return joint.join(f"({text})" if many and _is_group(one) else text for one, text in parts) or "always"
    if "not" in tree:
        return f"not ({sentence(tree['not'])})"
    fact = _fact(str(tree.get("fact")))
    value = "" if str(tree.get("op")).startswith("is_") else f" {_value(fact, tree.get('value'))}"
    return f"{fact.label if fact else tree.get('fact')} {OPERATORS.get(str(tree.get('op')), '?')}{value}"


def _fact(key: str) -> registry.Fact | None:
    """Facts of opportunities with those of the accounts behind them."""
    return registry.facts("opportunity").get(key)


def _is_group(tree: Mapping[str, Any]) -> bool:
    return any(len(tree.get(word, ())) > 1 for word in ("all", "any"))


def _value(fact: registry.Fact | None, value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(_value(fact, one) for one in value)
    if fact is not None and fact.type == "money" and isinstance(value, int):
        return f"{from_minor(value, workspace_currency()):,.0f}"
    if fact is not None and fact.type == "choice":
        return str(value).replace("_", " ")
    return said(value)


def fact_name(key: str) -> str:
    """A fact by the name that people know."""
    fact = _fact(key)
    return fact.label if fact else key


def humanised(key: str) -> str:
    """A key as words: `account_owner` is Account owner."""
    words = key.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def days(count: int, of: str = "day") -> str:
    """`1 day`, `14 days`."""
    return f"{count:,} {of}{'' if count == 1 else 's'}"
