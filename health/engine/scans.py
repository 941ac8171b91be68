"""Passes over fact tables as SQL: one row per account, or one row per moment (an account as of a day of its own)."""

from dataclasses import dataclass
from typing import Final

from health.engine.sources import AS_OF, Pass

MOMENT_DAY: Final = "m.as_of"


@dataclass(frozen=True)
class Scan:
    """What is read of one table, and the columns that are made of it.

    `ranges`: the rows that are needed, each a condition that an index range can answer, no row in two of them.
    `bound`: what every row keeps.
    """

    name: str
    table: str
    alias: str
    columns: tuple[tuple[str, str], ...]
    ranges: tuple[str, ...]
    bound: str

    def per_account(self, *, restricted: bool) -> str:
        """One row per account as of one day; with `restricted` only for the accounts in `ids`."""
        alias = self.alias
        only = f" AND {alias}.account_id = ANY(%(ids)s)" if restricted else ""
        return (
            f"SELECT {alias}.account_id, {self._columns} FROM {self.table} {alias} "
            f"WHERE {alias}.tenant_id = %(tenant)s AND ({' OR '.join(self.ranges)}) AND {self.bound}{only} "
            f"GROUP BY {alias}.account_id"
        )

    def per_moment(self) -> str:
        """One row per moment. Each range is looked up on its own, so that no moment reads an account's whole past."""
        alias = self.alias
        parts = " UNION ALL ".join(
            f"SELECT {alias}.* FROM {self.table} {alias} WHERE {alias}.tenant_id = %(tenant)s "
            f"AND {alias}.account_id = m.account_id AND {one} AND {self.bound}"
            for one in self.ranges
        )
        return as_of_moments(
            f"SELECT m.n, {self._columns} FROM moments m CROSS JOIN LATERAL ({parts} OFFSET 0) {alias} GROUP BY m.n"
        )

    @property
    def _columns(self) -> str:
        return ", ".join(f"{sql} AS {name}" for sql, name in self.columns)


@dataclass(frozen=True)
class FactScan:
    """Registered facts: a SELECT over accounts with `id` and a column for each. Same two ways as a table."""

    sql: str
    name: str = "p_f"

    def per_account(self, *, restricted: bool) -> str:
        only = " WHERE q.id = ANY(%(ids)s)" if restricted else ""
        return f"SELECT q.id AS account_id, q.* FROM ({self.sql}) AS q{only}"

    def per_moment(self) -> str:
        one = f"SELECT q.* FROM ({self.sql}) AS q WHERE q.id = m.account_id OFFSET 0"
        return as_of_moments(f"SELECT m.n, one.* FROM moments m CROSS JOIN LATERAL ({one}) AS one")


def as_of_moments(sql: str) -> str:
    """The same with the day of a moment `m` in place of the one day of everybody."""
    return sql.replace(AS_OF, MOMENT_DAY)


def scan_of(here: Pass) -> Scan:
    """The pass with bounds: signals by measure, each as far back as its own readings look."""
    bound = here.table.until()
    if here.measures:
        ranges = tuple(
            f"({is_measure(one)} AND {here.table.since(days)})" for one, days in sorted(here.measures.items())
        )
    else:
        ranges = (here.table.since(here.days),)
    columns = tuple((_without_bounds(sql, here), name) for sql, name in here.columns.items())
    return Scan(here.name, here.table.name, here.table.alias, columns, ranges, bound)


def is_measure(measure_id: int) -> str:
    return f"s.measure_id = {int(measure_id)}"


def _without_bounds(sql: str, here: Pass) -> str:
    """A condition that every row of the pass keeps is not asked again row by row."""
    if not here.measures:
        known = [here.table.since(here.days)]
    else:
        for one, days in here.measures.items():
            sql = sql.replace(f"{is_measure(one)} AND {here.table.since(days)}", is_measure(one))
        known = [is_measure(one) for one in here.measures] if len(here.measures) == 1 else []
    for condition in known:
        sql = sql.replace(f"{condition} AND ", "").replace(f" AND {condition}", "")
        sql = sql.replace(f"FILTER (WHERE {condition})", "")
    return sql
