"""The score over time as numbers for the browser, with the words under it."""

from itertools import pairwise
from typing import Any

from core import formatting as f
from health.queries.explanation import Explanation, SeriesPoint


def score_chart(series: list[SeriesPoint], health: Explanation) -> dict[str, Any]:
    """The line holds until the next stored score. Markers: the version changed; dotted: brought in as history."""
    scores = [point.score for point in series if point.score is not None]
    low = 10 * int(min([*scores, health.yellow]) // 10) - 10
    high = min(10 * int(max([*scores, health.green]) // 10) + 20, 100)
    days = [point.day.isoformat() for point in series]
    values = [None if point.score is None else round(point.score, 1) for point in series]
    imported = [point.imported for point in series]
    if days[-1] != health.as_of.isoformat():
        days.append(health.as_of.isoformat())
        values.append(None if health.score is None else round(health.score, 1))
        imported.append(health.imported)
    markers = [
        {"x": after.day.isoformat(), "text": f"v{after.model_number}"}
        for before, after in pairwise(series)
        if before.model_number != after.model_number
    ]
    return {
        "kind": "lines",
        "x": days,
        "series": _lines(values, imported),
        "range": [max(low, 0), high],
        "bands": [health.yellow, health.green],
        "markers": markers,
    }


def _lines(values: list[float | None], imported: list[bool]) -> list[dict[str, Any]]:
    """Own days as a line; brought-in ones as a dotted line that meets it."""
    line: dict[str, Any] = {"name": "Score", "values": values, "tone": "accent", "step": True}
    if not any(imported):
        return [line]
    size = len(values)
    dotted = [value if imported[at] or (at > 0 and imported[at - 1]) else None for at, value in enumerate(values)]
    own = [value if not imported[at] else None for at, value in enumerate(values)]
    brought = {"name": "Score, brought in", "values": dotted, "tone": "accent", "step": True, "dash": True}
    return [brought, line | {"values": own}] if size and not all(imported) else [brought]


def score_sentence(series: list[SeriesPoint]) -> str:
    """What the line shows, for who does not see it; empty before there are two scores."""
    known = [point for point in series if point.score is not None]
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    return f"Score from {f.number(first.score, 1)} on {f.day(first.day)} to {f.number(last.score, 1)}."
