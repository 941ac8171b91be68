"""A score model in words, line by line, as people compare two of them. Works on drafts that are not finished yet."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.differences import Line, plain_lines, said

_HEAD: Final = frozenset({"kind", "key", "name"})
_OWN: Final = frozenset({"applies_to", "bands", "min_coverage", "inputs", "groups", "caps", "floors"})
_READING: Final = ("measure", "window_days", "baseline_days", "aggregate", "mapping")
_OF_INPUT: Final = {"key", "name", "weight", "group", "missing", "otherwise", "thresholds", "direction", *_READING}
_AGGREGATES: Final = {
    "sum": "the sum",
    "mean": "the mean",
    "max": "the highest",
    "last": "the last",
    "count": "the number",
    "distinct_days": "the days with any",
    "trend": "the trend",
    "days_since": "the days since the last",
}
_MISSING: Final = {"exclude": "left out", "neutral": "neutral, 50 points", "worst": "worst, 0 points"}


def describe_model(definition: Mapping[str, Any]) -> list[Line]:
    """Every statement of a model. Weights are told as shares, since shares are what counts."""
    bands = definition.get("bands") or {"yellow": 50, "green": 70}
    rest = {name: value for name, value in definition.items() if name not in _HEAD | _OWN}
    return [
        Line("applies_to", "applies to", _audience(definition.get("applies_to", "all"))),
        Line("bands.yellow", "red below", said(bands.get("yellow"))),
        Line("bands.green", "green from", said(bands.get("green"))),
        Line("min_coverage", "no score under a coverage of", _percent(definition.get("min_coverage", 0.6))),
        *_inputs(definition.get("inputs") or []),
        *_groups(definition.get("groups") or []),
        *_limits(definition.get("caps") or [], "caps"),
        *_limits(definition.get("floors") or [], "floors"),
        *plain_lines(rest),
    ]


def _inputs(inputs: list[Mapping[str, Any]]) -> Iterator[Line]:
    total = sum(one.get("weight") or 0 for one in inputs) or 1
    for one in inputs:
        key = str(one.get("key"))
        part, path = str(one.get("name") or key.replace("_", " ").capitalize()), f"inputs.{key}"

        def line(name: str, label: str, value: str, short: str, part: str = part, path: str = path) -> Line:
            return Line(f"{path}.{name}", label, value, part, short, path)

        yield line("weight", f"weight of {part}", _percent((one.get("weight") or 0) / total), "weight")
        yield line("name", f"name of {key}", part, "name")
        yield line("measure", f"{part} reads", reading_words(one), "reads")
        yield line("mapping", f"points of {part}", mapping_words(one.get("mapping") or {}), "points")
        if one.get("otherwise"):
            other = one["otherwise"]
            words = f"{reading_words(other)}: {mapping_words(other.get('mapping') or {})}"
            yield line("otherwise", f"{part} reads otherwise", words, "otherwise")
        for place, row in enumerate(one.get("thresholds") or []):
            yield line(f"thresholds.{place}", f"points of {part} for {_whom(row)}", _row_words(row), _whom(row))
        yield line("missing", f"{part} without data", _missing(one.get("missing", "exclude")), "without data")
        for name in ("group", "direction"):
            if one.get(name):
                yield line(name, f"{name} of {part}", said(one[name]).replace("_", " "), name)
        for more in plain_lines({name: value for name, value in one.items() if name not in _OF_INPUT}):
            yield line(more.path, f"{more.label} of {part}", more.value, more.label)


def _groups(groups: list[Mapping[str, Any]]) -> Iterator[Line]:
    total = sum(one.get("weight") or 0 for one in groups) or 1
    for one in groups:
        part, path = f"group {one.get('name') or one.get('key')}", f"groups.{one.get('key')}"
        share = _percent((one.get("weight") or 0) / total)
        yield Line(f"{path}.weight", f"weight of {part}", share, part, "weight", path)


def _limits(limits: list[Mapping[str, Any]], place: str) -> Iterator[Line]:
    """Caps and floors as sentences. Each is known by its input, and by its turn where an input has several."""
    seen: dict[str, int] = {}
    for one in limits:
        name = str(one.get("input"))
        seen[name] = seen.get(name, 0) + 1
        sides = [f"{word} {said(one[key])}" for key, word in _SIDES.items() if key in one]
        ends = [f"{word} {said(one[key])}" for key, word in _ENDS.items() if key in one]
        rest = [f"{key} {said(one[key])}" for key in sorted(set(one) - {"input", *_SIDES, *_ENDS})]
        yield Line(
            f"{place}.{name}.{seen[name]}",
            f"{place[:-1]} while {name.replace('_', ' ')} has {' and '.join(sides)} points",
            ", ".join([*ends, *rest]),
        )


_SIDES: Final = {"below": "below", "at_least": "at least"}
_ENDS: Final = {"at_most": "score at most", "not_below": "score not below"}


def reading_words(raw: Mapping[str, Any]) -> str:
    """What is read and how: `the mean of active_users over 30 days`."""
    measures = raw.get("measure")
    names = " or ".join(map(str, measures)) if isinstance(measures, list) else str(measures)
    days = raw.get("window_days", 30)
    words = f"{_AGGREGATES.get(str(raw.get('aggregate', 'mean')), raw.get('aggregate'))} of {names} over {days} days"
    if raw.get("aggregate") == "trend":
        words += f" against the {raw.get('baseline_days', 2 * days)} before"
    return words


def mapping_words(mapping: Mapping[str, Any]) -> str:
    """What a value is worth: `0 points at 90, 100 at 14`."""
    if "linear" in mapping:
        ends = mapping["linear"]
        return f"0 at {said(ends.get('worst'))}, 100 at {said(ends.get('best'))}"
    if "bands" in mapping:
        return ", ".join(
            f"{said(points)} above" if upto is None else f"{said(points)} below {said(upto)}"
            for upto, points in mapping["bands"]
        )
    if "categories" in mapping:
        return ", ".join(f"{name} {said(points)}" for name, points in sorted(mapping["categories"].items()))
    if "learn" in mapping:
        return f"to be learned from outcomes ({mapping['learn']})"
    return "none"


def _row_words(row: Mapping[str, Any]) -> str:
    own = {name: value for name, value in row.items() if name in _READING and name != "mapping"}
    words = ", ".join(f"{name.replace('_', ' ')} {said(value)}" for name, value in sorted(own.items()))
    points = mapping_words(row.get("mapping") or {})
    return f"{points} ({words})" if words else points


def _whom(row: Mapping[str, Any]) -> str:
    parts = [str(one).replace("_", "-") for one in row.get("segments") or []]
    tenure = row.get("tenure_months")
    if isinstance(tenure, list) and len(tenure) == 2:
        low, high = tenure
        parts.append(f"{said(low)} months and longer" if high is None else f"months {said(low)} to {said(high)}")
    return ", ".join(parts) or "everybody"


def _audience(value: Any) -> str:
    if value == "all":
        return "all customers"
    return value.replace("_", "-") if isinstance(value, str) else said(value) if isinstance(value, list) else str(value)


def _missing(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"last value for {said(days)} days" for days in value.values())
    return _MISSING.get(str(value), str(value))


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"
