"""What a score model means, and the arithmetic that follows from it. Pure: values in, values out."""

from health.rules.explain import (
    Contribution,
    Moment,
    Split,
    contributions,
    missing_inputs,
    split_change,
)
from health.rules.model import (
    Aggregate,
    Bands,
    Categories,
    Input,
    Learn,
    Linear,
    Missing,
    Reading,
    ScoreModel,
    lint,
    parse_model,
    unlearned,
)
from health.rules.score import band_of, judge, sub_score
from health.rules.standard import STANDARD

__all__ = [
    "STANDARD",
    "Aggregate",
    "Bands",
    "Categories",
    "Contribution",
    "Input",
    "Learn",
    "Linear",
    "Missing",
    "Moment",
    "Reading",
    "ScoreModel",
    "Split",
    "band_of",
    "contributions",
    "judge",
    "lint",
    "missing_inputs",
    "parse_model",
    "split_change",
    "sub_score",
    "unlearned",
]
