"""Short forms for the starter playbooks. Pure."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def fact(key: str, op: str, value: Any = None) -> dict[str, Any]:
    """One condition."""
    return {"fact": key, "op": op} if value is None else {"fact": key, "op": op, "value": value}


def due(days: int, source: str = "start", when: str = "after") -> dict[str, Any]:
    """When a step is due; what is usual is left out."""
    return {"days": days, "from": source} | ({"when": when} if when != "after" else {})


def step(
    key: str,
    title: str,
    when: Mapping[str, Any],
    *,
    goal: str,
    script: str,
    done_when: str,
    template: str = "",
    owner: str = "account_owner",
    panel: tuple[str, ...] = (),
    only_if: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A step with all that somebody needs who has never done it."""
    return {
        "key": key,
        "title": title,
        "goal": goal,
        "script": script,
        **({"template": template} if template else {}),
        "done_when": done_when,
        "owner": owner,
        "due": dict(when),
        **({"panel": list(panel)} if panel else {}),
        **({"only_if": dict(only_if)} if only_if else {}),
    }
