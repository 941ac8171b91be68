"""A tree of conditions as the rows of a form, and back. Pure.

A form shows one level: conditions that all hold, or of which any holds. What is nested deeper stays as it was written.
Fields of a tree at PLACE: `cond:PLACE:join`, `cond:PLACE:N:op` and `:value` of each row, and `cond:PLACE:new_fact`,
`:new_op` and `:new_value` of the one to be added.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from core.money import from_minor, to_minor
from core.shapes import BadFields

Tree = dict[str, Any]
JOINS: Final = {"all": "All of these hold", "any": "Any of these holds"}
OPERATORS: Final = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "lt": "is under",
    "lte": "is at most",
    "gt": "is over",
    "gte": "is at least",
    "is_known": "is known",
    "is_unknown": "is not known",
}
WITHOUT_VALUE: Final = frozenset({"is_known", "is_unknown"})
# How a form calls a condition under `not`.
_NEGATED: Final = {"ne": "eq", "not_in": "in"}
_CALLED: Final = {op: word for word, op in _NEGATED.items()}
_ORDERED: Final = frozenset({"lt", "lte", "gt", "gte"})
_LISTS: Final = frozenset({"in", "not_in"})
_UNORDERED_TYPES: Final = frozenset({"text", "choice", "boolean"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_MOST: Final = 20
_LONGEST: Final = 200


@dataclass(frozen=True)
class Vocabulary:
    """What the facts of a form are: their types, the values of those that have a list, the currency of amounts."""

    types: Mapping[str, str]
    currency: str
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def operators(self, fact: str) -> list[tuple[str, str]]:
        """How this fact can be compared."""
        kind = self.types.get(fact, "text")
        left_out = _ORDERED if kind in _UNORDERED_TYPES else frozenset()
        if kind == "boolean":
            left_out |= _LISTS | {"ne"}
        return [(op, words) for op, words in OPERATORS.items() if op not in left_out]


@dataclass(frozen=True)
class Row:
    """One branch of a tree. `fact` is empty where a row of a form cannot hold it."""

    tree: Tree
    fact: str = ""
    op: str = ""
    value: Any = None


def join_of(tree: Tree | None) -> str:
    """Whether all branches are to hold, or any."""
    return "any" if tree is not None and "any" in tree else "all"


def rows_of(tree: Tree | None) -> list[Row]:
    """The branches of the first level, in their order."""
    if tree is None:
        return []
    branches: list[Tree] = tree.get("all") or tree.get("any") or [tree]
    return [_row(branch) for branch in branches]


def _row(branch: Tree) -> Row:
    inner = branch.get("not")
    leaf = inner if isinstance(inner, dict) and inner.get("op") in _CALLED else branch
    if "fact" not in leaf or (isinstance(leaf.get("value"), list) and any("," in str(one) for one in leaf["value"])):
        return Row(branch)
    op = str(leaf["op"]) if leaf is branch else _CALLED[leaf["op"]]
    return Row(branch, str(leaf["fact"]), op, leaf.get("value"))


def edited(tree: Tree | None, place: str, fields: Mapping[str, str], known: Vocabulary) -> Tree | None:
    """The tree with what the fields of its rows say. Raises `BadFields`; what no field asks for stays as written."""
    problems: dict[str, str] = {}
    branches: list[Tree] = []
    rows = rows_of(tree)
    for number, row in enumerate(rows):
        name = f"cond:{place}:{number}"
        fresh = row.tree
        if row.fact and f"{name}:op" in fields:
            try:
                fresh = _condition(row.fact, fields[f"{name}:op"], fields.get(f"{name}:value", ""), known)
            except ValueError as bad:
                problems[f"{name}:value"] = str(bad)
        branches.append(fresh)
    if problems:
        raise BadFields(problems)
    join = fields.get(f"cond:{place}:join", "")
    join = join if join in JOINS else join_of(tree)
    if join == join_of(tree) and branches == [row.tree for row in rows]:
        return tree
    return _joined(join, branches)


def with_one_more(tree: Tree | None, place: str, fields: Mapping[str, str], known: Vocabulary) -> Tree:
    """The tree with the condition of the fields `new_…` at its end. Raises `BadFields`."""
    base = f"cond:{place}:new_"
    fact = fields.get(f"{base}fact", "")
    if fact not in known.types:
        raise BadFields({f"{base}fact": "Choose the fact that is asked for."})
    branches = [row.tree for row in rows_of(tree)]
    if len(branches) >= _MOST:
        raise BadFields({f"{base}fact": f"{_MOST} conditions at most. Remove one first."})
    try:
        fresh = _condition(fact, fields.get(f"{base}op", "eq"), fields.get(f"{base}value", ""), known)
    except ValueError as bad:
        raise BadFields({f"{base}value": str(bad)}) from bad
    return _joined(join_of(tree), [*branches, fresh]) or fresh


def without(tree: Tree | None, number: int) -> Tree | None:
    """The tree without one branch; None when it was the last. Raises `IndexError`."""
    branches = [row.tree for row in rows_of(tree)]
    del branches[number]
    return _joined(join_of(tree), branches)


def _joined(join: str, branches: list[Tree]) -> Tree | None:
    if len(branches) < 2:
        return branches[0] if branches else None
    return {join: branches}


def _condition(fact: str, op: str, text: str, known: Vocabulary) -> Tree:
    kind = known.types.get(fact, "text")
    if op not in OPERATORS:
        raise ValueError("Choose how it is compared.")
    if op not in dict(known.operators(fact)):
        raise ValueError(f"This fact cannot be asked whether it {OPERATORS[op]} something. Choose “is”.")
    if op in WITHOUT_VALUE:
        return {"fact": fact, "op": op}
    parts = [part.strip() for part in text.split(",")] if op in _LISTS else [text.strip()]
    values = [_value(part, fact, kind, known) for part in parts if part or op not in _LISTS]
    if not values:
        raise ValueError("Write the values, with commas between them.")
    leaf = {"fact": fact, "op": _NEGATED.get(op, op), "value": values if op in _LISTS else values[0]}
    return {"not": leaf} if op in _NEGATED else leaf


def _value(text: str, fact: str, kind: str, known: Vocabulary) -> Any:
    if not text:
        raise ValueError("Write the value that the fact is compared with.")
    if kind == "money":
        return to_minor(_number(text), known.currency)
    if kind == "number":
        number = _number(text)
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "boolean":
        if text.lower() not in {"yes", "no", "true", "false"}:
            raise ValueError("Write yes or no.")
        return text.lower() in {"yes", "true"}
    if kind == "date":
        return _day(text)
    return _word(text, known.choices.get(fact))


def _number(text: str) -> Decimal:
    """`1,200` and `1 200` are twelve hundred, as pages write it; `1,5` is one and a half."""
    plain = text.replace("−", "-").replace("\xa0", "").replace(" ", "")
    plain = plain.replace(",", "" if _GROUPED.fullmatch(plain) else ".")
    if not _NUMBER.fullmatch(plain):
        raise ValueError("This fact is a number. Write digits, such as 30.")
    return Decimal(plain)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("This fact is a day. Write it as 2026-03-31.") from None


def _word(text: str, choices: Mapping[str, str] | None) -> str:
    if len(text) > _LONGEST:
        raise ValueError(f"Write at most {_LONGEST} characters.")
    if not choices:
        return text
    found = next((key for key, label in choices.items() if text.lower() in {key.lower(), label.lower()}), None)
    if found is None:
        raise ValueError(f"One of {', '.join(choices)}.")
    return found


def value_text(row: Row, known: Vocabulary) -> str:
    """The value as a person types it: amounts in whole units, yes or no, lists with commas."""
    values = row.value if isinstance(row.value, list) else [] if row.value is None else [row.value]
    return ", ".join(_text(one, known.types.get(row.fact, "text"), known.currency) for one in values)


def _text(value: Any, kind: str, currency: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "money" and isinstance(value, int):
        amount = from_minor(value, currency)
        return f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:f}"
    return str(value)
