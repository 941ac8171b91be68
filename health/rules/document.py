"""The language of score models: a document becomes frozen values, or a `ValueError` that names field and remedy."""

from typing import Any, Final

from health.rules import fields
from health.rules.mappings import HIGHER, LOWER
from health.rules.model import Aggregate, Group, Input, Limit, Missing, ScoreModel
from health.rules.readings import READING, readings_of

HEAVIEST: Final = 1e6
# What one statement can hold, far beyond what anybody can explain.
MOST_INPUTS: Final = 60
MOST_READINGS: Final = 200
_FIELDS: Final = {
    "kind", "key", "name", "applies_to", "order", "bands", "min_coverage", "groups", "inputs", "caps", "floors",
}  # fmt: skip
_CARRIES: Final = frozenset({Aggregate.SUM, Aggregate.MEAN, Aggregate.MAX, Aggregate.LAST})


def parse_model(document: dict[str, Any]) -> ScoreModel:
    """The model that a document describes. Weights are normalised to shares, whatever they add up to."""
    if not isinstance(document, dict):
        raise ValueError("A score model is a block of fields such as key, bands, inputs.")  # noqa: TRY004 -- one kind of error for a document
    fields.only(document, "", _FIELDS)
    fields.storable(document)
    if document.get("kind", "score_model") != "score_model":
        raise ValueError(f"kind: '{document['kind']}' is not a score model. Write 'score_model'.")
    yellow, green = _edges(document.get("bands", {"red": 0, "yellow": 50, "green": 70}))
    segments = _applies_to(document.get("applies_to", "all"))
    inputs, groups, weight_sum = _weighed(document)
    keys = [one.key for one in inputs]
    order = document.get("order")
    return ScoreModel(
        key=fields.text(document, "key", ""),
        name=str(document.get("name") or document.get("key")),
        applies_to=", ".join(segments) or "all",
        yellow=yellow,
        green=green,
        min_coverage=fields.number(document.get("min_coverage", 0.6), "min_coverage", low=0, high=1),
        inputs=inputs,
        groups=groups,
        limits=(*_limits(document, "caps", keys), *_limits(document, "floors", keys)),
        segments=segments,
        order=None if order is None else fields.whole(order, "order", low=0, high=10_000, unit="numbers"),
        weight_sum=weight_sum,
    )


def _applies_to(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str) and raw.strip():
        return () if raw == "all" else (raw,)
    segments = fields.words(raw, "applies_to")
    if "all" in segments:
        raise ValueError("applies_to: 'all' stands alone. Write all, or the keys of segments.")
    return segments


def _weighed(document: dict[str, Any]) -> tuple[tuple[Input, ...], tuple[Group, ...], float]:
    """The inputs with shares of 1, the groups with theirs, and what the weights of the document add up to."""
    raw = document.get("inputs")
    if not isinstance(raw, list) or not raw:
        raise ValueError("inputs: a model needs a list with at least one input.")
    if len(raw) > MOST_INPUTS:
        raise ValueError(f"inputs: {len(raw)} are too many. A model has at most {MOST_INPUTS}, four to six are best.")
    places = [f"inputs[{index}]" for index in range(len(raw))]
    weights = [_weight(one, place) for one, place in zip(raw, places, strict=True)]
    if sum(weights) <= 0:
        raise ValueError("inputs: all weights are 0. Give at least one input a weight above 0.")
    groups = _groups(document.get("groups"))
    names = [_group(one, place, groups) for one, place in zip(raw, places, strict=True)]
    shares, weight_sum = _shares(weights, names, groups)
    inputs = tuple(
        _input(one, place, share, name) for one, place, share, name in zip(raw, places, shares, names, strict=True)
    )
    readings = sum(len(one.readings) * (2 if one.missing is Missing.CARRY else 1) for one in inputs)
    if readings > MOST_READINGS:
        raise ValueError(f"inputs: measures and rows of thresholds make {readings} readings, at most {MOST_READINGS}.")
    keys = [one.key for one in inputs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"inputs: the key '{key}' stands twice. Give each input a key of its own.")
    total = sum(weight for _, weight in groups.values())
    made = tuple(Group(key, label, weight / total) for key, (label, weight) in groups.items())
    return inputs, made, weight_sum


def _weight(raw: Any, place: str) -> float:
    if not isinstance(raw, dict):
        raise ValueError(  # noqa: TRY004 -- one kind of error for a document, whatever is wrong with it
            f"{place}: must be a block of fields such as key, measure, weight. Write it as in docs/health-models.md."
        )
    return fields.number(raw.get("weight"), f"{place}.weight", low=0, high=HEAVIEST)


def _groups(raw: Any) -> dict[str, tuple[str, float]]:
    """Label and weight by key, in the order of the document."""
    if raw is None:
        return {}
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        raise ValueError("groups: must be a list of blocks with key and weight. Leave it out for a model without.")
    groups: dict[str, tuple[str, float]] = {}
    for index, one in enumerate(raw):
        place = f"groups[{index}]"
        fields.only(one, place, {"key", "name", "weight"})
        key = fields.text(one, "key", place)
        if key in groups:
            raise ValueError(f"{place}.key: '{key}' stands twice. Give each group a key of its own.")
        weight = fields.number(one.get("weight"), f"{place}.weight", low=0, high=HEAVIEST)
        groups[key] = (str(one.get("name") or key.replace("_", " ").capitalize()), weight)
    if sum(weight for _, weight in groups.values()) <= 0:
        raise ValueError("groups: all weights are 0. Give at least one group a weight above 0.")
    return groups


def _group(raw: dict[str, Any], place: str, groups: dict[str, tuple[str, float]]) -> str:
    name = raw.get("group")
    if not groups:
        if name is not None:
            raise ValueError(f"{place}.group: the model has no groups. List '{name}' under groups, or leave it out.")
        return ""
    if not isinstance(name, str) or name not in groups:
        raise ValueError(f"{place}.group: name one of {', '.join(groups)}, since the model has groups.")
    return name


def _shares(weights: list[float], names: list[str], groups: dict[str, tuple[str, float]]) -> tuple[list[float], float]:
    """Each input's share of 1: its part of its group's share."""
    if not groups:
        total = sum(weights)
        return [weight / total for weight in weights], total
    total = sum(weight for _, weight in groups.values())
    inside = {key: sum(w for w, name in zip(weights, names, strict=True) if name == key) for key in groups}
    for index, key in enumerate(groups):
        if key not in names:
            raise ValueError(f"groups[{index}]: no input is in '{key}'. Put one in, or leave the group out.")
        if inside[key] <= 0:
            raise ValueError(f"groups[{index}]: all inputs of '{key}' have weight 0. Give one a weight above 0.")
    shares = [groups[name][1] / total * weight / inside[name] for weight, name in zip(weights, names, strict=True)]
    return shares, total


def _input(raw: dict[str, Any], place: str, share: float, group: str) -> Input:
    fields.only(raw, place, READING | {"key", "name", "weight", "missing", "otherwise", "group", "direction"})
    direction = raw.get("direction") or ""
    if direction not in ("", HIGHER, LOWER):
        raise ValueError(f"{place}.direction: '{direction}' is unknown. Use {HIGHER} or {LOWER}, or leave it out.")
    readings = list(readings_of(raw, place, direction))
    if (other := raw.get("otherwise")) is not None:
        if not isinstance(other, dict):
            raise ValueError(f"{place}.otherwise: must be a block with measure, aggregate and mapping.")
        fields.only(other, f"{place}.otherwise", READING)
        readings += readings_of(other, f"{place}.otherwise", "")
    missing, carry = _missing(raw.get("missing", "exclude"), f"{place}.missing")
    if missing is Missing.CARRY and any(r.aggregate not in _CARRIES for r in readings):
        raise ValueError(
            f"{place}.missing: only {', '.join(sorted(_CARRIES))} can be carried forward. "
            "Use exclude, neutral or worst with the other aggregates."
        )
    key = fields.text(raw, "key", place)
    return Input(
        key=key,
        label=str(raw.get("name") or key.replace("_", " ").capitalize()),
        weight=share,
        readings=tuple(readings),
        missing=missing,
        carry_days=carry,
        group=group,
        direction=direction,
    )


def _missing(raw: Any, place: str) -> tuple[Missing, int]:
    if isinstance(raw, dict) and set(raw) == {Missing.CARRY.value}:
        return Missing.CARRY, fields.days(raw[Missing.CARRY.value], f"{place}.carry_forward_days")
    if raw in (Missing.EXCLUDE, Missing.NEUTRAL, Missing.WORST):
        return Missing(raw), 0
    raise ValueError(f"{place}: '{raw}' is unknown. Use exclude, neutral, worst or {{carry_forward_days: 14}}.")


def _limits(document: dict[str, Any], name: str, keys: list[str]) -> list[Limit]:
    """Caps or floors. The input that they look at must be one of the model's."""
    is_cap = name == "caps"
    edge, score = ("below", "at_most") if is_cap else ("at_least", "not_below")
    raw = document.get(name)
    if raw is None:
        return []
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise ValueError(f"{name}: must be a list of blocks such as {{input: usage, {edge}: 20, {score}: 49}}.")
    limits = []
    for index, one in enumerate(raw):
        place = f"{name}[{index}]"
        fields.only(one, place, {"input", edge, score})
        if one.get("input") not in keys:
            raise ValueError(f"{place}.input: '{one.get('input')}' is no input of the model. Use {', '.join(keys)}.")
        limits.append(
            Limit(
                input=one["input"],
                edge=fields.number(one.get(edge), f"{place}.{edge}", low=0, high=100),
                score=fields.number(one.get(score), f"{place}.{score}", low=0, high=100),
                is_cap=is_cap,
            )
        )
    return limits


def _edges(raw: Any) -> tuple[float, float]:
    if not isinstance(raw, dict) or not {"yellow", "green"} <= set(raw) <= {"red", "yellow", "green"}:
        raise ValueError("bands: give the lower edges {red: 0, yellow: 50, green: 70}.")
    if raw.get("red", 0) != 0:
        raise ValueError("bands.red: must be 0, the bottom of the scale.")
    yellow, green = (fields.number(raw[name], f"bands.{name}", low=0, high=100) for name in ("yellow", "green"))
    if not 0 < yellow < green:
        raise ValueError(
            f"bands: edges must rise: 0 < yellow < green, found {yellow:g} and {green:g}. "
            "Bands that overlap leave accounts in two of them."
        )
    return yellow, green
