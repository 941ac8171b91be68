"""The biggest drop-off of a pipeline: one rule for the analysis, its API and the report."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def biggest_drop(
    stages: Sequence[T], *, lost: Callable[[T], int], decided: Callable[[T], int], is_small: Callable[[T], bool]
) -> T | None:
    """The stage that loses the largest share of what is decided there, in deals or in money; the earlier of equals.

    Open deals are neither lost nor gone on, and count in neither. A stage with too few decided deals (`is_small`) is
    named only where no other loses any. None where nothing was lost.
    """
    losing = [stage for stage in stages if decided(stage) > 0 and lost(stage) > 0]
    enough = [stage for stage in losing if not is_small(stage)] or losing
    return max(enough, key=lambda stage: lost(stage) / decided(stage), default=None)
