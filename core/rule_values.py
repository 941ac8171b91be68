"""The values that the rules of a document compare facts with: which of them name another process, and which can be.

Rules are found wherever they stand in a document, whatever its kind: a criterion, a condition of a playbook, a grade.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core import registry
from core.registry import Fact, Reference


def named(definition: Mapping[str, Any]) -> list[Reference]:
    """The entries of other processes that rules name by the values of facts: the stages of a journey."""
    return [
        Reference(place, fact.values_in.kind, fact.values_in.key, fact.values_in.part, value, if_there=True)
        for place, fact, value in _compared(definition)
        if fact.values_in is not None and fact.values_in.key
    ]


def impossible(kind: str, definition: Mapping[str, Any]) -> list[str]:
    """Values that a fact can never have, with those that it can: a rule over them would never hold, or always."""
    return [
        f"{place}: '{fact.key}' is never '{value}'. One of {', '.join(one for one in known if one)}."
        for place, fact, value in _compared(definition)
        if (known := _known(fact, kind, definition)) and value not in known
    ]


def _known(fact: Fact, kind: str, definition: Mapping[str, Any]) -> tuple[str, ...]:
    """All that the fact can be, where that is known without looking at another process."""
    if fact.values_in is None or fact.values_in.key or fact.values_in.kind != kind:
        return fact.values
    return tuple(entries(definition, fact.values_in.part))


def entries(definition: Mapping[str, Any], part: str) -> list[str]:
    """The keys of a list of a document."""
    found = definition.get(part)
    return [str(entry.get("key")) for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _compared(definition: Mapping[str, Any]) -> Iterator[tuple[str, Fact, str]]:
    """Every value that a known fact is compared with, and where it stands."""
    known = registry.facts("opportunity")
    for place, leaf in _leaves(definition, ""):
        fact, value = known.get(leaf["fact"]), leaf.get("value")
        if fact is None:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield place, fact, one


def _leaves(part: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, Mapping):
        if isinstance(part.get("fact"), str) and "op" in part:
            yield place, part
            return
        for name, inner in part.items():
            yield from _leaves(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(part, list | tuple):
        for number, inner in enumerate(part):
            yield from _leaves(inner, f"{place}[{number}]")
