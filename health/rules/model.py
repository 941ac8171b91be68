"""The language of score models: a document becomes frozen values, or a `ValueError` that names field and remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Final

LONGEST_WINDOW: Final = 1_100
CHANGEABLE: Final = "Write it as in docs/health-models.md."


class Aggregate(StrEnum):
    """What one number is made of the observations in the window."""

    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    LAST = "last"
    COUNT = "count"
    DISTINCT_DAYS = "distinct_days"
    TREND = "trend"
    DAYS_SINCE = "days_since"


class Missing(StrEnum):
    """What counts when nothing was observed."""

    EXCLUDE = "exclude"
    NEUTRAL = "neutral"
    WORST = "worst"
    CARRY = "carry_forward_days"


@dataclass(frozen=True)
class Linear:
    """0 points at `worst`, 100 at `best`, straight between, clamped outside. Either may be the larger one."""

    worst: float
    best: float


@dataclass(frozen=True)
class Bands:
    """Steps of (upper edge, points), half-open: a value on an edge belongs to the step above; the last is open."""

    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Categories:
    """Points by name. The observed value is the place of the name in this list; other names count as missing."""

    points: tuple[tuple[str, float], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.points)


@dataclass(frozen=True)
class Learn:
    """To be fixed at calibration: `linear`, `bands` or `categories`. A draft may carry it, a published model may not.

    `names`: for categories, the names that the workspace has; the observed value is the place in this list.
    """

    kind: str
    names: tuple[str, ...] = ()


Mapping = Linear | Bands | Categories | Learn


@dataclass(frozen=True)
class Reading:
    """One way to get a value: a measure, the window it is looked at through, and what its value is worth."""

    measure: str
    window_days: int
    baseline_days: int
    aggregate: Aggregate
    mapping: Mapping


@dataclass(frozen=True)
class Input:
    """A weighted part of the score. The first reading that has a value answers. `weight` is a share of 1."""

    key: str
    label: str
    weight: float
    readings: tuple[Reading, ...]
    missing: Missing
    carry_days: int = 0


@dataclass(frozen=True)
class ScoreModel:
    """A model as published. `yellow` and `green` are the lower edges of the half-open bands above red."""

    key: str
    name: str
    applies_to: str
    yellow: float
    green: float
    min_coverage: float
    inputs: tuple[Input, ...]


def parse_model(document: dict[str, Any]) -> ScoreModel:
    """The model that a document describes. Weights are normalised to shares, whatever they add up to."""
    _only(document, "", {"kind", "key", "name", "applies_to", "bands", "min_coverage", "inputs"})
    if document.get("kind", "score_model") != "score_model":
        raise ValueError(f"kind: '{document['kind']}' is not a score model. Write 'score_model'.")
    yellow, green = _edges(document.get("bands", {"red": 0, "yellow": 50, "green": 70}))
    return ScoreModel(
        key=_text(document, "key", ""),
        name=str(document.get("name") or document.get("key")),
        applies_to=str(document.get("applies_to", "all")),
        yellow=yellow,
        green=green,
        min_coverage=_number(document.get("min_coverage", 0.6), "min_coverage", low=0, high=1),
        inputs=_inputs(document.get("inputs")),
    )


def unlearned(model: ScoreModel) -> list[str]:
    """The keys of inputs that calibration has still to fix. A model with any of them cannot be published."""
    return [one.key for one in model.inputs if any(isinstance(reading.mapping, Learn) for reading in one.readings)]


def lint(model: ScoreModel) -> list[str]:
    """Advice on a model that may well be published as it is."""
    advice = []
    if not 4 <= len(model.inputs) <= 6:
        advice.append(f"{_inputs_in_words(len(model.inputs))}: four to six are easiest to explain and to act on.")
    heaviest = max(model.inputs, key=lambda one: one.weight)
    if heaviest.weight > 0.5:
        advice.append(f"'{heaviest.label}' has {heaviest.weight:.0%} of the weight and decides nearly alone.")
    return advice


def _inputs_in_words(count: int) -> str:
    return f"{count} input{'' if count == 1 else 's'}"


def _inputs(raw: Any) -> tuple[Input, ...]:
    if not isinstance(raw, list) or not raw:
        raise ValueError("inputs: a model needs a list with at least one input.")
    weights = [_weight(one, f"inputs[{index}]") for index, one in enumerate(raw)]
    total = sum(weights)
    if total <= 0:
        raise ValueError("inputs: all weights are 0. Give at least one input a weight above 0.")
    inputs = tuple(
        _input(one, f"inputs[{index}]", weight / total)
        for index, (one, weight) in enumerate(zip(raw, weights, strict=True))
    )
    keys = [one.key for one in inputs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"inputs: the key '{key}' stands twice. Give each input a key of its own.")
    return inputs


def _weight(raw: Any, place: str) -> float:
    if not isinstance(raw, dict):
        raise ValueError(  # noqa: TRY004 -- one kind of error for a document, whatever is wrong with it
            f"{place}: must be a block of fields such as key, measure, weight. {CHANGEABLE}"
        )
    return _number(raw.get("weight"), f"{place}.weight", low=0)


def _input(raw: dict[str, Any], place: str, share: float) -> Input:
    reading = {"measure", "window_days", "baseline_days", "aggregate", "mapping"}
    _only(raw, place, reading | {"key", "name", "weight", "missing", "otherwise"})
    readings = list(_readings(raw, place))
    if (other := raw.get("otherwise")) is not None:
        if not isinstance(other, dict):
            raise ValueError(f"{place}.otherwise: must be a block with measure, aggregate and mapping.")
        _only(other, f"{place}.otherwise", reading)
        readings += _readings(other, f"{place}.otherwise")
    missing, carry = _missing(raw.get("missing", "exclude"), f"{place}.missing")
    if missing is Missing.CARRY and any(r.aggregate not in _CARRIES for r in readings):
        raise ValueError(
            f"{place}.missing: only {', '.join(sorted(_CARRIES))} can be carried forward. "
            "Use exclude, neutral or worst with the other aggregates."
        )
    key = _text(raw, "key", f"{place}.")
    return Input(
        key=key,
        label=str(raw.get("name") or key.replace("_", " ").capitalize()),
        weight=share,
        readings=tuple(readings),
        missing=missing,
        carry_days=carry,
    )


_CARRIES: Final = frozenset({Aggregate.SUM, Aggregate.MEAN, Aggregate.MAX, Aggregate.LAST})


def _readings(raw: dict[str, Any], place: str) -> Iterable[Reading]:
    measures = raw.get("measure")
    names = [str(name) for name in (measures if isinstance(measures, list) else [measures]) if name]
    if not names:
        raise ValueError(f"{place}.measure: name the measure to read, such as active_users or tickets.opened.")
    try:
        aggregate = Aggregate(raw.get("aggregate", "mean"))
    except ValueError:
        raise ValueError(
            f"{place}.aggregate: '{raw.get('aggregate')}' is unknown. Use one of {', '.join(Aggregate)}."
        ) from None
    window = _days(raw.get("window_days", 30), f"{place}.window_days")
    baseline = _days(raw.get("baseline_days", 2 * window), f"{place}.baseline_days")
    mapping = _mapping(raw.get("mapping"), f"{place}.mapping")
    if (isinstance(mapping, Categories) or mapping == Learn("categories")) and aggregate is not Aggregate.LAST:
        raise ValueError(f"{place}.aggregate: categories go with 'last', since names cannot be added up.")
    for name in names:
        yield Reading(name, window, baseline, aggregate, mapping)


def _mapping(raw: Any, place: str) -> Mapping:
    if not isinstance(raw, dict) or len(raw) != 1:
        raise ValueError(f"{place}: give exactly one of linear, bands, categories.")
    kind, content = next(iter(raw.items()))
    if kind == "linear":
        return _linear(content, place)
    if kind == "bands":
        return _bands(content, place)
    if kind == "categories":
        return _categories(content, place)
    if kind == "learn":
        return _learn(content, place)
    raise ValueError(f"{place}: '{kind}' is unknown. Use linear, bands, categories or learn.")


def _learn(content: Any, place: str) -> Learn:
    if content not in {"linear", "bands", "categories"}:
        raise ValueError(f"{place}.learn: '{content}' is unknown. Use linear, bands or categories.")
    return Learn(content)


def _linear(content: Any, place: str) -> Linear:
    if not isinstance(content, dict) or set(content) != {"worst", "best"}:
        raise ValueError(f"{place}.linear: needs worst and best, such as {{worst: 0, best: 50}}.")
    worst, best = (_number(content[name], f"{place}.linear.{name}") for name in ("worst", "best"))
    if worst == best:
        raise ValueError(f"{place}.linear: worst and best are both {worst:g}. They must differ.")
    return Linear(worst, best)


def _bands(content: Any, place: str) -> Bands:
    if not isinstance(content, list) or not content or not all(isinstance(s, list) and len(s) == 2 for s in content):
        raise ValueError(f"{place}.bands: a list of [upper edge, points], such as [[10, 0], [50, 60], [null, 100]].")
    steps: list[tuple[float, float]] = []
    for index, (upto, points) in enumerate(content):
        here = f"{place}.bands[{index}]"
        if upto is None and index != len(content) - 1:
            raise ValueError(f"{here}: only the last band may be open upwards.")
        edge = float("inf") if upto is None else _number(upto, here)
        if steps and edge <= steps[-1][0]:
            raise ValueError(f"{here}: edge {edge:g} does not lie above {steps[-1][0]:g}. Edges must rise.")
        steps.append((edge, _number(points, f"{here} points", low=0, high=100)))
    return Bands(tuple(steps))


def _categories(content: Any, place: str) -> Categories:
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{place}.categories: points by name, such as {{Active: 100, Free-Trial: 50}}.")
    return Categories(
        tuple(
            (str(name), _number(points, f"{place}.categories.{name}", low=0, high=100))
            for name, points in sorted(content.items())  # stored JSON keeps no order of keys
        )
    )


def _missing(raw: Any, place: str) -> tuple[Missing, int]:
    if isinstance(raw, dict) and set(raw) == {Missing.CARRY.value}:
        return Missing.CARRY, _days(raw[Missing.CARRY.value], f"{place}.carry_forward_days")
    if raw in (Missing.EXCLUDE, Missing.NEUTRAL, Missing.WORST):
        return Missing(raw), 0
    raise ValueError(f"{place}: '{raw}' is unknown. Use exclude, neutral, worst or {{carry_forward_days: 14}}.")


def _edges(raw: Any) -> tuple[float, float]:
    if not isinstance(raw, dict) or not {"yellow", "green"} <= set(raw) <= {"red", "yellow", "green"}:
        raise ValueError("bands: give the lower edges {red: 0, yellow: 50, green: 70}.")
    if raw.get("red", 0) != 0:
        raise ValueError("bands.red: must be 0, the bottom of the scale.")
    yellow, green = (_number(raw[name], f"bands.{name}", low=0, high=100) for name in ("yellow", "green"))
    if not 0 < yellow < green:
        raise ValueError("bands: edges must rise: 0 < yellow < green.")
    return yellow, green


def _only(raw: dict[str, Any], place: str, known: set[str]) -> None:
    for name in raw:
        if name not in known:
            raise ValueError(
                f"{place + '.' if place else ''}{name}: unknown field. Known here: {', '.join(sorted(known))}."
            )


def _text(raw: dict[str, Any], name: str, place: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{place}{name}: is missing. Give a short name of letters, digits and _.")
    return value


def _days(value: Any, place: str) -> int:
    number = _number(value, place, low=1, high=LONGEST_WINDOW)
    if number != int(number):
        raise ValueError(f"{place}: must be whole days, found {number:g}.")
    return int(number)


def _number(value: Any, place: str, *, low: float | None = None, high: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{place}: must be a number, found {value!r}.")
    if low is not None and value < low:
        raise ValueError(f"{place}: {value:g} is below {low:g}.")
    if high is not None and value > high:
        raise ValueError(f"{place}: {value:g} is above {high:g}.")
    return float(value)
