"""Answers to the questions of qualification frameworks."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Contact
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from journeys.models import Answer, Opportunity
from journeys.queries.qualification import framework as live_framework
from journeys.rules.qualification import CONTACT, BadAnswer, judged


@transaction.atomic
def answer_question(
    *,
    opportunity_id: int,
    framework: str,
    question: str,
    value: Any,
    contact_id: int | None = None,
    actor: Actor,
    today: date,
    now: datetime,
) -> Answer | None:
    """Keeps the answer of a deal to a question of a live framework; the one before stays in the audit trail.

    None or an empty text takes the answer back: None is returned. The same answer again changes nothing. Raises
    `BadAnswer` for another type than the question asks, for an unknown question, and for a contact of another account.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    asked = live_framework(framework)
    found = asked.spec.question(question) if asked is not None else None
    if found is None:
        raise BadAnswer(f"No live framework asks '{framework}.{question}'. Publish it first.")
    before = Answer.objects.filter(opportunity=deal, framework=framework, question=question).first()
    contact = _contact(deal, contact_id) if found.type == CONTACT else None
    if contact is None and value in (None, "", []):
        _take_back(deal, before, actor, now)
        return None
    given = judged(found, contact.name if contact else value, has_contact=contact is not None)
    after = {"value": given.value, "contact": contact.pk if contact else None, "complete": given.is_complete}
    if before is not None and _said(before) == after:
        return before
    answer, _ = Answer.objects.update_or_create(
        opportunity=deal,
        framework=framework,
        question=question,
        defaults={
            "value": given.value,
            "contact": contact,
            "is_complete": given.is_complete,
            "answered_on": today,
            "answered_by": actor.label,
        },
    )
    _told(deal, f"{framework}.{question}", _said(before) if before else None, after, actor, now)
    return answer


def _contact(deal: Opportunity, contact_id: int | None) -> Contact | None:
    if contact_id is None:
        return None
    contact = Contact.objects.filter(pk=contact_id).first()
    if contact is None or contact.account_id != deal.account_id:
        raise BadAnswer("This contact is not one of the opportunity's account. Add the contact to the account first.")
    return contact


def _take_back(deal: Opportunity, before: Answer | None, actor: Actor, now: datetime) -> None:
    if before is None:
        return
    said, asked = _said(before), f"{before.framework}.{before.question}"
    before.delete()
    _told(deal, asked, said, None, actor, now)


def _said(answer: Answer) -> dict[str, Any]:
    return {"value": answer.value, "contact": answer.contact_id, "complete": answer.is_complete}


def _told(
    deal: Opportunity,
    asked: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    actor: Actor,
    now: datetime,
) -> None:
    Opportunity.objects.filter(pk=deal.pk).update(edition=F("edition") + 1)
    audit.record(
        actor=actor,
        at=now,
        verb="answered" if after else "took back an answer",
        subject=deal,
        before={asked: before} if before else None,
        after={asked: after} if after else None,
    )
    if deal.account_id is not None:
        mark_changed([deal.account_id])
