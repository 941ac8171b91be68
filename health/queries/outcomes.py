"""What happened in the end, one row per account and day: the truth that scores are tested against.

Lost: as `accounts.queries.lost` has it. Kept: the others. Outcomes come from decided renewals, churn events and
imports, which all write the same table. A workspace that knows hardly more than losses has nobody to compare them with;
there, the accounts still active on the last day of its data count as kept on that day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from accounts.choices import OutcomeKind
from accounts.models import Outcome
from accounts.queries.lost import IS_LOST
from core.models import Tenant
from core.tenancy import require_tenant_id
from health.queries.live import live_models
from health.queries.state import scoring_day
from health.rules import ScoreModel, taken_before
from health.rules.minimums import LEAST_KEPT

CHUNK: Final = 5_000
EPOCH: Final = date(2000, 1, 1)  # arrays count days from here


@dataclass(frozen=True)
class Known:
    """An outcome, and what was stored of the account by its lead date.

    `stored`: (score, band, coverage, sub-scores, version id) of the last row computed here at or before that date, or
    None where there is none: history brought in from outside is not what anybody knew then.
    """

    account_id: int
    day: date
    lost: bool
    segment: str
    arr_minor: int
    stored: tuple[float | None, str, float, list[float | None], int] | None


_OUTCOMES: Final = f"""
SELECT o.account_id, o.day, bool_or({IS_LOST}) AS lost, max(o.amount_minor) AS amount_minor
FROM accounts_outcome o
WHERE o.tenant_id = %(tenant)s AND o.day <= %(today)s
GROUP BY o.account_id, o.day"""  # noqa: S608 -- a constant

# Active: by its contract lines, or where none are known by its status.
_ACTIVE: Final = """
UNION ALL
SELECT a.id, %(last_day)s::date, false, NULL::bigint
FROM accounts_account a
WHERE a.tenant_id = %(tenant)s
  AND CASE WHEN EXISTS (SELECT FROM accounts_contractline l WHERE l.tenant_id = a.tenant_id AND l.account_id = a.id)
      THEN EXISTS (SELECT FROM accounts_contractline l WHERE l.tenant_id = a.tenant_id AND l.account_id = a.id
                   AND l.starts_on <= %(last_day)s AND (l.ends_on IS NULL OR l.ends_on > %(last_day)s))
      ELSE a.status = 'customer' AND NOT EXISTS (
          SELECT FROM accounts_outcome o WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id
          AND o.kind = 'churned' AND o.day <= %(last_day)s)
      END
  AND NOT EXISTS (SELECT FROM accounts_outcome o WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id
                  AND o.day = %(last_day)s)"""

# Two clocks: the row is of a day by the lead date, and it was known by the end of that day.
_STORED: Final = """
LEFT JOIN LATERAL (
    SELECT h.score, h.band, h.coverage, h.sub_scores, h.model_version_id FROM health_scorehistory h
    WHERE h.tenant_id = %(tenant)s AND h.account_id = k.account_id AND h.as_of <= k.day - %(lead)s
      AND h.computed_at < (k.day - %(lead)s + 1)::timestamp AT TIME ZONE %(zone)s
      AND NOT h.imported AND h.model_version_id = ANY(%(versions)s)
    ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
) AS h ON true"""
_ARR: Final = """
LEFT JOIN LATERAL (
    SELECT sum(l.arr_minor)::bigint AS arr_minor FROM accounts_contractline l
    WHERE l.tenant_id = %(tenant)s AND l.account_id = k.account_id AND l.kind = 'recurring'
      AND l.starts_on <= k.day - %(lead)s AND (l.ends_on IS NULL OR l.ends_on > k.day - %(lead)s)
) AS paid ON true"""


def only_losses() -> bool:
    """Whether the workspace has recorded who left, and too few of who stayed to compare them with."""
    return Outcome.objects.filter(kind=OutcomeKind.RENEWED)[:LEAST_KEPT].count() < LEAST_KEPT


def last_outcome_day(today: date) -> date:
    """The day on which accounts count as kept where only losses are recorded: the last day of data."""
    return scoring_day(require_tenant_id(), today)


def known_outcomes(
    model: ScoreModel,
    *,
    lead_days: int,
    today: date,
    since: date | None = None,
    versions: Sequence[int] = (),
) -> Iterator[list[Known]]:
    """Outcomes by `today` of the accounts that the model is for, oldest first, in lists of a bounded size.

    `versions`: whose stored scores count; with none, no stored score does. Nothing stored or computed after an
    outcome's lead date is looked at.
    """
    tenant = Tenant.objects.get(pk=require_tenant_id())
    source = _OUTCOMES + (_ACTIVE if only_losses() else "")
    belongs, params = _belongs(model)
    stored = _STORED if versions else ""
    columns = "h.score, h.band, h.coverage, h.sub_scores, h.model_version_id" if versions else ""
    sql = f"""SELECT k.account_id, k.day, k.lost, a.segment, COALESCE(paid.arr_minor, k.amount_minor, 0)
        {"," + columns if columns else ""}
    FROM ({source}) AS k
    JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = k.account_id{_ARR}{stored}
    WHERE k.day >= COALESCE(%(since)s::date, k.day){belongs}
    ORDER BY k.day, k.account_id"""  # noqa: S608 -- put together from the constants above
    params |= {
        "tenant": tenant.pk,
        "zone": tenant.timezone,
        "today": today,
        "last_day": last_outcome_day(today),
        "lead": lead_days,
        "since": since,
        "versions": list(versions),
    }
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(CHUNK):
            yield [Known(row[0], row[1], row[2], row[3], row[4], stored=_stored(row[5:])) for row in rows]


def _stored(row: Sequence[Any]) -> tuple[float | None, str, float, list[float | None], int] | None:
    if not row or row[4] is None:
        return None
    return row[0], row[1], row[2], row[3], row[4]


def _belongs(model: ScoreModel) -> tuple[str, dict[str, Any]]:
    """Which accounts the model is for: its segments, without those that a live model before it has.

    Another live model for everybody does not empty it: a draft that may take that one's place is tested on everybody.
    """
    taken, _ = taken_before(model, [one.model for one in live_models()])
    sql, params = "", {}
    if model.segments:
        sql, params = " AND a.segment = ANY(%(segments)s)", {"segments": list(model.segments)}
    if taken:
        sql, params = f"{sql} AND a.segment <> ALL(%(taken)s)", {**params, "taken": taken}
    return sql, params
