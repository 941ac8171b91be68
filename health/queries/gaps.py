"""Where scores lack data: which input, since when, whose account, how much ARR. Ranked by ARR, largest first."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from core import registry
from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from health.choices import Band
from health.engine import last_days_sql

BELOW: Final = "coverage"
PAGE: Final = 50
InputName = tuple[str, str, tuple[str, ...]]  # key, name, the measures that it reads
Inputs = dict[int, list[InputName]]
Seen = dict[tuple[int, str], date | None]

_SCOPE: Final = """s.tenant_id = %(tenant)s
  AND (%(segment)s::text IS NULL OR s.counted_segment = %(segment)s)
  AND (%(owner)s::bigint IS NULL OR s.counted_owner_id = %(owner)s)"""

# A row per score and input without a value: it counts by its missing-data rule, or is left out.
_GROUPS: Final = f"""
SELECT s.model_version_id, place, count(*), sum(s.counted_arr_minor)::bigint,
    count(*) FILTER (WHERE s.sub_scores[place] IS NULL), count(*) FILTER (WHERE s.ages[place] IS NULL),
    min(s.as_of - s.ages[place])
FROM health_score s CROSS JOIN LATERAL generate_subscripts(s.sub_scores, 1) AS place
WHERE {_SCOPE} AND (s."values"[place] IS NULL OR s.sub_scores[place] IS NULL)
GROUP BY 1, 2
UNION ALL
SELECT NULL, NULL, count(*), COALESCE(sum(s.counted_arr_minor), 0)::bigint, 0, 0, NULL
FROM health_score s WHERE {_SCOPE} AND s.band = 'none'"""  # noqa: S608 -- this module's own texts

# An order gives away what it orders by: not for roles that may not see amounts.
_RANK: Final = "CASE WHEN %(by_arr)s THEN s.counted_arr_minor ELSE 0 END"
_ROWS: Final = f"""
SELECT a.id, a.name, a.segment, a.owner_id, p.name, s.counted_arr_minor, s.score, s.band, s.coverage, s.as_of,
    s.model_version_id, s.ages, s.sub_scores, ARRAY(
        SELECT s."values"[n] IS NULL FROM generate_subscripts(s.sub_scores, 1) AS n ORDER BY n), a.last_contact_on
FROM health_score s JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
LEFT JOIN accounts_person p ON p.tenant_id = a.tenant_id AND p.id = a.owner_id
WHERE {_SCOPE} AND ({{lacks}})
  AND (%(after_arr)s::bigint IS NULL OR ({_RANK}, s.account_id) < (%(after_arr)s::bigint, %(after_id)s::bigint))
ORDER BY {_RANK} DESC, s.account_id DESC LIMIT %(limit)s"""  # noqa: S608 -- this module's own texts

_NO_SCORE: Final = f"s.band = '{Band.NONE}'"
_LACKS: Final = {BELOW: _NO_SCORE, "": f"""array_position(s."values", NULL) IS NOT NULL OR {_NO_SCORE}"""}
_LACKS_INPUT: Final = """EXISTS (
    SELECT FROM unnest(%(versions)s::bigint[], %(places)s::int[]) AS asked(version, n)
    WHERE asked.version = s.model_version_id AND (s."values"[asked.n] IS NULL OR s.sub_scores[asked.n] IS NULL))"""


@dataclass(frozen=True)
class Gap:
    """An input (or the coverage as a whole) that accounts lack. `key` is the input's, or "coverage".

    `left_out`: accounts whose score does without it. `silent`: those in which nothing was observed in the input's
    window; the rows alone look up what lies before it. `last_seen`: the earliest last day among the others.
    """

    key: str
    name: str
    accounts: int
    arr_minor: int
    left_out: int
    silent: int
    last_seen: date | None


@dataclass(frozen=True)
class Lack:
    """An input that one account lacks, and the last day with data on it.

    It may lie before the input's window. None with `is_never`: nothing ever came. None without: the input reads facts
    of the account, whose past is not kept.
    """

    key: str
    name: str
    last_seen: date | None
    is_never: bool
    is_left_out: bool


@dataclass(frozen=True)
class GapRow:
    id: int
    name: str
    segment: str
    owner_id: int | None
    owner: str | None
    arr_minor: int
    score: float | None
    band: str
    coverage: float
    last_contact_on: date | None
    lacks: tuple[Lack, ...]


@dataclass(frozen=True)
class GapPage:
    rows: list[GapRow]
    next: str


def data_gaps(*, segment: str | None = None, owner_id: int | None = None) -> list[Gap]:
    """The inputs that scores lack, grouped, the most ARR first; the coverage as a whole stands at the top."""
    names = _inputs()
    params = _params(segment, owner_id)
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, params)
        rows = cursor.fetchall()
    below = Gap(BELOW, "Below minimum coverage: no score", 0, 0, 0, 0, None)
    groups: dict[str, Gap] = {}
    for version, place, accounts, arr, left_out, silent, last_seen in rows:
        if version is None:
            below = Gap(BELOW, below.name, accounts, arr, accounts, 0, None)
            continue
        key, name, _ = names[version][place - 1]
        was = groups.get(key, Gap(key, name, 0, 0, 0, 0, None))
        days = [day for day in (was.last_seen, last_seen) if day is not None]
        groups[key] = Gap(
            key, name, was.accounts + accounts, was.arr_minor + arr, was.left_out + left_out, was.silent + silent,
            min(days, default=None),
        )  # fmt: skip
    ranked = sorted(groups.values(), key=lambda gap: (-gap.arr_minor, -gap.accounts, gap.key))
    return [below, *ranked] if below.accounts else ranked


def gap_rows(
    key: str,
    *,
    segment: str | None = None,
    owner_id: int | None = None,
    after: str = "",
    limit: int = PAGE,
    by_arr: bool = True,
) -> GapPage:
    """The accounts that lack an input ("" any of them, "coverage" too many of them), the highest ARR first.

    Not `by_arr`, the order (and the place that `next` names) tells nothing about amounts.
    """
    names = _inputs()
    params = _params(segment, owner_id) | {"limit": limit + 1, "after_arr": None, "after_id": None, "by_arr": by_arr}
    arr, _, row_id = after.partition(".")
    if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (arr, row_id)):
        params |= {"after_arr": int(arr), "after_id": int(row_id)}
    if key and key != BELOW:
        # Where the input stands in each version that has it; an unknown input is in none.
        places = [
            (version, n) for version, keys in names.items() for n, (one, _, _) in enumerate(keys, 1) if one == key
        ]
        params |= {"versions": [one for one, _ in places], "places": [n for _, n in places]}
    lacks = _LACKS.get(key, _LACKS_INPUT)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(lacks=lacks), params)
        found = cursor.fetchall()
    seen = _last_days(found[:limit], names)
    rows = [_row(values, names, seen) for values in found[:limit]]
    return GapPage(rows, f"{rows[-1].arr_minor if by_arr else 0}.{rows[-1].id}" if len(found) > limit else "")


def _last_days(found: list[tuple[Any, ...]], names: Inputs) -> Seen:
    """The last day of each measure behind an input without a stored age, by account. One query for all rows."""
    facts = registry.facts()
    asked = {
        (values[0], measure, values[9])
        for values in found
        for (_, _, measures), age in zip(names.get(values[10], []), values[11], strict=False)
        if age is None
        for measure in measures
        if measure not in facts
    }
    seen: Seen = {(account_id, measure): None for account_id, measure, _ in asked}
    if not asked:
        return seen
    accounts, measures, days = (list(part) for part in zip(*sorted(asked), strict=True))
    params: dict[str, Any] = {"tenant": require_tenant_id(), "accounts": accounts, "measures": measures, "days": days}
    with connection.cursor() as cursor:
        cursor.execute(last_days_sql(measures), params)
        seen.update({(account_id, measure): day for account_id, measure, day in cursor.fetchall()})
    return seen


def _row(values: tuple[Any, ...], names: Inputs, seen: Seen) -> GapRow:
    as_of, version, ages, subs, unknown = values[9:14]
    lacks = tuple(
        _lack(values[0], one, None if age is None else as_of - timedelta(days=age), seen, is_left_out=sub is None)
        for one, age, sub, is_unknown in zip(names[version], ages, subs, unknown, strict=False)
        if is_unknown or sub is None
    )
    account_id, name, segment, owner_id, owner, arr, score, band, coverage = values[:9]
    return GapRow(
        account_id, name, segment, owner_id, owner, arr, score, band, coverage, last_contact_on=values[14], lacks=lacks
    )


def _lack(account_id: int, one: InputName, day: date | None, seen: Seen, *, is_left_out: bool) -> Lack:
    key, name, measures = one
    asked = [seen[account_id, measure] for measure in measures if (account_id, measure) in seen]
    last_seen = day or max((found for found in asked if found is not None), default=None)
    return Lack(key, name, last_seen, last_seen is None and bool(asked), is_left_out)


def _inputs() -> Inputs:
    """By model version: keys, names and measures of its inputs in the order of the stored arrays."""
    versions = ProcessVersion.objects.filter(kind="score_model", published_at__isnull=False)
    return {
        pk: [
            (str(one["key"]), str(one.get("name") or one["key"].replace("_", " ").capitalize()), _measures(one))
            for one in definition.get("inputs", [])
        ]
        for pk, definition in versions.values_list("pk", "definition")
    }


def _measures(block: dict[str, Any]) -> tuple[str, ...]:
    raw = [block.get("measure"), (block.get("otherwise") or {}).get("measure")]
    return tuple(name for one in raw if one for name in (one if isinstance(one, list) else [one]))


def _params(segment: str | None, owner_id: int | None) -> dict[str, Any]:
    return {"tenant": require_tenant_id(), "segment": segment, "owner": owner_id}
