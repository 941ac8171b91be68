"""The score of one account from what was observed: the same arithmetic as the compiled statement, for one row."""

from bisect import bisect_right
from collections.abc import Sequence

from health.rules.model import Bands, Categories, Input, Linear, Mapping, Missing, ScoreModel

NEUTRAL = 50.0


def sub_score(mapping: Mapping, value: float) -> float:
    """0 to 100 points for a value. For categories the value is the place of the name in the mapping."""
    if isinstance(mapping, Linear):
        points = 100.0 * (value - mapping.worst) / (mapping.best - mapping.worst)
        return min(max(points, 0.0), 100.0)
    if isinstance(mapping, Bands):
        edges = [edge for edge, _ in mapping.steps[:-1]]
        return mapping.steps[bisect_right(edges, value)][1]
    assert isinstance(mapping, Categories)  # noqa: S101 -- the third of three kinds
    return mapping.points[int(value)][1]


def filled(one: Input, observed: float | None) -> float | None:
    """The sub-score after the input's rule for missing data."""
    if observed is not None:
        return observed
    if one.missing is Missing.NEUTRAL:
        return NEUTRAL
    return 0.0 if one.missing is Missing.WORST else None


def judge(model: ScoreModel, sub_scores: Sequence[float | None]) -> float | None:
    """Σ weight × sub-score / Σ weight over the inputs that have one; None when none has. Coverage is not looked at."""
    present = [(one.weight, sub) for one, sub in zip(model.inputs, sub_scores, strict=True) if sub is not None]
    total = sum(weight for weight, _ in present)
    return round(sum(weight * sub for weight, sub in present) / total, 6) if total > 0 else None


def band_of(model: ScoreModel, score: float | None) -> str:
    """red, yellow or green by half-open bands, none without a score."""
    if score is None:
        return "none"
    if score < model.yellow:
        return "red"
    return "yellow" if score < model.green else "green"
