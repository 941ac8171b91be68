"""Waivers: leave to pass one gate although something is missing, asked by one member and approved by another."""

from datetime import date, datetime

from core.actors import Actor
from core.models import Membership, Tenant
from journeys.models import Waiver


class WaiverRefused(ValueError):
    """It cannot be asked, approved or revoked like this; the message says what would do."""


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

    Those who may approve are told. Raises `WaiverRefused` without a reason, for a past day, or where the gate is open.
    """
    raise NotImplementedError


def approve_waiver(*, waiver_id: int, approver: Membership, answer: str, today: date, now: datetime) -> Waiver:
    """Signs it. Never the asker, never somebody without the right to approve (`WaiverRefused`)."""
    raise NotImplementedError


def refuse_waiver(*, waiver_id: int, approver: Membership, answer: str, now: datetime) -> Waiver:
    """Says no, with the reason."""
    raise NotImplementedError


def revoke_waiver(*, waiver_id: int, actor: Actor, answer: str, now: datetime) -> Waiver:
    """Takes back an approved waiver that was not used yet."""
    raise NotImplementedError
