"""The demo's waivers: some wait, some are open, some were used and the deals went on, one was refused, one ran out."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from core.choices import Role
from core.models import Membership, ProcessVersion, Tenant
from journeys.models import Opportunity, OpportunityStageVisit, Waiver

_MISSING: Final = {"key": "criteria_known", "name": "Decision criteria"}
# State, days ago that it was asked for, days after that on which it expires.
_OPEN: Final = (
    ("asked", 1, 14, "Their board meets only next month; the draft of the contract is wanted before."),
    ("asked", 2, 10, "The criteria come with the tender, whose date they cannot move."),
    ("approved", 4, 21, "The buyer is on leave; the deputy has confirmed the budget in writing."),
    ("approved", 6, 30, "A pilot at one site is agreed; the steps after it follow with its result."),
    ("refused", 12, 14, "They want a price before we know what for."),
    ("asked", 40, 14, "Waiting for the new head of operations."),
)
_USED: Final = (
    "The process is set by their group and does not come in writing.",
    "Third site of a customer who has decided by the same criteria twice.",
    "The offer had to be in before the end of their fiscal year.",
    "The champion has left; the new one starts next week.",
    "They decide in one meeting, and it is tomorrow.",
)
_ANSWERS: Final = {"approved": "Fine, once. Bring the steps to the next review.", "refused": "Ask them first."}


def seed_waivers(*, tenant: Tenant, today: date) -> None:
    """A dozen, on deals of the default pipeline. Five statements, whatever the size of the workspace. Once only."""
    version = ProcessVersion.objects.filter(kind="pipeline", key="sales", state="published").first()
    askers = _members(tenant, Role.SALES_REP) or _members(tenant, Role.CSM)
    signers = _members(tenant, Role.CS_DIRECTOR) or _members(tenant, Role.CS_MANAGER)
    if version is None or not askers or not signers or Waiver.objects.exists():
        return
    frame: dict[str, Any] = {"version": version, "approver": signers[0], "tenant_id": tenant.pk}
    rows = [
        _waiver(deal, kind, asked_on=today - timedelta(days=ago), holds=holds, reason=reason,
                asker=askers[n % len(askers)], **frame)
        for n, (deal, (kind, ago, holds, reason)) in enumerate(zip(_standing(), _OPEN, strict=False))
    ]  # fmt: skip
    rows += [
        _waiver(stay.opportunity, "approved", asked_on=stay.entered_on - timedelta(days=2), holds=14, reason=reason,
                asker=askers[n % len(askers)], used_on=stay.entered_on, **frame)
        for n, (stay, reason) in enumerate(zip(_passed(today), _USED, strict=False))
        if stay.entered_on
    ]  # fmt: skip
    Waiver.objects.bulk_create(sorted(rows, key=lambda row: row.asked_at))


def _members(tenant: Tenant, role: Role) -> list[Membership]:
    return list(Membership.objects.filter(tenant=tenant, role=role).select_related("user").order_by("pk")[:3])


def _standing() -> list[Opportunity]:
    """Open deals with the most at stake, which stand before the gate into Negotiation."""
    before = ["discovery", "demo", "proposal"]
    deals = Opportunity.objects.filter(pipeline__key="sales", stage__key__in=before, amount_minor__isnull=False)
    return list(deals.order_by("-amount_minor", "pk")[: len(_OPEN)])


def _passed(today: date) -> list[OpportunityStageVisit]:
    """Stays in Negotiation of the last months, whatever became of the deal."""
    stays = OpportunityStageVisit.objects.filter(
        stage__key="negotiation", stage__pipeline__key="sales", entered_on__gte=today - timedelta(days=200)
    )
    return list(stays.select_related("opportunity").order_by("-entered_on", "pk")[: len(_USED)])


def _waiver(
    deal: Opportunity,
    state: str,
    *,
    asked_on: date,
    holds: int,
    reason: str,
    asker: Membership,
    approver: Membership,
    used_on: date | None = None,
    **frame: Any,
) -> Waiver:
    answered = state != "asked"
    return Waiver(
        opportunity_id=deal.pk,
        stage_key="negotiation",
        criteria=[_MISSING],
        reason=reason,
        asked_at=_at(asked_on),
        asked_by=str(asker.user),
        asker=asker,
        approver=approver if answered else None,
        state=state,
        answered_at=_at(asked_on + timedelta(days=1)) if answered else None,
        answered_by=str(approver.user) if answered else "",
        answer=_ANSWERS.get(state, ""),
        expires_on=asked_on + timedelta(days=holds),
        used_at=_at(used_on) if used_on else None,
        **frame,
    )


def _at(day: date) -> datetime:
    return datetime.combine(day, time(9, 30), tzinfo=UTC)
