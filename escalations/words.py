"""Escalation policies in words, and whom publishing another one reaches."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from core import facts, registry
from core.differences import Line
from escalations.queries import matching, parse_checked
from escalations.rules import seen

FIELDS: Final = (
    "criteria", "all", "any", "not", "fact", "op", "value", "tier", "respond_hours", "task_title", "priority",
)  # fmt: skip


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line. Conditions that must all hold are told one by one, any other tree as one sentence."""
    policy = parse_checked(definition)
    return [
        *_criteria(policy.criteria),
        Line("tier", "tier", str(policy.tier)),
        Line("respond_hours", "answer within", f"{policy.respond_hours} hours"),
        Line("task_title", "task for the owner", policy.task_title),
        Line("priority", "priority of the task", str(policy.priority)),
    ]


def _criteria(tree: dict[str, Any]) -> Iterator[Line]:
    leaves = tree.get("all", [tree])
    if not all("fact" in leaf for leaf in leaves):
        yield Line("criteria", "escalated when", in_words(tree))
        return
    told: dict[str, int] = {}
    for leaf in leaves:
        told[leaf["fact"]] = told.get(leaf["fact"], 0) + 1
        label = registry.facts()[leaf["fact"]].label
        yield Line(f"criteria.{leaf['fact']}.{told[leaf['fact']]}", f"condition {label}", _rule(leaf))


def in_words(tree: dict[str, Any]) -> str:
    """A tree as one sentence: `Health band is At risk and not (Plan is Trial or ARR is over 100)`."""
    if "fact" in tree:
        return f"{registry.facts()[tree['fact']].label} {_rule(tree)}"
    if "not" in tree:
        return f"not ({in_words(tree['not'])})"
    word, joint = ("all", " and ") if "all" in tree else ("any", " or ")
    parts = [in_words(branch) for branch in tree[word]]
    return joint.join(part if "fact" in branch else f"({part})" for part, branch in zip(parts, tree[word], strict=True))


def _rule(leaf: dict[str, Any]) -> str:
    return seen([leaf])[0].rule


def effects(_key: str, definition: dict[str, Any], today: date) -> list[str]:
    """How many customers the policy finds today."""
    policy = parse_checked(definition)
    count = matching(policy, today).count()
    named = len(facts.conditions(policy.criteria))
    met = f"{count:,} customers match its {named} condition{'' if named == 1 else 's'} today."
    return [f"{met} Those without an open escalation of it get one at the next sweep."]
