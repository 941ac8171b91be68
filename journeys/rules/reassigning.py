"""The way of deals whose stage goes: what stands between it and the stage that takes them over. Pure.

Two orders count, for a new one must not lead around what the old one asked: that of the version before, in which
stages that come stand right before the next one that stays, and that of the new document, in which the stage that
goes still stands behind the last of those that stay and stood before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from journeys.rules.criteria import Criterion, StageGates, asks_the_same


@dataclass(frozen=True)
class Way:
    """From a stage that goes to the one that takes its deals over.

    `asked` is what is asked on the way, in either order, and empty on a way back. `is_near`: no stage is between the
    two. `nearest` are the open stages that stood beside the one that goes and stay.
    """

    asked: tuple[Criterion, ...]
    is_near: bool
    nearest: tuple[str, ...]


def way(old: Sequence[StageGates], new: Sequence[StageGates], gone: str, target: str) -> Way:
    """What is asked from `gone`, a stage of `old`, to `target`, a stage of `new`."""
    orders = with_new(old, new), with_stage(new, old, gone)
    near = _beside(orders[0], gone)
    open_keys = {one.key for one in new if not one.is_end}
    return Way(
        asked=_once([one for order in orders for one in _between(order, gone, target)]),
        is_near=all(_steps(order, gone, target) <= 1 for order in orders),
        nearest=tuple(
            key for key in near if key in open_keys and all(_steps(order, gone, key) <= 1 for order in orders)
        ),
    )


def with_new(old: Sequence[StageGates], new: Sequence[StageGates]) -> tuple[StageGates, ...]:
    """The stages before, and each that comes right before the stage that is behind it in the new document."""
    known = {one.key for one in old}
    order = list(old)
    behind = len(order)
    for one in reversed(new):
        if one.key not in known:
            order.insert(behind, one)
        behind = [stage.key for stage in order].index(one.key)
    return tuple(order)


def with_stage(new: Sequence[StageGates], old: Sequence[StageGates], gone: str) -> tuple[StageGates, ...]:
    """The new stages as if the one were still there: behind the last of those that stay and stood before it."""
    keys, before = [one.key for one in new], [one.key for one in old]
    here = before.index(gone)
    stayed = [key for key in before[:here] if key in keys]
    place = keys.index(stayed[-1]) + 1 if stayed else 0
    return (*new[:place], old[here], *new[place:])


def _steps(order: Sequence[StageGates], origin: str, target: str) -> int:
    keys = [one.key for one in order]
    return keys.index(target) - keys.index(origin)


def _beside(order: Sequence[StageGates], key: str) -> list[str]:
    place = [one.key for one in order].index(key)
    return [one.key for one in (*order[max(place - 1, 0) : place], *order[place + 1 : place + 2])]


def _between(order: Sequence[StageGates], origin: str, target: str) -> list[Criterion]:
    """Exits from the origin on, entries up to and with the target; nothing on a way back."""
    keys = [one.key for one in order]
    passed = [one for one in order[keys.index(origin) : keys.index(target) + 1] if not one.is_end]
    found: list[Criterion] = []
    for one in passed:
        found += one.entry if one.key != origin else ()
        found += one.exit if one.key != target else ()
    return found


def _once(criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Each once, though both versions ask it."""
    found: list[Criterion] = []
    for one in criteria:
        if not any(one.key == other.key and asks_the_same(one, other) for other in found):
            found.append(one)
    return tuple(found)
