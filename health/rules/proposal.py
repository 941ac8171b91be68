"""A model's document with what calibration found in it. Pure: a document in, a new document out."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from health.rules.editing import plain, tables_of
from health.rules.mappings import Bands, Categories, Linear
from health.rules.standard import STANDARD

Document = dict[str, Any]
_LIMITS: Final = ("caps", "floors")
STEP: Final = 5


def proposal(
    document: Document,
    *,
    weights: Mapping[str, int],
    learned: Mapping[str, Linear | Bands | Categories],
    yellow: int | None = None,
    green: int | None = None,
) -> Document:
    """The document with these weights and mappings. Inputs without a weight were refused and are left out.

    `yellow` and `green` move the edges of the bands where the document has the default ones. Groups get the weight of
    their inputs. A cap or floor on an input that is left out goes with it.
    """
    made = deepcopy(document)
    made["inputs"] = [_filled(one, weights, learned) for one in made["inputs"] if one["key"] in weights]
    if "groups" in made:
        sums = {
            group["key"]: sum(one["weight"] for one in made["inputs"] if one.get("group") == group["key"])
            for group in made["groups"]
        }
        made["groups"] = [{**one, "weight": sums[one["key"]]} for one in made["groups"] if sums[one["key"]]]
        kept = {one["key"] for one in made["groups"]}
        made["inputs"] = [one for one in made["inputs"] if one.get("group") in kept]
    for name in _LIMITS:
        if name in made:
            keys = {one["key"] for one in made["inputs"]}
            made[name] = [one for one in made[name] if one.get("input") in keys]
    if moved := _moved(made, yellow, green):
        made["bands"] = moved
    return made


def _moved(document: Document, yellow: int | None, green: int | None) -> Document | None:
    """Rising edges, a found one before a default one. None: somebody chose the edges, or none was found."""
    usual: Document = STANDARD["bands"]
    if {**usual, **document.get("bands", {})} != usual or (yellow is None and green is None):
        return None
    if yellow is None and green is not None:
        yellow = min(usual["yellow"], green - STEP)
    if green is None and yellow is not None:
        green = max(usual["green"], yellow + STEP)
    if yellow is None or green is None or not 0 < yellow < green < 100:
        return None
    return {**usual, "yellow": yellow, "green": green}


def mapping_document(mapping: Linear | Bands | Categories) -> Document:
    """A mapping as a document writes it."""
    if isinstance(mapping, Linear):
        return {"linear": {"worst": plain(mapping.worst), "best": plain(mapping.best)}}
    if isinstance(mapping, Bands):
        return {
            "bands": [[None if edge == float("inf") else _exact(edge), plain(points)] for edge, points in mapping.steps]
        }
    return {"categories": {name: plain(points) for name, points in mapping.points}}


def _filled(one: Document, weights: Mapping[str, int], learned: Mapping[str, Linear | Bands | Categories]) -> Document:
    one["weight"] = weights[one["key"]]
    for table in tables_of(one):
        if "learn" in table["mapping"]:
            table["mapping"] = mapping_document(learned[one["key"]])
    return one


def _exact(number: float) -> int | float:
    """Edges are not rounded: the next value may lie close by."""
    return int(number) if number == int(number) and abs(number) < 1e15 else number
