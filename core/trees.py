"""Trees over facts, judged for known values and said in words. Pure; the database judges many accounts at once."""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

Tree = Mapping[str, Any]
_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda saw, value: saw in (value or ()),
}
_WORDS: Final = {
    "eq": "is",
    "lt": "is under",
    "lte": "is at most",
    "gt": "is over",
    "gte": "is at least",
    "in": "is",
    "is_known": "is known",
    "is_unknown": "is not known",
}


def tree_key(tree: Any) -> str:
    """Ten characters that stand for a rule, whatever the order in which its fields are written."""
    return sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:10]


def leaves(tree: Tree) -> Iterator[Tree]:
    """The conditions in reading order."""
    for word in ("all", "any"):
        for branch in tree.get(word, ()):
            yield from leaves(branch)
    if "not" in tree:
        yield from leaves(tree["not"])
    if "fact" in tree:
        yield tree


def judge(tree: Tree, values: Mapping[str, Any]) -> bool | None:
    """True, False, or None where that hangs on a value that nobody knows: the logic of SQL."""
    if "all" in tree:
        found = [judge(branch, values) for branch in tree["all"]]
        return False if False in found else None if None in found else True
    if "any" in tree:
        found = [judge(branch, values) for branch in tree["any"]]
        return True if True in found else None if None in found else False
    if "not" in tree:
        inner = judge(tree["not"], values)
        return None if inner is None else not inner
    return judge_leaf(tree, values.get(str(tree.get("fact"))))


def holds(tree: Tree, values: Mapping[str, Any]) -> bool:
    """Whether the tree holds for known values, exactly as the database judges it: an unknown value meets nothing."""
    return judge(tree, values) is True


def judge_leaf(leaf: Tree, saw: Any) -> bool | None:
    """Whether one condition is met by a value; None where the value is unknown."""
    op, value = str(leaf.get("op")), leaf.get("value")
    if op in {"is_known", "is_unknown"}:
        return bool((saw is None) == (op == "is_unknown"))
    if saw is None:
        return None
    if isinstance(saw, date):
        value = [_day(one) for one in value] if isinstance(value, (list, tuple)) else _day(value)
    return bool(_TESTS[op](saw, value))


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def value_words(value: Any) -> str:
    """A value for a reader: `not known`, `yes`, `at risk or none`, `1,200`."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " or ".join(value_words(one) for one in value)
    if isinstance(value, (int, float, Decimal)):
        # An amount is exact, with the decimals of its currency.
        text = f"{abs(value):,f}" if isinstance(value, Decimal) else f"{abs(value):,.2f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return f"−{text}" if value < 0 else text
    return str(value).replace("_", " ")


def condition_words(leaf: Tree) -> str:
    """The right side of a condition: `is at most 10`."""
    op = str(leaf.get("op"))
    limit = "" if op in {"is_known", "is_unknown"} else value_words(leaf.get("value"))
    return f"{_WORDS.get(op, op)} {limit}".strip()


def tree_words(tree: Tree, label_of: Callable[[str], str]) -> str:
    """A tree as one sentence; groups inside of groups stand in brackets."""
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in tree:
            parts = [tree_words(branch, label_of) for branch in tree[word]]
            if len(parts) == 1:
                return parts[0]
            return joint.join(f"({one})" if " and " in one or " or " in one else one for one in parts)
    if "not" in tree:
        return f"not ({tree_words(tree['not'], label_of)})"
    return f"{label_of(str(tree.get('fact')))} {condition_words(tree)}"
