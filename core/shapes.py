"""What a document and the fields of its editor may hold. Pure; used by the rules of every app."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final

# The operators of trees over facts, for a reader.
OPERATORS: Final = {
    "eq": "is",
    "lt": "is under",
    "lte": "is at most",
    "gt": "is over",
    "gte": "is at least",
    "in": "is one of",
    "is_known": "is known",
    "is_unknown": "is not known",
}


class BadFields(ValueError):
    """What is wrong, field by field, with the remedy; "" is what no field is about. Nothing was changed."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def only(value: Mapping[str, Any], place: str, known: Collection[str]) -> None:
    """Raises `ValueError` for a field that is not among the known ones, with the one that was probably meant.

    So a misspelt field is never silently ignored.
    """
    for name in value:
        if name in known:
            continue
        near = get_close_matches(str(name), known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known fields: {', '.join(sorted(known))}."
        raise ValueError(f"{place}{'.' if place else ''}{name}: this field is unknown. {remedy}")
