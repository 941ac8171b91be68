"""What the hour does for the journey: checkpoints of stays, clocks of first value, and the figures of the map."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from accounts.choices import AccountStatus
from accounts.models import Account
from accounts.queries.planning import whole_tables
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id
from journeys.actions.first_value import run_clocks
from journeys.actions.leaving import leave_journey
from journeys.models import Checkpoint, JourneyFigures, StageVisit
from journeys.queries.journey_figures import live_journey, work_out
from journeys.queries.placing import HAS_CHURNED
from journeys.queries.stages import STANDARD, lifecycle_stages
from journeys.rules.first_value import MADE_UP_DAYS
from journeys.rules.journey_map import as_plain
from journeys.rules.journeys import JourneySpec

ACTOR: Final = Actor.system("Journey")
OUTCOMES: Final = ("good", "mixed", "poor")
SMALL: Final = 5_000


@dataclass(frozen=True)
class Swept:
    """What a sweep did."""

    checkpoints: int
    clocks_started: int
    clocks_stopped: int
    left: int = 0


@transaction.atomic
def sweep_lifecycle(*, today: date, now: datetime, actor: Actor = ACTOR) -> Swept:
    """Checkpoints of new stays, clocks of first value, stays of the churned ended, figures. Run twice, once done."""
    version, spec = live_journey()
    if version is None or spec is None:
        return Swept(0, 0, 0)
    left = leave_journey(account_ids=_churned(), reason=HAS_CHURNED, actor=actor, today=today, now=now)
    with whole_tables():
        made = _make_checkpoints(spec, today)
        started, stopped = run_clocks(spec.first_value, version_id=version.pk, today=today, actor=actor)
        refresh_figures(today=today, now=now)
        JourneyFigures.objects.filter(journey=STANDARD).update(swept_on=today)
    if made or started or stopped:
        counts = {"checkpoints": made, "clocks started": started, "clocks stopped": stopped}
        audit.record(actor=actor, at=now, verb="swept journey", subject_type="journeys.stagevisit", after=counts)
    return Swept(made, started, stopped, left)


def _churned() -> list[int]:
    """Those who have churned, on whatever path, and still stand in a stage."""
    here = StageVisit.objects.filter(left_on=None, account__status=AccountStatus.CHURNED, account__merged_into=None)
    return list(here.values_list("account_id", flat=True))


@transaction.atomic
def refresh_figures(*, today: date, now: datetime) -> None:
    """Works out what the map shows and keeps it."""
    found = work_out(today=today, now=now)
    JourneyFigures.objects.update_or_create(
        journey=STANDARD,
        defaults={
            "as_of": today,
            "computed_at": now,
            "version": found.version,
            "figures": {
                "stages": [as_plain(one) for one in found.stages],
                "handoffs": found.handoffs,
                "top_reason": found.top_reason,
                "outside": [found.outside.accounts, found.outside.minor],
            },
        },
    )


@transaction.atomic
def refresh_small(*, today: date, now: datetime) -> bool:
    """The same after a change, where it costs little; a large workspace waits for the hour. Says whether it did."""
    few = Account.objects.order_by()[:SMALL].count() < SMALL
    if few:
        refresh_figures(today=today, now=now)
    return few


_CHECKPOINTS: Final = """
INSERT INTO journeys_checkpoint (tenant_id, visit_id, account_id, key, name, due_on, outcome, note, held_by)
SELECT %(tenant)s, visit.id, visit.account_id, point.key, point.name, visit.entered_on + point.days, '', '', ''
FROM journeys_stagevisit AS visit
JOIN unnest(%(stages)s::bigint[], %(keys)s::text[], %(names)s::text[], %(days)s::int[])
  AS point (stage_id, key, name, days) ON point.stage_id = visit.stage_id
JOIN accounts_account AS account
  ON account.tenant_id = %(tenant)s AND account.id = visit.account_id AND account.status <> 'churned'
 AND account.merged_into_id IS NULL
WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL AND visit.is_start_known
  AND visit.entered_on + point.days > %(since)s
ON CONFLICT (tenant_id, visit_id, key) DO NOTHING"""


def _make_checkpoints(spec: JourneySpec, today: date) -> int:
    ids = {stage.key: stage.pk for stage in lifecycle_stages()}
    points = [
        (ids[stage.key], one.key, one.name, one.after_days)
        for stage in spec.stages
        for one in stage.checkpoints
        if stage.key in ids
    ]
    if not points:
        return 0
    columns = dict(zip(("stages", "keys", "names", "days"), map(list, zip(*points, strict=True)), strict=True))
    return _execute(_CHECKPOINTS, columns | {"since": today - timedelta(days=MADE_UP_DAYS)})


def _execute(sql: str, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"tenant": require_tenant_id()})
        return int(cursor.rowcount)


@transaction.atomic
def hold_checkpoint(
    *, checkpoint_id: int, outcome: str, note: str, actor: Actor, today: date, now: datetime
) -> Checkpoint:
    """Records that a checkpoint was held and how satisfied the customer was. Held again, it is corrected.

    Raises `DoesNotExist`, and `ValueError` for an unknown outcome or a mixed or poor one without a note.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"Say how it went: {', '.join(OUTCOMES)}.")
    if outcome != "good" and not note.strip():
        raise ValueError("Say in a note what is not good, so that somebody can act on it.")
    point = Checkpoint.objects.select_for_update().select_related("account").get(pk=checkpoint_id)
    before = {"outcome": point.outcome, "held_on": point.held_on}
    point.outcome, point.note, point.held_by = outcome, note.strip(), actor.label
    point.held_on = point.held_on or today
    point.save(update_fields=["outcome", "note", "held_by", "held_on"])
    after = {"checkpoint": point.key, "outcome": outcome, "held_on": point.held_on}
    audit.record(actor=actor, at=now, verb="held checkpoint", subject=point.account, before=before, after=after)
    mark_changed([point.account_id])
    return point
