"""The figures of the journey map, from every stay that was kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from accounts.queries.gone import not_gone
from accounts.queries.planning import whole_tables
from core.models import ProcessVersion
from core.tenancy import require_tenant_id
from journeys.models import JourneyFigures, LifecycleStage
from journeys.queries.stages import JOURNEY_KIND, STANDARD, lifecycle_stages
from journeys.rules.journey_map import (
    COHORT_DAYS,
    PEER_DAYS,
    Part,
    StageFigures,
    Stays,
    from_plain,
    peers_p90,
    stuck_limit,
    timed,
)
from journeys.rules.journeys import JourneySpec, parse_journey

# What an account is worth: what it pays; before that its open deals; after it left what it paid.
VALUE: Final = """COALESCE(NULLIF(account.arr_minor, 0),
  (SELECT sum(deal.amount_minor) FROM journeys_opportunity AS deal
   JOIN journeys_pipelinestage AS deal_stage ON deal_stage.tenant_id = %(tenant)s AND deal_stage.id = deal.stage_id
   WHERE deal.tenant_id = %(tenant)s AND deal.account_id = account.id AND account.status = 'prospect'
     AND deal_stage.kind = 'open'),
  (SELECT -lost.amount_minor FROM accounts_revenuemovement AS lost
   WHERE lost.tenant_id = %(tenant)s AND lost.account_id = account.id AND lost.kind = 'churn'
     AND account.status = 'churned' ORDER BY lost.effective_on DESC, lost.id DESC LIMIT 1), 0)"""

# Every stay in the journey of accounts with what came after it; one of which the start is not known is in no median and
# no cohort, and lasts at least since the day on which it was seen. A loop counts as going on where the stage allows it.
_STAYS: Final = f"""
WITH stage AS MATERIALIZED (
  SELECT * FROM unnest(%(stage_ids)s::bigint[], %(positions)s::int[], %(limits)s::int[], %(loops)s::text[])
    AS given (id, position, stuck_after, loops)
), stay AS MATERIALIZED (
  SELECT visit.account_id, visit.stage_id, visit.entered_on, visit.left_on, visit.id, stage.position,
         lead(visit.stage_id) OVER later AS next_id,
         max(stage.position) OVER (later ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS furthest,
         stage.loops, visit.is_start_known
  FROM journeys_stagevisit AS visit
  JOIN stage ON stage.id = visit.stage_id
  WHERE visit.tenant_id = %(tenant)s AND visit.entered_on <= %(today)s AND {not_gone("visit.account_id")}
  WINDOW later AS (PARTITION BY visit.account_id ORDER BY visit.entered_on, visit.id)
), passed AS (
  SELECT stay.*,
         COALESCE(furthest > position, false)
           OR COALESCE(next_id::text = ANY(string_to_array(loops, ' ')), false) AS went_on
  FROM stay
)"""  # noqa: S608 -- a constant

_DURATIONS: Final = f"""{_STAYS}
SELECT stage_id, COALESCE(left_on, %(today)s::date) - entered_on AS days, entered_on > %(since)s::date AS in_cohort,
       left_on IS NOT NULL AND next_id IS NOT NULL AS went,
       COALESCE(left_on > %(peers_since)s::date, false) AS left_lately, count(*)
FROM passed
WHERE is_start_known
  AND (entered_on > %(since)s::date OR left_on > %(peers_since)s::date OR left_on IS NULL)
GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608 -- put together from constants

# The cohort: whoever entered a stage in the period, by its first stay in it. Five ends, and each account has one.
COHORT: Final = f"""{_STAYS}, member AS (
  SELECT DISTINCT ON (account_id, stage_id) account_id, stage_id, position, went_on
  FROM passed WHERE entered_on > %(since)s::date AND is_start_known
  ORDER BY account_id, stage_id, entered_on, id
), here AS (
  SELECT stay.account_id, stay.stage_id, %(today)s::date - stay.entered_on AS days
  FROM stay WHERE stay.left_on IS NULL
), judged AS (
  SELECT member.account_id, member.stage_id,
         CASE WHEN member.went_on THEN 'went_on'
              WHEN account.status = 'churned' OR here.account_id IS NULL THEN 'lost'
              WHEN here.stage_id <> member.stage_id THEN 'back'
              WHEN here.days > stage.stuck_after THEN 'stuck'
              ELSE 'in_time' END AS ended
  FROM member
  JOIN stage ON stage.id = member.stage_id
  JOIN accounts_account AS account
    ON account.tenant_id = %(tenant)s AND account.id = member.account_id AND account.merged_into_id IS NULL
  LEFT JOIN here ON here.account_id = member.account_id
)"""  # noqa: S608 -- put together from constants

_COHORT: Final = f"""{COHORT}
SELECT judged.stage_id, judged.ended, count(*), sum({VALUE})::bigint
FROM judged JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = judged.account_id
GROUP BY 1, 2"""  # noqa: S608 -- put together from constants

_NOW: Final = f"""
SELECT visit.stage_id, %(today)s::date - visit.entered_on > stage.stuck_after AS stuck,
       count(*), sum({VALUE})::bigint
FROM journeys_stagevisit AS visit
JOIN unnest(%(stage_ids)s::bigint[], %(limits)s::int[]) AS stage (id, stuck_after) ON stage.id = visit.stage_id
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = visit.account_id AND account.merged_into_id IS NULL
 AND account.status <> 'churned'
WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL
GROUP BY 1, 2"""  # noqa: S608 -- put together from constants

# Living accounts that stand in no stage: kept out by a gate, without a stage for their status, or gone.
OUTSIDE: Final = """account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND account.status <> 'churned'
  AND NOT EXISTS (SELECT FROM journeys_stagevisit AS here WHERE here.tenant_id = %(tenant)s
                  AND here.account_id = account.id AND here.left_on IS NULL)"""
_OUTSIDE: Final = f"""SELECT count(*), COALESCE(sum({VALUE}), 0)::bigint FROM accounts_account AS account
WHERE {OUTSIDE}"""  # noqa: S608 -- put together from constants

_HANDOFFS: Final = """
SELECT key, count(*) FILTER (WHERE state = 'accepted'), count(*) FILTER (WHERE state = 'returned'),
       count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'waiting' AND due_at < %(now)s),
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - created_at) / 3600.0)
         FILTER (WHERE state = 'accepted'))::float
FROM journeys_handoff
WHERE tenant_id = %(tenant)s AND created_at > %(now)s - interval '90 days' AND created_at <= %(now)s
GROUP BY key"""

_REASONS: Final = """
SELECT key, return_reason, count(*) FROM journeys_handoff
WHERE tenant_id = %(tenant)s AND created_at > %(now)s - interval '90 days' AND state = 'returned'
  AND return_reason <> ''
GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 1"""


@dataclass(frozen=True)
class Figures:
    """The figures as of a day; `handoffs` by key: accepted, returned, waiting, late, median_hours.

    `outside` are the living accounts that stand in no stage.
    """

    as_of: date
    computed_at: datetime
    stages: tuple[StageFigures, ...]
    handoffs: Mapping[str, Mapping[str, Any]]
    top_reason: Mapping[str, Any] | None
    version: ProcessVersion | None
    outside: Part = field(default_factory=Part)


def live_journey(key: str = STANDARD) -> tuple[ProcessVersion | None, JourneySpec | None]:
    """The live version of a journey and what it says; None where there is none that can be read."""
    version = ProcessVersion.objects.filter(kind=JOURNEY_KIND, key=key, state="published").first()
    if version is None:
        return None, None
    try:
        return version, parse_journey(version.definition)
    except ValueError:  # from before its language changed
        return version, None


def stored_figures() -> Figures | None:
    """What the last sweep worked out, in the order of the stages; None before the first one."""
    row = JourneyFigures.objects.filter(journey=STANDARD).select_related("version").first()
    if row is None:
        return None
    return Figures(
        as_of=row.as_of,
        computed_at=row.computed_at,
        stages=tuple(from_plain(one) for one in row.figures["stages"]),
        handoffs=row.figures["handoffs"],
        top_reason=row.figures["top_reason"],
        version=row.version,
        outside=Part(*row.figures.get("outside", ())),
    )


def work_out(*, today: date, now: datetime) -> Figures:
    """The figures from the stays themselves: six statements over whole tables."""
    version, spec = live_journey()
    stages = list(lifecycle_stages())
    params = stage_params(stages, spec, today)
    with whole_tables():
        return _worked_out(stages, spec, version, params, now)


def _worked_out(
    stages: Sequence[LifecycleStage],
    spec: JourneySpec | None,
    version: ProcessVersion | None,
    params: dict[str, Any],
    now: datetime,
) -> Figures:
    durations = _durations(params)
    found = []
    for stage in stages:
        peers, p90 = peers_p90(durations[stage.pk])
        limit = stuck_limit(peers, p90, stage.expected_days, spec.stuck_after if spec else "peers")
        empty = StageFigures(key=stage.key, peers=peers, peers_p90=p90, expected=stage.expected_days, limit=limit)
        found.append(replace(empty, **timed(empty, durations[stage.pk])))
    params["limits"] = [one.limit for one in found]
    found = _with_counts(stages, found, params)
    handoffs, reason = _handoffs(now)
    outside = Part(*_rows(_OUTSIDE, params)[0])
    return Figures(params["today"], now, tuple(found), handoffs, reason, version, outside)


def stage_params(stages: Sequence[LifecycleStage], spec: JourneySpec | None, today: date) -> dict[str, Any]:
    """What the statements above name; `limits` are filled in once they are known."""
    ids = {stage.key: stage.pk for stage in stages}
    loops = {one.key: one.back_to for one in spec.stages} if spec is not None else {}
    return {
        "tenant": require_tenant_id(),
        "today": today,
        "since": today - timedelta(days=COHORT_DAYS),
        "peers_since": today - timedelta(days=PEER_DAYS),
        "stage_ids": [stage.pk for stage in stages],
        "positions": [stage.position for stage in stages],
        "limits": [None for _ in stages],
        "loops": [" ".join(str(ids[key]) for key in loops.get(stage.key, ()) if key in ids) for stage in stages],
    }


def _durations(params: Mapping[str, Any]) -> dict[int, list[Stays]]:
    found: dict[int, list[Stays]] = defaultdict(list)
    for stage_id, days, in_cohort, went, lately, count in _rows(_DURATIONS, params):
        found[stage_id].append(Stays(days, in_cohort, went, lately, count))
    return found


def _with_counts(
    stages: Sequence[LifecycleStage], figures: Sequence[StageFigures], params: Mapping[str, Any]
) -> list[StageFigures]:
    parts: dict[int, dict[str, Any]] = defaultdict(dict)
    for stage_id, ended, count, minor in _rows(_COHORT, params):
        parts[stage_id][ended] = Part(count, minor or 0)
    for stage_id, stuck, count, minor in _rows(_NOW, params):
        mine, part = parts[stage_id], Part(count, minor or 0)
        mine["now"] = mine.get("now", Part()) + part
        if stuck:
            mine["stuck_now"] = part
    found = []
    for stage, one in zip(stages, figures, strict=True):
        mine = parts[stage.pk]
        whole = replace(one, **mine)
        found.append(replace(whole, entered=whole.went_on + whole.missing))
    return found


def _handoffs(now: datetime) -> tuple[dict[str, dict[str, Any]], dict[str, Any] | None]:
    params = {"tenant": require_tenant_id(), "now": now}
    rows = _rows(_HANDOFFS, params)
    names = ("accepted", "returned", "waiting", "late", "median_hours")
    found = {key: dict(zip(names, values, strict=True)) for key, *values in rows}
    top = _rows(_REASONS, params)
    reason = None
    if top:
        key, words, count = top[0]
        reason = {"key": key, "reason": words, "count": count, "of": found.get(key, {}).get("returned", count)}
    return found, reason


def _rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        return list(cursor.fetchall())
