"""The rows of one page of the list: 50 by keyset through an index, with what each row shows, in one statement."""

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id
from health.queries import sparklines
from revops.dashboards.queries.portfolio import PAGE, RENEWING, SILENT, Filter

_SCORED: Final = """health_score s
  JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.status <> 'merged'"""
_NAMED: Final = """accounts_account a
  JOIN health_score s ON s.tenant_id = a.tenant_id AND s.account_id = a.id AND a.status <> 'merged'"""
_FORMER: Final = """accounts_account a
  LEFT JOIN health_score s ON s.tenant_id = a.tenant_id AND s.account_id = a.id"""
_RENEWING: Final = """renewals_renewal n
  JOIN accounts_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id AND a.status <> 'merged'
  JOIN health_score s ON s.tenant_id = a.tenant_id AND s.account_id = a.id"""

# The first open renewal of an account stands for it, so that two contracts do not make two rows.
_IS_FIRST: Final = """n.tenant_id = %(tenant)s AND n.state = 'open' AND NOT EXISTS (
  SELECT FROM renewals_renewal o WHERE o.tenant_id = n.tenant_id AND o.account_id = n.account_id AND o.state = 'open'
    AND (o.due_on, o.id) < (n.due_on, n.id))"""

_PAGE: Final = """
WITH page AS (
  SELECT a.id, a.name, a.segment, a.arr_minor, a.last_contact_on, a.owner_id, a.status,
         s.score, s.band, s.coverage, s.as_of, {key} AS sort_key
  FROM {source}
  WHERE {where}
  ORDER BY {order} LIMIT %(limit)s
)
SELECT page.*, person.name, page.score - h.score, r.due_on, r.forecast, stage.name, o.score
FROM page
LEFT JOIN accounts_person person ON person.tenant_id = %(tenant)s AND person.id = page.owner_id
LEFT JOIN LATERAL (
  SELECT h.score FROM health_scorehistory h WHERE h.tenant_id = %(tenant)s AND h.account_id = page.id
    AND h.as_of <= page.as_of - 30 ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1) AS h ON true
LEFT JOIN LATERAL (
  SELECT r.due_on, r.forecast FROM renewals_renewal r
  WHERE r.tenant_id = %(tenant)s AND r.account_id = page.id AND r.state = 'open' ORDER BY r.due_on LIMIT 1) AS r ON true
LEFT JOIN health_override o ON o.tenant_id = %(tenant)s AND o.account_id = page.id AND o.cleared_at IS NULL
     AND o.from_day <= %(today)s AND o.until_day > %(today)s
LEFT JOIN journeys_stagevisit visit ON visit.tenant_id = %(tenant)s AND visit.account_id = page.id
     AND visit.left_on IS NULL
LEFT JOIN journeys_lifecyclestage stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
ORDER BY {outer}
"""


@dataclass(frozen=True)
class Phase:
    """A stretch of the list whose rows all have the sort key, or all lack it."""

    key: str
    where: str
    cast: str


@dataclass(frozen=True)
class Row:
    """An account as the list shows it."""

    id: int
    name: str
    segment: str
    arr_minor: int
    last_contact_on: date | None
    owner_id: int | None
    status: str
    score: float | None
    band: str | None
    coverage: float | None
    as_of: date | None
    sort_key: Any
    owner: str | None
    change: float | None
    renewal_on: date | None
    forecast: str | None
    stage: str | None
    override: float | None
    line: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """`next` and `previous` are the values of `?after=` and `?before=`, "" at the ends."""

    rows: list[Row]
    next: str
    previous: str


class BadCursor(ValueError):
    """The address names a place in the list that cannot be."""


@dataclass(frozen=True)
class _Cursor:
    phase: int
    key: Any
    id: int

    def text(self) -> str:
        raw = json.dumps([self.phase, self.key, self.id], default=str, separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(text: str, wanted: Filter) -> _Cursor | None:
    """None without a cursor; raises `BadCursor` for anything that this list has not written."""
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        phase, key, row_id = json.loads(base64.urlsafe_b64decode(padded.encode()))
        phases = _phases(wanted)
        if type(phase) is not int or type(row_id) is not int or not 0 <= phase < len(phases) or abs(row_id) >= 2**63:
            raise BadCursor
        _check_key(key, phases[phase].cast)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor("This page of the list does not exist.") from error
    return _Cursor(phase, key, row_id)


def _check_key(key: Any, cast: str) -> None:
    if cast == "date":
        date.fromisoformat(key)
    if isinstance(key, str):
        key.encode()  # Half a pair of surrogates is no text.
    fits = {
        "float8": type(key) in {int, float} and math.isfinite(float(key)),
        "text": isinstance(key, str) and "\x00" not in key,
        "bigint": type(key) is int and abs(key) < 2**63,
    }
    if not fits.get(cast, True):
        raise BadCursor


def page_of(wanted: Filter, *, after: str = "", before: str = "") -> Page:
    """One page. Usually two statements; a third where the list goes over to accounts without the sort key."""
    cursor = read_cursor(before or after, wanted)
    backward = bool(before)
    phases = _phases(wanted)
    place = cursor.phase if cursor else 0
    found: list[tuple[int, Row]] = []
    while 0 <= place < len(phases) and len(found) <= PAGE:
        rows = _rows(wanted, phases[place], cursor, backward=backward, limit=PAGE + 1 - len(found))
        found += [(place, row) for row in rows]
        cursor = None
        place += -1 if backward else 1
    more = len(found) > PAGE
    found = found[:PAGE]
    if backward:
        found.reverse()
    lines = _lines([row for _, row in found])
    shown = [Row(**(row.__dict__ | {"line": lines.get(row.id, [])})) for _, row in found]
    return Page(
        rows=shown,
        next=_at(found[-1]) if found and (more or backward) else "",
        previous=_at(found[0]) if found and (more if backward else bool(after)) else "",
    )


def _lines(rows: list[Row]) -> dict[int, list[float | None]]:
    days = [row.as_of for row in rows if row.as_of]
    return sparklines([row.id for row in rows if row.band], until=max(days)) if days else {}


def _at(placed: tuple[int, Row]) -> str:
    phase, row = placed
    return _Cursor(phase, row.sort_key, row.id).text()


def _phases(wanted: Filter) -> list[Phase]:
    none = "NULL::int"
    sort = "name" if wanted.sort == "renewal" and _source(wanted) == _FORMER else wanted.sort
    phases = {
        "health": [Phase("s.score", "s.score IS NOT NULL", "float8"), Phase(none, "s.score IS NULL", "")],
        "name": [Phase("a.name_key", "true", "text")],
        "arr": [Phase("a.arr_minor", "true", "bigint")],
        "renewal": [Phase("n.due_on", _IS_FIRST, "date")],
        "contact": [
            Phase(none, "a.last_contact_on IS NULL", ""),
            Phase("a.last_contact_on", "a.last_contact_on IS NOT NULL", "date"),
        ],
    }[sort]
    return phases[::-1] if wanted.descending else phases


def _rows(wanted: Filter, phase: Phase, cursor: _Cursor | None, *, backward: bool, limit: int) -> list[Row]:
    down = wanted.descending != backward
    where, params = _where(wanted)
    where.append(phase.where)
    row_id = "s.account_id" if _source(wanted) == _SCORED else "a.id"
    compare = "<" if down else ">"
    if cursor is not None and phase.cast:
        where.append(f"({phase.key}, {row_id}) {compare} (%(after_key)s::{phase.cast}, %(after_id)s)")
    elif cursor is not None:
        where.append(f"{row_id} {compare} %(after_id)s")
    direction = " DESC" if down else ""
    keys = [phase.key, row_id] if phase.cast else [row_id]
    sql = _PAGE.format(
        key=phase.key,
        source=_source(wanted),
        where=" AND ".join(where),
        order=", ".join(key + direction for key in keys),
        outer=", ".join(key + direction for key in (["page.sort_key", "page.id"] if phase.cast else ["page.id"])),
    )
    params |= {"limit": limit, "today": wanted.today}
    if cursor is not None:
        params |= {"after_key": cursor.key, "after_id": cursor.id}
    with connection.cursor() as db:
        db.execute(sql, params)
        return [Row(*values) for values in db.fetchall()]


def _source(wanted: Filter) -> str:
    if wanted.view == "former" or wanted.before_scores:
        return _FORMER
    return {"health": _SCORED, "renewal": _RENEWING}.get(wanted.sort, _NAMED)


def _where(wanted: Filter) -> tuple[list[str], dict[str, Any]]:
    """Every part is written here; only values travel as parameters."""
    params: dict[str, Any] = {"tenant": require_tenant_id()}
    where = ["a.tenant_id = %(tenant)s"]
    band = "red" if wanted.view == "risk" else wanted.band
    if wanted.view == "former":
        where.append("a.status = 'churned'")
    elif wanted.before_scores:
        where.append("a.status = 'customer'")
    else:
        where.append("s.tenant_id = %(tenant)s")
    if wanted.owner_id is not None:
        where.append("s.counted_owner_id = %(owner)s" if _source(wanted) == _SCORED else "a.owner_id = %(owner)s")
        params["owner"] = wanted.owner_id
    if wanted.segment is not None:
        where.append("a.segment = %(segment)s")
        params["segment"] = wanted.segment
    if band and wanted.view != "former":
        where.append("s.band = %(band)s")
        params["band"] = band
        if wanted.owner_id is not None and band != "none":
            # Bands are ranges of scores: the index of the owner's scores is entered where the band begins.
            where.append(
                "s.score >= (SELECT min(b.score) FROM health_score b "
                "WHERE b.tenant_id = %(tenant)s AND b.band = %(band)s)"
            )
    if wanted.view == "risk":
        where.append(
            "EXISTS (SELECT FROM renewals_renewal x WHERE x.tenant_id = a.tenant_id AND x.account_id = a.id "
            "AND x.state = 'open' AND x.due_on <= %(renewing)s)"
        )
        params["renewing"] = wanted.today + RENEWING
    if wanted.view == "silent":
        where.append("(a.last_contact_on IS NULL OR a.last_contact_on < %(silent)s)")
        params["silent"] = wanted.today - SILENT
    if wanted.prefix:
        where.append("a.name_key >= %(from)s AND a.name_key < %(to)s")
        params |= {"from": wanted.prefix[0], "to": wanted.prefix[1]}
    return where, params
