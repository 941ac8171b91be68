"""The JSON schema of a score model file, for editors and other programs. `parse_model` refuses all that it refuses.

It cannot say everything: that weights are not all 0, that edges rise, that names are not used twice and are those of
the model, is checked when a document is read.
"""

from typing import Any, Final

from health.rules.document import HEAVIEST, MOST_INPUTS
from health.rules.fields import LARGEST, LONGEST_WINDOW
from health.rules.mappings import HIGHER, LOWER
from health.rules.model import Aggregate
from health.rules.readings import LONGEST_TENURE

Schema = dict[str, Any]

_NUMBER: Final[Schema] = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_POINTS: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 100}
_WEIGHT: Final[Schema] = {"type": "number", "minimum": 0, "maximum": HEAVIEST}
_DAYS: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW}
_NAME: Final[Schema] = {"type": "string", "pattern": r"\S"}
_NAMES: Final[Schema] = {"type": "array", "items": _NAME, "minItems": 1, "uniqueItems": True}
_MEASURE: Final[Schema] = {"type": "string", "pattern": r"^(?!health\.).*\S"}


def _block(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_MAPPING: Final[Schema] = {
    "description": "What a value is worth. learn is fixed by calibrate_health before the model can go live.",
    "oneOf": [
        _block(["linear"], linear=_block(["worst", "best"], worst=_NUMBER, best=_NUMBER)),
        _block(
            ["bands"],
            bands={
                "description": "[upper edge, points], half-open, edges rising; null for the last, which is open.",
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 2,
                    "prefixItems": [{"anyOf": [_NUMBER, {"type": "null"}]}, _POINTS],
                },
            },
        ),
        _block(["categories"], categories={"type": "object", "minProperties": 1, "additionalProperties": _POINTS}),
        _block(["learn"], learn={"enum": ["linear", "bands", "categories"]}),
    ],
}
_THRESHOLD: Final[Schema] = {
    **_block(
        ["mapping"],
        segments=_NAMES,
        tenure_months={
            "description": "Full months as a customer: from, and before (null: no end).",
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [
                {"type": "integer", "minimum": 0, "maximum": LONGEST_TENURE},
                {"type": ["integer", "null"], "minimum": 1, "maximum": LONGEST_TENURE},
            ],
        },
        mapping={"$ref": "#/$defs/mapping"},
    ),
    "anyOf": [{"required": ["segments"]}, {"required": ["tenure_months"]}],
}
_READING: Final[Schema] = {
    "measure": {
        "description": "A usage measure, signal, built-in measure or registered fact; of several the first answers.",
        "anyOf": [_MEASURE, {"type": "array", "items": _MEASURE, "minItems": 1}],
    },
    "window_days": _DAYS,
    "baseline_days": _DAYS,
    "aggregate": {"enum": [str(one) for one in Aggregate]},
    "mapping": {"$ref": "#/$defs/mapping"},
    "thresholds": {"type": "array", "items": {"$ref": "#/$defs/threshold"}},
}
_MAPPED: Final[Schema] = {
    "anyOf": [
        {"required": ["mapping"]},
        {"required": ["thresholds"], "properties": {"thresholds": {"type": "array", "minItems": 1}}},
    ]
}
_INPUT: Final[Schema] = {
    **_block(
        ["key", "measure", "weight"],
        key=_NAME,
        name={"type": "string"},
        group={"type": "string"},
        direction={"enum": [HIGHER, LOWER]},
        weight=_WEIGHT,
        missing={
            "anyOf": [
                {"enum": ["exclude", "neutral", "worst"]},
                _block(["carry_forward_days"], carry_forward_days=_DAYS),
            ]
        },
        otherwise={**_block(["measure"], **_READING), **_MAPPED},
        **_READING,
    ),
    **_MAPPED,
}
MODEL_SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "RevOps score model",
    "description": "See docs/health-models.md.",
    **_block(
        ["key", "inputs"],
        kind={"const": "score_model"},
        key=_NAME,
        name={"type": "string"},
        applies_to={"description": "all, a segment's key, or a list of keys.", "anyOf": [_NAME, _NAMES]},
        order={
            "description": "Of several models for an account the lowest has it; 100 when left out.",
            "type": "integer",
            "minimum": 0,
            "maximum": 10_000,
        },
        bands={
            "description": "Lower edges, half-open.",
            **_block(
                ["yellow", "green"],
                red={"const": 0},
                yellow={**_POINTS, "exclusiveMinimum": 0},
                green={**_POINTS, "exclusiveMinimum": 0},
            ),
        },
        min_coverage={"type": "number", "minimum": 0, "maximum": 1},
        groups={
            "type": "array",
            "minItems": 1,
            "items": _block(["key", "weight"], key=_NAME, name={"type": "string"}, weight=_WEIGHT),
        },
        inputs={"type": "array", "minItems": 1, "maxItems": MOST_INPUTS, "items": {"$ref": "#/$defs/input"}},
        caps={
            "description": "While the input has fewer points than below, the score is at_most.",
            "type": "array",
            "items": _block(["input", "below", "at_most"], input=_NAME, below=_POINTS, at_most=_POINTS),
        },
        floors={
            "description": "While the input has at_least so many points, the score is not_below.",
            "type": "array",
            "items": _block(["input", "at_least", "not_below"], input=_NAME, at_least=_POINTS, not_below=_POINTS),
        },
    ),
    "$defs": {"input": _INPUT, "mapping": _MAPPING, "threshold": _THRESHOLD},
}
