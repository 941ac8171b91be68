"""What a person does with one review."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.models import Tenant
from journeys.actions import task_sweeps
from qbr.actions.assemble import freeze, package_data
from qbr.choices import QBRState
from qbr.models import QBR, QBRPackage
from qbr.queries import latest_package, live_cadence, live_template, open_qbrs
from qbr.rules import add_months, package_hash

NEXT: Final = {QBRState.DRAFT: QBRState.REVIEW, QBRState.REVIEW: QBRState.SENT}
OVER: Final = frozenset({QBRState.HELD, QBRState.CANCELLED})

_LEFT_OVER: Final = """
SELECT id FROM journeys_task WHERE tenant_id = %s AND subject_kind = 'qbr' AND subject_id = %s AND state = 'open'
"""


class QBRRefused(ValueError):
    """It cannot be done like that; the message says what is missing."""


@transaction.atomic
def prepare_qbr(*, tenant: Tenant, account_id: int, actor: Actor, today: date, now: datetime) -> QBR:
    """The open review of the account, or a new one due after the lead time, with its figures frozen.

    Asked twice it makes one. Raises `QBRRefused` while no cadence or template is published.
    """
    account = living_account(account_id)
    there = open_qbrs().filter(account_id=account.pk, due_on__gte=today).first()
    if there is not None:
        return there
    cadence, template = live_cadence(), live_template()
    if cadence is None or template is None:
        raise QBRRefused("No QBR cadence and template are live. Publish them first.")
    version, rules = cadence
    due_on = today + timedelta(days=rules.prepare_days)
    months = rules.months.get(account.segment, rules.on_request_months)
    qbr, created = QBR.objects.get_or_create(
        account=account,
        due_on=due_on,
        defaults={
            "owner_id": account.owner_id,
            "cadence_version": version,
            "period_start": add_months(due_on, -months),
            "period_end": due_on,
            "created_at": now,
        },
    )
    if created:
        audit.record(actor=actor, at=now, verb="prepared QBR", subject=qbr, after={"due_on": due_on})
        freeze(tenant=tenant, qbrs=[qbr], template_version=template[0], actor=actor, today=today, now=now)
    return qbr


@transaction.atomic
def renew_package(*, tenant: Tenant, qbr_id: int, actor: Actor, today: date, now: datetime) -> QBRPackage:
    """Freezes today's figures as a further package; the same content makes none. Refused once it is sent."""
    qbr = _locked(qbr_id)
    if qbr.state not in NEXT:
        raise QBRRefused(f"The figures stay as they are: the QBR is {qbr.get_state_display().lower()}.")
    data = package_data(tenant, [qbr], today)[qbr.account_id]
    last = latest_package(qbr.pk)
    digest = package_hash(data)
    if last is not None and last.sha256 == digest:
        return last
    template = live_template()
    if template is None:
        raise QBRRefused("No QBR template is live. Publish one first.")
    package = QBRPackage.objects.create(
        qbr=qbr,
        template_version=template[0],
        number=last.number + 1 if last else 1,
        frozen_at=now,
        data=data,
        sha256=digest,
    )
    audit.record(actor=actor, at=now, verb="renewed package", subject=qbr, after={"package": package.number})
    return package


@transaction.atomic
def move_qbr(*, qbr_id: int, actor: Actor, now: datetime) -> QBR:
    """Draft → review → sent, one step. Raises `QBRRefused` from any other state."""
    qbr = _locked(qbr_id)
    after = NEXT.get(QBRState(qbr.state))
    if after is None:
        raise QBRRefused(f"The QBR is {qbr.get_state_display().lower()} already.")
    before, qbr.state = qbr.state, after
    qbr.save(update_fields=["state"])
    audit.record(actor=actor, at=now, verb="moved QBR", subject=qbr, before={"state": before}, after={"state": after})
    return qbr


@transaction.atomic
def hold_qbr(
    *, qbr_id: int, held_on: date, attendees: str, outcome: str, actor: Actor, today: date, now: datetime
) -> QBR:
    """The review took place: with whom, and what came of it, or why nothing did. Raises `QBRRefused`."""
    qbr = _locked(qbr_id)
    if qbr.state in OVER:
        raise QBRRefused(f"The QBR is {qbr.get_state_display().lower()} already.")
    if held_on > today:
        raise QBRRefused("The day it was held lies ahead. Choose today or earlier.")
    if not attendees.strip():
        raise QBRRefused("Name who was there, theirs and ours.")
    if not outcome.strip():
        raise QBRRefused("Write what was agreed, or why nothing was.")
    qbr.state, qbr.held_on = QBRState.HELD, held_on
    qbr.attendees, qbr.outcome = attendees.strip(), outcome.strip()
    qbr.save(update_fields=["state", "held_on", "attendees", "outcome"])
    _close_tasks(qbr, actor, now, "The QBR was held.")
    audit.record(actor=actor, at=now, verb="held QBR", subject=qbr, after={"held_on": held_on}, reason=qbr.outcome)
    return qbr


@transaction.atomic
def cancel_qbr(*, qbr_id: int, reason: str, actor: Actor, now: datetime) -> QBR:
    """The customer has cancelled. It stays counted as required. Raises `QBRRefused`."""
    qbr = _locked(qbr_id)
    if qbr.state in OVER:
        raise QBRRefused(f"The QBR is {qbr.get_state_display().lower()} already.")
    if not reason.strip():
        raise QBRRefused("Write why the customer has cancelled.")
    qbr.state, qbr.outcome = QBRState.CANCELLED, reason.strip()
    qbr.save(update_fields=["state", "outcome"])
    _close_tasks(qbr, actor, now, "The customer has cancelled the QBR.")
    audit.record(actor=actor, at=now, verb="cancelled QBR", subject=qbr, reason=qbr.outcome)
    return qbr


def _locked(qbr_id: int) -> QBR:
    return QBR.objects.select_for_update().get(pk=qbr_id)


def _close_tasks(qbr: QBR, actor: Actor, now: datetime, reason: str) -> None:
    task_sweeps.close_tasks(select=_LEFT_OVER, params=[qbr.tenant_id, qbr.pk], actor=actor, now=now, reason=reason)
