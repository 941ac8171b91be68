"""Why a score is what it is, exactly: contributions that add up to it, and a change taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from health.rules.mappings import Categories
from health.rules.model import Input, Reading, ScoreModel
from health.rules.score import effective_weights, filled, judge, sub_score


@dataclass(frozen=True)
class Contribution:
    """What one input adds: `points` = `effective_weight` × `sub_score`. Left out: weight 0 and no points."""

    input: Input
    value: float | None
    sub_score: float | None
    age: int | None
    effective_weight: float
    points: float
    reading: int | None = None


@dataclass(frozen=True)
class Moment:
    """What was stored for an account at one time. The arrays follow the model's inputs."""

    model: ScoreModel
    sub_scores: Sequence[float | None]
    values: Sequence[float | None]
    readings: Sequence[int | None]


@dataclass(frozen=True)
class Split:
    """A change of the score in parts that add up to it. `by_input` takes the value part apart, in model order.

    `tenure`: another row of thresholds applies than did before, since time went by or the account moved segment.
    """

    total: float
    values: float
    coverage: float
    configuration: float
    by_input: tuple[tuple[str, float], ...]
    tenure: float = 0.0
    override: float = 0.0


def contributions(
    model: ScoreModel,
    sub_scores: Sequence[float | None],
    values: Sequence[float | None] = (),
    ages: Sequence[int | None] = (),
    readings: Sequence[int | None] = (),
) -> tuple[Contribution, ...]:
    """One per input, in the model's order. Their points, and those of `exception(…)` if any, add up to `judge(…)`."""
    weights = effective_weights(model, sub_scores)

    def at(row: Sequence[float | None], index: int) -> float | None:
        return row[index] if index < len(row) else None

    return tuple(
        Contribution(
            input=one,
            value=at(values, index),
            sub_score=sub,
            age=ages[index] if index < len(ages) else None,
            effective_weight=weights[index],
            points=weights[index] * sub if sub is not None else 0.0,
            reading=readings[index] if index < len(readings) else None,
        )
        for index, (one, sub) in enumerate(zip(model.inputs, sub_scores, strict=True))
    )


def missing_inputs(model: ScoreModel, sub_scores: Sequence[float | None]) -> tuple[Input, ...]:
    """The inputs that were left out."""
    return tuple(one for one, sub in zip(model.inputs, sub_scores, strict=True) if sub is None)


def split_change(before: Moment, after: Moment) -> Split | None:
    """The change between two moments in the fixed order values, coverage, tenure, configuration; None without scores.

    Values: the inputs that both moments have get what the new observation is worth under the old version and the row
    of thresholds of then. Coverage: inputs that came or went. Tenure: the rows of thresholds of now, still under the
    old version. Configuration: the step to the new version, which is the rest. Caps and floors act in each step.
    Inputs are matched by key. Where the new version reads another measure or window, the old version's view of
    the new facts was never stored, so that input's change counts as configuration.
    """
    old, new = judge(before.model, before.sub_scores), judge(after.model, after.sub_scores)
    if old is None or new is None:
        return None
    views = _as_seen_by(before, after)
    stays = [view.row_of_then for view in views]
    walk = list(before.sub_scores)
    by_input = []
    last = old
    for index, one in enumerate(before.model.inputs):
        if walk[index] is None or stays[index] is None:
            continue
        walk[index] = stays[index]
        here = judge(before.model, walk) or 0.0
        by_input.append((one.key, here - last))
        last = here
    covered = judge(before.model, stays)
    moved = judge(before.model, [view.row_of_now for view in views])
    coverage = covered - last if covered is not None else 0.0
    tenure = moved - covered if moved is not None and covered is not None else 0.0
    return Split(
        total=new - old,
        values=last - old,
        coverage=coverage,
        configuration=new - last - coverage - tenure,
        by_input=tuple(by_input),
        tenure=tenure,
    )


@dataclass(frozen=True)
class _View:
    """What the old version gives for the new observation, by the row of thresholds of then and by that of now."""

    row_of_then: float | None
    row_of_now: float | None


def _as_seen_by(before: Moment, after: Moment) -> list[_View]:
    """One view per input of the old version, in its order."""
    place = {one.key: index for index, one in enumerate(after.model.inputs)}
    views = []
    for index, one in enumerate(before.model.inputs):
        there = place.get(one.key)
        if there is None:  # the new version does not look any more: not a change of value
            views.append(_View(before.sub_scores[index], before.sub_scores[index]))
        elif after.values[there] is None:
            nothing = filled(one, None)
            views.append(_View(nothing, nothing))
        else:
            views.append(_view(one, before, index, after, there))
    return views


def _view(one: Input, before: Moment, index: int, after: Moment, there: int) -> _View:
    value, now = after.values[there], after.model.inputs[there].readings[after.readings[there] or 0]
    assert value is not None  # noqa: S101 -- the caller has looked
    same = [own for own in one.readings if _looks_like(own, now)]
    if not same:  # never observed by the old version
        return _View(before.sub_scores[index], before.sub_scores[index])
    answered = next((own for own in same if _is_for(own) == _is_for(now)), None)
    stands = answered
    if before.values[index] is not None:
        then = one.readings[before.readings[index] or 0]
        stands = next((own for own in same if _is_for(own) == _is_for(then)), answered)
    if answered is None:  # its rows were cut otherwise: what another row would have said was never stored
        answered = stands
    if stands is None or answered is None:
        return _View(before.sub_scores[index], before.sub_scores[index])
    if answered == now and after.sub_scores[there] is not None:
        worth = after.sub_scores[there]
    else:
        worth = _worth(answered, value, now)
    return _View(worth if stands == answered else _worth(stands, value, now), worth)


def _looks_like(own: Reading, other: Reading) -> bool:
    """Whether both see the same number in the same facts."""
    return (own.measure, own.window_days, own.baseline_days, own.aggregate) == (
        other.measure,
        other.window_days,
        other.baseline_days,
        other.aggregate,
    )


def _is_for(reading: Reading) -> tuple[object, ...]:
    return reading.segments, reading.tenure


def _worth(own: Reading, value: float, observed_by: Reading) -> float | None:
    """The points of a value that another reading observed; names have other places there."""
    if isinstance(own.mapping, Categories) and isinstance(observed_by.mapping, Categories):
        name = observed_by.mapping.names[int(value)]
        return dict(own.mapping.points).get(name)
    return sub_score(own.mapping, value)
