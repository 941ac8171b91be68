"""Gates: what must be true before a deal or an account goes into a stage, and what of it is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import Account
from core.choices import VersionState
from core.models import ProcessVersion
from core.queries import published_version
from core.tenancy import require_tenant_id
from journeys.choices import StageKind
from journeys.models import LifecycleStage, Opportunity, Pipeline, PipelineStage, StageVisit, Waiver
from journeys.queries.criteria import ACCOUNT, OPPORTUNITY, Judged, Placed, Ways, judge, placed_criteria
from journeys.queries.gate_lines import GateLine, lines_of
from journeys.queries.words import left_open
from journeys.rules.criteria import StageGates, asks_the_same, criteria_of, stage_gates
from journeys.rules.pipelines import IMPORTER

JOURNEY: Final = "standard"


@dataclass(frozen=True)
class Gate:
    """The gate into a stage. `waiver` is the approved one that opens what is missing, `asked` one that waits.

    `needs_reason` and `needs_close_reason` say what whoever moves must give beside it.
    """

    stage_key: str
    stage_name: str
    version: ProcessVersion | None
    lines: tuple[GateLine, ...] = ()
    waiver: Waiver | None = None
    needs_reason: bool = False
    needs_close_reason: bool = False
    asked: Waiver | None = field(default=None, compare=False)

    @property
    def missing(self) -> tuple[GateLine, ...]:
        """What is not met and not waived."""
        return tuple(line for line in self.lines if not line.met and not line.waived)

    @property
    def is_open(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class Process:
    """What the live version of a pipeline or a journey asks, with the positions of its stages."""

    version: ProcessVersion | None
    placed: tuple[Placed, ...]
    gates: tuple[StageGates, ...]
    positions: Mapping[str, int]

    @property
    def is_gated(self) -> bool:
        """Whether any stage has criteria."""
        return bool(self.placed)

    def may_go_back(self, from_key: str, to_key: str) -> bool:
        """Whether the step back is a loop of the process, which needs no reason."""
        return any(stage.key == from_key and to_key in stage.back_to for stage in self.gates)


_DEALS: Final = """
SELECT deal.id,
       CASE WHEN NOT EXISTS (SELECT FROM journeys_opportunitystagevisit AS stay
                             WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id) THEN 0
            WHEN here.kind = 'open' AND here.pipeline_id = %s THEN here.position
            ELSE COALESCE((SELECT stage.position FROM journeys_opportunitystagevisit AS stay
                           JOIN journeys_pipelinestage AS stage ON stage.tenant_id = %s AND stage.id = stay.stage_id
                           WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id
                             AND stage.kind = 'open' AND stage.pipeline_id = %s
                           ORDER BY stay.left_on DESC NULLS FIRST, stay.id DESC LIMIT 1), 0) END AS origin,
       {target},
       (SELECT max(stay.entered_on) FROM journeys_opportunitystagevisit AS stay
        WHERE stay.tenant_id = %s AND stay.opportunity_id = deal.id AND stay.left_on IS NULL) AS since
FROM journeys_opportunity AS deal
JOIN journeys_pipelinestage AS here ON here.tenant_id = %s AND here.id = deal.stage_id
WHERE deal.tenant_id = %s
"""
# An account that stood in no stage yet is placed, not moved: only the stage that it enters asks something. One that has
# left the journey comes back from the furthest stage it ever stood in: leaving is no way around a gate.
_ACCOUNTS: Final = """
SELECT account.id, COALESCE(here.position, past.furthest, -1) AS origin, {target} AS target, false AS to_lost,
       COALESCE(stay.entered_on, past.entered_on) AS since
FROM accounts_account AS account
LEFT JOIN journeys_stagevisit AS stay
  ON stay.tenant_id = %s AND stay.account_id = account.id AND stay.left_on IS NULL
LEFT JOIN journeys_lifecyclestage AS here ON here.tenant_id = %s AND here.id = stay.stage_id
LEFT JOIN LATERAL (
  SELECT max(stage.position) AS furthest, max(earlier.entered_on) AS entered_on
  FROM journeys_stagevisit AS earlier
  JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %s AND stage.id = earlier.stage_id
  WHERE stay.id IS NULL AND earlier.tenant_id = %s AND earlier.account_id = account.id) AS past ON true
WHERE account.tenant_id = %s
"""
_NEXT: Final = """(SELECT min(later.position) FROM journeys_lifecyclestage AS later WHERE later.tenant_id = %s
AND later.journey = %s AND later.position > here.position)"""


def pipeline_process(pipeline: Pipeline) -> Process:
    """What the live version of the pipeline asks. Three statements at most."""
    version = published_version("pipeline", pipeline.key)
    return _process(version, dict(pipeline.stages.values_list("key", "position")))


def gated_pipelines() -> set[int]:
    """The pipelines whose live version asks something anywhere. Two statements."""
    live = ProcessVersion.objects.filter(kind="pipeline", state=VersionState.PUBLISHED)
    keys = [
        key
        for key, definition in live.values_list("key", "definition")
        if any(one.entry or one.exit for one in stage_gates(definition))
    ]
    return set(Pipeline.objects.filter(key__in=keys).values_list("pk", flat=True))


def gated_since(key: str) -> datetime | None:
    """The moment from which the pipeline has asked something without a break; None where it asks nothing now.

    Publishing it again does not begin anew, as long as every version since had a criterion. One statement.
    """
    live = ProcessVersion.objects.filter(kind="pipeline", key=key).exclude(published_at=None)
    since = None
    for published_at, definition in live.order_by("-published_at", "-number").values_list("published_at", "definition"):
        if not any(_asks(stage) for stage in definition.get("stages", ())):
            break
        since = published_at
    return since


def _asks(stage: Mapping[str, Any]) -> bool:
    """By the document itself: a version from before the language of criteria changed asked something, too."""
    return bool(stage.get("entry") or stage.get("exit"))


def open_imports() -> set[int]:
    """The pipelines that an import made and that nobody has given gates, or said to need none. Two statements."""
    live = ProcessVersion.objects.filter(kind="pipeline", state=VersionState.PUBLISHED, published_by=IMPORTER)
    keys = [version.key for version in live if left_open(version)]
    return set(Pipeline.objects.filter(key__in=keys).values_list("pk", flat=True))


def journey_process() -> Process:
    """What the live version of the journey of accounts asks. Two statements."""
    version = published_version("journey", JOURNEY)
    rows = LifecycleStage.objects.filter(journey=JOURNEY).values_list("key", "position")
    return _process(version, dict(rows))


def _process(version: ProcessVersion | None, positions: Mapping[str, int]) -> Process:
    gates = stage_gates(version.definition) if version else ()
    return Process(version, placed_criteria(gates, positions), gates, positions)


def deal_ways(pipeline_id: int, target: str, params: Sequence[object], where: str = "", more: Sequence[object] = ()
              ) -> Ways:  # fmt: skip
    """The ways of deals in a pipeline. `target` is SQL for `target` and `to_lost` over `deal`; `where` narrows."""
    tenant_id = require_tenant_id()
    return Ways(
        f"{_DEALS.format(target=target)} {where}",
        (
            tenant_id, pipeline_id, tenant_id, tenant_id, pipeline_id, *params, tenant_id, tenant_id, tenant_id, *more,
        ),
    )  # fmt: skip


def judge_deals(
    process: Process, ids: Collection[int], to_stage: PipelineStage, today: date, *, only_missing: bool = True
) -> list[Judged]:
    """Which criteria stand between each deal and the stage. One statement."""
    ways = deal_ways(
        to_stage.pipeline_id,
        "%s AS target, %s AS to_lost",
        [to_stage.position, to_stage.kind == StageKind.LOST],
        "AND deal.id = ANY(%s)",
        [list(ids)],
    )
    rows = Opportunity.objects.filter(pk__in=list(ids))
    return judge(rows, ways, process.placed, subject=OPPORTUNITY, as_of=today, only_missing=only_missing)


def judge_accounts(
    process: Process, ids: Collection[int], to_stage: str, today: date, *, only_missing: bool = True
) -> list[Judged]:
    """Which criteria stand between each account and the stage. One statement."""
    tenant_id = require_tenant_id()
    ways = Ways(
        f"{_ACCOUNTS.format(target='%s')} AND account.id = ANY(%s)",
        (process.positions[to_stage], *[tenant_id] * 5, list(ids)),
    )
    rows = Account.objects.filter(pk__in=list(ids))
    return judge(rows, ways, process.placed, subject=ACCOUNT, as_of=today, only_missing=only_missing)


def opportunity_gate(
    *, opportunity: Opportunity, to_stage: PipelineStage, today: date, sees_money: bool = True
) -> Gate:
    """The gate from where the deal is into a stage of its pipeline. A constant number of statements.

    The lines say amounts only where `sees_money`.
    """
    process = pipeline_process(to_stage.pipeline)
    found = judge_deals(process, [opportunity.pk], to_stage, today, only_missing=False)
    needs = deal_needs(process, opportunity.stage, to_stage)
    return _gate(process, found, OPPORTUNITY, opportunity, (to_stage.key, to_stage.name), today, needs,
                 sees_money=sees_money)  # fmt: skip


def account_gate(*, account_id: int, to_stage: str, today: date, sees_money: bool = True) -> Gate:
    """The gate from where the account is into a stage of the journey, by key. A constant number of statements.

    The lines say amounts only where `sees_money`.
    """
    process = journey_process()
    stage = LifecycleStage.objects.get(journey=JOURNEY, key=to_stage)
    found = judge_accounts(process, [account_id], to_stage, today, only_missing=False)
    here = StageVisit.objects.filter(account_id=account_id, left_on=None).select_related("stage").first()
    back = here is not None and account_goes_back(process, here.stage, stage)
    account = Account.objects.get(pk=account_id)
    needs = "reason" if back else ""
    return _gate(process, found, ACCOUNT, account, (stage.key, stage.name), today, needs, sees_money=sees_money)


def deal_needs(process: Process, here: PipelineStage, to: PipelineStage) -> str:
    """What a move needs beside the gate: `close_reason` into lost, `reason` for a step back or a reopening, or ""."""
    if to.kind == StageKind.LOST:
        return "close_reason"
    if here.pipeline_id != to.pipeline_id:
        return ""
    if here.kind != StageKind.OPEN or to.position < here.position:
        return "" if process.may_go_back(here.key, to.key) else "reason"
    return ""


def account_goes_back(process: Process, here: LifecycleStage, to: LifecycleStage) -> bool:
    """Whether the move is a step back that needs a reason."""
    return to.position < here.position and not process.may_go_back(here.key, to.key)


def _gate(
    process: Process,
    found: Sequence[Judged],
    subject: str,
    row: Opportunity | Account,
    stage: tuple[str, str],
    today: date,
    needs: str,
    *,
    sees_money: bool,
) -> Gate:
    asked = [
        (place, met)
        for place, met in zip(process.placed, found[0].met if found else (), strict=False)
        if met is not None
    ]
    waivers = list(
        Waiver.objects.filter(Q(state="asked") | usable(today), **{f"{subject}_id": row.pk}, stage_key=stage[0])
        .select_related("asker__user", "version")
        .order_by("-asked_at", "-pk")
    )
    signed = [one for one in waivers if one.state == "approved" and covers(one, process)]
    covered = {key for one in signed for key in covers(one, process)}
    return Gate(
        stage_key=stage[0],
        stage_name=stage[1],
        version=process.version,
        lines=lines_of(asked, row, covered, today, sees_money=sees_money),
        waiver=signed[0] if signed else None,
        needs_reason=needs == "reason",
        needs_close_reason=needs == "close_reason",
        asked=next((one for one in waivers if one.state == "asked"), None),
    )


def usable(today: date) -> Q:
    """Waivers that open a gate today: approved, not used yet, not expired."""
    return Q(state="approved", used_at=None, expires_on__gt=today)


def covers(waiver: Waiver, process: Process) -> set[str]:
    """The keys of the criteria that the waiver names, and that still ask what they asked when it was asked for."""
    named = {str(one["key"]) for one in waiver.criteria}
    if process.version is not None and waiver.version_id == process.version.pk:
        return named
    then = {one.key: one for _, _, one in criteria_of(stage_gates(waiver.version.definition))}
    return {
        one.criterion.key
        for one in process.placed
        if one.criterion.key in named
        and one.criterion.key in then
        and asks_the_same(one.criterion, then[one.criterion.key])
    }


def account_missing(accounts: QuerySet[Account], today: date) -> dict[int, tuple[str, ...]]:
    """For accounts that may not go on to the next stage yet: the names of what is missing. One statement for all."""
    process = journey_process()
    names = [one.criterion.name for one in process.placed]
    return {one.id: tuple(names[place] for place in one.missing) for one in judge_next(process, accounts, today)}


def judge_next(process: Process, accounts: QuerySet[Account], today: date) -> list[Judged]:
    """Of all these accounts, those that may not go on from their stage to the next, criterion by criterion."""
    tenant_id = require_tenant_id()
    ways = Ways(
        f"{_ACCOUNTS.format(target=_NEXT)} AND here.id IS NOT NULL",
        (tenant_id, JOURNEY, *[tenant_id] * 5),
    )
    return judge(accounts, ways, process.placed, subject=ACCOUNT, as_of=today, only_missing=True)
