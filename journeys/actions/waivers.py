"""Waivers: leave to pass one gate although something is missing, asked by one member and approved by another."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.models import Membership, Tenant
from core.notify import notify
from core.permissions import Permission, may
from journeys.models import Opportunity, PipelineStage, Waiver
from journeys.queries.gates import Gate, account_gate, opportunity_gate
from journeys.queries.waivers import approvers

LONGEST: Final = timedelta(days=90)
WORDS: Final = 2_000


class WaiverRefused(ValueError):
    """It cannot be asked, approved or revoked like this; the message says what would do."""


@transaction.atomic
def ask_waiver(
    *,
    to_stage: str,
    reason: str,
    expires_on: date,
    asker: Membership,
    tenant: Tenant,
    today: date,
    now: datetime,
    opportunity_id: int | None = None,
    account_id: int | None = None,
) -> Waiver:
    """Asks for leave to enter a stage (by key). What is missing now is stored, and nothing else is waived.

    Those who may approve are told. Raises `WaiverRefused` without a reason, for a day that will not do, where the gate
    is open, and where one waits already; `DoesNotExist` for an unknown deal, account or stage.
    """
    _check(reason, expires_on, today)
    name, gate = _gate_of(opportunity_id, account_id, to_stage, today)
    if not gate.missing or gate.version is None:
        raise WaiverRefused(f"Nothing is missing for {gate.stage_name}: no waiver is needed.")
    if gate.asked is not None:
        raise WaiverRefused(f"{gate.asked.asked_by} has asked for one already. It waits for an answer.")
    actor = Actor.person(asker)
    waiver = Waiver.objects.create(
        opportunity_id=opportunity_id,
        account_id=account_id if opportunity_id is None else None,
        stage_key=to_stage,
        version=gate.version,
        criteria=[{"key": line.key, "name": line.name} for line in gate.missing],
        reason=reason.strip(),
        asked_at=now,
        asked_by=actor.label,
        asker=asker,
        expires_on=expires_on,
    )
    after = {"stage": to_stage, "criteria": [line.key for line in gate.missing], "expires_on": expires_on}
    audit.record(actor=actor, at=now, verb="asked for a waiver", subject=waiver, after=after, reason=waiver.reason)
    notify(
        membership_ids=[one.pk for one in approvers() if one.pk != asker.pk],
        kind="waiver",
        key=str(waiver.pk),
        text=f"{actor.label} asks for a waiver: {name} into {gate.stage_name}",
        url=f"/waivers/?state=asked#waiver-{waiver.pk}",
        tenant=tenant,
        now=now,
    )
    return waiver


def _check(reason: str, expires_on: date, today: date) -> None:
    if not reason.strip():
        raise WaiverRefused("Say why the gate is to be passed all the same.")
    if len(reason) > WORDS:
        raise WaiverRefused(f"At most {WORDS:,} characters for the reason.")
    if expires_on <= today:
        raise WaiverRefused("The day on which it expires has to lie ahead.")
    if expires_on > today + LONGEST:
        raise WaiverRefused(f"A waiver holds for {LONGEST.days} days at most. Choose an earlier day.")


def _gate_of(opportunity_id: int | None, account_id: int | None, to_stage: str, today: date) -> tuple[str, Gate]:
    if opportunity_id is not None:
        # Held, as the account below: of two who ask at once the second finds what the first has asked for. Without a
        # join: a row whose stage changes while it is waited for would be no row of the join any more.
        deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
        stage = PipelineStage.objects.select_related("pipeline").get(pipeline_id=deal.pipeline_id, key=to_stage)
        return deal.name, opportunity_gate(opportunity=deal, to_stage=stage, today=today)
    account = living_account(account_id or 0)
    return account.name, account_gate(account_id=account.pk, to_stage=to_stage, today=today)


@transaction.atomic
def approve_waiver(*, waiver_id: int, approver: Membership, answer: str, today: date, now: datetime) -> Waiver:
    """Signs it. Never the asker, never somebody without the right to approve, never past its day (`WaiverRefused`)."""
    waiver = _waiting(waiver_id, approver)
    if waiver.expires_on <= today:
        raise WaiverRefused("It has expired before it was approved. Ask for a new one.")
    return _answer(waiver, "approved", approver, answer, now)


@transaction.atomic
def refuse_waiver(*, waiver_id: int, approver: Membership, answer: str, now: datetime) -> Waiver:
    """Says no, with the reason. Raises `WaiverRefused` as approving does, and without a reason."""
    waiver = _waiting(waiver_id, approver)
    if not answer.strip():
        raise WaiverRefused("Say why, so that whoever asked knows what would do.")
    return _answer(waiver, "refused", approver, answer, now)


@transaction.atomic
def revoke_waiver(*, waiver_id: int, by: Membership, answer: str, now: datetime) -> Waiver:
    """Takes back one that was asked or approved and not used yet; raises `WaiverRefused` for any other.

    By whoever asked for it, or by somebody who may approve.
    """
    waiver = Waiver.objects.select_for_update().get(pk=waiver_id)
    if waiver.asker_id != by.pk and not may(by.role, Permission.APPROVE_WAIVERS):
        raise WaiverRefused("Only who asked for it, or who may approve waivers, can revoke it.")
    if waiver.used_at is not None:
        raise WaiverRefused("It was used already: the move stands.")
    if waiver.state not in {"asked", "approved"}:
        raise WaiverRefused(f"It is {waiver.state} already.")
    actor, before = Actor.person(by), {"state": waiver.state}
    waiver.state, waiver.answer = "revoked", answer.strip() or waiver.answer
    waiver.answered_at, waiver.answered_by = now, actor.label
    waiver.save(update_fields=["state", "answer", "answered_at", "answered_by"])
    after = {"state": "revoked"}
    audit.record(
        actor=actor, at=now, verb="revoked waiver", subject=waiver, before=before, after=after, reason=answer.strip()
    )
    return waiver


def _waiting(waiver_id: int, approver: Membership) -> Waiver:
    waiver = Waiver.objects.select_for_update().get(pk=waiver_id)
    if not may(approver.role, Permission.APPROVE_WAIVERS):
        raise WaiverRefused("Your role does not approve waivers.")
    if waiver.asker_id == approver.pk:
        raise WaiverRefused("You asked for it: somebody else has to answer.")
    if waiver.state != "asked":
        raise WaiverRefused(f"{waiver.answered_by or 'Somebody'} has answered already: {waiver.state}.")
    return waiver


def _answer(waiver: Waiver, state: str, approver: Membership, answer: str, now: datetime) -> Waiver:
    actor = Actor.person(approver)
    waiver.state, waiver.approver, waiver.answer = state, approver, answer.strip()
    waiver.answered_at, waiver.answered_by = now, actor.label
    waiver.save(update_fields=["state", "approver", "answer", "answered_at", "answered_by"])
    audit.record(
        actor=actor, at=now, verb=f"{state} waiver", subject=waiver, after={"state": state}, reason=waiver.answer
    )
    if waiver.asker_id is not None:
        notify(
            membership_ids=[waiver.asker_id],
            kind="waiver",
            key=f"{waiver.pk}:{state}",
            text=f"{actor.label} has {state} your waiver for {waiver.stage_key.replace('_', ' ')}",
            url=f"/waivers/?state={state}#waiver-{waiver.pk}",
            tenant=Tenant.objects.get(pk=waiver.tenant_id),
            now=now,
        )
    return waiver
