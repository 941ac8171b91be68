"""What customers expect and would like, kept in their words."""

from datetime import date, datetime

from django.db import transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from journeys.models import Expectation


class ExpectationRefused(ValueError):
    """It cannot be recorded like that; the message says what to change."""


@transaction.atomic
def record_expectation(*, account_id: int, text: str, for_expansion: bool, actor: Actor, now: datetime) -> Expectation:
    """Keeps what the customer expects. Raises `ExpectationRefused` without a text, `DoesNotExist` for a stranger."""
    words = text.strip()
    if not words:
        raise ExpectationRefused("Write down what the customer expects, in their words.")
    account = living_account(account_id)
    expectation = Expectation.objects.create(
        account_id=account.pk, text=words, for_expansion=for_expansion, recorded_at=now, recorded_by=actor.label
    )
    audit.record(
        actor=actor, at=now, verb="recorded expectation", subject=expectation, after={"account_id": account.pk}
    )
    mark_changed([account.pk])
    return expectation


@transaction.atomic
def tag_expectation(*, expectation_id: int, for_expansion: bool, actor: Actor, now: datetime) -> Expectation:
    """Marks it as a lead for more, or takes the mark away."""
    expectation = Expectation.objects.select_for_update().get(pk=expectation_id)
    if expectation.for_expansion == for_expansion:
        return expectation
    expectation.for_expansion = for_expansion
    expectation.save(update_fields=["for_expansion"])
    audit.record(
        actor=actor, at=now, verb="tagged expectation", subject=expectation, after={"for_expansion": for_expansion}
    )
    return expectation


@transaction.atomic
def meet_expectation(*, expectation_id: int, met_on: date | None, actor: Actor, now: datetime) -> Expectation:
    """Says on which day it was met; None takes that back."""
    expectation = Expectation.objects.select_for_update().get(pk=expectation_id)
    if expectation.met_on == met_on:
        return expectation
    before = expectation.met_on
    expectation.met_on = met_on
    expectation.save(update_fields=["met_on"])
    audit.record(
        actor=actor,
        at=now,
        verb="met expectation" if met_on else "expectation not met",
        subject=expectation,
        before={"met_on": before},
        after={"met_on": met_on},
    )
    return expectation
