"""Moves of people at the customer along their own journey."""

from datetime import date, datetime

from django.db import transaction

from accounts.models import Contact
from core import audit
from core.actors import Actor
from journeys.actions.moving import GateShut, ReasonNeeded
from journeys.models import ContactStageVisit, LifecycleStage
from journeys.queries.contact_gates import contact_gate
from journeys.queries.journey_figures import live_journey
from journeys.queries.stages import CONTACTS


@transaction.atomic
def move_contact(
    *, contact_id: int, stage_key: str, actor: Actor, today: date, now: datetime, reason: str = ""
) -> ContactStageVisit:
    """Ends the contact's stay and starts one in another stage; both are kept. The same stage: nothing happens.

    Raises `GateShut` with what their journey asks for and their account does not have, `ReasonNeeded` for a step back
    without one, and `DoesNotExist` for an unknown contact or stage.
    """
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    stage = LifecycleStage.objects.get(journey=CONTACTS, key=stage_key)
    before = ContactStageVisit.objects.filter(contact_id=contact.pk, left_on=None).select_related("stage").first()
    if before is not None and before.stage_id == stage.pk:
        return before
    version, spec = live_journey(CONTACTS)
    goes_back = before is not None and spec is not None and not spec.is_forward(before.stage.key, stage.key)
    if goes_back and not reason.strip():
        raise ReasonNeeded("A step back needs a reason.", "reason")
    gate = contact_gate(contact=contact, to_stage=stage, today=today)
    if not gate.is_open:
        raise GateShut(gate)
    if before is not None:
        before.left_on = max(today, before.entered_on)
        before.save(update_fields=["left_on"])
    visit = ContactStageVisit.objects.create(
        contact_id=contact.pk,
        stage=stage,
        version=version,
        entered_on=max(today, before.left_on) if before and before.left_on else today,
        moved_by=actor.label,
        reason=reason.strip(),
    )
    contact.lifecycle_stage = stage.key
    contact.save(update_fields=["lifecycle_stage"])
    audit.record(
        actor=actor,
        at=now,
        verb="moved contact",
        subject=contact,
        before={"stage": before.stage.key if before else None},
        after={"stage": stage.key},
        reason=reason.strip(),
    )
    return visit
