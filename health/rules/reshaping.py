"""Changes of a model's document that add or take away: inputs, bands, tables for a segment or a tenure."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, Final

from core.shapes import BadFields
from health.rules.document import MOST_INPUTS
from health.rules.editing import Document, input_of, normalised, tables_of

MOST_BANDS: Final = 12


def with_input(document: Document, block: Document) -> Document:
    """The document with one more input. Its key is made unique; it starts without weight, so that nothing moves yet."""
    changed = deepcopy(document)
    if len(changed["inputs"]) >= MOST_INPUTS:
        raise BadFields({"": f"A model takes up to {MOST_INPUTS} inputs. Remove one first."})
    taken = {one["key"] for one in changed["inputs"]}
    key, number = block["key"], 1
    while key in taken:
        number += 1
        key = f"{block['key']}_{number}"
    changed["inputs"].append({**deepcopy(block), "key": key})
    return changed


def without_input(document: Document, key: str) -> Document:
    """The document without the input. The other weights stay as they are, and the sum says what is missing."""
    changed = deepcopy(document)
    gone = input_of(changed, key)
    if len(changed["inputs"]) == 1:
        raise BadFields({"": "A model needs at least one input."})
    changed["inputs"].remove(gone)
    for limit in ("caps", "floors"):
        if limit in changed:
            changed[limit] = [one for one in changed[limit] if one.get("input") != key]
            if not changed[limit]:
                del changed[limit]
    return changed


def with_band(document: Document, key: str, table: int) -> Document:
    """One more band: the last closed one is split in the middle, so that nothing overlaps and no gap opens."""
    changed = deepcopy(document)
    steps = _steps(changed, key, table)
    if len(steps) >= MOST_BANDS:
        raise BadFields({"": f"A table takes up to {MOST_BANDS} bands."})
    edges = [step[0] for step in steps[:-1]]
    width = edges[-1] - edges[-2] if len(edges) > 1 else abs(edges[-1]) or 1 if edges else 1
    last = edges[-1] + width if edges else 0
    steps.insert(len(steps) - 1, [last, steps[-1][1]])
    return changed


def without_band(document: Document, key: str, table: int, row: int) -> Document:
    """One band less: the one above takes over what it covered."""
    changed = deepcopy(document)
    steps = _steps(changed, key, table)
    if len(steps) == 1:
        raise BadFields({"": "A table needs at least one band."})
    if not 0 <= row < len(steps):
        raise BadFields({"": "This band is not there any more. Load the page again."})
    del steps[row]
    steps[-1][0] = None
    return changed


def as_bands(document: Document, key: str, table: int) -> Document:
    """The same line in five steps, to be changed one by one."""
    changed = deepcopy(document)
    block = tables_of(input_of(changed, key))[table]
    line = block["mapping"].get("linear")
    if line is None:
        raise BadFields({"": "Only a straight line can be turned into bands."})
    worst, best = float(line["worst"]), float(line["best"])
    low, high = min(worst, best), max(worst, best)
    edges = [round(low + (high - low) * part / 4, 6) for part in range(5)]
    middles = [low, *[(left + right) / 2 for left, right in pairwise(edges)], high]
    points = [round(min(max(100 * (value - worst) / (best - worst), 0), 100)) for value in middles]
    block["mapping"] = {"bands": [[edge, points[at]] for at, edge in enumerate(edges)] + [[None, points[-1]]]}
    return changed


def as_line(document: Document, key: str, table: int) -> Document:
    """The bands as one straight line between their outer edges."""
    changed = deepcopy(document)
    block = tables_of(input_of(changed, key))[table]
    steps = block["mapping"].get("bands")
    edges = [step[0] for step in steps or [] if step[0] is not None]
    if len(edges) < 2:
        raise BadFields({"": "Two edges are needed for a line."})
    rises = steps[-1][1] >= steps[0][1]
    low, high = (edges[0], edges[-1]) if rises else (edges[-1], edges[0])
    block["mapping"] = {"linear": {"worst": low, "best": high}}
    return changed


def with_table(document: Document, key: str) -> Document:
    """A second table for the first year of a customer, a copy of the first one to start from."""
    changed = deepcopy(document)
    one = input_of(changed, key)
    rows = one.setdefault("thresholds", [])
    rows.insert(0, {"tenure_months": [0, 12], "mapping": deepcopy(one["mapping"])})
    return changed


def without_table(document: Document, key: str, table: int) -> Document:
    """The table of a segment or tenure is dropped; the input's own answers for its accounts again."""
    changed = deepcopy(document)
    one = input_of(changed, key)
    block = tables_of(one)[table]
    one["thresholds"] = [row for row in one.get("thresholds", []) if row is not block]
    if not one["thresholds"]:
        del one["thresholds"]
    return changed


def _steps(document: Document, key: str, table: int) -> list[list[Any]]:
    steps = tables_of(input_of(document, key))[table]["mapping"].get("bands")
    if not isinstance(steps, list):
        raise BadFields({"": "This input has no bands. Turn its line into bands first."})
    return steps


def acted(document: Document, act: str, arguments: Sequence[str]) -> Document:
    """What a button of the editor means, by its name. Raises `BadFields` for one that makes no sense here."""
    if act in {"", "save"}:
        return document
    if act == "normalise":
        return normalised(document)
    try:
        return _ACTS[act](document, *[int(one) if at else one for at, one in enumerate(arguments)])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, BadFields):
            raise
        raise BadFields({"": "This part of the draft is not there any more. Load the page again."}) from error


_ACTS: Final[dict[str, Callable[..., Document]]] = {
    "remove": without_input,
    "add-band": with_band,
    "drop-band": without_band,
    "bands": as_bands,
    "line": as_line,
    "add-table": with_table,
    "drop-table": without_table,
}
