"""What the editor of a pipeline does to its document: fields typed, and the acts of buttons. Pure."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from functools import partial
from typing import Any, Final

from core.money import to_minor
from core.shapes import BadFields
from journeys.rules.criteria import ENTRY, EXIT
from journeys.rules.pipelines import FORECASTS, KINDS, LOST, NOT_YET, OPEN, WON, stage_key

Document = dict[str, Any]
_LONGEST: Final = 120
_NUMBERS: Final = ("number", "money")


def edited(definition: Mapping[str, Any], fields: Mapping[str, str], frameworks: Sequence[str] | None) -> Document:
    """The document with what was typed: `stages.KEY.name`, `.probability`, `.forecast`, `.kind`. Raises `BadFields`."""
    document = deepcopy(dict(definition))
    problems: dict[str, str] = {}
    for stage in document["stages"]:
        base = f"stages.{stage['key']}"
        if f"{base}.name" in fields:
            stage["name"] = fields[f"{base}.name"].strip()[:_LONGEST]
            if not stage["name"]:
                problems[f"{base}.name"] = "A stage needs a name."
        if f"{base}.kind" in fields and fields[f"{base}.kind"] in KINDS:
            _set_kind(stage, fields[f"{base}.kind"])
        if f"{base}.probability" in fields:
            _set_probability(stage, fields[f"{base}.probability"], f"{base}.probability", problems)
        _set_forecast(stage, fields.get(f"{base}.forecast", ""))
    if problems:
        raise BadFields(problems)
    if frameworks is not None:
        document.pop("frameworks", None)
        if frameworks:
            document = {"frameworks": list(frameworks), **document}
    return document


def _set_kind(stage: Document, kind: str) -> None:
    if stage.get("kind", OPEN) == kind:
        return
    stage["kind"] = kind
    if kind != OPEN:
        stage["probability"], stage["forecast"] = (100, WON) if kind == WON else (0, LOST)
        stage.pop(EXIT, None)


def _set_forecast(stage: Document, forecast: str) -> None:
    was_closed = stage.get("forecast") in (WON, LOST)
    if forecast in FORECASTS:
        stage["forecast"] = forecast
    if was_closed and stage.get("kind", OPEN) == OPEN and stage["forecast"] in (WON, LOST):
        stage["forecast"] = NOT_YET  # a closed stage that was made an open one


def _set_probability(stage: Document, text: str, field: str, problems: dict[str, str]) -> None:
    plain = text.strip().removesuffix("%").strip()
    if not plain.isdecimal() or not 0 <= int(plain[:4]) <= 100 or len(plain) > 3:
        problems[field] = "A whole number from 0 to 100."
        return
    stage["probability"] = int(plain)


def acted(
    document: Document, act: str, arguments: Sequence[str], fields: Mapping[str, str], *, currency: str
) -> Document:
    """The document after a button's act; amounts are typed in the currency. Raises `BadFields` for what cannot be."""
    verbs: dict[str, Callable[[Document, list[str], Mapping[str, str]], Document]] = {
        "add": _add, "remove": _remove, "keep": _keep, "up": _up, "down": _down,
        "criterion": partial(_add_criterion, currency=currency), "drop": _drop_criterion,
    }  # fmt: skip
    verb = verbs.get(act)
    return verb(deepcopy(document), list(arguments), fields) if verb else document


def _add(document: Document, _arguments: list[str], fields: Mapping[str, str]) -> Document:
    name = fields.get("new.name", "").strip()[:_LONGEST]
    if not name:
        raise BadFields({"new.name": "Name the new stage."})
    taken = {stage["key"] for stage in document["stages"]} | set(document.get("reassign", {}))
    base = stage_key(name)
    key = next(key for key in (base, *(f"{base}_{n}" for n in range(2, 1000))) if key not in taken)
    stages = document["stages"]
    place = next((at for at, stage in enumerate(stages) if stage.get("kind", OPEN) != OPEN), len(stages))
    below = stages[place - 1].get("probability", 0) if place else 0
    fresh = {"key": key, "name": name, "kind": OPEN, "probability": min(95, below + 5), "forecast": NOT_YET}
    stages.insert(place, fresh)
    return document


def _remove(document: Document, arguments: list[str], fields: Mapping[str, str]) -> Document:
    """Takes a stage away. The stage that takes its deals over is named with it, where it has any."""
    key = arguments[0] if arguments else ""
    gone = _stage(document, key)
    document["stages"].remove(gone)
    target = fields.get(f"stages.{key}.reassign", "")
    if target:
        if target not in {stage["key"] for stage in document["stages"]}:
            raise BadFields({f"stages.{key}.reassign": "Choose a stage that stays."})
        moved = document.setdefault("reassign", {})
        for earlier, to in moved.items():
            if to == key:
                moved[earlier] = target
        moved[key] = target
    elif key in document.get("reassign", {}).values():
        raise BadFields({f"stages.{key}.reassign": "Deals of a former stage go here. Choose where they go instead."})
    return document


def _keep(document: Document, _arguments: list[str], _fields: Mapping[str, str]) -> Document:
    return document


def _up(document: Document, arguments: list[str], _fields: Mapping[str, str]) -> Document:
    return _shifted(document, arguments, -1)


def _down(document: Document, arguments: list[str], _fields: Mapping[str, str]) -> Document:
    return _shifted(document, arguments, 1)


def _shifted(document: Document, arguments: list[str], by: int) -> Document:
    stages = document["stages"]
    stage = _stage(document, arguments[0] if arguments else "")
    place = stages.index(stage)
    to = place + by
    # Open stages stay before closed ones.
    if 0 <= to < len(stages) and _is_open(stages[to]) == _is_open(stage):
        stages[place], stages[to] = stages[to], stages[place]
    return document


def _is_open(stage: Document) -> bool:
    return bool(stage.get("kind", OPEN) == OPEN)


def _add_criterion(document: Document, arguments: list[str], fields: Mapping[str, str], *, currency: str) -> Document:
    """`asks` is `answer:meddic.pain`, `framework:meddic`, `evidence`, or `fact:KEY|TYPE` with op and value."""
    stage = _stage(document, arguments[0] if arguments else "")
    base = f"stages.{stage['key']}.new"
    asks, part = fields.get(f"{base}.asks", ""), fields.get(f"{base}.part", EXIT)
    word, _, what = asks.partition(":")
    name = fields.get(f"{base}.name", "").strip()[:160]
    if word not in {"answer", "framework", "evidence", "fact"} or (word != "evidence" and not what):
        raise BadFields({f"{base}.asks": "Choose what is asked for."})
    if not name:
        raise BadFields({f"{base}.name": "Name the criterion as a salesperson should read it."})
    if stage.get("kind", OPEN) != OPEN:
        part = ENTRY
    asked: Document = {"evidence": True} if word == "evidence" else {word: what}
    if word == "fact":
        asked = {"rule": _rule(what, fields, base, currency)}
    taken = {one["key"] for each in document["stages"] for side in (ENTRY, EXIT) for one in each.get(side, ())}
    first = stage_key(name)[:60]
    key = next(key for key in (first, *(f"{first}_{n}" for n in range(2, 1000))) if key not in taken)
    stage.setdefault(ENTRY if part == ENTRY else EXIT, []).append({"key": key, "name": name, **asked})
    return document


def _rule(what: str, fields: Mapping[str, str], base: str, currency: str) -> Document:
    fact, _, kind = what.partition("|")
    op, text = fields.get(f"{base}.op", ""), fields.get(f"{base}.value", "").strip()
    if kind == "boolean":
        return {"fact": fact, "op": "eq", "value": True}
    if op == "is_known" or not text:
        return {"fact": fact, "op": "is_known"}
    if kind not in _NUMBERS:
        return {"fact": fact, "op": op or "eq", "value": text}
    plain = text.replace(",", "").replace(" ", "")
    if not plain.removeprefix("-").replace(".", "", 1).isdecimal() or len(plain) > 15:
        raise BadFields({f"{base}.value": "A number such as 10000."})
    if kind == "money":
        return {"fact": fact, "op": op or "gte", "value": to_minor(Decimal(plain), currency)}
    number = float(plain)
    value = int(number) if number.is_integer() else number
    return {"fact": fact, "op": op or "gte", "value": value}


def _drop_criterion(document: Document, arguments: list[str], _fields: Mapping[str, str]) -> Document:
    key, part, criterion = [*arguments, "", "", ""][:3]
    stage = _stage(document, key)
    side = ENTRY if part == ENTRY else EXIT
    stage[side] = [one for one in stage.get(side, []) if one.get("key") != criterion]
    if not stage[side]:
        del stage[side]
    return document


def _stage(document: Document, key: str) -> Document:
    found: Document | None = next((stage for stage in document["stages"] if stage["key"] == key), None)
    if found is None:
        raise BadFields({"": f"There is no stage '{key[:60]}' any more. Load the page again."})
    return found
