"""What the words of a kind pass over: values that differ although every statement about the document stays the same.

Pure: two documents and a way to say one in, changes out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from core.differences import Change, Line, compare, plain_lines, said

Describe = Callable[[dict[str, Any]], list[Line]]
Place = tuple[str | int, ...]

_NAMING: Final = ("key", "name", "title")
_HEAD: Final = ("kind", "key", "name")  # what some documents repeat of the columns of their version
_GONE: Final = object()


@dataclass(frozen=True)
class _Leaf:
    """A value of a document and where it stands; `order` is that of a list's entries, by what they are called."""

    place: Place
    value: Any
    is_order: bool = False


def unsaid(old: dict[str, Any], new: dict[str, Any], describe: Describe, told: Sequence[Change] = ()) -> list[Change]:
    """The changes between two documents that no statement of either shows, named after their fields.

    A value is shown when another one in its place would be told in other words. Where that cannot be found out, since
    the document would not be one with any other, a changed value is said here, and one of something new is taken to be
    among what is `told` of it. Both documents must be ones that `describe` understands.
    """
    before, after = _leaves(old), _leaves(new)
    labels = {line.path: line.label for line in (*plain_lines(old), *plain_lines(new))}
    was_spoken, is_spoken = _Spoken(old, describe), _Spoken(new, describe)
    found: list[Change] = []
    for path, leaf in after.items():
        was = before.get(path)
        if was is not None and was.value == leaf.value:
            continue
        if leaf.is_order:
            found += _moved(path, was, leaf, is_spoken, told) if was is not None else []
        elif was is not None and not is_spoken.shows_change(leaf, was.value):
            found.append(Change("changed", path, labels.get(path, path), said(was.value), said(leaf.value)))
        elif was is None and not is_spoken.shows(leaf, alone=_beside(path, before)):
            found.append(Change("added", path, labels.get(path, path), "", said(leaf.value)))
    for path, leaf in before.items():
        if path not in after and not leaf.is_order and not was_spoken.shows(leaf, alone=_beside(path, after)):
            found.append(Change("removed", path, labels.get(path, path), said(leaf.value), ""))
    return found


def _beside(path: str, leaves: Mapping[str, _Leaf]) -> bool:
    """Whether the block that the value stands in is there, so that the value came or went alone."""
    block = path.rpartition(".")[0]
    return not block or any(one.startswith(f"{block}.") for one in leaves)


def _moved(path: str, was: _Leaf, now: _Leaf, spoken: "_Spoken", told: Sequence[Change]) -> list[Change]:
    """Entries that both have, in another order that nobody tells."""
    kept_before = [one for one in was.value if one in now.value]
    kept_after = [one for one in now.value if one in was.value]
    if kept_before == kept_after:
        return []
    shown = spoken.shows_order(now, kept_before)
    if shown or (shown is None and any(change.verb == "moved" for change in told)):
        return []
    label = f"order of {path.removesuffix('[]').replace('_', ' ')}"
    return [Change("moved", path, label, ", ".join(kept_before), ", ".join(kept_after))]


class _Spoken:
    """A document in its words, and what the words would be if one value were another."""

    def __init__(self, document: dict[str, Any], describe: Describe) -> None:
        self._document = document
        self._describe = describe
        self._lines: Sequence[Line] | None = None

    def shows_change(self, leaf: _Leaf, was: Any) -> bool:
        """Whether the words tell the value from what it was; where that is no document now, from any other."""
        told = self._told(_put(self._document, leaf.place, was))
        return told if told is not None else any(self._tries(leaf, _others(leaf.value)))

    def shows(self, leaf: _Leaf, *, alone: bool) -> bool:
        """Whether the words tell the value from any other, or there is no other to tell it from.

        What came with its whole block is not tried without it: it may be what holds anyway.
        """
        others = (*_others(leaf.value), *((_GONE,) if alone else ()))
        unsaid = False
        for told in self._tries(leaf, others):
            if told:
                return True
            unsaid = True
        return not unsaid or leaf.value in (None, [])

    def shows_order(self, leaf: _Leaf, names: Sequence[str]) -> bool | None:
        """Whether the words tell the order of the entries from these names'; None where that would be no document."""
        changed = deepcopy(self._document)
        entries = _at(changed, leaf.place)
        places = [place for place, name in enumerate(leaf.value) if name in names]
        by_name = {leaf.value[place]: entries[place] for place in places}
        for place, name in zip(places, names, strict=True):
            entries[place] = by_name[name]
        return self._told(changed)

    def _tries(self, leaf: _Leaf, others: Sequence[Any]) -> Iterator[bool]:
        """Whether other values in its place would be told, of those that leave it a document."""
        for value in others:
            told = self._told(_put(self._document, leaf.place, value))
            if told is not None:
                yield told

    def _told(self, changed: dict[str, Any]) -> bool | None:
        """Whether the changed document is told in other words; None when it is none."""
        if self._lines is None:
            self._lines = self._describe(self._document)
        try:
            return bool(compare(self._lines, self._describe(changed)))
        except ValueError:
            return None


def _leaves(document: Mapping[str, Any]) -> dict[str, _Leaf]:
    """Every value by what leads to it, entries of lists by key, name or title, as `plain_lines` finds them again."""
    found: dict[str, _Leaf] = {}
    for path, leaf in _walk({field: one for field, one in document.items() if field not in _HEAD}, "", ()):
        name, number = path, 2
        while name in found:  # two entries of one name
            name, number = f"{path} ({number})", number + 1
        found[name] = leaf
    return found


def _walk(value: Any, path: str, place: Place) -> Iterator[tuple[str, _Leaf]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}" if path else str(key), (*place, key))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        names = [_name(one, number) for number, one in enumerate(value)]
        if len(set(names)) == len(names):
            yield f"{path}[]", _Leaf(place, names, is_order=True)
        for number, one in enumerate(value):
            yield from _walk(one, f"{path}.{names[number]}" if path else names[number], (*place, number))
    else:
        yield path, _Leaf(place, value)


def _name(entry: Any, number: int) -> str:
    names = (str(entry[field]) for field in _NAMING if isinstance(entry, Mapping) and field in entry)
    return next(names, str(number + 1))


def _others(value: Any) -> tuple[Any, ...]:
    """Values that would be another one here."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int | float):
        return (value + 1, value - 1)
    if isinstance(value, str):
        return (f"{value} x", f"{value}_x")
    if isinstance(value, list) and value:
        return (value[:-1], *([*value[:-1], other] for other in _others(value[-1])))
    return ()


def _at(document: Any, place: Place) -> Any:
    for step in place:
        document = document[step]
    return document


def _put(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """A copy with another value in the place, or none at all."""
    changed = deepcopy(document)
    block = _at(changed, place[:-1])
    if value is _GONE:
        del block[place[-1]]
    else:
        block[place[-1]] = value
    return changed
