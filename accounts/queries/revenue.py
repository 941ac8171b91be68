"""Reads of revenue: metrics over a period, the rows behind each figure, and whether ledger and lines agree.

Every metric is the sum of two expressions over one row per account, so that the rows of its drill-down add up to it
by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from accounts.choices import MovementKind
from accounts.queries.planning import whole_tables
from accounts.rules.revenue import CONTRACTS, MetricContract, MetricValue, Shape, Unit, contract, evaluate
from core.tenancy import require_tenant_id

# One row per account that ever had a line: ARR at both ends, whether it was active, had paid before, and its losses.
PER_ACCOUNT: Final = """
SELECT level.account_id, level.arr_start, level.arr_end, level.was_active, level.had_paid,
       COALESCE(loss.amount_minor, 0) AS lost
FROM (
    SELECT line.account_id,
           COALESCE(SUM(line.arr_minor) FILTER (WHERE line.kind = 'recurring' AND line.starts_on <= %(start)s
               AND (line.ends_on IS NULL OR line.ends_on > %(start)s)), 0)::bigint AS arr_start,
           COALESCE(SUM(line.arr_minor) FILTER (WHERE line.kind = 'recurring' AND line.starts_on <= %(end)s
               AND (line.ends_on IS NULL OR line.ends_on > %(end)s)), 0)::bigint AS arr_end,
           BOOL_OR(line.kind <> 'one_off' AND line.starts_on <= %(start)s
               AND (line.ends_on IS NULL OR line.ends_on > %(start)s)) AS was_active,
           BOOL_OR(line.kind = 'recurring' AND line.arr_minor > 0 AND line.starts_on <= %(start)s
               AND (line.ends_on IS NULL OR line.ends_on > line.starts_on)) AS had_paid
    FROM accounts_contractline AS line
    WHERE line.tenant_id = %(tenant)s AND line.starts_on <= GREATEST(%(start)s, %(end)s)
    GROUP BY line.account_id
) AS level
LEFT JOIN (
    SELECT account_id, -SUM(amount_minor)::bigint AS amount_minor
    FROM accounts_revenuemovement
    WHERE tenant_id = %(tenant)s AND effective_on > %(start)s AND effective_on <= %(end)s
      AND kind IN ('churn', 'contraction')
    GROUP BY account_id
) AS loss ON loss.account_id = level.account_id
"""

_BASE: Final = "CASE WHEN arr_start > 0 THEN arr_start ELSE 0 END"
_LOST: Final = "CASE WHEN arr_start > 0 THEN arr_start - LEAST(arr_start, GREATEST(arr_end, 0)) ELSE 0 END"
_GREW: Final = "CASE WHEN arr_start > 0 AND arr_end > arr_start THEN arr_end - arr_start ELSE 0 END"
_FROM_ZERO: Final = "CASE WHEN arr_start <= 0 AND arr_end > 0 THEN arr_end ELSE 0 END"
_RETURNED: Final = "CASE WHEN arr_start <= 0 AND arr_end > 0 AND had_paid THEN arr_end ELSE 0 END"
_PAYS: Final = "CASE WHEN arr_start > 0 THEN 1 ELSE 0 END"

# What each account adds to the numerator and to the denominator of a metric.
SUMS: Final[Mapping[str, tuple[str, str]]] = {
    "grr_cohort": ("CASE WHEN arr_start > 0 THEN LEAST(arr_start, GREATEST(arr_end, 0)) ELSE 0 END", _BASE),
    "nrr_cohort": ("CASE WHEN arr_start > 0 THEN arr_end ELSE 0 END", _BASE),
    "nrr_cohort_including_zero_base": ("CASE WHEN arr_start > 0 OR was_active THEN arr_end ELSE 0 END", _BASE),
    "grr_movement": ("CASE WHEN arr_start > 0 THEN arr_start - lost ELSE 0 END", _BASE),
    "gross_arr_churn": (_LOST, _BASE),
    "net_arr_churn_including_reactivation": (f"{_LOST} - {_GREW} - {_RETURNED}", _BASE),
    "logo_churn": ("CASE WHEN arr_start > 0 AND arr_end <= 0 THEN 1 ELSE 0 END", _PAYS),
    "snapshot_account_churn": (f"{_PAYS} - CASE WHEN arr_end > 0 THEN 1 ELSE 0 END", _PAYS),
    "snapshot_revenue_churn": ("arr_start - arr_end", "arr_start"),
    "expansion_share": (_GREW, f"{_GREW} + {_FROM_ZERO}"),
    "arr_start": ("arr_start", "0"),
    "arr_end": ("arr_end", "0"),
}

_COHORT: Final[Mapping[str, str]] = {
    "start_minor": "arr_start",
    "churn_minor": "CASE WHEN arr_start > 0 AND arr_end <= 0 THEN arr_start - arr_end ELSE 0 END",
    "contraction_minor": "CASE WHEN arr_end < arr_start AND (arr_start <= 0 OR arr_end > 0) "
    "THEN arr_start - arr_end ELSE 0 END",
    "expansion_minor": _GREW,
    "new_minor": "CASE WHEN arr_start <= 0 AND arr_end > arr_start THEN arr_end - arr_start ELSE 0 END",
    "returned_minor": _RETURNED,
    "end_minor": "arr_end",
}


@dataclass(frozen=True)
class Cohort:
    """Start and end compared account by account: start − churn − contraction + expansion + new + reactivation = end.

    Two ends cannot tell a first purchase from a return, so everything from zero is `new_minor` and
    `reactivation_minor` is 0; `returned_minor` is the part of `new_minor` from accounts that had paid before. The
    ledger's movements tell the two apart.
    """

    start_minor: int
    churn_minor: int
    contraction_minor: int
    expansion_minor: int
    new_minor: int
    returned_minor: int
    end_minor: int
    reactivation_minor: int = 0


@dataclass(frozen=True)
class MetricReport:
    """Every revenue metric over a period, the ledger's movements inside it (signed), and the two ends compared."""

    start: date
    end: date
    metrics: tuple[MetricValue, ...]
    movements: Mapping[str, int]
    cohort: Cohort
    ledger_until: date | None

    def __getitem__(self, key: str) -> MetricValue:
        for metric in self.metrics:
            if metric.contract.key == key:
                return metric
        raise KeyError(key)


@dataclass(frozen=True)
class MetricRow:
    """What one account adds to a metric's numerator and denominator."""

    account_id: int
    account_name: str
    arr_start_minor: int
    arr_end_minor: int
    numerator: int
    denominator: int


def metric_report(start: date, end: date) -> MetricReport:
    """All revenue metrics over the period, in two statements. ARR is read as of each end: start ≤ day < end of line."""
    columns = [column for pair in SUMS.values() for column in pair] + list(_COHORT.values())
    with whole_tables(), connection.cursor() as cursor:
        sums = ", ".join(f"COALESCE(SUM({column}), 0)::bigint" for column in columns)
        statement = f"SELECT {sums} FROM ({PER_ACCOUNT}) AS account"  # noqa: S608 -- our own statements
        cursor.execute(statement, _period(start, end))
        values = [int(value) for value in cursor.fetchone()]
        cursor.execute("SELECT MAX(arr_as_of) FROM accounts_account WHERE tenant_id = %s", [require_tenant_id()])
        ledger_until: date | None = cursor.fetchone()[0]
    totals = {key: (values[2 * n], values[2 * n + 1]) for n, key in enumerate(SUMS)}
    cohort = Cohort(**dict(zip(_COHORT, values[2 * len(SUMS) :], strict=True)))
    return MetricReport(
        start=start,
        end=end,
        metrics=tuple(_value(one, totals[one.key], ledger_until, end) for one in CONTRACTS),
        movements=movement_sums(start, end),
        cohort=cohort,
        ledger_until=ledger_until,
    )


def movement_sums(start: date, end: date) -> dict[str, int]:
    """What the ledger adds up to by kind over (start, end], signed: losses are negative. Every kind is named."""
    sums: dict[str, int] = {str(kind): 0 for kind in MovementKind.values}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, SUM(amount_minor)::bigint FROM accounts_revenuemovement "
            "WHERE tenant_id = %s AND effective_on > %s AND effective_on <= %s GROUP BY kind",
            [require_tenant_id(), start, end],
        )
        sums.update(dict(cursor.fetchall()))
    return sums


def metric_rows(key: str, start: date, end: date, *, limit: int = 200, offset: int = 0) -> list[MetricRow]:
    """The accounts behind a figure, those that move it most first. All rows together add up to the figure."""
    numerator, denominator = SUMS[contract(key).key]
    sql = f"""
        SELECT named.id, named.name, part.arr_start, part.arr_end, part.numerator, part.denominator
        FROM (SELECT account_id, arr_start, arr_end, ({numerator}) AS numerator, ({denominator}) AS denominator
              FROM ({PER_ACCOUNT}) AS account) AS part
        JOIN accounts_account AS named ON named.tenant_id = %(tenant)s AND named.id = part.account_id
        WHERE part.numerator <> 0 OR part.denominator <> 0
        ORDER BY ABS(part.denominator - part.numerator) DESC, named.name_key, named.id
        LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608 -- our own statements, values as parameters
    with whole_tables(), connection.cursor() as cursor:
        cursor.execute(sql, {**_period(start, end), "limit": limit, "offset": offset})
        return [MetricRow(*row) for row in cursor.fetchall()]


def ledger_breaks(today: date) -> int:
    """In how many accounts the ledger, the contract lines and the shown ARR do not agree. 0 is the only good answer.

    Each account is compared as of the day to which it was last brought, at most today.
    """
    with whole_tables(), connection.cursor() as cursor:
        cursor.execute(_BREAKS, {"tenant": require_tenant_id(), "today": today})
        return int(cursor.fetchone()[0])


_BREAKS: Final = """
WITH seen AS (
    SELECT id, arr_minor, LEAST(arr_as_of, %(today)s) AS day FROM accounts_account
    WHERE tenant_id = %(tenant)s AND arr_as_of IS NOT NULL
), line AS (
    SELECT line.account_id, SUM(line.arr_minor)::bigint AS arr_minor
    FROM accounts_contractline AS line JOIN seen ON seen.id = line.account_id
    WHERE line.tenant_id = %(tenant)s AND line.kind = 'recurring' AND line.starts_on <= seen.day
      AND (line.ends_on IS NULL OR line.ends_on > seen.day)
    GROUP BY line.account_id
), ledger AS (
    SELECT movement.account_id, SUM(movement.amount_minor)::bigint AS arr_minor
    FROM accounts_revenuemovement AS movement JOIN seen ON seen.id = movement.account_id
    WHERE movement.tenant_id = %(tenant)s AND movement.effective_on <= seen.day
    GROUP BY movement.account_id
)
SELECT COUNT(*) FROM seen
LEFT JOIN line ON line.account_id = seen.id
LEFT JOIN ledger ON ledger.account_id = seen.id
WHERE COALESCE(line.arr_minor, 0) <> COALESCE(ledger.arr_minor, 0) OR COALESCE(line.arr_minor, 0) <> seen.arr_minor
"""


def _period(start: date, end: date) -> dict[str, Any]:
    return {"tenant": require_tenant_id(), "start": start, "end": end}


def _value(one: MetricContract, sums: tuple[int, int], ledger_until: date | None, end: date) -> MetricValue:
    missing = ""
    if one.key == "grr_movement" and (ledger_until is None or ledger_until < end):
        missing = f"The ledger reaches to {ledger_until}." if ledger_until else "The ledger is empty."
    return evaluate(one, numerator=sums[0], denominator=sums[1], missing=missing)


def as_json(report: MetricReport) -> dict[str, Any]:
    """The report as scripts read it: money in minor units, rates as fractions, "n/a" as null with a reason."""
    return {
        "period": {"from": report.start, "to": report.end},
        "ledger_until": report.ledger_until,
        "metrics": {metric.contract.key: _metric_json(metric) for metric in report.metrics},
        "movements": dict(report.movements),
        "cohort": {name: getattr(report.cohort, name) for name in Cohort.__dataclass_fields__},
    }


def _metric_json(metric: MetricValue) -> dict[str, Any]:
    money = metric.contract.unit is Unit.MONEY
    return {
        "value": _plain(metric),
        "numerator_minor": metric.numerator if money else None,
        "denominator_minor": metric.denominator if money else None,
        "numerator": metric.numerator,
        "denominator": metric.denominator,
        "unit": metric.contract.unit,
        "variant": metric.contract.variant,
        "version": metric.contract.version,
        "name": metric.contract.name,
        "definition": metric.contract.definition,
        **({"reason": metric.reason} if metric.value is None else {}),
    }


def _plain(metric: MetricValue) -> float | int | None:
    if metric.value is None:
        return None
    return int(metric.value) if metric.contract.shape is Shape.TOTAL else float(metric.value)
