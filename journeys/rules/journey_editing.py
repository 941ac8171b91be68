"""What the editor of a journey does to its document: fields typed, and the acts of buttons. Pure."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from core.shapes import BadFields
from journeys.rules import handoff_editing, pipeline_editing
from journeys.rules.handoff_editing import fresh
from journeys.rules.journeys import CLOCKS, LONGEST_STAY, STUCK_AFTER

Document = dict[str, Any]
_TEXTS: Final = {"owner_team": 80, "success": 2_000}
_SHARED: Final = frozenset({"up", "down", "criterion", "drop"})


def edited(definition: Mapping[str, Any], fields: Mapping[str, str]) -> Document:
    """The document with what was typed: `stages.KEY.name`, `.owner_team`, `.success`, `.expected_days`,
    `.touchpoints` (one a line), `.hubspot` and `.back_to` (with commas), `first_value.clock`, `stuck_after`, and
    those of hand-offs and teams.

    A field left empty is taken out. Raises `BadFields` with what would be right, by field.
    """
    document = deepcopy(dict(definition))
    problems: dict[str, str] = {}
    for stage in document["stages"]:
        _edit_stage(stage, fields, problems)
    handoff_editing.edit_handoffs(document, fields, problems)
    handoff_editing.edit_teams(document, fields, problems)
    if problems:
        raise BadFields(problems)
    if fields.get("first_value.clock") in CLOCKS:
        value = dict(document.get("first_value", {}))
        if value or fields["first_value.clock"] != CLOCKS[0]:
            document["first_value"] = {**value, "clock": fields["first_value.clock"]}
    if fields.get("stuck_after") in STUCK_AFTER:
        document.pop("stuck_after", None)
        if fields["stuck_after"] != STUCK_AFTER[0]:
            document["stuck_after"] = fields["stuck_after"]
    return document


def _edit_stage(stage: Document, fields: Mapping[str, str], problems: dict[str, str]) -> None:
    base = f"stages.{stage['key']}"
    if f"{base}.name" in fields:
        stage["name"] = fields[f"{base}.name"].strip()[:120]
        if not stage["name"]:
            problems[f"{base}.name"] = "A stage needs a name."
    for name, longest in _TEXTS.items():
        if f"{base}.{name}" in fields:
            _put(stage, name, fields[f"{base}.{name}"].strip()[:longest])
    for name in ("touchpoints", "hubspot", "back_to"):
        if f"{base}.{name}" in fields:
            _put(stage, name, _listed(fields[f"{base}.{name}"]))
    if f"{base}.expected_days" in fields:
        text = fields[f"{base}.expected_days"].strip()
        if text and not (text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST_STAY):
            problems[f"{base}.expected_days"] = f"A whole number from 1 to {LONGEST_STAY}, or nothing."
        else:
            _put(stage, "expected_days", int(text) if text else None)


def _put(block: Document, name: str, value: Any) -> None:
    if value:
        block[name] = value
    else:
        block.pop(name, None)


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.replace("\n", ",").split(",") if one.strip()]


def acted(
    document: Document, act: str, arguments: Sequence[str], fields: Mapping[str, str], *, currency: str
) -> Document:
    """The document after a button's act; amounts are typed in the currency. Raises `BadFields` for what cannot be."""
    if act in _SHARED:
        return pipeline_editing.acted(document, act, arguments, fields, currency=currency)
    verbs: dict[str, Callable[[Document, str, str, Mapping[str, str]], None]] = {
        "add": _add,
        "remove": _remove,
        "checkpoint": _add_checkpoint,
        "uncheck": _drop_checkpoint,
        "event": _add_event,
        "unevent": _drop_event,
        "handoff": handoff_editing.add_handoff,
        "unhand": handoff_editing.drop_handoff,
        "item": handoff_editing.add_item,
        "unitem": handoff_editing.drop_item,
        "team": handoff_editing.add_team,
        "unteam": handoff_editing.drop_team,
    }
    changed = deepcopy(document)
    if act in verbs:
        first, second = [*arguments, "", ""][:2]
        verbs[act](changed, first, second, fields)
    return changed


def _add(document: Document, _key: str, _more: str, fields: Mapping[str, str]) -> None:
    name = fields.get("new.name", "").strip()[:120]
    if not name:
        raise BadFields({"new.name": "Name the new stage."})
    document["stages"].append({"key": fresh(name, [one["key"] for one in document["stages"]]), "name": name})


def _remove(document: Document, key: str, _more: str, _fields: Mapping[str, str]) -> None:
    document["stages"].remove(_stage(document, key))
    for stage in document["stages"]:
        if key in stage.get("back_to", []):
            _put(stage, "back_to", [one for one in stage["back_to"] if one != key])
    if "handoffs" in document:
        document["handoffs"] = [one for one in document["handoffs"] if key not in (one["from_stage"], one["to_stage"])]


def _add_checkpoint(document: Document, key: str, _more: str, fields: Mapping[str, str]) -> None:
    stage, base = _stage(document, key), f"stages.{key}.checkpoint"
    name, days = fields.get(f"{base}.name", "").strip()[:200], fields.get(f"{base}.days", "").strip()
    if not name:
        raise BadFields({f"{base}.name": "Name what is looked at, as a question."})
    if not (days.isdecimal() and len(days) < 6 and 1 <= int(days) <= LONGEST_STAY):
        raise BadFields({f"{base}.days": "How many days after the stage is entered: a whole number from 1."})
    points = list(stage.get("checkpoints", []))
    taken = [one["key"] for one in points]
    stage["checkpoints"] = [*points, {"key": fresh(name, taken), "name": name, "after_days": int(days)}]


def _drop_checkpoint(document: Document, key: str, point: str, _fields: Mapping[str, str]) -> None:
    stage = _stage(document, key)
    _put(stage, "checkpoints", [one for one in stage.get("checkpoints", []) if one["key"] != point])


def _add_event(document: Document, _key: str, _more: str, fields: Mapping[str, str]) -> None:
    name = fields.get("event.name", "").strip()[:200]
    if not name:
        raise BadFields({"event.name": "Name the event that shows first value."})
    segments = _listed(fields.get("event.segments", ""))
    event: Document = {"segments": segments, "name": name} if segments else {"name": name}
    value = dict(document.get("first_value", {}))
    events = list(value.get("events", []))
    # Those for named segments stand before the one for all others: the first that fits counts.
    place = next((at for at, one in enumerate(events) if not one.get("segments")), len(events)) if segments else None
    events.insert(len(events) if place is None else place, event | {"evidence": True})
    document["first_value"] = {**value, "events": events}


def _drop_event(document: Document, number: str, _more: str, _fields: Mapping[str, str]) -> None:
    value = dict(document.get("first_value", {}))
    events = list(value.get("events", []))
    if number.isdecimal() and len(number) < 4 and int(number) < len(events):
        del events[int(number)]
        document["first_value"] = {**value, "events": events}


def _stage(document: Document, key: str) -> Document:
    found: Document | None = next((stage for stage in document["stages"] if stage["key"] == key), None)
    if found is None:
        raise BadFields({"": f"There is no stage '{key[:60]}' any more. Load the page again."})
    return found
