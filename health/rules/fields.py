"""Fields of a document: each read strictly, or refused with its place and what to write instead."""

from math import isfinite
from typing import Any, Final

LONGEST_WINDOW: Final = 1_100
LARGEST: Final = 1e15


def only(raw: dict[str, Any], place: str, known: set[str]) -> None:
    """Refuses fields that nobody knows, so that a slip of the pen is never passed over in silence."""
    for name in raw:
        if name not in known:
            raise ValueError(f"{at(place, str(name))}: unknown field. Known here: {', '.join(sorted(known))}.")


def storable(node: Any, place: str = "") -> None:
    """Refuses the one character that Postgres stores nowhere, wherever in the document it stands."""
    if isinstance(node, str) and "\x00" in node:
        raise ValueError(f"{place}: holds a character that cannot be stored. Write the text anew.")
    if isinstance(node, dict):
        for name, value in node.items():
            storable(str(name), place)
            storable(value, at(place, str(name)))
    if isinstance(node, list):
        for index, value in enumerate(node):
            storable(value, f"{place}[{index}]")


def at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def text(raw: dict[str, Any], name: str, place: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{at(place, name)}: is missing. Give a short name of letters, digits and _.")
    return value


def words(raw: Any, place: str) -> tuple[str, ...]:
    """A list of names, each once."""
    if not isinstance(raw, list) or not raw or not all(isinstance(one, str) and one.strip() for one in raw):
        raise ValueError(f"{place}: must be a list of names, such as [enterprise, mid_market].")
    for one in raw:
        if raw.count(one) > 1:
            raise ValueError(f"{place}: '{one}' stands twice. Name it once.")
    return tuple(raw)


def whole(value: Any, place: str, *, low: float, high: float, unit: str = "days") -> int:
    found = number(value, place, low=low, high=high)
    if found != int(found):
        raise ValueError(f"{place}: must be whole {unit}, found {found:g}.")
    return int(found)


def days(value: Any, place: str) -> int:
    return whole(value, place, low=1, high=LONGEST_WINDOW)


def number(value: Any, place: str, *, low: float = -LARGEST, high: float = LARGEST) -> float:
    if isinstance(value, int) and abs(value) > LARGEST:  # too large even to be shown as a number
        raise ValueError(f"{place}: must lie between {low:g} and {high:g}.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{place}: must be a number, found {value!r}.")
    if value < low:
        raise ValueError(f"{place}: {value:g} is below {low:g}.")
    if value > high:
        raise ValueError(f"{place}: {value:g} is above {high:g}.")
    return float(value)
