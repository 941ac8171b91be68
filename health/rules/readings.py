"""The ways in which an input gets its value: measures, `otherwise`, and rows of thresholds by segment and tenure."""

from collections.abc import Iterator
from typing import Any, Final

from health.rules import fields
from health.rules.mappings import Mapping, is_of_names, mapping_of
from health.rules.model import Aggregate, Reading

READING: Final = {"measure", "window_days", "baseline_days", "aggregate", "mapping", "thresholds"}
LONGEST_TENURE: Final = 1_200
CIRCULAR: Final = "health."

Row = tuple[Mapping, tuple[str, ...], tuple[int, int | None] | None]


def readings_of(raw: dict[str, Any], place: str, direction: str) -> Iterator[Reading]:
    """One per measure and row of thresholds, in the order in which they may answer."""
    names = _measures(raw.get("measure"), f"{place}.measure")
    try:
        aggregate = Aggregate(raw.get("aggregate", "mean"))
    except ValueError:
        raise ValueError(
            f"{place}.aggregate: '{raw.get('aggregate')}' is unknown. Use one of {', '.join(Aggregate)}."
        ) from None
    window = fields.days(raw.get("window_days", 30), f"{place}.window_days")
    baseline = fields.days(raw.get("baseline_days", 2 * window), f"{place}.baseline_days")
    rows = _rows(raw, place, direction)
    if aggregate is not Aggregate.LAST and any(is_of_names(mapping) for mapping, _, _ in rows):
        raise ValueError(f"{place}.aggregate: categories go with 'last', since names cannot be added up.")
    for name in names:
        for mapping, segments, tenure in rows:
            yield Reading(name, window, baseline, aggregate, mapping, segments, tenure)


def _measures(raw: Any, place: str) -> list[str]:
    names = raw if isinstance(raw, list) else [raw]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"{place}: name the measure to read, such as active_users or tickets.opened.")
    for name in names:
        if name.startswith(CIRCULAR):
            raise ValueError(
                f"{place}: '{name}' is made from the score itself, so the score cannot be made from it. "
                "Read what it rests on instead, such as active_users or tickets.opened."
            )
    return names


def _rows(raw: dict[str, Any], place: str, direction: str) -> list[Row]:
    """The rows of thresholds, then the mapping for everybody else, if there is one."""
    rows: list[Row] = []
    thresholds = raw.get("thresholds", [])
    if not isinstance(thresholds, list):
        raise ValueError(f"{place}.thresholds: must be a list of rows with segments or tenure_months, and mapping.")  # noqa: TRY004 -- one kind of error for a document
    for index, row in enumerate(thresholds):
        rows.append(_row(row, f"{place}.thresholds[{index}]", direction))
    if raw.get("mapping") is not None or not rows:
        rows.append((mapping_of(raw.get("mapping"), f"{place}.mapping", direction), (), None))
    return rows


def _row(raw: Any, place: str, direction: str) -> Row:
    if not isinstance(raw, dict):
        raise ValueError(f"{place}: must be a block with segments or tenure_months, and mapping.")  # noqa: TRY004 -- one kind of error for a document
    fields.only(raw, place, {"segments", "tenure_months", "mapping"})
    segments = fields.words(raw["segments"], f"{place}.segments") if raw.get("segments") is not None else ()
    tenure = _tenure(raw["tenure_months"], f"{place}.tenure_months") if raw.get("tenure_months") is not None else None
    if not segments and tenure is None:
        raise ValueError(f"{place}: say whom it is for with segments or tenure_months, or use mapping for everybody.")
    return mapping_of(raw.get("mapping"), f"{place}.mapping", direction), segments, tenure


def _tenure(raw: Any, place: str) -> tuple[int, int | None]:
    if not isinstance(raw, list) or len(raw) != 2:
        raise ValueError(f"{place}: two numbers of months, from and before, such as [0, 12] or [12, null].")
    first = fields.whole(raw[0], place, low=0, high=LONGEST_TENURE, unit="months")
    if raw[1] is None:
        return first, None
    until = fields.whole(raw[1], place, low=0, high=LONGEST_TENURE, unit="months")
    if until <= first:
        raise ValueError(f"{place}: {until} does not lie above {first}. Write [from, before], such as [0, 12].")
    return first, until
