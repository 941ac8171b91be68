"""Everything on the page of one opportunity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import QuerySet

from accounts.models import Account, Activity, Contact
from accounts.rules import name_key
from core.models import AuditEntry
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage, Waiver
from journeys.queries.gates import Gate, opportunity_gate
from journeys.queries.pace import pace_of
from journeys.queries.qualification import Asked, Framework, asked_of, frameworks_of_pipelines

SHOWN: Final = 8
SUGGESTED: Final = 12
_LAST_SIGN: Final = "\U0010ffff"


@dataclass(frozen=True)
class PathStep:
    """A stage on the path of a deal: `past`, `here`, `jumped` or `ahead`, with the days of the latest stay."""

    stage: PipelineStage
    state: str
    entered_on: date | None
    left_on: date | None


@dataclass(frozen=True)
class Questions:
    """A framework with its questions as the deal answers them."""

    framework: Framework
    asked: Sequence[Asked]

    @property
    def answered(self) -> int:
        return sum(one.question.required and one.state == "met" for one in self.asked)


@dataclass(frozen=True)
class DealPage:
    """One deal with all that belongs to it."""

    deal: Opportunity
    path: Sequence[PathStep]
    next_stage: PipelineStage | None
    gate: Gate | None
    questions: Sequence[Questions]
    contacts: Sequence[Contact]
    activities: Sequence[Activity]
    visits: Sequence[OpportunityStageVisit]
    waivers: Sequence[Waiver]
    changes: Sequence[AuditEntry]
    days: int | None
    slow_days: int | None

    @property
    def is_slow(self) -> bool:
        """Longer in its stage than nine of ten won deals were."""
        return self.days is not None and self.slow_days is not None and self.days > self.slow_days

    @property
    def stages(self) -> list[PipelineStage]:
        return [step.stage for step in self.path]


def find_opportunity(opportunity_id: int) -> Opportunity | None:
    """The deal with what a page says of it, or None."""
    return (
        Opportunity.objects.select_related("account", "owner", "product", "stage", "pipeline")
        .filter(pk=opportunity_id)
        .first()
    )


def deal_page(deal: Opportunity, today: date, *, sees_money: bool) -> DealPage:
    """The page of a deal. A constant number of statements."""
    stages = list(deal.pipeline.stages.order_by("position"))
    visits = list(
        OpportunityStageVisit.objects.filter(opportunity=deal)
        .select_related("stage", "version")
        .order_by("-left_on", "-entered_on", "-pk")
    )
    visits.sort(key=lambda one: (one.left_on is None, one.left_on or today, one.pk), reverse=True)
    after = next_stage(deal, stages)
    here = next((one for one in visits if one.left_on is None), None)
    pace = pace_of(deal.pipeline, today) if deal.stage.kind == "open" else {}
    known = frameworks_of_pipelines([deal.pipeline_id]).get(deal.pipeline_id, [])
    return DealPage(
        deal=deal,
        path=_path(deal, stages, visits),
        next_stage=after,
        gate=opportunity_gate(opportunity=deal, to_stage=after, today=today, sees_money=sees_money) if after else None,
        questions=[Questions(*one) for one in asked_of(deal, known)],
        contacts=list(contacts_of(deal)),
        activities=list(_activities(deal)),
        visits=visits,
        waivers=list(Waiver.objects.filter(opportunity=deal).order_by("-asked_at", "-pk")),
        changes=list(_changes(deal)[:SHOWN]),
        days=(today - here.entered_on).days if here and here.entered_on and deal.stage.kind == "open" else None,
        slow_days=pace[deal.stage_id].slow_days if deal.stage_id in pace else None,
    )


def _activities(deal: Opportunity) -> QuerySet[Activity]:
    if deal.account_id is None:
        return Activity.objects.none()
    mine = Activity.objects.filter(account_id=deal.account_id).select_related("person")
    return mine.order_by("-occurred_at", "-pk")[:SHOWN]


def _changes(deal: Opportunity) -> QuerySet[AuditEntry]:
    mine = AuditEntry.objects.filter(subject_type="journeys.opportunity", subject_id=deal.pk)
    return mine.order_by("-at", "-pk")


def next_stage(deal: Opportunity, stages: Sequence[PipelineStage]) -> PipelineStage | None:
    """The stage that follows an open deal's: the next open one, after the last one the won one."""
    if deal.stage.kind != "open":
        return None
    ahead = [one for one in stages if one.position > deal.stage.position]
    return next((one for one in ahead if one.kind == "open"), next((one for one in ahead if one.kind == "won"), None))


def _path(
    deal: Opportunity, stages: Sequence[PipelineStage], visits: Sequence[OpportunityStageVisit]
) -> list[PathStep]:
    latest = {one.stage_id: one for one in reversed(visits)}
    reached = max((one.stage.position for one in visits if one.stage.kind == "open"), default=0)
    steps = []
    for stage in stages:
        stay = latest.get(stage.pk)
        if stage.pk == deal.stage_id:
            state = "here"
        elif stage.kind != "open":
            state = "ahead" if stay is None else "past"
        else:
            state = "past" if stay else "jumped" if stage.position < reached else "ahead"
        steps.append(PathStep(stage, state, stay.entered_on if stay else None, stay.left_on if stay else None))
    return steps


def contacts_of(deal: Opportunity) -> QuerySet[Contact]:
    """The people at the deal's account who are still there, those with a role first."""
    if deal.account_id is None:
        return Contact.objects.none()
    mine = Contact.objects.filter(account_id=deal.account_id, left_on=None)
    return mine.order_by("-role", "name", "pk")[:60]


def accounts_named(name: str) -> list[int]:
    """The ids of accounts of exactly this name, two at most."""
    return list(
        Account.objects.filter(name_key=name_key(name), merged_into=None)
        .order_by("pk")
        .values_list("pk", flat=True)[:2]
    )


def account_names(beginning: str) -> list[str]:
    """The names of the first accounts that begin with these letters."""
    key = name_key(beginning.replace("\x00", ""))
    if not key:
        return []
    found = Account.objects.filter(name_key__gte=key, name_key__lt=key + _LAST_SIGN, merged_into=None)
    return list(found.order_by("name_key", "pk").values_list("name", flat=True)[:SUGGESTED])


def last_change(deal: Opportunity) -> AuditEntry | None:
    """Who did something to the deal last."""
    return _changes(deal).first()


def opportunities_for_programs(
    *,
    pipeline: str | None = None,
    stage: str | None = None,
    state: str | None = None,
    account: int | None = None,
    owner: int | None = None,
    external_id: str | None = None,
) -> QuerySet[Opportunity]:
    """Deals with what the API says of them; what is None narrows nothing."""
    asked = {
        "pipeline__key": pipeline,
        "stage__key": stage,
        "stage__kind": state,
        "account_id": account,
        "owner_id": owner,
        "external_id": external_id,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    return Opportunity.objects.filter(**wanted).select_related("account", "owner", "product", "stage", "pipeline")
