"""The JSON schema of a playbook file, for editors and other programs. `parse_playbook` refuses all that it refuses.

It cannot say everything: that keys are not used twice, that steps do not wait for each other, that facts, stages and
segments are known here, is checked when a document is read or published.
"""

from typing import Any, Final

from journeys.rules.playbooks import ANCHORS, CALENDARS, LONGEST_DAYS, MOST_STEPS, OWNERS, TRIGGERS

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string", "maxLength": 8000}
_KEY: Final[Schema] = {"type": "string", "pattern": r"^[\w-]{1,80}$"}
_DAYS: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": LONGEST_DAYS}
_TREE: Final[Schema] = {"$ref": "#/$defs/tree"}


def _block(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_OPERATORS: Final = ["eq", "lt", "lte", "gt", "gte", "in", "is_known", "is_unknown"]
_TREE_DEFINITION: Final[Schema] = {
    "description": "A rule over registered facts.",
    "oneOf": [
        _block(["all"], all={"type": "array", "items": _TREE}),
        _block(["any"], any={"type": "array", "items": _TREE, "minItems": 1}),
        {**_block(["not"]), "properties": {"not": _TREE}},
        _block(["fact", "op"], fact={"type": "string"}, op={"enum": _OPERATORS}, value={}),
    ],
}
_DUE: Final[Schema] = {
    "description": "Days are counted on the calendar; on a business calendar a day off moves away from the anchor.",
    **_block(["days"], days=_DAYS, when={"enum": ["after", "before"]}),
}
_DUE["properties"]["from"] = {"type": "string", "pattern": r"^(anchor|start|step:[\w-]+)$"}
_STEP: Final[Schema] = _block(
    ["key"],
    key=_KEY,
    title={"type": "string", "maxLength": 200},
    goal=_TEXT,
    script=_TEXT,
    template=_TEXT,
    done_when={**_TEXT, "description": "What shows that it is done. Needed to go live."},
    owner={"enum": ["", *OWNERS], "description": "Needed to go live."},
    due=_DUE,
    panel={"type": "array", "items": {"type": "string"}, "description": "Facts that are shown beside the step."},
    only_if={
        **_TREE,
        "description": (
            "Read a week before the step is due, at once where that is nearer; where it does not hold the step is "
            "left out."
        ),
    },
)
_STEPS: Final[Schema] = {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1, "maxItems": MOST_STEPS}
_START: Final[Schema] = {
    **_block(
        ["on"],
        on={"enum": list(TRIGGERS)},
        stage={"type": "string", "maxLength": 80},
        rule=_TREE,
        days={"$ref": "#/$defs/days"},
        cool_down_days=_DAYS,
    ),
    "allOf": [
        {
            "if": {"properties": {"on": {"const": trigger}}, "required": ["on"]},
            "then": {"required": [needs]},
            "else": {"not": {"required": [needs]}} if needs != "rule" else {},
        }
        for trigger, needs in (("stage", "stage"), ("date", "days"), ("signal", "rule"))
    ]
    + [
        {
            "if": {"properties": {"on": {"enum": ["manual", "alert", "api"]}}, "required": ["on"]},
            "then": {"not": {"required": ["rule"]}},
        }
    ],
}
_DAYS_FROM: Final[Schema] = {
    **_block(["of"], before=_DAYS, after=_DAYS, of={"type": "string", "minLength": 1, "not": {"const": "start"}}),
    "oneOf": [{"required": ["before"]}, {"required": ["after"]}],
}
_VARIANT: Final[Schema] = _block(
    ["key", "steps"],
    key=_KEY,
    segments={"type": "array", "items": {"type": "string", "minLength": 1}},
    steps=_STEPS,
)

PLAYBOOK_SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Playbook",
    "description": "What is done, by whom and by when, when something happens with an account.",
    **_block(
        [],
        kind={"const": "playbook"},
        key={"type": "string", "minLength": 1, "maxLength": 80},
        name={"type": "string", "minLength": 1, "maxLength": 120},
        goal=_TEXT,
        category={"type": "string", "maxLength": 80},
        audience=_TREE,
        anchor={"enum": list(ANCHORS), "description": "What the days of steps may count from."},
        calendar={"enum": list(CALENDARS)},
        one_at_a_time={"type": "boolean", "description": "At most one running play per account; yes where left out."},
        starts={"type": "array", "items": {"$ref": "#/$defs/start"}},
        requires={**_TREE, "description": "Refuses a start until it holds, or somebody waives it with a reason."},
        outcome={"$ref": "#/$defs/outcome"},
        review_after_runs={"type": "integer", "minimum": 1, "maximum": 10_000},
        floor={
            "type": "integer",
            "minimum": 0,
            "maximum": 100,
            "description": "Per cent reached that asks for review.",
        },
        steps=_STEPS,
        variants={"type": "array", "items": {"$ref": "#/$defs/variant"}, "minItems": 1},
    ),
    "oneOf": [{"required": ["steps"]}, {"required": ["variants"]}],
    "$defs": {
        "tree": _TREE_DEFINITION,
        "step": _STEP,
        "start": _START,
        "days": _DAYS_FROM,
        "variant": _VARIANT,
        "outcome": _block(
            ["name", "rule", "within_days"],
            name={"type": "string", "minLength": 1, "maxLength": 200},
            rule=_TREE,
            within_days={"type": "integer", "minimum": 1, "maximum": LONGEST_DAYS},
        ),
    },
}
