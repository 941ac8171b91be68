"""Short words for rows of a playbook and of a play. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from journeys.rules.playbooks import ANCHORS, OWNERS

_SHORT_ANCHORS: Final = {
    "start": "start",
    "renewal_due": "renewal",
    "close": "close",
    "stage_entered": "stage entry",
}
TRIGGERS: Final = {
    "manual": "By hand",
    "alert": "An alert",
    "stage": "A stage",
    "date": "A date",
    "signal": "A signal",
    "api": "The API",
}


def due_words(due: Mapping[str, Any] | None, numbers: Mapping[str, int], anchor: str) -> str:
    """`180 d before renewal`, `7 d after step 2`; on the day itself `on renewal`."""
    if not due or "days" not in due:
        return "No due rule"
    source = str(due.get("from", "start"))
    if source.startswith("step:"):
        what = f"step {numbers.get(source.removeprefix('step:'), '?')}"
    else:
        what = _SHORT_ANCHORS.get(anchor, anchor) if source == "anchor" else "start"
    days = due["days"]
    if days == 0:
        return f"with {what}" if source.startswith("step:") else f"on {what}"
    return f"{days} d {due.get('when', 'after')} {what}"


def from_choices(numbers: Mapping[str, int], anchor: str, own: str) -> list[tuple[str, str]]:
    """What a step's days may count from, for a choice: value and words."""
    named = ANCHORS.get(anchor, anchor)
    found = [("after start", "after the start")]
    if anchor != "start":
        found += [("before anchor", f"before {named}"), ("after anchor", f"after {named}")]
    found += [(f"after step:{key}", f"after step {number} is done") for key, number in numbers.items() if key != own]
    return found


def from_value(due: Mapping[str, Any] | None) -> str:
    """The value of that choice which a due rule has."""
    block = due or {}
    return f"{block.get('when', 'after')} {block.get('from', 'start')}"


def owner_words(owner: str) -> str:
    """`Account owner`; nobody is said as such."""
    words = OWNERS.get(owner, owner)
    return f"{words[:1].upper()}{words[1:]}" if words else "Nobody"


def start_words(start: Mapping[str, Any]) -> str:
    """`180 days before the renewal`, `an alert that names it`: how a play comes about."""
    on = start.get("on")
    if on == "date":
        days = start.get("days") or {}
        word = "before" if "before" in days else "after"
        of = str(days.get("of", ""))
        return f"{days.get(word)} days {word} {ANCHORS.get(of, of)}"
    if on == "stage":
        return f"stage {str(start.get('stage', '')).replace('_', ' ')} is entered"
    return {"manual": "by hand", "alert": "an alert that names it", "api": "the API", "signal": "a signal"}[str(on)]
