"""Outcomes with what was known of each account at its lead date, as arrays.

Imports numpy: only actions that run in jobs and commands may import this module, and only while they run.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from core.models import ProcessVersion
from health.learning.arrays import Flags, Floats, Rows
from health.queries.live import KIND
from health.queries.moments import Judged, judge_moments
from health.queries.outcomes import EPOCH, Known, known_outcomes
from health.rules import Missing, ScoreModel

Told = Callable[[int], None]


@dataclass(frozen=True)
class Evidence:
    """`rows` with, for reconstructed ones, the inputs' values. `reconstructed`: rows judged from facts, not stored.

    `fresh` says where a value is of its own window. `versions`: stored rows by number of the version that wrote them.
    """

    rows: Rows
    values: Floats
    fresh: Flags
    reconstructed: Flags
    versions: dict[int, int]


def gather(
    model: ScoreModel,
    *,
    lead_days: int,
    today: date,
    since: date | None = None,
    stored_of: str = "",
    told: Told = lambda _done: None,
) -> Evidence:
    """Every outcome as of its lead date, in memory that grows by a few numbers per outcome.

    `stored_of`: the key of a live model whose stored scores count, with whatever version wrote them. Without it, and
    where nothing was stored, the model judges the facts that were effective by then.
    """
    versions = dict(ProcessVersion.objects.filter(kind=KIND, key=stored_of).values_list("pk", "number"))
    places = _places(list(versions), model) if versions else {}
    parts = []
    done = 0
    for known in known_outcomes(model, lead_days=lead_days, today=today, since=since, versions=list(versions)):
        parts.append(_part(known, model, lead_days, places))
        done += len(known)
        told(done)
    if not parts:
        parts = [_part([], model, lead_days, places)]
    counted: Counter[int] = Counter()
    for part in parts:
        counted.update(versions[one] for one in part.wrote)
    return Evidence(
        rows=Rows(*(np.concatenate([getattr(p.rows, name) for p in parts]) for name in Rows.__dataclass_fields__)),
        values=np.concatenate([part.values for part in parts]),
        fresh=np.concatenate([part.fresh for part in parts]),
        reconstructed=np.concatenate([part.reconstructed for part in parts]),
        versions=dict(sorted(counted.items())),
    )


def seen_after(model: ScoreModel, rows: Rows, *, most: int = 2_000) -> list[float]:
    """Per input: the share of outcomes after which it had a value, on at most so many of them, evenly chosen."""
    if not len(rows):
        return [0.0] * len(model.inputs)
    chosen = range(0, len(rows), max(1, len(rows) // most))
    days = [min(max(reading.window_days for reading in one.readings), 60) for one in model.inputs]
    judged = {
        wait: judge_moments(
            model, [(int(rows.account[i]), EPOCH + timedelta(days=int(rows.day[i]) + wait)) for i in chosen]
        )
        for wait in set(days)
    }
    return [float(np.mean([row.values[at] is not None for row in judged[wait]])) for at, wait in enumerate(days)]


@dataclass(frozen=True)
class _Part:
    rows: Rows
    values: Floats
    fresh: Flags
    reconstructed: Flags
    wrote: list[int]


def _part(known: list[Known], model: ScoreModel, lead_days: int, places: dict[int, list[int | None]]) -> _Part:
    open_rows = [at for at, one in enumerate(known) if one.stored is None]
    lead = timedelta(days=lead_days)
    judged = judge_moments(model, [(known[at].account_id, known[at].day - lead) for at in open_rows])
    size, inputs = len(known), len(model.inputs)
    score, coverage = np.full(size, np.nan), np.zeros(size)
    band = np.full(size, "none", dtype="U6")
    subs, values = np.full((size, inputs), np.nan), np.full((size, inputs), np.nan)
    fresh = np.zeros((size, inputs), dtype=bool)
    reconstructed = np.zeros(size, dtype=bool)
    reconstructed[open_rows] = True
    for at, found in zip(open_rows, judged, strict=True):
        score[at], band[at], coverage[at] = _number(found.score), found.band, found.coverage
        subs[at] = [_number(one) for one in found.sub_scores]
        values[at] = [_number(one) for one in found.values]
        fresh[at] = list(_fresh(model, found))
    wrote = []
    for at, one in enumerate(known):
        if one.stored is None:
            continue
        score[at], band[at], coverage[at] = _number(one.stored[0]), one.stored[1], one.stored[2]
        told = one.stored[3]
        subs[at] = [_number(told[p] if p is not None and p < len(told) else None) for p in places[one.stored[4]]]
        wrote.append(one.stored[4])
    rows = Rows(
        account=np.array([one.account_id for one in known], dtype=np.int64),
        day=np.array([(one.day - EPOCH).days for one in known], dtype=np.int64),
        lost=np.array([one.lost for one in known], dtype=bool),
        segment=np.array([one.segment for one in known], dtype="U40"),
        arr=np.array([one.arr_minor for one in known], dtype=np.float64),
        score=score,
        band=band,
        coverage=coverage,
        subs=subs,
    )
    return _Part(rows, values, fresh, reconstructed, wrote)


def _fresh(model: ScoreModel, found: Judged) -> Iterator[bool]:
    for one, value, age, reading in zip(model.inputs, found.values, found.ages, found.readings, strict=True):
        carried = one.missing is Missing.CARRY and (age or 0) >= one.readings[reading or 0].window_days
        yield value is not None and not carried


def _places(versions: Sequence[int], model: ScoreModel) -> dict[int, list[int | None]]:
    """For each version, where the inputs of the model stand in its arrays."""
    rows: Any = ProcessVersion.objects.filter(pk__in=versions).values_list("pk", "definition")
    found = {}
    for pk, definition in rows:
        keys = [one.get("key") for one in definition.get("inputs", [])]
        found[pk] = [keys.index(one.key) if one.key in keys else None for one in model.inputs]
    return found


def _number(value: float | None) -> float:
    return np.nan if value is None else value
