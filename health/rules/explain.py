"""Why a score is what it is, exactly: contributions that add up to it, and a change taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from health.rules.model import Input, ScoreModel
from health.rules.score import filled, judge, sub_score


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
    """A change of the score in parts that add up to it. `by_input` takes the value part apart, in model order."""

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
    """One per input, in the model's order; their points add up to `judge(model, sub_scores)`."""
    total = sum(one.weight for one, sub in zip(model.inputs, sub_scores, strict=True) if sub is not None)

    def at(row: Sequence[float | None], index: int) -> float | None:
        return row[index] if index < len(row) else None

    return tuple(
        Contribution(
            input=one,
            value=at(values, index),
            sub_score=sub,
            age=ages[index] if index < len(ages) else None,
            effective_weight=one.weight / total if sub is not None else 0.0,
            points=one.weight / total * sub if sub is not None else 0.0,
            reading=readings[index] if index < len(readings) else None,
        )
        for index, (one, sub) in enumerate(zip(model.inputs, sub_scores, strict=True))
    )


def missing_inputs(model: ScoreModel, sub_scores: Sequence[float | None]) -> tuple[Input, ...]:
    """The inputs that were left out."""
    return tuple(one for one, sub in zip(model.inputs, sub_scores, strict=True) if sub is None)


def split_change(before: Moment, after: Moment) -> Split | None:
    """The change between two moments in the fixed order values, coverage, configuration; None without two scores.

    Values: the inputs that both moments have get what the new observation is worth under the old version. Coverage:
    inputs that came or went, still under the old version. Configuration: the step to the new version, which is the
    rest. Inputs are matched by key. Where the new version reads another measure or window, the old version's view of
    the new facts was never stored, so that input's change counts as configuration.
    """
    old, new = judge(before.model, before.sub_scores), judge(after.model, after.sub_scores)
    if old is None or new is None:
        return None
    seen = _as_seen_by(before, after)
    walk = list(before.sub_scores)
    by_input = []
    last = old
    for index, one in enumerate(before.model.inputs):
        sub = seen[index]
        if walk[index] is None or sub is None:
            continue
        walk[index] = sub
        here = judge(before.model, walk) or 0.0
        by_input.append((one.key, here - last))
        last = here
    covered = judge(before.model, seen)
    coverage = covered - last if covered is not None else 0.0
    return Split(
        total=new - old,
        values=last - old,
        coverage=coverage,
        configuration=new - last - coverage,
        by_input=tuple(by_input),
    )


def _as_seen_by(before: Moment, after: Moment) -> list[float | None]:
    """The sub-scores that the old version gives to the new observations, in the old version's order."""
    place = {one.key: index for index, one in enumerate(after.model.inputs)}
    seen: list[float | None] = []
    for index, one in enumerate(before.model.inputs):
        there = place.get(one.key)
        if there is None:  # the new version does not look any more: not a change of value
            seen.append(before.sub_scores[index])
        elif one == after.model.inputs[there] or one.readings == after.model.inputs[there].readings:
            seen.append(_unweighted(one, after, there))
        else:
            seen.append(_remapped(one, before.sub_scores[index], after, there))
    return seen


def _unweighted(one: Input, after: Moment, there: int) -> float | None:
    """Same readings: the sub-score stands, only the rule for missing data may differ."""
    return after.sub_scores[there] if after.values[there] is not None else filled(one, None)


def _remapped(one: Input, old: float | None, after: Moment, there: int) -> float | None:
    value, reading = after.values[there], after.readings[there]
    if value is None:
        return filled(one, None)
    answered = after.model.inputs[there].readings[reading or 0]
    for own in one.readings:
        if replace(own, mapping=answered.mapping) == answered:
            return sub_score(own.mapping, value)
    return old
