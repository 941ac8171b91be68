"""Changes of a model's document, as the editor asks for them. Pure: a document and fields in, a new document out.

Field names say what they change: `weight:usage`, `missing:usage`, `upto:usage:0:2` (input, table, row). A document is
taken apart only where a field asks for it, so whatever else stands in it stays as it was written.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from math import isfinite
from typing import Any, Final

from core.shapes import BadFields

Document = dict[str, Any]
EXCLUDE, CARRY = "exclude", "carry_forward_days"
DEFAULT_CARRY: Final = 14


def read_number(text: str) -> float:
    """A number as people type it: `30`, `12,5`, `−20`. Raises `ValueError` with the remedy."""
    cleaned = text.strip().removesuffix("%").strip().replace("−", "-").replace(",", ".")
    try:
        number = float(cleaned)
    except ValueError:
        raise ValueError(f"'{text.strip()[:20]}' is not a number. Write digits, such as 30 or 12.5.") from None
    if not isfinite(number):
        raise ValueError("Write a number that ends, such as 30.")
    return number


def plain(number: float) -> int | float:
    """Whole numbers without a point, so that a document reads as a person would write it."""
    rounded = round(number, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def input_of(document: Document, key: str) -> Document:
    """The block of an input. Raises `BadFields` when there is none."""
    for one in document["inputs"]:
        if one["key"] == key:
            found: Document = one
            return found
    raise BadFields({"": f"There is no input '{key}' in this draft any more. Load the page again."})


def tables_of(one: Document) -> list[Document]:
    """The blocks of an input that carry a mapping: its own, the one that answers otherwise, those of thresholds."""
    others = [one["otherwise"]] if isinstance(one.get("otherwise"), dict) else []
    return [one, *others, *(row for row in one.get("thresholds", []) if "mapping" in row)]


def weights_sum(document: Document) -> float:
    return round(sum(float(one.get("weight", 0)) for one in document["inputs"]), 6)


def normalised(document: Document) -> Document:
    """The same document with whole weights that add up to 100, each as near to its share as that allows."""
    changed = deepcopy(document)
    total = weights_sum(changed)
    if total <= 0:
        raise BadFields({"": "All weights are 0. Give at least one input a weight above 0."})
    shares = [float(one.get("weight", 0)) / total * 100 for one in changed["inputs"]]
    whole = [int(share) for share in shares]
    rest = sorted(range(len(shares)), key=lambda at: (whole[at] - shares[at], at))
    for at in rest[: 100 - sum(whole)]:
        whole[at] += 1
    for one, weight in zip(changed["inputs"], whole, strict=True):
        one["weight"] = weight
    return changed


def edited(document: Document, fields: Mapping[str, str]) -> Document:
    """The document after the fields that are in it were changed. Raises `BadFields`; other names are passed by."""
    changed = deepcopy(document)
    problems: dict[str, str] = {}
    for name, text in fields.items():
        what, *where = name.split(":")
        change = _CHANGES.get(what)
        if change is None:
            continue
        try:
            change(changed, where, text)
        except BadFields as bad:
            problems |= bad.problems
        except (IndexError, KeyError):
            problems[name] = "This part of the draft is not there any more. Load the page again."
        except ValueError as bad:
            problems[name] = str(bad)
    problems |= {name: text for name, text in _order_of_edges(changed) if name not in problems}
    if problems:
        raise BadFields(problems)
    return changed


def _order_of_edges(document: Document) -> Iterator[tuple[str, str]]:
    """Fields whose upper edge does not lie above the one before."""
    edges = document.get("bands", {})
    if not 0 < edges.get("yellow", 50) < edges.get("green", 70) <= 100:
        yield "edge:green", "Edges must rise: 0, then watch, then healthy, at most 100."
    for one in document["inputs"]:
        for table, block in enumerate(tables_of(one)):
            steps = block["mapping"].get("bands") if isinstance(block["mapping"], dict) else None
            if not isinstance(steps, list):
                continue
            for row in range(1, len(steps) - 1):
                if not steps[row][0] > steps[row - 1][0]:
                    yield (
                        f"upto:{one['key']}:{table}:{row}",
                        "Must lie above the edge before, so that no band is empty.",
                    )


def _table(document: Document, where: list[str]) -> Document:
    return tables_of(input_of(document, where[0]))[int(where[1])]


def scale_of(block: Document, one: Document) -> int:
    """What values are shown by: a trend is a fraction and shown in percent."""
    return 100 if block.get("aggregate", one.get("aggregate")) == "trend" else 1


def _between(text: str, low: float, high: float, unit: str = "") -> float:
    number = read_number(text)
    if not low <= number <= high:
        raise ValueError(f"Write a number from {low:g} to {high:g}{unit}.")
    return number


def _weight(document: Document, where: list[str], text: str) -> None:
    input_of(document, where[0])["weight"] = plain(_between(text, 0, 1000, ", the share of this input in percent"))


def _name(document: Document, where: list[str], text: str) -> None:
    if not text.strip():
        raise ValueError("Give the input a name that people recognise.")
    input_of(document, where[0])["name"] = text.strip()[:80]


def _days(field: str) -> Any:
    def change(document: Document, where: list[str], text: str) -> None:
        number = _between(text, 1, 1100, " days")
        if number != int(number):
            raise ValueError("Write whole days.")
        _table(document, where)[field] = int(number)

    return change


def _aggregate(document: Document, where: list[str], text: str) -> None:
    block = _table(document, where)
    if block.get("aggregate") != text:
        block["aggregate"] = text


def _direction(document: Document, where: list[str], text: str) -> None:
    one = input_of(document, where[0])
    one.pop("direction", None)
    if text:
        one["direction"] = text


def _missing(document: Document, where: list[str], text: str) -> None:
    one = input_of(document, where[0])
    if text == CARRY:
        if not isinstance(one.get("missing"), dict):
            one["missing"] = {CARRY: DEFAULT_CARRY}
        return
    one["missing"] = text


def _carry(document: Document, where: list[str], text: str) -> None:
    one = input_of(document, where[0])
    if isinstance(one.get("missing"), dict):
        one["missing"] = {CARRY: int(_between(text, 1, 1100, " days"))}


def _group(document: Document, where: list[str], text: str) -> None:
    one = input_of(document, where[0])
    one.pop("group", None)
    if text:
        one["group"] = text


def _linear(end: str) -> Any:
    def change(document: Document, where: list[str], text: str) -> None:
        block, one = _table(document, where), input_of(document, where[0])
        other = {"worst": "best", "best": "worst"}[end]
        value = plain(read_number(text) / scale_of(block, one))
        block["mapping"]["linear"][end] = value
        if end == "best" and value == block["mapping"]["linear"][other]:
            raise ValueError("Worst and best must differ.")

    return change


def _upto(document: Document, where: list[str], text: str) -> None:
    block, one = _table(document, where), input_of(document, where[0])
    steps, row = block["mapping"]["bands"], int(where[2])
    if row < len(steps) - 1:
        steps[row][0] = plain(read_number(text) / scale_of(block, one))


def _points(document: Document, where: list[str], text: str) -> None:
    _table(document, where)["mapping"]["bands"][int(where[2])][1] = plain(_between(text, 0, 100))


def _category(document: Document, where: list[str], text: str) -> None:
    points = _table(document, where)["mapping"]["categories"]
    points[sorted(points)[int(where[2])]] = plain(_between(text, 0, 100))


def _edge(document: Document, where: list[str], text: str) -> None:
    bands = document.setdefault("bands", {"red": 0, "yellow": 50, "green": 70})
    bands[where[0]] = plain(_between(text, 0, 100))


def _coverage(document: Document, _where: list[str], text: str) -> None:
    document["min_coverage"] = plain(_between(text, 0, 100, " %") / 100)


def _segments(document: Document, where: list[str], text: str) -> None:
    block = _table(document, where)
    block.pop("segments", None)
    if named := [part.strip() for part in text.split(",") if part.strip()]:
        block["segments"] = named


def _tenure(at: int) -> Any:
    def change(document: Document, where: list[str], text: str) -> None:
        block = _table(document, where)
        months = list(block.get("tenure_months") or [0, None])
        months[at] = int(_between(text, 0, 1200, " months")) if text.strip() else None
        if months[0] is None:
            months[0] = 0
        if months[1] is not None and months[1] <= months[0]:
            raise ValueError("The months must rise.")
        block["tenure_months"] = months
        if months == [0, None]:
            block.pop("tenure_months")

    return change


_CHANGES: Final[dict[str, Any]] = {
    "weight": _weight,
    "name": _name,
    "aggregate": _aggregate,
    "window": _days("window_days"),
    "baseline": _days("baseline_days"),
    "direction": _direction,
    "missing": _missing,
    "carry": _carry,
    "group": _group,
    "worst": _linear("worst"),
    "best": _linear("best"),
    "upto": _upto,
    "points": _points,
    "category": _category,
    "edge": _edge,
    "coverage": _coverage,
    "segments": _segments,
    "tenure_from": _tenure(0),
    "tenure_to": _tenure(1),
}
