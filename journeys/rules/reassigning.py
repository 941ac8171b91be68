"""Where a stage that goes stood among those that stay. Pure."""

from collections.abc import Sequence

from journeys.rules.criteria import StageGates


def with_stage(stages: Sequence[StageGates], gone: StageGates, order: Sequence[str]) -> tuple[StageGates, ...]:
    """The stages as if the one were still there: behind the last of those that stay and stood before it in `order`."""
    keys = [one.key for one in stages]
    before = [key for key in order[: order.index(gone.key)] if key in keys]
    place = keys.index(before[-1]) + 1 if before else 0
    return (*stages[:place], gone, *stages[place:])


def nearest(stages: Sequence[StageGates], key: str) -> tuple[str, ...]:
    """The open stages right before and right behind one."""
    place = [one.key for one in stages].index(key)
    beside = [*stages[max(place - 1, 0) : place], *stages[place + 1 : place + 2]]
    return tuple(one.key for one in beside if not one.is_end)
