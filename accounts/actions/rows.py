"""Rows that a program sends: taken by the same engine as files, so the same rules hold."""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from accounts.actions.imports import ImportRefused, import_file
from accounts.importing import engine
from accounts.importing.maps import ImportMap
from accounts.importing.stage import rejected_rows
from core.actors import Actor
from core.models import Tenant

FIRST_LINE: Final = 2  # as a spreadsheet counts: the header is 1


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken. `index` is its place in what was sent, from 0."""

    index: int
    code: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """read = created + updated + unchanged + rejected, always."""

    read: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rows: list[RefusedRow]
    warnings: list[dict[str, Any]]


@transaction.atomic
def take_rows(
    *,
    tenant: Tenant,
    kind: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    attributes: frozenset[str] = frozenset(),
    create_accounts: bool = False,
    actor: Actor,
    now: datetime,
    today: date,
) -> Taken:
    """Imports the rows of one kind; those that cannot be taken are told with their reason, the others are kept.

    `columns` is field → name in the rows; names in `attributes` are kept as printed. All rows are one table: what one
    of them lacks is an empty cell. Sent again, the same rows create and update nothing. Raises `ImportRefused` when
    they cannot be taken at all.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    import_map = ImportMap(
        kind=kind,
        columns={field: name for field, name in columns.items() if name in names},
        attributes=attributes & frozenset(names),
        create_accounts=create_accounts,
        date_format={"": "%Y-%m-%d"},
        decimal={"": "point"},
        options={"amounts_in": "minor_units"},
    )
    with tempfile.TemporaryDirectory(prefix="revops-rows-") as folder:
        path = Path(folder) / f"{kind}.csv"
        _write(path, names, rows)
        report = import_file(
            tenant=tenant,
            request=engine.Request(path=path, import_map=import_map, kind=kind, name=f"{kind} by API"),
            actor=actor,
            now=now,
            today=today,
            writes=True,
        )
    refused = [RefusedRow(line - FIRST_LINE, code, reason) for line, code, reason in rejected_rows()]
    return Taken(
        read=report.read,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        rejected=report.rejected,
        rows=refused,
        warnings=[{"code": one.code, "count": one.count, "message": one.message} for one in report.warnings],
    )


def _write(path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """A table that reads one way only: encoding and delimiter are stated in it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write("sep=,\n")
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(names)
        table.writerows([_cell(row.get(name)) for name in names] for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value)


__all__ = ["ImportRefused", "RefusedRow", "Taken", "take_rows"]
