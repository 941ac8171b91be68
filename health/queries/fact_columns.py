"""Registered facts as columns that a compiled model can read: for everybody as of one day, or for any moment.

A fact is an expression for one date. It is asked once, for a date far from all others; wherever that date, or one some
days off, stands among the parameters of its SQL, the statement's own day is put in its place.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from accounts.models import Account
from core import registry
from health.engine import FactColumn, FactColumns
from health.engine.sources import AS_OF

_STAND_IN: Final = date(2600, 1, 1)
_NEAR: Final = timedelta(days=20_000)
_PLACE: Final = re.compile("%(%|s)")


def fact_columns(keys: Iterable[str]) -> FactColumns | None:
    """One SELECT over accounts for those of the keys that are registered facts; None when none is."""
    known = registry.facts()
    chosen = sorted(key for key in keys if key in known)
    if not chosen:
        return None
    columns = {key: FactColumn(f"f{index}", known[key].type, known[key].now_only) for index, key in enumerate(chosen)}
    asked: dict[str, Any] = {columns[key].name: known[key].expression(_STAND_IN) for key in chosen}
    query = Account.objects.order_by().annotate(**asked).values("id", *asked).query
    text, given = query.sql_with_params()
    params: dict[str, Any] = {}
    values = iter(given)

    def named(found: re.Match[str]) -> str:
        if found[1] == "%":
            return "%%"
        value = next(values)
        if (day := _day(value)) is not None:
            return day
        name = f"fact_{len(params)}"
        params[name] = value
        return f"%({name})s"

    return FactColumns(_PLACE.sub(named, text), params, columns)


def _day(value: Any) -> str | None:
    """A parameter in terms of the statement's day, where it is the stand-in or so many days off it."""
    day = value.date() if isinstance(value, datetime) else value
    if not isinstance(day, date) or abs(day - _STAND_IN) > _NEAR:
        return None
    shifted = f"({AS_OF} + {(day - _STAND_IN).days})"
    if not isinstance(value, datetime):
        return shifted
    seconds = (value - datetime.combine(day, datetime.min.time(), tzinfo=value.tzinfo)).total_seconds()
    stamp = f"({shifted}::timestamp + interval '{seconds} seconds')"
    return f"({stamp} AT TIME ZONE 'UTC')" if value.tzinfo is not None else stamp
