"""Moves of deals: one verb for many, through the gates; the single move is a list of one."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import prefetch_related_objects

from accounts.actions.accounts import become_customers
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id
from journeys.actions.handoffs import open_for_won
from journeys.actions.leaving import Win, leave_journey, take_back_wins
from journeys.actions.moving import (
    ASKED,
    CLOSE_REASON,
    GATE,
    PIPELINE,
    REASON,
    Asked,
    EditionMoved,
    GateShut,
    Moved,
    ReasonNeeded,
    Refusal,
    Sorted,
    StageElsewhere,
    moved_after,
    sort_out,
    use_waivers,
)
from journeys.actions.pipeline_locks import hold_stage
from journeys.choices import OpportunityKind, StageKind
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage
from journeys.queries.gates import Process, deal_needs, judge_deals, opportunity_gate, pipeline_process
from journeys.queries.leaving import leave_with

__all__ = [
    "EditionMoved",
    "GateShut",
    "Moved",
    "ReasonNeeded",
    "Refusal",
    "StageElsewhere",
    "move_opportunities",
    "move_opportunity",
    "place_opportunity",
]

# The stay that ends and the stay that begins meet on one day, whatever day an import wrote: stays never overlap.
_LEAVE: Final = """
UPDATE journeys_opportunitystagevisit SET left_on = GREATEST(entered_on, %s)
WHERE tenant_id = %s AND opportunity_id = ANY(%s) AND left_on IS NULL
"""
_ENTER: Final = """
INSERT INTO journeys_opportunitystagevisit
  (tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by, reason, version_id)
SELECT %s, deal.id, %s, GREATEST(%s, (SELECT max(stay.left_on) FROM journeys_opportunitystagevisit AS stay
                                      WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id)), NULL, %s, %s, %s
FROM unnest(%s::bigint[]) AS deal (id) ORDER BY deal.id
"""
_DEAL: Final = """
UPDATE journeys_opportunity AS deal SET stage_id = %s, edition = deal.edition + 1,
  closed_on = CASE WHEN %s THEN stay.entered_on END,
  close_on = CASE WHEN %s THEN stay.entered_on ELSE deal.close_on END,
  close_reason = CASE WHEN %s THEN %s ELSE '' END
FROM journeys_opportunitystagevisit AS stay
WHERE deal.tenant_id = %s AND deal.id = ANY(%s)
  AND stay.tenant_id = %s AND stay.opportunity_id = deal.id AND stay.left_on IS NULL
"""


@transaction.atomic
def move_opportunity(
    *,
    opportunity_id: int,
    stage_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    close_reason: str = "",
    seen_edition: int | None = None,
    leave: bool = False,
) -> Opportunity:
    """The deal in another stage of its pipeline. In the stage already: nothing happens.

    With `leave`, a prospect whose last open deal of new business is lost leaves the journey for the same reason.

    Raises `GateShut`, `ReasonNeeded`, `EditionMoved`, `StageElsewhere`, or `DoesNotExist`.
    """
    stage = hold_stage(stage_id)
    # Without a join: a row whose stage has changed while it was waited for would be no row of the join any more.
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    if seen_edition is not None and deal.edition != seen_edition:
        raise EditionMoved("Somebody else has changed this deal since you opened it. Reload to see their changes.")
    result = _move([deal], stage, actor, today, now, {REASON: reason.strip(), CLOSE_REASON: close_reason.strip()})
    for refusal in result.refused:
        _refuse(refusal, deal, stage, today)
    deal.refresh_from_db()
    if leave:
        _let_leave([deal.pk], stage, close_reason, actor, today, now)
    return deal


def _let_leave(
    lost: Collection[int], stage: PipelineStage, close_reason: str, actor: Actor, today: date, now: datetime
) -> int:
    """Prospects whose last open deal of new business is among the lost ones leave for the same reason. How many."""
    if stage.kind != StageKind.LOST:
        return 0
    why = f"Lost: {close_reason.strip()}"
    return leave_journey(account_ids=leave_with(lost), reason=why, actor=actor, today=today, now=now)


def _refuse(refusal: Refusal, deal: Opportunity, stage: PipelineStage, today: date) -> None:
    if refusal.code == GATE:
        raise GateShut(opportunity_gate(opportunity=deal, to_stage=stage, today=today), refusal.missing)
    if refusal.code == PIPELINE:
        raise StageElsewhere(f"{stage.name} is a stage of {stage.pipeline.name}. Choose a stage of the deal's own.")
    raise ReasonNeeded(f"{ASKED[refusal.code]} is needed.", refusal.code)


@transaction.atomic
def move_opportunities(
    *,
    opportunity_ids: Collection[int],
    stage_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    close_reason: str = "",
    leave: bool = False,
) -> Moved:
    """Many deals into one stage: those whose gates are open go, the others stay and are named. Set-based.

    Deals that are in the stage already, and ids without a deal, are passed over. With `leave`, prospects whose last
    open deal of new business is lost with these leave the journey for the same reason.
    """
    stage = hold_stage(stage_id)
    held = Opportunity.objects.select_for_update(no_key=True).filter(pk__in=set(opportunity_ids)).order_by("pk")
    said = {REASON: reason.strip(), CLOSE_REASON: close_reason.strip()}
    result = _move(list(held), stage, actor, today, now, said)
    if not leave or not result.moved:
        return result
    return replace(result, left=_let_leave(result.moved, stage, close_reason, actor, today, now))


def _move(
    held: Sequence[Opportunity], stage: PipelineStage, actor: Actor, today: date, now: datetime, said: dict[str, str]
) -> Moved:
    """Moves what may go of deals that are locked, as is the pipeline of the stage."""
    deals = [deal for deal in held if deal.stage_id != stage.pk]
    if not deals:
        return Moved(())
    prefetch_related_objects(deals, "stage")
    process = pipeline_process(stage.pipeline)
    asked = [Asked(deal.pk, deal.name, _needs(process, deal, stage, said)) for deal in deals]
    judged = judge_deals(process, [one.id for one in asked], stage, today)
    result = sort_out(asked, judged, process, subject="opportunity", stage_key=stage.key, today=today)
    going = [deal for deal in deals if deal.pk in set(result.going)]
    if going:
        use_waivers(result.waivers, now)
        _write(going, stage, process, actor, today, now, said, result)
    return Moved(result.going, result.refused)


def _needs(process: Process, deal: Opportunity, stage: PipelineStage, said: dict[str, str]) -> str:
    if deal.pipeline_id != stage.pipeline_id:
        return PIPELINE
    needs = deal_needs(process, deal.stage, stage)
    return "" if said.get(needs) else needs


@transaction.atomic
def place_opportunity(*, opportunity_id: int, actor: Actor, today: date, now: datetime) -> Opportunity:
    """The first stay of a deal that was just made, in the stage that it names. Nothing stands before it.

    Raises `GateShut` with what the stages up to there ask, or `ReasonNeeded` for a lost one without its reason.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    if OpportunityStageVisit.objects.filter(opportunity_id=deal.pk).exists():
        return deal
    stage = hold_stage(deal.stage_id)
    process = pipeline_process(stage.pipeline)
    needs = CLOSE_REASON if stage.kind == StageKind.LOST and not deal.close_reason else ""
    judged = judge_deals(process, [deal.pk], stage, today)
    result = sort_out(
        [Asked(deal.pk, deal.name, needs)], judged, process, subject="opportunity", stage_key=stage.key, today=today
    )
    for refusal in result.refused:
        _refuse(refusal, deal, stage, today)
    use_waivers(result.waivers, now)
    _write([deal], stage, process, actor, today, now, {REASON: "", CLOSE_REASON: deal.close_reason}, result,
           first=True)  # fmt: skip
    deal.refresh_from_db()
    return deal


def _write(
    deals: Sequence[Opportunity],
    stage: PipelineStage,
    process: Process,
    actor: Actor,
    today: date,
    now: datetime,
    said: dict[str, str],
    result: Sorted,
    *,
    first: bool = False,
) -> None:
    ids, tenant_id, reason = [deal.pk for deal in deals], require_tenant_id(), said[REASON] or said[CLOSE_REASON]
    closes = stage.kind != StageKind.OPEN
    version_id = process.version.pk if process.version else None
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, [today, tenant_id, ids])
        cursor.execute(_ENTER, [tenant_id, stage.pk, today, tenant_id, actor.label, reason, version_id, ids])
        cursor.execute(_DEAL, [stage.pk, closes, closes, closes, said[CLOSE_REASON][:200], tenant_id, ids, tenant_id])
    audit.record_many(
        actor=actor,
        at=now,
        verb="placed opportunity" if first else "moved opportunity",
        rows=[
            (deal, {} if first else {"stage": deal.stage.key}, moved_after(result, deal.pk, stage.key))
            for deal in deals
        ],
        reason=reason,
    )
    mark_changed({deal.account_id for deal in deals if deal.account_id})
    if stage.kind == StageKind.WON:
        buyers = {deal.account_id for deal in deals if deal.account_id and deal.kind == OpportunityKind.NEW}
        become_customers(account_ids=buyers, since=today, actor=actor, now=now)
        open_for_won(opportunity_ids=ids, actor=actor, today=today, now=now)
    elif not first and (
        no_wins := [Win(deal.pk, deal.account_id, deal.kind) for deal in deals if deal.stage.kind == StageKind.WON]
    ):
        take_back_wins(wins=no_wins, reason=reason or f"Moved back to {stage.name}.", actor=actor, now=now)
