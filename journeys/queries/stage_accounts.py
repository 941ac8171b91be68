"""The accounts behind the figures of a stage: who stands there, who is stuck, who of the cohort has not gone on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from accounts.models import Account
from core.tenancy import require_tenant_id
from journeys.models import LifecycleStage
from journeys.queries.gates import account_missing
from journeys.queries.journey_figures import VALUE
from journeys.rules.journey_map import COHORT_DAYS

PAGE: Final = 50
SHOWS: Final[Mapping[str, str]] = {
    "now": "Here now",
    "stuck": "Stuck",
    "in_time": "Within the usual time",
    "missing": "Not gone on",
    "lost": "Lost",
    "entered": "Entered in 12 months",
}
_HERE: Final = frozenset({"now", "stuck", "in_time"})


@dataclass(frozen=True)
class StageRow:
    """An account of a stage. `state` says how it stands: here, stuck, lost, back, or went_on.

    With `is_at_least` nobody knows since when: `entered_on` is the day from which it is known to be there, and it
    stands there for `days` at least.
    """

    account_id: int
    name: str
    owner: str
    minor: int
    entered_on: date
    days: int
    is_at_least: bool
    last_contact_on: date | None
    state: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageRows:
    """A page of them, the longest there first, and where the next one starts ("" at the end)."""

    rows: Sequence[StageRow]
    after: str


_COLUMNS: Final = f"""account.id, account.name, COALESCE(owner.name, ''), ({VALUE})::bigint, found.entered_on,
  COALESCE(found.left_on, %(today)s::date) - found.entered_on, NOT found.is_start_known, account.last_contact_on"""
_JOINS: Final = """
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = found.account_id AND account.merged_into_id IS NULL
LEFT JOIN accounts_person AS owner ON owner.tenant_id = %(tenant)s AND owner.id = account.owner_id"""
_AFTER: Final = "(%(after_day)s::date IS NULL OR (found.entered_on, account.id) > (%(after_day)s::date, %(after_id)s))"

_HERE_NOW: Final = f"""
SELECT {_COLUMNS},
       CASE WHEN %(today)s::date - found.entered_on > %(limit)s THEN 'stuck' ELSE 'here' END
FROM journeys_stagevisit AS found {_JOINS}
WHERE found.tenant_id = %(tenant)s AND found.stage_id = %(stage)s AND found.left_on IS NULL
  AND account.status <> 'churned' AND {{which}} AND {_AFTER}
ORDER BY found.entered_on, account.id LIMIT %(most)s"""  # noqa: S608 -- put together from constants
# Whoever was seen there longer ago than the limit is stuck; whoever was seen lately may stand there for years.
_WHICH_HERE: Final = {
    "now": "true",
    "stuck": "found.entered_on < %(today)s::date - %(limit)s::int",
    "in_time": "found.is_start_known AND (%(limit)s::int IS NULL "
    "OR found.entered_on >= %(today)s::date - %(limit)s::int)",
}

# The cohort of one stage, each account by its first stay of the period; the same ends as on the map.
_COHORT: Final = f"""
WITH found AS (
  SELECT DISTINCT ON (visit.account_id) visit.account_id, visit.id, visit.entered_on, visit.left_on,
         visit.is_start_known
  FROM journeys_stagevisit AS visit
  WHERE visit.tenant_id = %(tenant)s AND visit.stage_id = %(stage)s AND visit.entered_on > %(since)s
    AND visit.entered_on <= %(today)s AND visit.is_start_known
  ORDER BY visit.account_id, visit.entered_on, visit.id
)
SELECT * FROM (
  SELECT {_COLUMNS},
         CASE WHEN gone.further OR COALESCE(following.stage_id = ANY(%(loops)s), false) THEN 'went_on'
              WHEN account.status = 'churned' OR here.stage_id IS NULL THEN 'lost'
              WHEN here.stage_id <> %(stage)s THEN 'back'
              WHEN %(today)s::date - here.entered_on > %(limit)s THEN 'stuck'
              ELSE 'in_time' END AS state
  FROM found {_JOINS}
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM journeys_stagevisit AS later
     WHERE later.tenant_id = %(tenant)s AND later.account_id = found.account_id
       AND later.stage_id = ANY(%(further)s) AND later.entered_on <= %(today)s
       AND (later.entered_on, later.id) > (found.entered_on, found.id)) AS further) AS gone
  LEFT JOIN LATERAL (SELECT later.stage_id FROM journeys_stagevisit AS later
     WHERE later.tenant_id = %(tenant)s AND later.account_id = found.account_id
       AND (later.entered_on, later.id) > (found.entered_on, found.id) AND later.entered_on <= %(today)s
     ORDER BY later.entered_on, later.id LIMIT 1) AS following ON true
  LEFT JOIN journeys_stagevisit AS here
    ON here.tenant_id = %(tenant)s AND here.account_id = found.account_id AND here.left_on IS NULL
  WHERE {_AFTER}
) AS judged
WHERE {{which}}
ORDER BY entered_on, id LIMIT %(most)s"""  # noqa: S608 -- put together from constants
_WHICH_COHORT: Final = {
    "entered": "true",
    "missing": "state <> 'went_on'",
    "lost": "state = 'lost'",
}


def stage_accounts(
    *,
    stage: LifecycleStage,
    show: str,
    limit: int | None,
    back_to: Sequence[str],
    today: date,
    after: str = "",
    most: int = PAGE,
) -> StageRows:
    """The accounts of a stage, the longest there first, with what each lacks to go on. Three statements at most.

    `show` is a key of `SHOWS`; `limit` the days after which a stay is stuck; `after` continues an earlier page.
    """
    after_day, after_id = read_after(after)
    params = {
        "tenant": require_tenant_id(),
        "stage": stage.pk,
        "today": today,
        "since": today - timedelta(days=COHORT_DAYS),
        "limit": limit,
        "after_day": after_day,
        "after_id": after_id,
        "most": most + 1,
        **_ways(stage, back_to, show),
    }
    sql = _HERE_NOW.format(which=_WHICH_HERE[show]) if show in _HERE else _COHORT.format(which=_WHICH_COHORT[show])
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    rows = found[:most]
    last = rows[-1] if len(found) > most else None
    return StageRows(_with_missing(rows, today), f"{last[4].isoformat()}_{last[0]}" if last else "")


def _ways(stage: LifecycleStage, back_to: Sequence[str], show: str) -> dict[str, Any]:
    """The stages that count as gone on: every later one, and at once after it those that it loops to."""
    if show in _HERE:
        return {}
    others = list(LifecycleStage.objects.filter(journey=stage.journey))
    return {
        "further": [one.pk for one in others if one.position > stage.position],
        "loops": [one.pk for one in others if one.key in back_to],
    }


def _with_missing(rows: Sequence[tuple[Any, ...]], today: date) -> list[StageRow]:
    here = [row[0] for row in rows if row[8] in {"here", "stuck", "in_time"}]
    missing = account_missing(Account.objects.filter(pk__in=here), today) if here else {}
    return [
        StageRow(
            account_id=account_id,
            name=name,
            owner=owner,
            minor=minor or 0,
            entered_on=entered_on,
            days=days,
            is_at_least=is_at_least,
            last_contact_on=touched,
            state=state,
            missing=missing.get(account_id, ()),
        )
        for account_id, name, owner, minor, entered_on, days, is_at_least, touched, state in rows
    ]


def read_after(text: str) -> tuple[date | None, int]:
    """Where an earlier page ended; nonsense starts from the beginning."""
    day, _, number = text.partition("_")
    try:
        found = date.fromisoformat(day) if len(day) == 10 else None
    except ValueError:
        return None, 0
    return (found, int(number)) if found and number.isascii() and number.isdigit() and len(number) < 18 else (None, 0)
