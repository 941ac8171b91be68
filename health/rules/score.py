"""The score of one account from what was observed: the same arithmetic as the compiled statement, for one row."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from health.rules.mappings import Bands, Categories, Linear, Mapping
from health.rules.model import Input, Limit, Missing, ScoreModel
from health.rules.tenure import answers_for

NEUTRAL = 50.0


@dataclass(frozen=True)
class Exceeded:
    """A cap or floor that made the score another one. `points` is what it added, below 0 for a cap."""

    limit: Limit
    points: float


def sub_score(mapping: Mapping, value: float) -> float | None:
    """0 to 100 points for a value; None while they are to be learned. For categories the value is the name's place."""
    if isinstance(mapping, Linear):
        points = 100.0 * (value - mapping.worst) / (mapping.best - mapping.worst)
        return min(max(points, 0.0), 100.0)
    if isinstance(mapping, Bands):
        edges = [edge for edge, _ in mapping.steps[:-1]]
        return mapping.steps[bisect_right(edges, value)][1]
    return mapping.points[int(value)][1] if isinstance(mapping, Categories) else None


def filled(one: Input, observed: float | None) -> float | None:
    """The sub-score after the input's rule for missing data."""
    if observed is not None:
        return observed
    if one.missing is Missing.NEUTRAL:
        return NEUTRAL
    return 0.0 if one.missing is Missing.WORST else None


def answered(
    one: Input, observed: Sequence[float | None], *, segment: str = "", months: int | None = None
) -> tuple[int | None, float | None]:
    """Which reading answers for an account, and with what. `observed` has a value, or None, for each reading."""
    for index, (reading, value) in enumerate(zip(one.readings, observed, strict=True)):
        if value is not None and answers_for(reading, segment=segment, months=months):
            return index, value
    return None, None


def effective_weights(model: ScoreModel, sub_scores: Sequence[float | None]) -> list[float]:
    """What each input counts among those that have a sub-score; they add up to 1, or are all 0.

    A group keeps its weight while any of its inputs is there; a group without any leaves its weight to the others.
    """
    whole: dict[str, float] = {}
    present: dict[str, float] = {}
    for one, sub in zip(model.inputs, sub_scores, strict=True):
        whole[one.group] = whole.get(one.group, 0.0) + one.weight
        present[one.group] = present.get(one.group, 0.0) + (one.weight if sub is not None else 0.0)
    total = sum(whole[group] for group, weight in present.items() if weight > 0)
    return [
        whole[one.group] / total * one.weight / present[one.group]
        if sub is not None and present[one.group] > 0 and total > 0
        else 0.0
        for one, sub in zip(model.inputs, sub_scores, strict=True)
    ]


def weighed(model: ScoreModel, sub_scores: Sequence[float | None]) -> float | None:
    """Σ effective weight × sub-score, before caps and floors; None when no input counts."""
    weights = effective_weights(model, sub_scores)
    if not any(weights):
        return None
    return round(sum(weight * sub for weight, sub in zip(weights, sub_scores, strict=True) if sub is not None), 6)


def judge(model: ScoreModel, sub_scores: Sequence[float | None]) -> float | None:
    """The score after caps and floors; None when no input counts. Coverage is not looked at. A cap beats a floor."""
    score = weighed(model, sub_scores)
    if score is None:
        return None
    holding = _holding(model, sub_scores)
    score = max([score, *(one.score for one in holding if not one.is_cap)])
    return min([score, *(one.score for one in holding if one.is_cap)])


def exception(model: ScoreModel, sub_scores: Sequence[float | None]) -> Exceeded | None:
    """The cap or floor that the score stands at. Contributions and its points add up to the score."""
    before, after = weighed(model, sub_scores), judge(model, sub_scores)
    if before is None or after is None or before == after:
        return None
    at = [one for one in _holding(model, sub_scores) if one.score == after]
    limit = next((one for one in at if one.is_cap), at[0])
    return Exceeded(limit, after - before)


def _holding(model: ScoreModel, sub_scores: Sequence[float | None]) -> list[Limit]:
    """The caps and floors whose condition is met."""
    if not model.limits:
        return []
    subs = {one.key: sub for one, sub in zip(model.inputs, sub_scores, strict=True)}
    found = []
    for limit in model.limits:
        sub = subs[limit.input]
        if sub is not None and (sub < limit.edge) == limit.is_cap:
            found.append(limit)
    return found


def band_of(model: ScoreModel, score: float | None) -> str:
    """red, yellow or green by half-open bands, none without a score."""
    if score is None:
        return "none"
    if score < model.yellow:
        return "red"
    return "yellow" if score < model.green else "green"
