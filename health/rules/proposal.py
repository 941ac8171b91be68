"""A model's document with what calibration found in it. Pure: a document in, a new document out."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from health.rules.editing import plain, tables_of
from health.rules.mappings import Bands, Categories, Linear

Document = dict[str, Any]
_LIMITS: Final = ("caps", "floors")


def proposal(
    document: Document, *, weights: Mapping[str, int], learned: Mapping[str, Linear | Bands | Categories]
) -> Document:
    """The document with these weights and mappings. Inputs without a weight were refused and are left out.

    Groups get the weight of their inputs. A cap or floor on an input that is left out goes with it.
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
    return made


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
