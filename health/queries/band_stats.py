"""Who stands in each band of an input today, and how many of those who stood there a year ago were lost since."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from accounts.queries.lost import IS_LOST
from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from health.queries.live import model_of
from health.queries.moments import judged_sql
from health.rules import Bands, Categories, Input, Linear, parse_model
from health.rules.editing import input_of, tables_of
from health.rules.model import Mapping

YEAR: Final = 365
# A share of fewer accounts says nothing.
LEAST: Final = 10

# After the judged accounts come %(place)s, %(edges)s and %(which)s: the input, its edges, the readings of the table.
_PLACED: Final = """,
placed AS (
    SELECT j.account_id, j.arr_minor, CASE WHEN j.vals[%(place)s] IS NULL THEN -1
        ELSE (SELECT count(*) FROM unnest(%(edges)s::float8[]) AS edge WHERE edge <= j.vals[%(place)s]) END AS band
    FROM judged j
    WHERE j.vals[%(place)s] IS NULL OR j.readings[%(place)s] = ANY(%(which)s::smallint[])
)"""
_NOW: Final = " SELECT band, count(*), sum(arr_minor)::bigint FROM placed GROUP BY band"
_LOST: Final = f"""
SELECT band, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM accounts_outcome o WHERE o.tenant_id = %(tenant)s AND o.account_id = placed.account_id
      AND {IS_LOST} AND o.day > %(as_of)s::date AND o.day <= %(until)s::date
)) FROM placed GROUP BY band"""  # noqa: S608 -- a constant


@dataclass(frozen=True)
class BandStat:
    """One band. `lost` of `base` accounts that stood there a year ago were lost since."""

    label: str
    accounts: int
    arr_minor: int
    base: int
    lost: int

    @property
    def lost_share(self) -> float | None:
        return self.lost / self.base if self.base >= LEAST else None


def band_stats(version: ProcessVersion, key: str, table: int, *, as_of: date) -> list[BandStat]:
    """The bands of a table in order, then the accounts without a value. Two statements; nothing is written.

    A line is shown in four parts. Raises `BadFields` and `IndexError` for an input or table that is not there.
    """
    model = model_of(version)
    mapping = _parsed(tables_of(input_of(version.definition, key))[table]["mapping"])
    place = next(at for at, one in enumerate(model.inputs) if one.key == key)
    labels, edges = _cut(mapping)
    values: dict[str, Any] = {
        "place": place + 1,
        "edges": edges,
        "which": _which(model.inputs[place], mapping),
        "tenant": require_tenant_id(),
    }
    sql, params = judged_sql(model)
    now = {row[0]: row for row in _rows(sql + _PLACED + _NOW, {**params, **values, "as_of": as_of})}
    sql, params = judged_sql(model, then=True)
    days = {"as_of": as_of - timedelta(days=YEAR), "until": as_of}
    then = {row[0]: row for row in _rows(sql + _PLACED + _LOST, {**params, **values, **days})}
    empty = (0, 0, 0)
    return [
        BandStat(label, *now.get(band, empty)[1:3], *then.get(band, empty)[1:3])
        for label, band in [*((label, at) for at, label in enumerate(labels)), ("No value", -1)]
    ]


def _parsed(mapping: dict[str, Any]) -> Mapping:
    """One mapping of a document, read as part of the smallest model there is."""
    one = {"key": "x", "measure": "x", "aggregate": "last", "mapping": mapping, "weight": 1}
    return parse_model({"key": "x", "inputs": [one]}).inputs[0].readings[0].mapping


def _which(one: Input, mapping: Mapping) -> list[int]:
    return [at for at, reading in enumerate(one.readings) if reading.mapping == mapping]


def _cut(mapping: Mapping) -> tuple[list[str], list[float]]:
    if isinstance(mapping, Bands):
        edges = [edge for edge, _ in mapping.steps[:-1]]
        return [f"{points:g} points" for _, points in mapping.steps], edges
    if isinstance(mapping, Categories):
        return [name for name, _ in mapping.points], [float(at) for at in range(1, len(mapping.points))]
    if isinstance(mapping, Linear):
        low, high = sorted((mapping.worst, mapping.best))
        edges = [low + (high - low) * part / 4 for part in (1, 2, 3)]
        names = ["under 25 points", "25 to under 50", "50 to under 75", "75 points or more"]
        return (names if mapping.best > mapping.worst else names[::-1]), edges
    return ["not learned yet"], []


def _rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
