"""Why two models judge the same facts differently: the difference of the scores, input by input."""

from collections.abc import Sequence
from dataclasses import dataclass

from health.rules.explain import contributions
from health.rules.model import Input, ScoreModel


@dataclass(frozen=True)
class Reason:
    """What one input adds to the difference. `what`: weight, points, new, gone, or data where only one had any."""

    key: str
    label: str
    points: float
    what: str
    old_weight: float
    new_weight: float
    old_sub: float | None
    new_sub: float | None


def reasons(
    old: ScoreModel, old_subs: Sequence[float | None], new: ScoreModel, new_subs: Sequence[float | None]
) -> tuple[Reason, ...]:
    """The inputs that make the difference, largest first; those that add nothing are left out."""
    before = {one.key: (one, sub) for one, sub in zip(old.inputs, old_subs, strict=True)}
    after = {one.key: (one, sub) for one, sub in zip(new.inputs, new_subs, strict=True)}
    points = {key: -value for key, value in _points(old, old_subs).items()}
    for key, value in _points(new, new_subs).items():
        points[key] = points.get(key, 0.0) + value
    found = [
        _reason(key, value, before.get(key), after.get(key)) for key, value in points.items() if abs(value) >= 0.05
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.points), one.key)))


def _points(model: ScoreModel, subs: Sequence[float | None]) -> dict[str, float]:
    keys = {one.key for one in model.inputs}
    return {one.input.key: one.points for one in contributions(model, subs) if one.input.key in keys}


_Side = tuple[Input, float | None] | None


def _reason(key: str, points: float, before: _Side, after: _Side) -> Reason:
    one = after or before
    assert one is not None  # noqa: S101 -- the key came from one of the two
    old_sub, new_sub = before[1] if before else None, after[1] if after else None
    if before is None:
        what = "new"
    elif after is None:
        what = "gone"
    elif (old_sub is None) != (new_sub is None):
        what = "data"
    else:
        what = "points" if old_sub != new_sub else "weight"
    return Reason(
        key=key,
        label=one[0].label,
        points=points,
        what=what,
        old_weight=before[0].weight if before else 0.0,
        new_weight=after[0].weight if after else 0.0,
        old_sub=old_sub,
        new_sub=new_sub,
    )
