"""Alert rules line by line, in the words of the work."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core import registry
from core.differences import Line
from health.rules.alert_words import condition
from health.rules.alerts import parse_alert_rule

FIELDS: Final = (
    "kind", "key", "name", "when", "all", "any", "not", "fact", "op", "value", "clear_when", "margin", "for_days",
    "cool_down_days", "severity", "tell", "budget", "channels", "task", "title", "due_days", "playbook",
)  # fmt: skip


def tree_words(tree: Mapping[str, Any]) -> str:
    """A tree as one sentence: `Usage is at most −25 % and Tickets in 30 days is at least 5`."""
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in tree:
            parts = [tree_words(branch) for branch in tree[word]]
            return parts[0] if len(parts) == 1 else joint.join(f"({one})" if _is_group(one) else one for one in parts)
    if "not" in tree:
        return f"not ({tree_words(tree['not'])})"
    fact = registry.facts().get(str(tree.get("fact")))
    return f"{fact.label if fact else tree.get('fact')} {condition(tree)}"


def _is_group(text: str) -> bool:
    return " and " in text or " or " in text


def describe(definition: dict[str, Any]) -> list[Line]:
    """What a rule says, for the page of versions and their differences."""
    return list(_lines(definition))


def _lines(definition: dict[str, Any]) -> Iterator[Line]:
    rule = parse_alert_rule(definition)
    yield Line("name", "Name", str(definition.get("name", "")))
    yield Line("when", "Opens when", tree_words(rule.when))
    yield Line("clear_when", "Is over when", tree_words(rule.clear_when))
    yield Line("for_days", "Has held for", f"{rule.for_days} day{'' if rule.for_days == 1 else 's'}")
    yield Line("cool_down_days", "Cool-down", f"{rule.cool_down_days} days")
    yield Line("severity", "Severity", rule.severity)
    yield Line("tell", "Tells", ", ".join(rule.tell))
    yield Line("budget", "Budget of a person's day", str(rule.budget))
    yield Line("channels", "Channels", ", ".join(rule.channels))
    if rule.task:
        yield Line("task.title", "Starts the task", rule.task.title)
        yield Line("task.due_days", "Task is due after", f"{rule.task.due_days} days")
    if rule.playbook:
        yield Line("playbook", "Starts the playbook", rule.playbook)
