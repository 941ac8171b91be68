"""Where every account stood on a day, from what was stored then: the accounts behind each point of a trend.

As of a day counts the last row of history at or before it. An account without one stands at "none" when it was a
customer then, and is absent otherwise; an account that left has a row that says so. The day that agrees with the
current scores is read from them, which is exact and quick. ARR of a past day is that of the contract lines.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from django.db import connection

from accounts.queries.planning import whole_tables
from core.tenancy import require_tenant_id
from health.choices import Band
from health.models import HealthDay, ScoringState

ABSENT: Final = "absent"
MANY: Final = 1000
ORDER: Final = (Band.RED.value, Band.YELLOW.value, Band.GREEN.value, Band.NONE.value, ABSENT)


@dataclass(frozen=True)
class Slice:
    """Which accounts: segment, owner (0 = nobody) and stage as they are now; None or "" takes all."""

    segment: str | None = None
    owner_id: int | None = None
    stage_id: int | None = None

    @property
    def key(self) -> str:
        return f"{self.segment}:{self.owner_id}:{self.stage_id}"


@dataclass(frozen=True)
class Cell:
    """Accounts that stand (or moved) alike, highest ARR first. `ids` and `keys` run side by side; a key is the ARR."""

    then: str
    now: str
    arr_then: int
    arr_now: int
    ids: "array[int]" = field(repr=False)
    keys: "array[int]" = field(repr=False)

    @property
    def accounts(self) -> int:
        return len(self.ids)

    @property
    def at_stake(self) -> int:
        """ARR as of the later day; of those that left, as of the earlier."""
        return self.arr_then if self.now == ABSENT else self.arr_now

    @property
    def fall(self) -> int:
        """How much worse the later band is: 1 to 4, negative for a rise, 0 where nothing is known to be worse."""
        if ABSENT in {self.then, self.now}:
            return 4 if self.now == ABSENT else -4
        if Band.NONE in {self.then, self.now}:
            return 0
        return ORDER.index(self.then) - ORDER.index(self.now)


@dataclass(frozen=True)
class Moves:
    """All cells between two days; both totals are those of the cells, so that a matrix adds up."""

    since: date
    until: date
    cells: tuple[Cell, ...]

    def cell(self, then: str, now: str) -> Cell:
        for one in self.cells:
            if (one.then, one.now) == (then, now):
                return one
        return Cell(then, now, 0, 0, array("q"), array("q"))

    def worst_first(self) -> list[Cell]:
        """The cells that are movements, the deepest falls first and within them the highest ARR."""
        moved = [one for one in self.cells if one.then != one.now and one.accounts]
        return sorted(moved, key=lambda one: (-one.fall, -one.at_stake, one.then, one.now))


_CHOSEN: Final = """chosen AS MATERIALIZED (
    SELECT a.id, a.status, a.customer_since, a.arr_minor FROM accounts_account a
    WHERE a.tenant_id = %(tenant)s AND a.status <> 'merged' AND (%(segment)s::text IS NULL OR a.segment = %(segment)s)
      AND (%(owner)s::bigint IS NULL OR COALESCE(a.owner_id, 0) = %(owner)s)
      AND (%(stage)s::bigint IS NULL OR EXISTS (
        SELECT FROM journeys_stagevisit v WHERE v.tenant_id = a.tenant_id AND v.account_id = a.id
          AND v.stage_id = %(stage)s AND v.left_on IS NULL))
)"""
_LINES: Final = """lines AS MATERIALIZED (
    SELECT o.account_id, {sums}
    FROM accounts_contractline o WHERE o.tenant_id = %(tenant)s GROUP BY o.account_id
)"""
_VALID: Final = "o.kind = 'recurring' AND o.starts_on <= %({day})s AND (o.ends_on IS NULL OR o.ends_on > %({day})s)"
# History that was brought in ends without a row that says so: such an account is there while it is a customer.
_PAST: Final = """{name} AS MATERIALIZED (
    SELECT c.id, CASE
            WHEN h.has_left OR (COALESCE(h.imported, true) AND NOT COALESCE(l.pays_{name},
                l.account_id IS NULL AND c.status = 'customer' AND c.customer_since <= %({day})s, false)) THEN 'absent'
            ELSE COALESCE(h.band, 'none') END AS band,
        h.score, h.model_version_id AS version_id, COALESCE(l.arr_{name}, 0)::bigint AS arr,
        COALESCE(h.imported, false) AS imported
    FROM chosen c
    LEFT JOIN lines l ON l.account_id = c.id
    LEFT JOIN LATERAL (
        SELECT s.band, s.score, s.model_version_id, s.imported,
            s.score IS NULL AND cardinality(s."values") = 0 AS has_left
        FROM health_scorehistory s WHERE s.tenant_id = %(tenant)s AND s.account_id = c.id AND s.as_of <= %({day})s
        ORDER BY s.as_of DESC, s.computed_at DESC LIMIT 1
    ) AS h ON true
)"""
_CURRENT: Final = """{name} AS MATERIALIZED (
    SELECT c.id, COALESCE(s.band, 'absent') AS band, s.score, s.model_version_id AS version_id,
        COALESCE(s.counted_arr_minor, c.arr_minor) AS arr, false AS imported
    FROM chosen c LEFT JOIN health_score s ON s.tenant_id = %(tenant)s AND s.account_id = c.id
)"""


def stored_days(limit: int = 800) -> list[date]:
    """The days that have a roll-up, latest first."""
    days = HealthDay.objects.order_by("-day").values_list("day", flat=True).distinct()
    return list(days[:limit])


def last_stored(day: date) -> date | None:
    """The latest day with a roll-up at or before a day."""
    return HealthDay.objects.filter(day__lte=day).order_by("-day").values_list("day", flat=True).first()


def moves(*, since: date, until: date, wanted: Slice) -> Moves:
    """Every account from where it stood to where it stands, grouped. Two statements, in one pass over the accounts."""
    sql, params = _days_sql({"a": since, "b": until}, wanted)
    sql += """
SELECT a.band, b.band, sum(a.arr)::bigint, sum(b.arr)::bigint,
    array_agg(a.id ORDER BY CASE WHEN b.band = 'absent' THEN a.arr ELSE b.arr END DESC, a.id),
    array_agg(CASE WHEN b.band = 'absent' THEN a.arr ELSE b.arr END
              ORDER BY CASE WHEN b.band = 'absent' THEN a.arr ELSE b.arr END DESC, a.id)
FROM a JOIN b ON b.id = a.id
WHERE a.band <> 'absent' OR b.band <> 'absent'
GROUP BY a.band, b.band"""
    cells = tuple(
        Cell(then, now, before, after, array("q", ids), array("q", keys))
        for then, now, before, after, ids, keys in _rows(sql, params)
    )
    return Moves(since, until, cells)


def standing(*, day: date, wanted: Slice) -> dict[tuple[str, int | None], Cell]:
    """By band and model version, the accounts of a day. Accounts that were not there are left out."""
    sql, params = _days_sql({"a": day}, wanted)
    sql += """
SELECT a.band, a.version_id, sum(a.arr)::bigint, array_agg(a.id ORDER BY a.arr DESC, a.id),
    array_agg(a.arr ORDER BY a.arr DESC, a.id)
FROM a WHERE a.band <> 'absent' GROUP BY a.band, a.version_id"""
    return {
        (band, version): Cell(band, band, arr, arr, array("q", ids), array("q", keys))
        for band, version, arr, ids, keys in _rows(sql, params)
    }


def merged(cells: Sequence[Cell]) -> Cell:
    """Several cells as one, in the order of one."""
    if len(cells) == 1:
        return cells[0]
    pairs = sorted((-key, one) for cell in cells for one, key in zip(cell.ids, cell.keys, strict=True))
    return Cell(
        "",
        "",
        sum(cell.arr_then for cell in cells),
        sum(cell.arr_now for cell in cells),
        array("q", (one for _, one in pairs)),
        array("q", (-key for key, _ in pairs)),
    )


def without_amounts(cell: Cell) -> Cell:
    """The same accounts in an order that gives no amount away."""
    return replace(cell, ids=array("q", sorted(cell.ids)), keys=array("q", [0] * len(cell.ids)))


@dataclass(frozen=True)
class Place:
    """A stretch of a cell. `next` and `previous` are texts for the address, "" at the ends."""

    ids: list[int]
    next: str
    previous: str


def stretch(cell: Cell, *, after: str = "", before: str = "", size: int = 50) -> Place:
    """The accounts that follow (or come before) a key of the list. A key that cannot be is taken for the beginning."""
    pairs = [(-key, one) for one, key in zip(cell.ids, cell.keys, strict=True)]
    earlier, later = _key(before), _key(after)
    if earlier is not None:
        end = bisect_left(pairs, earlier)
        start = max(end - size, 0)
    else:
        start = bisect_right(pairs, later) if later is not None else 0
        end = start + size
    found = pairs[start:end]
    return Place(
        ids=[one for _, one in found],
        next=_text(found[-1]) if found and end < len(pairs) else "",
        previous=_text(found[0]) if found and start > 0 else "",
    )


def _text(pair: tuple[int, int]) -> str:
    return f"{-pair[0]}.{pair[1]}"


def _key(text: str) -> tuple[int, int] | None:
    amount, _, row_id = text.partition(".")
    for part in (amount.removeprefix("-"), row_id):
        if not (part.isascii() and part.isdigit() and len(part) < 19):
            return None
    return -int(amount), int(row_id)


@dataclass(frozen=True)
class Line:
    """An account of such a list, as it was on both days."""

    id: int
    name: str
    segment: str
    owner_id: int | None
    owner: str | None
    stage: str | None
    external_id: str
    score_then: float | None
    band_then: str
    arr_then: int
    score_now: float | None
    band_now: str
    arr_now: int
    imported: bool

    @property
    def change(self) -> float | None:
        if self.score_then is None or self.score_now is None:
            return None
        return self.score_now - self.score_then


_DETAILS: Final = """
SELECT x.id, x.name, x.segment, x.owner_id, p.name, st.name, x.external_id,
    a.score, a.band, a.arr, b.score, b.band, b.arr, a.imported OR b.imported
FROM a JOIN b ON b.id = a.id
JOIN accounts_account x ON x.tenant_id = %(tenant)s AND x.id = a.id
LEFT JOIN accounts_person p ON p.tenant_id = %(tenant)s AND p.id = x.owner_id
LEFT JOIN journeys_stagevisit v ON v.tenant_id = %(tenant)s AND v.account_id = x.id AND v.left_on IS NULL
LEFT JOIN journeys_lifecyclestage st ON st.tenant_id = %(tenant)s AND st.id = v.stage_id"""


def lines_of(ids: Sequence[int], *, since: date, until: date) -> list[Line]:
    """What a list shows of these accounts, in their order. Two statements, however many."""
    if not ids:
        return []
    sql, params = _days_sql({"a": since, "b": until}, Slice(), ids=list(ids))
    found = {row[0]: Line(*row) for row in _rows(sql + _DETAILS, params, everybody=len(ids) > MANY)}
    return [found[one] for one in ids if one in found]


def _days_sql(days: dict[str, date], wanted: Slice, ids: list[int] | None = None) -> tuple[str, dict[str, Any]]:
    """WITH the chosen accounts and, by name, where they stood on each day."""
    rolled = ScoringState.objects.values_list("rolled_on", flat=True).first()
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "segment": wanted.segment,
        "owner": wanted.owner_id,
        "stage": wanted.stage_id,
        "ids": ids,
        **{f"day_{name}": day for name, day in days.items()},
    }
    sums, parts = [], []
    for name, day in days.items():
        if rolled is not None and day >= rolled:
            parts.append(_CURRENT.format(name=name))
            continue
        valid = _VALID.format(day=f"day_{name}")
        sums.append(f"sum(o.arr_minor) FILTER (WHERE {valid}) AS arr_{name}")
        sums.append(f"COALESCE(bool_or(o.arr_minor > 0 AND {valid}), false) AS pays_{name}")
        parts.append(_PAST.format(name=name, day=f"day_{name}"))
    chosen, lines = _CHOSEN, _LINES.format(sums=", ".join(sums or ["true AS is_there"]))
    if ids is not None:
        chosen = chosen.replace("WHERE ", "WHERE a.id = ANY(%(ids)s) AND ", 1)
        lines = lines.replace("WHERE o.tenant_id", "WHERE o.account_id = ANY(%(ids)s) AND o.tenant_id", 1)
    return "WITH " + ",\n".join([chosen, *([lines] if sums else []), *parts]), params


def _rows(sql: str, params: dict[str, Any], *, everybody: bool = True) -> list[tuple[Any, ...]]:
    # Without fresh statistics the planner would join the two days row by row: minutes at 100,000 accounts.
    with whole_tables() if everybody else nullcontext(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
