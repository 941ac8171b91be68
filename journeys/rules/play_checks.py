"""Is a playbook complete: the checks that stand on its page, each with what is missing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One check. `missing` says where it fails and what helps; empty when it is passed."""

    name: str
    missing: str = ""

    @property
    def passed(self) -> bool:
        return not self.missing


def checks(
    document: Mapping[str, Any], *, has_owner: bool, has_deputy: bool, known_facts: frozenset[str], unfit: Sequence[str]
) -> tuple[Check, ...]:
    """The checks of a playbook, in a fixed order. `unfit`: what the language itself refuses to put live."""
    steps = [step for _, group in _groups(document) for step in group]
    outcome = document.get("outcome") or {}
    unknown = sorted({fact for step in steps for fact in step.get("panel", [])} - known_facts)
    return (
        Check("Every step has a done criterion", _without(steps, lambda step: bool(step.get("done_when")))),
        Check("Every step has somebody who does it", _without(steps, lambda step: bool(step.get("owner")))),
        Check("Every step has a due rule", _without(steps, lambda step: "days" in (step.get("due") or {}))),
        Check("Due rules lead back to a day", _circle(document)),
        Check("The process has an owner and a deputy", _owned(has_owner=has_owner, has_deputy=has_deputy)),
        Check("Its goal is said", "" if document.get("goal") else "Say in a sentence what it is for."),
        Check(
            "Its outcome can be measured",
            "" if outcome.get("rule") and outcome.get("within_days") else "Name the outcome, its rule and its days.",
        ),
        Check("Every fact on a panel is known", f"Not known: {', '.join(unknown)}. Remove it." if unknown else ""),
        Check("The language accepts it", " ".join(unfit)),
    )


def _groups(document: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    if "variants" in document:
        return [(str(one.get("key", "")), list(one.get("steps", []))) for one in document["variants"]]
    return [("", list(document.get("steps", [])))]


def _without(steps: Sequence[Mapping[str, Any]], complete: Any) -> str:
    lacking = list(dict.fromkeys(str(step.get("title") or step.get("key")) for step in steps if not complete(step)))
    if not lacking:
        return ""
    rest = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return f"Missing at {', '.join(f'“{title}”' for title in lacking[:3])}{rest}."


def _owned(*, has_owner: bool, has_deputy: bool) -> str:
    if not has_owner:
        return "Nobody answers for it. Name an owner and a deputy."
    return "" if has_deputy else "Nobody stands in for the owner. Name a deputy."


def _circle(document: Mapping[str, Any]) -> str:
    for _, steps in _groups(document):
        before = {str(step.get("key")): str((step.get("due") or {}).get("from", "")) for step in steps}
        for key in before:
            seen, at = {key}, before[key]
            while at.startswith("step:"):
                at = at.removeprefix("step:")
                if at not in before:
                    return f"A due rule names the step '{at}', which is not there."
                if at in seen:
                    return "Two steps wait for each other. Let one of them count from the anchor."
                seen.add(at)
                at = before[at]
    return ""
