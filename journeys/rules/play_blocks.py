"""Reading of blocks of a playbook's document: each value checked, each fault named with its place. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Tree = Mapping[str, Any]


class BadPlaybook(ValueError):
    """The document cannot be used; the message names the field and the remedy."""


def block_of(raw: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise BadPlaybook(f"{place}: a block of fields is needed, not {raw!r}.")
    return raw


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def key_of(block: Mapping[str, Any], place: str) -> str:
    key = block.get("key")
    if not isinstance(key, str) or not key or len(key) > 80 or not key.replace("_", "").replace("-", "").isalnum():
        raise BadPlaybook(f"{place}.key: letters, digits, _ and -, at most 80; not {key!r}.")
    return key


def text(block: Mapping[str, Any], place: str, name: str, longest: int = 8000) -> str:
    value = block.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise BadPlaybook(f"{_at(place, name)}: a text of at most {longest} characters.")
    return value.strip()


def list_of(block: Mapping[str, Any], place: str, name: str) -> list[Any]:
    value = block.get(name, [])
    if not isinstance(value, list):
        raise BadPlaybook(f"{_at(place, name)}: a list is needed, not {value!r}.")
    return value


def tree(block: Mapping[str, Any], place: str, name: str) -> Tree | None:
    value = block.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping) or value in ({}, {"all": []}, {"any": []}):
        raise BadPlaybook(f"{_at(place, name)}: name at least one condition on a fact, or leave it out.")
    return value


def word(block: Mapping[str, Any], place: str, name: str, known: Sequence[str], default: str | None) -> str:
    value = block.get(name, default)
    if value not in known:
        raise BadPlaybook(f"{_at(place, name)}: one of {', '.join(known)}, not {value!r}.")
    return str(value)


def whole(block: Mapping[str, Any], place: str, name: str, low: int, high: int, default: int | None) -> int:
    value = block.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadPlaybook(f"{_at(place, name)}: a whole number from {low} to {high}, not {value!r}.")
    return value


def flag(block: Mapping[str, Any], place: str, name: str, *, default: bool) -> bool:
    value = block.get(name, default)
    if not isinstance(value, bool):
        raise BadPlaybook(f"{_at(place, name)}: yes or no, not {value!r}.")
    return value


def refuse_repeats(keys: Sequence[str], place: str, name: str) -> None:
    for n, key in enumerate(keys):
        if key in keys[:n]:
            raise BadPlaybook(f"{place}[{n}].{name}: '{key}' stands twice. Give each one of its own.")
