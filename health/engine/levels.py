"""From readings to a score, level by level: values, sub-scores, score and coverage, band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from health.rules import Bands, Categories, Input, Linear, Mapping, Missing, ScoreModel

# Values and sub-scores are rounded where they are made, so that the order in which rows are added up, which no
# statement promises, can never make a full run and an incremental one differ.
DECIMALS: Final = 6


@dataclass(frozen=True)
class Columns:
    """The columns of one input on the four levels of the statement."""

    facts: tuple[str, ...]
    value: str
    reading: str
    day: str
    fresh: str
    sub: str


def judged(model: ScoreModel, rows: Sequence[Columns], facts: str, keep: str) -> str:
    """The levels above `facts`, a SELECT of `keep`, of `as_of` and of every reading.

    OFFSET 0 keeps Postgres from working out a level once per use.
    """
    level_values = ", ".join(f"{r.value}, {r.reading}, {r.day}, {r.fresh}" for r in rows)
    level_subs = ", ".join(r.sub for r in rows)
    weights = [number(one.weight) for one in model.inputs]
    covered = " + ".join(f"CASE WHEN f{i} THEN {w} ELSE 0 END" for i, w in enumerate(weights))
    size = range(len(rows))
    arrays = ", ".join(
        f"ARRAY[{', '.join(f'{letter}{i}' for i in size)}]::{kind}[] AS {name}"
        for letter, kind, name in (
            ("v", "float8", "vals"),
            ("s", "float8", "subs"),
            ("d", "integer", "ages"),
            ("k", "smallint", "readings"),
        )
    )
    enough = f"CASE WHEN coverage + 1e-9 >= {number(model.min_coverage)} THEN {_limited(model)} END"
    band = (
        f"CASE WHEN score IS NULL THEN 'none' WHEN score < {number(model.yellow)} THEN 'red' "
        f"WHEN score < {number(model.green)} THEN 'yellow' ELSE 'green' END"
    )
    return f"""SELECT {keep}, score, {band} AS band, coverage, vals, subs, ages, readings
    FROM (SELECT {keep}, {enough} AS score, coverage, vals, subs, ages, readings
    FROM (SELECT {keep}, round(({_weighed(model)}) * 1e{DECIMALS}) / 1e{DECIMALS} AS raw_score,
        round(({covered})::float8 * 1e{DECIMALS}) / 1e{DECIMALS} AS coverage, {arrays}
    FROM (SELECT *, {level_subs}
    FROM (SELECT {keep}, {level_values}
    FROM (
        {facts}
    ) AS facts OFFSET 0) AS observed OFFSET 0) AS mapped OFFSET 0) AS weighed OFFSET 0) AS covered"""


def _weighed(model: ScoreModel) -> str:
    """The score before caps and floors: the mean of the groups that have a value, each the mean of its inputs."""
    groups: dict[str, list[int]] = {}
    for index, one in enumerate(model.inputs):
        groups.setdefault(one.group, []).append(index)
    means = [_mean(model, members) for members in groups.values()]
    if len(means) == 1:
        points, total = means[0]
        return f"({points}) / NULLIF({total}, 0)"
    weights = [number(sum(model.inputs[index].weight for index in members)) for members in groups.values()]
    above = " + ".join(
        f"COALESCE({weight} * ({points}) / NULLIF({total}, 0), 0)"
        for weight, (points, total) in zip(weights, means, strict=True)
    )
    below = " + ".join(
        f"CASE WHEN {total} > 0 THEN {weight} ELSE 0 END" for weight, (_, total) in zip(weights, means, strict=True)
    )
    return f"({above}) / NULLIF({below}, 0)"


def _mean(model: ScoreModel, members: Sequence[int]) -> tuple[str, str]:
    """Numerator and denominator over the inputs that have a sub-score."""
    weights = [(index, number(model.inputs[index].weight)) for index in members]
    points = " + ".join(f"COALESCE({weight} * s{index}, 0)" for index, weight in weights)
    total = " + ".join(f"CASE WHEN s{index} IS NULL THEN 0 ELSE {weight} END" for index, weight in weights)
    return points, total


def _limited(model: ScoreModel) -> str:
    """The score after floors and caps, in this order. GREATEST and LEAST pass over what is NULL."""
    if not model.limits:
        return "raw_score"
    place = {one.key: index + 1 for index, one in enumerate(model.inputs)}

    def holding(is_cap: bool) -> str:  # noqa: FBT001 -- one of two kinds
        word = "<" if is_cap else ">="
        return "".join(
            f", CASE WHEN subs[{place[one.input]}] {word} {number(one.edge)} THEN {number(one.score)} END"
            for one in model.limits
            if one.is_cap is is_cap
        )

    limited = f"LEAST(GREATEST(raw_score{holding(False)}){holding(True)})"
    return f"CASE WHEN raw_score IS NOT NULL THEN {limited} END"


def sub_score(index: int, one: Input) -> str:
    """The sub-score of an input in terms of its value and of the reading that gave it."""
    cases = " ".join(
        f"WHEN k{index} = {number_} THEN {_mapping(reading.mapping, f'v{index}')}"
        for number_, reading in enumerate(one.readings)
    )
    otherwise = {Missing.NEUTRAL: "50::float8", Missing.WORST: "0::float8"}.get(one.missing, "NULL::float8")
    return f"round((CASE {cases} ELSE {otherwise} END) * 1e{DECIMALS}) / 1e{DECIMALS}"


def _mapping(mapping: Mapping, value: str) -> str:
    if isinstance(mapping, Linear):
        worst, span = number(mapping.worst), number(mapping.best - mapping.worst)
        return f"LEAST(GREATEST(100 * ({value} - {worst}) / {span}, 0), 100)"
    if isinstance(mapping, Bands):
        steps = [f"WHEN {value} < {number(edge)} THEN {number(points)}" for edge, points in mapping.steps[:-1]]
        last = number(mapping.steps[-1][1])
        return f"CASE {' '.join(steps)} ELSE {last} END" if steps else last
    if isinstance(mapping, Categories):
        steps = [f"WHEN {value} = {at} THEN {number(points)}" for at, (_, points) in enumerate(mapping.points)]
        return f"CASE {' '.join(steps)} END"
    return "NULL::float8"  # not learned yet: the value is there, its worth is not


def number(value: float) -> str:
    return f"({float(value)!r}::float8)"
