"""What is done with one hand-off: ticked, accepted, sent back, handed over again, called off."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from accounts.actions.accounts import assign_owner
from accounts.models import Account, Person
from accounts.queries.people import HasLeft, active_people, active_person
from core import audit
from core.actors import Actor
from core.permissions import may
from journeys.actions.evidence import EvidenceRefused, give_evidence
from journeys.actions.handoffs.opening import make_tasks
from journeys.actions.handoffs.who import may_accept, may_call_off, may_prepare
from journeys.actions.moving import GateShut
from journeys.actions.rights import GIVE_ACCOUNT
from journeys.actions.stages import move_account_stage
from journeys.actions.task_sweeps import close_tasks
from journeys.actions.task_verbs import create_task
from journeys.choices import TaskKind, TaskState
from journeys.models import Handoff, LifecycleStage, Opportunity, StageVisit
from journeys.queries.expectations import counted_expectations
from journeys.queries.gate_lines import GateLine
from journeys.queries.gates import account_gate
from journeys.queries.handoffs import answer_due, spec_of
from journeys.queries.task_lists import tasks_of_subject
from journeys.rules.handoffs import USUAL_HOURS, HandoffSpec, open_items


class HandoffRefused(ValueError):
    """It cannot be done like that. `missing` lists what is not there yet."""

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class NotShown(HandoffRefused):
    """What was given shows nothing: no words, or the gate does not ask for it."""


class NotTheirs(HandoffRefused):
    """Whoever asks has no right to it."""


@dataclass(frozen=True)
class Point:
    """Something that is not there yet. What the gate asks for says what was seen: `detail`, which may say amounts.

    `evidence` is the key of a criterion that a person shows to be true.
    """

    name: str
    is_of_gate: bool = False
    detail: str = ""
    evidence: str = ""


NO_EXPECTATION = "At least one expectation of the customer"
_STATE_WORDS = {"accepted": "accepted", "returned": "sent back", "cancelled": "called off"}


def _waiting(handoff_id: int, *, or_returned: bool = False) -> Handoff:
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if or_returned and handoff.state == "returned":
        if Handoff.objects.filter(origin_key=handoff.origin_key, attempt__gt=handoff.attempt).exists():
            raise HandoffRefused("It was handed over again already. Call the later attempt off.")
    elif handoff.state != "waiting":
        word = _STATE_WORDS.get(handoff.state, handoff.state)
        raise HandoffRefused(f"{handoff.answered_by or 'Somebody'} has {word} this hand-off already.")
    return handoff


def _audit(handoff: Handoff, verb: str, actor: Actor, now: datetime, *, reason: str = "", **after: Any) -> None:
    audit.record(actor=actor, at=now, verb=verb, subject=handoff, after=after, reason=reason)


def _there(person_id: int) -> Person:
    """Somebody who can be given it; whoever has left is refused with the words for it."""
    try:
        return active_person(person_id)
    except HasLeft as gone:
        raise HandoffRefused(str(gone)) from gone


@transaction.atomic
def tick_item(
    *, handoff_id: int, key: str, done: bool, actor: Actor, role: str, person_id: int | None, now: datetime
) -> Handoff:
    """Ticks an item of the checklist, or takes the tick back.

    Raises `HandoffRefused` once it is answered, and `NotTheirs` for who belongs to neither team.
    """
    handoff = _waiting(handoff_id)
    if not may_prepare(handoff, spec_of(handoff.key, handoff.version), role=role, person_id=person_id):
        raise NotTheirs("It is between two other teams. They tick what is there.")
    item = next((one for one in handoff.checklist if one["key"] == key), None)
    if item is None:
        raise HandoffRefused("This item is not on the checklist any more.")
    if bool(item["done_at"]) == done:
        return handoff
    item["done_at"], item["done_by"] = (now.isoformat(), actor.label) if done else (None, "")
    handoff.save(update_fields=["checklist"])
    _audit(handoff, "ticked item" if done else "unticked item", actor, now, item=key)
    return handoff


@transaction.atomic
def accept(
    *,
    handoff_id: int,
    actor: Actor,
    role: str,
    person_id: int | None,
    today: date,
    now: datetime,
    owner_id: int | None = None,
) -> Handoff:
    """The team takes over: the account enters the stage of the team and, with `owner_id`, gets its owner.

    Raises `HandoffRefused` with everything that is missing, and `NotTheirs` for a `role` that may not answer it or
    may not give the account to somebody. An account that is past the stage stays where it is.
    """
    handoff = _waiting(handoff_id)
    spec = spec_of(handoff.key, handoff.version)
    if not may_accept(handoff, spec, role=role, person_id=person_id):
        raise NotTheirs("It waits on somebody else, or on another team. They accept it.")
    if owner_id is not None and not may(role, GIVE_ACCOUNT):
        raise NotTheirs("Your role does not give accounts to owners. Accept it without one.")
    owner = _there(owner_id) if owner_id is not None else None
    missing = missing_to_accept(handoff, spec, today)
    if missing:
        raise HandoffRefused(f"Not yet: {', '.join(missing)}.", missing)
    before = handoff.to_person_id
    handoff.state, handoff.answered_at, handoff.answered_by = "accepted", now, actor.label
    handoff.to_person_id = person_id or handoff.to_person_id
    handoff.save(update_fields=["state", "answered_at", "answered_by", "to_person"])
    _close_tasks(handoff, actor=actor, now=now, state=TaskState.DONE)
    _audit(handoff, "accepted hand-off", actor, now, owner_id=owner_id, to_person_before=before)
    if owner is not None:
        assign_owner(accounts=Account.objects.filter(pk=handoff.account_id), owner=owner, actor=actor, now=now)
    if spec is not None and _is_before(handoff.account_id, spec.to_stage):
        _enter(handoff, spec.to_stage, actor=actor, today=today, now=now)
    return handoff


def _enter(handoff: Handoff, stage_key: str, *, actor: Actor, today: date, now: datetime) -> None:
    """The account enters the stage of the team; a gate that has shut meanwhile refuses the whole acceptance."""
    try:
        move_account_stage(
            account_id=handoff.account_id,
            stage_key=stage_key,
            today=today,
            now=now,
            actor=actor,
            reason=f"Hand-off accepted: {handoff.name}",
        )
    except GateShut as shut:
        raise HandoffRefused(f"Not yet: {', '.join(shut.missing)}.", shut.missing) from shut


def missing_to_accept(handoff: Handoff, spec: HandoffSpec | None, today: date) -> tuple[str, ...]:
    """The names of what is not there yet."""
    return tuple(one.name for one in points_to_accept(handoff, spec, today, sees_money=False))


def points_to_accept(handoff: Handoff, spec: HandoffSpec | None, today: date, *, sees_money: bool) -> tuple[Point, ...]:
    """What is not there yet: expectations, the checklist, then the gate into the team's stage."""
    missing = tuple(Point(name) for name in open_items(handoff.checklist))
    if spec is None:
        return missing
    if spec.needs_expectation and not counted_expectations(handoff).exists():
        missing = (Point(NO_EXPECTATION), *missing)
    if _is_before(handoff.account_id, spec.to_stage):
        gate = account_gate(account_id=handoff.account_id, to_stage=spec.to_stage, today=today, sees_money=sees_money)
        missing = (*missing, *(_point(line) for line in gate.missing))
    return missing


def _point(line: GateLine) -> Point:
    kind, _, key = line.fix.partition(":")
    return Point(line.name, True, line.detail, key if kind == "evidence" else "")


@transaction.atomic
def give_what_shows_it(
    *, handoff_id: int, criterion_key: str, text: str, actor: Actor, today: date, now: datetime
) -> Handoff:
    """Evidence for a criterion of the gate, given where the hand-off is answered. Raises `NotShown`."""
    handoff = _waiting(handoff_id)
    try:
        give_evidence(
            criterion_key=criterion_key, text=text, account_id=handoff.account_id, actor=actor, today=today, now=now
        )
    except EvidenceRefused as refusal:
        raise NotShown(str(refusal)) from refusal
    return handoff


def _is_before(account_id: int, stage_key: str) -> bool:
    """Whether the account has not come to the stage yet. One that churned or never had a stage has not."""
    stage = LifecycleStage.objects.filter(journey="standard", key=stage_key).first()
    if stage is None:
        return False
    visit = StageVisit.objects.filter(account_id=account_id, left_on=None).select_related("stage").first()
    return visit is None or visit.stage.position < stage.position


@transaction.atomic
def send_back(
    *, handoff_id: int, reason: str, actor: Actor, role: str, person_id: int | None, now: datetime, today: date
) -> Handoff:
    """Returns it to where it came from, with the reason, as a task there.

    Raises `HandoffRefused` without a reason, and `NotTheirs` for who may not answer it.
    """
    why = reason.strip()
    if not why:
        raise HandoffRefused("Say what is missing: the other team reads it.")
    handoff = _waiting(handoff_id)
    if not may_accept(handoff, spec_of(handoff.key, handoff.version), role=role, person_id=person_id):
        raise NotTheirs("It waits on somebody else, or on another team. They send it back.")
    handoff.state, handoff.answered_at, handoff.answered_by = "returned", now, actor.label
    handoff.return_reason = why
    handoff.save(update_fields=["state", "answered_at", "answered_by", "return_reason"])
    _close_tasks(handoff, actor=actor, now=now, state=TaskState.DONE)
    create_task(
        actor=actor,
        now=now,
        title=f"Hand over again: {handoff.name}"[:200],
        detail=why,
        due_on=today,
        kind=TaskKind.HANDOFF,
        account_id=handoff.account_id,
        assignee_id=_giver(handoff),
        origin_key=f"handoff:{handoff.pk}:returned",
        subject_kind="handoff",
        subject_id=handoff.pk,
        process_version_id=handoff.version_id,
    )
    _audit(handoff, "sent hand-off back", actor, now, reason=why)
    return handoff


def _giver(handoff: Handoff) -> int | None:
    """Who gets it back: whoever handed it over, else the deal's owner, else the account's; nobody who has left."""
    deal_owner = Opportunity.objects.filter(pk=handoff.opportunity_id or 0).values_list("owner_id", flat=True).first()
    wanted = [one for one in (handoff.from_person_id, deal_owner, handoff.account.owner_id) if one is not None]
    there = set(active_people().filter(pk__in=wanted).values_list("pk", flat=True))
    return next((one for one in wanted if one in there), None)


@transaction.atomic
def hand_over_again(
    *, handoff_id: int, actor: Actor, role: str, person_id: int | None, now: datetime, today: date
) -> Handoff:
    """A new attempt after a return: the ticks stay, the clock starts anew. Asked twice, there is one attempt.

    Where the addressee has left since, it waits on the team. Raises `NotTheirs` for who belongs to neither team.
    """
    earlier = Handoff.objects.select_for_update().get(pk=handoff_id)
    spec = spec_of(earlier.key, earlier.version)
    if not may_prepare(earlier, spec, role=role, person_id=person_id):
        raise NotTheirs("It is between two other teams. They hand it over again.")
    latest = Handoff.objects.filter(origin_key=earlier.origin_key).order_by("-attempt").first()
    if latest is not None and latest.pk != earlier.pk:
        return latest
    if earlier.state != "returned":
        raise HandoffRefused("Only a hand-off that was sent back can be handed over again.")
    to_person = active_people().filter(pk=earlier.to_person_id or 0).first()
    hours = spec.accept_within_hours if spec else USUAL_HOURS
    again = Handoff.objects.create(
        account_id=earlier.account_id,
        key=earlier.key,
        name=earlier.name,
        origin_key=earlier.origin_key,
        attempt=earlier.attempt + 1,
        version_id=earlier.version_id,
        opportunity_id=earlier.opportunity_id,
        from_person_id=earlier.from_person_id,
        to_person=to_person,
        checklist=earlier.checklist,
        created_at=now,
        due_at=answer_due(hours, now, earlier.tenant),
    )
    _close_tasks(earlier, actor=actor, now=now, state=TaskState.DONE)
    make_tasks([again.pk], actor=actor, now=now)
    _audit(again, "handed over again", actor, now, attempt=again.attempt)
    return again


@transaction.atomic
def give_to(
    *, handoff_id: int, to_person_id: int | None, actor: Actor, role: str, person_id: int | None, now: datetime
) -> Handoff:
    """Says who is to answer it; nobody means the team. The task goes along.

    Raises `NotTheirs` for who may not answer it, and `HandoffRefused` for somebody who has left.
    """
    handoff = _waiting(handoff_id)
    if not may_accept(handoff, spec_of(handoff.key, handoff.version), role=role, person_id=person_id):
        raise NotTheirs("It waits on somebody else, or on another team. They say who answers.")
    if handoff.to_person_id == to_person_id:
        return handoff
    if to_person_id is not None:
        _there(to_person_id)
    before = handoff.to_person_id
    handoff.to_person_id = to_person_id
    handoff.save(update_fields=["to_person"])
    tasks_of_subject("handoff", handoff.pk).filter(state=TaskState.OPEN).order_by().update(
        assignee_id=to_person_id, covered_for=None
    )
    _audit(handoff, "gave hand-off to", actor, now, to_person_id=to_person_id, before=before)
    return handoff


@transaction.atomic
def cancel(*, handoff_id: int, reason: str, actor: Actor, role: str, person_id: int | None, now: datetime) -> Handoff:
    """Calls it off, when it came about by mistake or is not needed any more; one that was sent back, too.

    Raises `HandoffRefused` without a reason, and `NotTheirs` for who neither gives nor takes it.
    """
    why = reason.strip()
    if not why:
        raise HandoffRefused("Say why it is not needed.")
    handoff = _waiting(handoff_id, or_returned=True)
    if not may_call_off(handoff, spec_of(handoff.key, handoff.version), role=role, person_id=person_id):
        raise NotTheirs("It is between others. Who gives or takes it calls it off.")
    handoff.state, handoff.answered_at, handoff.answered_by = "cancelled", now, actor.label
    handoff.return_reason = why
    handoff.save(update_fields=["state", "answered_at", "answered_by", "return_reason"])
    _close_tasks(handoff, actor=actor, now=now, state=TaskState.OBSOLETE)
    _audit(handoff, "called hand-off off", actor, now, reason=why)
    return handoff


def _close_tasks(handoff: Handoff, *, actor: Actor, now: datetime, state: TaskState) -> None:
    close_tasks(
        select="SELECT id FROM journeys_task WHERE tenant_id = %s AND subject_kind = 'handoff' AND subject_id = %s",
        params=[handoff.tenant_id, handoff.pk],
        actor=actor,
        now=now,
        state=state,
    )
