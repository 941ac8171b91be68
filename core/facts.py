"""Rules over facts: `(fact, operator, value)` trees compiled to one SQL WHERE, with a trace of every condition.

A tree is `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}` or a leaf `{"fact": key, "op": op, "value": v}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from core import registry

M = TypeVar("M", bound=Model)

OPERATORS: Final = {
    "eq": "exact",
    "lt": "lt",
    "lte": "lte",
    "gt": "gt",
    "gte": "gte",
    "in": "in",
}
_SIGNS: Final = {"eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_ABSENT: Final = {"is_known": False, "is_unknown": True}
_ORDERING: Final = ("lt", "lte", "gt", "gte")
_UNORDERED: Final = ("text", "choice", "boolean")
_VALUES: Final[dict[str, Any]] = {
    "number": (int, float),
    "money": int,
    "text": str,
    "choice": str,
    "date": (str, date),
    "boolean": bool,
}


class BadRule(ValueError):
    """The tree cannot be compiled; the message names the place and the remedy."""


@dataclass(frozen=True)
class Condition:
    """One leaf of a tree."""

    fact: str
    op: str
    value: Any

    @property
    def column(self) -> str:
        return fact_column(self.fact)


def fact_column(key: str) -> str:
    """The name under which a fact is annotated on an account."""
    return "fact_" + key.replace(".", "_")


def conditions(tree: dict[str, Any], place: str = "", *, subject: registry.Subject = "account") -> list[Condition]:
    """The leaves of a tree in reading order. Raises `BadRule` for an unknown fact or operator.

    With `place`, the name of the field that holds the tree, messages start with where in it the fault is.
    """
    here = f"{place}: " if place else ""
    if not isinstance(tree, dict):
        raise BadRule(f"{here}A rule is a block with all, any, not or fact, not {tree!r}.")
    try:
        _only_one_meaning(tree)
        if "fact" in tree:
            return [_leaf(tree, subject)]
    except BadRule as error:
        raise BadRule(f"{here}{error}") from error
    inside = f"{place}." if place else ""
    for word in ("all", "any"):
        if word in tree:
            return [
                leaf
                for index, branch in enumerate(tree[word])
                for leaf in conditions(branch, f"{inside}{word}[{index}]" if place else "", subject=subject)
            ]
    return conditions(tree["not"], f"{inside}not" if place else "", subject=subject)


def _only_one_meaning(tree: dict[str, Any]) -> None:
    words = [word for word in ("fact", "all", "any", "not") if word in tree]
    if len(words) != 1:
        raise BadRule(f"A rule needs one of all, any, not, fact; found {sorted(tree)}.")
    word = words[0]
    more = sorted(set(tree) - ({"fact", "op", "value"} if word == "fact" else {word}))
    if more:
        raise BadRule(f"Unknown beside '{word}': {', '.join(map(str, more))}. Remove it.")
    if word in {"all", "any"} and not isinstance(tree[word], list):
        raise BadRule(f"'{word}' needs a list of branches.")
    if word == "any" and not tree[word]:
        raise BadRule("An empty 'any' matches nothing. Add a branch, or remove it.")


def _leaf(tree: dict[str, Any], subject: registry.Subject = "opportunity") -> Condition:
    known = registry.facts(subject)
    if tree["fact"] not in known:
        raise BadRule(f"Unknown fact '{tree['fact']}'. Known: {', '.join(sorted(known))}.")
    if tree.get("op") not in OPERATORS and tree.get("op") not in _ABSENT:
        raise BadRule(f"Unknown operator '{tree.get('op')}'. Known: {', '.join([*OPERATORS, *_ABSENT])}.")
    condition = Condition(fact=tree["fact"], op=tree["op"], value=tree.get("value"))
    if condition.op not in _ABSENT:
        _check_value(condition, known[condition.fact].type)
    return condition


def _check_value(condition: Condition, kind: registry.FactType) -> None:
    if condition.op == "in" and not isinstance(condition.value, list):
        raise BadRule(f"'{condition.fact} in' needs a list of values.")
    if condition.op in _ORDERING and kind in _UNORDERED:
        raise BadRule(f"'{condition.fact}' is a {kind}, which has no order: '{condition.op}' cannot be asked. Use eq.")
    for value in condition.value if condition.op == "in" else [condition.value]:
        if not isinstance(value, _VALUES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            raise BadRule(f"'{condition.fact}' is a {kind}; {value!r} is none.")
        if kind == "date" and not _is_day(value):
            raise BadRule(f"'{condition.fact}' is a date; {value!r} is none. Write it as 2026-03-31.")


def _is_day(value: str | date) -> bool:
    """Whether it is a day, or a text that writes one as year-month-day and nothing else."""
    if isinstance(value, date):
        return not isinstance(value, datetime)
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def to_q(tree: dict[str, Any]) -> Q:
    """The condition on annotated accounts that the tree means. An empty `all` matches everything."""
    if "all" in tree:
        combined = Q()
        for branch in tree["all"]:
            combined &= to_q(branch)
        return combined
    if "any" in tree:
        either = Q()
        for branch in tree["any"]:
            either |= to_q(branch)
        return either
    if "not" in tree:
        return ~to_q(tree["not"])
    leaf = _leaf(tree)
    if leaf.op in _ABSENT:
        return Q(**{f"{leaf.column}__isnull": _ABSENT[leaf.op]})
    return Q(**{f"{leaf.column}__{OPERATORS[leaf.op]}": leaf.value})


def annotate_facts(
    rows: QuerySet[M], keys: list[str], as_of: date, *, subject: registry.Subject = "account"
) -> QuerySet[M]:
    """The same accounts (or rows of another subject) with the facts as columns, each once."""
    known = registry.facts(subject)
    columns: dict[str, Any] = {
        fact_column(key): registry.fact_expression(known[key], subject, as_of) for key in dict.fromkeys(keys)
    }
    annotated: QuerySet[M] = rows.annotate(**columns)
    return annotated


def matching(
    rows: QuerySet[M], tree: dict[str, Any], as_of: date, *, subject: registry.Subject = "account"
) -> QuerySet[M]:
    """The rows for which the tree holds as of the date: one statement, whatever the tree."""
    keys = [condition.fact for condition in conditions(tree, subject=subject)]
    return annotate_facts(rows, keys, as_of, subject=subject).filter(to_q(tree))


def keeps_past(tree: Mapping[str, Any], *, subject: registry.Subject = "account") -> bool:
    """Whether the tree can be asked as of a past day: every fact in it is known, and none only for now."""
    facts = registry.facts(subject)
    try:
        return not any(facts[one.fact].now_only for one in conditions(dict(tree), subject=subject))
    except BadRule:
        return False


def to_sql(tree: Mapping[str, Any], prefix: str = "") -> tuple[str, list[Any]]:
    """The tree as a condition over columns named by `fact_column`, for statements that hold facts in a relation.

    True, false, or null where a value is not known. `prefix` stands before every column, such as `facts.`.
    """
    for word, sign, nothing in (("all", " AND ", "true"), ("any", " OR ", "false")):
        if word in tree:
            parts = [to_sql(branch, prefix) for branch in tree[word]]
            return f"({sign.join(sql for sql, _ in parts) or nothing})", [value for _, vs in parts for value in vs]
    if "not" in tree:
        sql, values = to_sql(tree["not"], prefix)
        return f"(NOT {sql})", values
    leaf = _leaf(dict(tree))
    column = f'{prefix}"{leaf.column}"'
    if leaf.op in _ABSENT:
        return f"{column} IS {'' if _ABSENT[leaf.op] else 'NOT '}NULL", []
    if leaf.op == "in":
        return (
            (f"{column} IN ({', '.join(['%s'] * len(leaf.value))})", list(leaf.value)) if leaf.value else ("false", [])
        )
    return f"{column} {_SIGNS[leaf.op]} %s", [leaf.value]
