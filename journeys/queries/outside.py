"""Living accounts that stand in no stage of the journey, each with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id
from journeys.queries.journey_figures import OUTSIDE, VALUE
from journeys.queries.placing import beginnings
from journeys.queries.stages import lifecycle_stages

PAGE: Final = 50


@dataclass(frozen=True)
class OutsideRow:
    """An account in no stage. It left one on `left_on`, or `missing` keeps it out of `stage`, or nothing places it."""

    account_id: int
    name: str
    owner: str
    minor: int
    last_contact_on: date | None
    left_on: date | None
    stage: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutsideRows:
    """A page of them, by their age here, and where the next one starts ("" at the end)."""

    rows: Sequence[OutsideRow]
    after: str


_ROWS: Final = f"""
SELECT account.id, account.name, COALESCE(owner.name, ''), ({VALUE})::bigint, account.last_contact_on, stood.left_on,
       COALESCE(stood.name, '')
FROM accounts_account AS account
LEFT JOIN accounts_person AS owner ON owner.tenant_id = %(tenant)s AND owner.id = account.owner_id
LEFT JOIN LATERAL (
  SELECT last.left_on, stage.name FROM journeys_stagevisit AS last
  JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = last.stage_id
  WHERE last.tenant_id = %(tenant)s AND last.account_id = account.id
  ORDER BY last.entered_on DESC, last.id DESC LIMIT 1) AS stood ON true
WHERE {OUTSIDE} AND account.id > %(after)s
ORDER BY account.id LIMIT %(most)s"""  # noqa: S608 -- put together from constants


def accounts_outside(*, today: date, after: str = "", most: int = PAGE) -> OutsideRows:
    """The accounts in no stage, page by page: a constant number of statements. `after` continues an earlier page."""
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"tenant": require_tenant_id(), "after": start, "most": most + 1})
        found = cursor.fetchall()
    rows = found[:most]
    kept = _kept_out([row[0] for row in rows if row[5] is None], today)
    return OutsideRows([_row(row, kept) for row in rows], str(rows[-1][0]) if len(found) > most else "")


def _row(row: tuple[Any, ...], kept: dict[int, tuple[str, tuple[str, ...]]]) -> OutsideRow:
    account_id, name, owner, minor, touched, left_on, stood = row
    stage, missing = kept.get(account_id, (stood, ()))
    return OutsideRow(account_id, name, owner, minor or 0, touched, left_on, stage, missing)


def _kept_out(ids: Sequence[int], today: date) -> dict[int, tuple[str, tuple[str, ...]]]:
    """By account the stage in which it would begin, and what it lacks for that one."""
    begins = beginnings() if ids else None
    if begins is None:
        return {}
    names = {stage.key: stage.name for stage in lifecycle_stages()}
    scope, asked = "AND account.id = ANY(%(ids)s)", {"ids": list(ids), "today": today}
    lacks = {one.id: begins.names(one) for some in begins.shut(scope, asked, today).values() for one in some}
    return {pk: (names[key], lacks.get(pk, ())) for pk, key in begins.firsts(scope, asked)}
