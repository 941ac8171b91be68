"""Segments as documents: whom a segment holds, how it is looked after, and by how many. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import only

TOUCHES: Final = {
    "high": "High touch: a person of ours for each customer, in regular talks",
    "mid": "Mid touch: a person of ours for many, in talks when something is up",
    "low": "Low touch: a pooled team answers",
    "digital": "Digital: programs reach many at once, people step in on a signal",
}
FIELDS: Final = ("goal", "values", "rule", "all", "any", "not", "fact", "op", "value", "touch", "accounts_per_csm")
LONGEST: Final = 400

DEFAULT_SEGMENTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "enterprise": (
        "Enterprise",
        {
            "goal": "A named CSM knows the goals of every sponsor and shows results against them each quarter.",
            "values": ["enterprise"],
            "touch": "high",
            "accounts_per_csm": 15,
        },
    ),
    "mid_market": (
        "Mid-market",
        {
            "goal": "Every customer reaches the result they bought this for, with talks at the moments that matter.",
            "values": ["mid_market"],
            "touch": "mid",
            "accounts_per_csm": 50,
        },
    ),
    "small": (
        "Small business",
        {
            "goal": "Programs lead every customer to first value; people step in where a signal says so.",
            "values": ["small"],
            "touch": "digital",
            "accounts_per_csm": 250,
        },
    ),
}


@dataclass(frozen=True)
class SegmentSpec:
    """Either the `values` of an account's segment field, or a `rule` over facts, says who is in."""

    goal: str
    values: tuple[str, ...]
    rule: Mapping[str, Any] | None
    touch: str
    accounts_per_csm: int


def parse_segment(definition: Mapping[str, Any]) -> SegmentSpec:
    """Raises `ValueError` that names the field. Whether the rule names known facts is checked elsewhere."""
    only(definition, "", {"goal", "values", "rule", "touch", "accounts_per_csm"})
    if ("values" in definition) == ("rule" in definition):
        raise ValueError("values: say who is in, either by `values` of the segment field or by a `rule` over facts.")
    values, rule = definition.get("values", []), definition.get("rule")
    texts = isinstance(values, list) and all(isinstance(one, str) for one in values)
    if not texts or ("values" in definition and not values):
        raise ValueError("values: give a list of segment keys, such as [enterprise].")
    if rule is not None and (not isinstance(rule, Mapping) or not rule):
        raise ValueError("rule: give a tree of all, any, not and conditions on facts.")
    touch, many = definition.get("touch"), definition.get("accounts_per_csm")
    if touch not in TOUCHES:
        raise ValueError(f"touch: one of {', '.join(TOUCHES)}, not {touch!r}.")
    if not isinstance(many, int) or isinstance(many, bool) or not 1 <= many <= 100_000:
        raise ValueError(f"accounts_per_csm: a whole number from 1 to 100000, not {many!r}.")
    goal = definition.get("goal", "")
    if not isinstance(goal, str) or not goal.strip() or len(goal) > LONGEST:
        raise ValueError(f"goal: say in at most {LONGEST} characters what customers of this segment are to reach.")
    return SegmentSpec(goal.strip(), tuple(values), rule, str(touch), many)
