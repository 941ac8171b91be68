"""What a document may hold. Pure; used by the rules of every app so that a misspelt field is never silently ignored."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any


def only(value: Mapping[str, Any], place: str, known: Collection[str]) -> None:
    """Raises `ValueError` for a field that is not among the known ones, with the one that was probably meant."""
    for name in value:
        if name in known:
            continue
        near = get_close_matches(str(name), known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known fields: {', '.join(sorted(known))}."
        raise ValueError(f"{place}{'.' if place else ''}{name}: this field is unknown. {remedy}")
