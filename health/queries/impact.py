"""What a draft would change today: judged on the real portfolio by one statement that writes nothing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final

from django.db import connection

from core import formatting as f
from core.models import ProcessVersion, Tenant
from core.shapes import BadFields
from core.spreadsheets import harmless
from core.tenancy import require_tenant_id
from health.choices import Band
from health.models import Score
from health.queries.leaving import leaving
from health.queries.live import model_of
from health.queries.moments import judged_sql, with_room
from health.queries.state import scoring_day
from health.rules import ScoreModel
from health.rules.compare import Reason, reasons

# Up to here a page works the impact out while it is asked; beyond, a job does and shows its progress.
AT_ONCE: Final = 20_000
SHOWN: Final = 5
PAGE: Final = 50
BANDS: Final = (Band.GREEN, Band.YELLOW, Band.RED, Band.NONE)
_RANK: Final = {Band.GREEN: 3, Band.YELLOW: 2, Band.RED: 1, Band.NONE: 0}

# Accounts of the draft, and those of the live version that it leaves to another model or to nobody.
_COMPARED: Final = """,
compared AS MATERIALIZED (
    SELECT j.account_id, j.owner_id, j.arr_minor, j.score, j.band, j.coverage, j.subs,
        h.score AS old_score, COALESCE(h.band, 'none') AS old_band, h.sub_scores AS old_subs,
        h.coverage AS old_coverage, h.model_version_id
    FROM judged j
    LEFT JOIN health_score h ON h.tenant_id = %(tenant)s AND h.account_id = j.account_id
    UNION ALL
    SELECT l.account_id, COALESCE(a.owner_id, 0), a.arr_minor, l.score, l.band, l.coverage, NULL,
        h.score, h.band, h.sub_scores, h.coverage, h.model_version_id
    FROM unnest(%(left_ids)s::bigint[], %(left_scores)s::float8[], %(left_bands)s::text[], %(left_coverages)s::float8[])
        AS l(account_id, score, band, coverage)
    JOIN health_score h ON h.tenant_id = %(tenant)s AND h.account_id = l.account_id
    JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = l.account_id
)"""
_FLIP: Final = """SELECT 'flip', c.old_band, c.band, NULL::bigint, c.arr_minor, c.account_id, a.name, p.name,
        c.old_score, c.score, c.model_version_id, c.old_subs, c.subs, c.old_coverage, c.coverage
    FROM compared c
    JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = c.account_id
    LEFT JOIN accounts_person p ON p.tenant_id = %(tenant)s AND p.id = a.owner_id
    WHERE c.old_band <> c.band"""
_BY_SIZE: Final = "ORDER BY c.arr_minor DESC, c.account_id"
_BY_ID: Final = "ORDER BY c.account_id"  # for those who see no amounts: the order would tell them
_CELLS: Final = """
SELECT 'cell', old_band, band, count(*), sum(arr_minor)::bigint, NULL::bigint, NULL::text, NULL::text,
    NULL::float8, NULL::float8, NULL::bigint, NULL::float8[], NULL::float8[], NULL::float8, NULL::float8
FROM compared GROUP BY old_band, band
UNION ALL """
_IMPACT: Final = f"{_CELLS}({_FLIP} {_BY_SIZE} LIMIT %(limit)s)"
_LOAD: Final = """
UNION ALL
SELECT 'load', NULL, NULL, count(*), sum(c.arr_minor)::bigint, NULL, NULL, p.name, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL
FROM compared c LEFT JOIN accounts_person p ON p.tenant_id = %(tenant)s AND p.id = c.owner_id
WHERE c.band = 'red' AND c.old_band <> 'red' GROUP BY p.name"""


@dataclass(frozen=True)
class Cell:
    accounts: int
    arr_minor: int
    tone: str = ""


@dataclass(frozen=True)
class Row:
    band: str
    cells: list[Cell]
    total: Cell


@dataclass(frozen=True)
class Flip:
    """An account that would stand in another band. `why`: the inputs that make the difference, largest first.

    `told`: the reasons in words, where a job worked them out before.
    """

    account_id: int
    name: str
    owner: str
    arr_minor: int
    old_band: str
    new_band: str
    old_score: float | None
    new_score: float | None
    coverage: str = ""
    why: tuple[Reason, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def is_worse(self) -> bool:
        return _RANK[Band(self.new_band)] < _RANK[Band(self.old_band)]

    @property
    def reason(self) -> str:
        """The largest reason in words: `Support experience −6.2, weight 15 → 20 %`."""
        return self.words[0] if self.words else "Where the bands begin"

    @property
    def words(self) -> list[str]:
        """The three largest reasons in words; how much is known, where one of the two gives no score."""
        return [self.coverage] if self.coverage else [*self.told] or [in_words(one) for one in self.why[:3]]

    def cursor(self, *, money: bool) -> str:
        return f"{self.arr_minor}.{self.account_id}" if money else str(self.account_id)


@dataclass(frozen=True)
class Impact:
    """The matrix of live against draft, which adds up, and the largest accounts that change band."""

    as_of: date
    rows: list[Row]
    totals: list[Cell]
    total: Cell
    flips: list[Flip] = field(default_factory=list)
    newly_at_risk: list[tuple[str, int]] = field(default_factory=list)
    changed: int = 0
    worse: Cell = Cell(0, 0)
    better: Cell = Cell(0, 0)


def impact(version: ProcessVersion, *, today: date, shown: int = SHOWN) -> Impact:
    """The draft on today's portfolio: one statement, and nothing is written.

    `today` is the day that scores look back from, see `day_of`. Live is what is stored as current.
    """
    model = model_of(version)
    found = _asked(model, today, _IMPACT + _LOAD, limit=shown)
    cells = {(row[1], row[2]): Cell(row[3], row[4] or 0) for row in found if row[0] == "cell"}
    flips = _flips([row for row in found if row[0] == "flip"], model)
    load = [(row[7] or "Nobody", row[3]) for row in found if row[0] == "load"]
    return _matrix(cells, today, flips, sorted(load, key=lambda one: (-one[1], one[0])))


def flips(
    version: ProcessVersion, *, today: date, money: bool = True, after: str = "", limit: int = PAGE
) -> tuple[list[Flip], str]:
    """One page of the accounts that change band, and the cursor of the next page or "".

    The largest first; by id for those who see no money, whose cursor names no amount either. `BadFields` for a cursor
    that is none.
    """
    place = read_cursor(after, money=money)
    beyond = ""
    if place:
        beyond = " AND (-c.arr_minor, c.account_id) > (-%(arr)s::bigint, %(account)s::bigint)"
        beyond = beyond if money else " AND c.account_id > %(account)s::bigint"
    arr, account_id = place or (0, 0)
    model = model_of(version)
    select = f"\n{_FLIP}{beyond} {_BY_SIZE if money else _BY_ID} LIMIT %(limit)s"
    rows = _asked(model, today, select, limit=limit + 1, arr=arr, account=account_id)
    page = _flips(rows[:limit], model)
    return page, page[-1].cursor(money=money) if len(rows) > limit else ""


def every_flip(version: ProcessVersion, *, today: date, money: bool, limit: int | None = None) -> list[Flip]:
    """The accounts that change band, in the order of `flips`; all of them, or the first `limit`."""
    model = model_of(version)
    return _flips(
        _asked(model, today, f"\n{_FLIP} {_BY_SIZE if money else _BY_ID} LIMIT %(limit)s", limit=limit), model
    )


def as_csv(flips: Sequence[Flip], *, money: bool, more: int = 0) -> str:
    """A list of accounts that change band as a CSV file; without the right to see money, without amounts.

    `more` is how many accounts beyond these there are, which the last line says.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    head = ["account", "owner", "live_band", "draft_band", "live_score", "draft_score", "why"]
    writer.writerow([*head, "arr_minor"] if money else head)
    for one in flips:
        cells = [one.name, one.owner, one.old_band, one.new_band, one.old_score, one.new_score]
        why = "; ".join(one.words)
        writer.writerow([*map(harmless, [*cells, why]), *([one.arr_minor] if money else [])])
    if more:
        writer.writerow([f"Cut: {more:,} more accounts change band. These are the largest."])
    return out.getvalue()


def as_json(found: Impact) -> dict[str, Any]:
    """The same figures for the result of a job, under the names that the page reads."""
    return {**asdict(found), "as_of": found.as_of.isoformat(), "flips": [flip_json(one) for one in found.flips]}


def flip_json(one: Flip) -> dict[str, Any]:
    """An account that changes band, with its reasons in words."""
    return {**asdict(one), "why": [], "told": one.words, "is_worse": one.is_worse, "reason": one.reason}


def day_of(tenant: Tenant, today: date) -> date:
    """The day that a draft is judged on: the one that current scores look back from."""
    return scoring_day(tenant.pk, today)


def customers() -> int:
    """How many accounts have a current score, which says whether a page may work the impact out by itself."""
    return Score.objects.count()


def in_words(reason: Reason) -> str:
    """`Support experience −6.2, weight 15 → 20 %`."""
    points = f"{reason.label} {f.number(reason.points, 1, plus=True)}"
    if reason.what == "weight" and _percent(reason.old_weight) == _percent(reason.new_weight):
        return f"{points}, its share moves with the other weights"
    if reason.what == "weight":
        return f"{points}, weight {_percent(reason.old_weight)} → {_percent(reason.new_weight)}{f.NO_BREAK}%"
    if reason.what == "points" and reason.old_sub is not None and reason.new_sub is not None:
        return f"{points}, sub-score {f.number(reason.old_sub, 0)} → {f.number(reason.new_sub, 0)}"
    return f"{points}, " + {
        "new": "new in the draft",
        "gone": "not in the draft",
        "data": "has data in one of the two only",
    }.get(reason.what, "points")


def _percent(share: float) -> str:
    return f.number(share * 100, 0)


def read_cursor(after: str, *, money: bool) -> tuple[int, int] | None:
    """(ARR, account) after which a page begins, the ARR 0 without money; None for the first page."""
    if not after:
        return None
    arr, _, account = after.partition(".") if money else ("0", "", after)
    try:
        numbers = int(arr), int(account)
    except ValueError:
        raise BadFields({"after": "This page of the list is not there. Start at the first one."}) from None
    if not all(abs(number) < 2**62 for number in numbers):
        raise BadFields({"after": "This page of the list is not there. Start at the first one."})
    return numbers


def _asked(model: ScoreModel, today: date, select: str, **values: Any) -> list[tuple[Any, ...]]:
    ctes, params = judged_sql(model)
    left = leaving(model, as_of=today).params()
    asked = {**params, **left, "as_of": today, "tenant": require_tenant_id(), **values}
    with connection.cursor() as cursor:
        with_room(cursor)
        cursor.execute(f"{ctes}{_COMPARED}{select}", asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _flips(rows: Sequence[tuple[Any, ...]], model: ScoreModel) -> list[Flip]:
    ids = {row[10] for row in rows if row[10]}
    models = {version.pk: model_of(version) for version in ProcessVersion.objects.filter(pk__in=ids)} if ids else {}
    return [
        Flip(
            account_id=row[5],
            name=row[6],
            owner=row[7] or "",
            arr_minor=row[4],
            old_band=row[1],
            new_band=row[2],
            old_score=row[8],
            new_score=row[9],
            coverage=_covered(row, model),
            why=reasons(models[row[10]], row[11], model, row[12]) if row[10] and row[11] and row[12] else (),
        )
        for row in rows
    ]


def _covered(row: tuple[Any, ...], model: ScoreModel) -> str:
    """Why there is no sum of inputs to compare, where there is none."""
    if row[12] is None:
        return "No model is for it any more" if row[14] is None else "Left to another model"
    if row[8] is not None and row[9] is not None:
        return ""
    before = f.percent(row[13], 0) if row[13] is not None else "none"
    return f"Coverage {before} → {f.percent(row[14], 0)}, the draft needs {f.percent(model.min_coverage, 0)}"


def _matrix(cells: dict[tuple[str, str], Cell], as_of: date, flips: list[Flip], load: list[tuple[str, int]]) -> Impact:
    def total(pairs: list[tuple[str, str]]) -> Cell:
        found = [cells[pair] for pair in pairs if pair in cells]
        return Cell(sum(one.accounts for one in found), sum(one.arr_minor for one in found))

    def toned(old: Band, new: Band) -> Cell:
        cell = cells.get((old, new), Cell(0, 0))
        tone = "" if not cell.accounts else "same" if old == new else "worse" if _RANK[new] < _RANK[old] else "better"
        return Cell(cell.accounts, cell.arr_minor, tone)

    every = [(str(old), str(new)) for old in BANDS for new in BANDS]
    moved = [(Band(old), Band(new)) for old, new in every if old != new]

    def row(old: Band) -> Row:
        return Row(old, [toned(old, new) for new in BANDS], total([(str(old), str(new)) for new in BANDS]))

    return Impact(
        as_of=as_of,
        rows=[row(old) for old in BANDS],
        totals=[total([(str(old), str(new)) for old in BANDS]) for new in BANDS],
        total=total(every),
        flips=flips,
        newly_at_risk=load,
        changed=total([(str(old), str(new)) for old, new in moved]).accounts,
        worse=total([(str(old), str(new)) for old, new in moved if _RANK[new] < _RANK[old]]),
        better=total([(str(old), str(new)) for old, new in moved if _RANK[new] > _RANK[old]]),
    )
