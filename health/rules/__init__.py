"""What a score model means, and the arithmetic that follows from it. Pure: values in, values out."""

from health.rules.advice import lint, lint_models, taken_before, unlearned, whom
from health.rules.document import parse_model
from health.rules.explain import (
    Contribution,
    Moment,
    Split,
    contributions,
    missing_inputs,
    split_change,
)
from health.rules.mappings import Bands, Categories, Learn, Linear, Mapping, is_of_names, mapping_of
from health.rules.model import Aggregate, Group, Input, Limit, Missing, Reading, ScoreModel
from health.rules.score import (
    Exceeded,
    answered,
    band_of,
    effective_weights,
    exception,
    filled,
    judge,
    sub_score,
    weighed,
)
from health.rules.standard import STANDARD
from health.rules.tenure import answers_for, full_months

__all__ = [
    "STANDARD",
    "Aggregate",
    "Bands",
    "Categories",
    "Contribution",
    "Exceeded",
    "Group",
    "Input",
    "Learn",
    "Limit",
    "Linear",
    "Mapping",
    "Missing",
    "Moment",
    "Reading",
    "ScoreModel",
    "Split",
    "answered",
    "answers_for",
    "band_of",
    "contributions",
    "effective_weights",
    "exception",
    "filled",
    "full_months",
    "is_of_names",
    "judge",
    "lint",
    "lint_models",
    "mapping_of",
    "missing_inputs",
    "parse_model",
    "split_change",
    "sub_score",
    "taken_before",
    "unlearned",
    "weighed",
    "whom",
]
