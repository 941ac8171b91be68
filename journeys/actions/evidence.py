"""Evidence: a criterion that a person found met, with what shows it. It counts for the stay in which it was given."""

from datetime import date, datetime
from typing import Final

from django.db import transaction

from accounts.models import Account
from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from journeys.models import Evidence, Opportunity
from journeys.queries.gates import journey_process, pipeline_process

LONGEST: Final = 2_000


class EvidenceRefused(ValueError):
    """No criterion of that key asks for evidence, or nothing was said."""


@transaction.atomic
def give_evidence(
    *,
    criterion_key: str,
    text: str,
    actor: Actor,
    today: date,
    now: datetime,
    opportunity_id: int | None = None,
    account_id: int | None = None,
) -> Evidence:
    """The criterion is met, and what shows it. Given again, the latest counts; all are kept.

    Raises `EvidenceRefused`, or `DoesNotExist` for an unknown deal or account.
    """
    words = text.strip()
    if not words:
        raise EvidenceRefused("Say what shows that it is met: a document, a date, the words of the customer.")
    if len(words) > LONGEST:
        raise EvidenceRefused(f"At most {LONGEST:,} characters; this is {len(words):,}.")
    about: Opportunity | Account
    if opportunity_id is not None:
        about = Opportunity.objects.select_related("pipeline").get(pk=opportunity_id)
        process = pipeline_process(about.pipeline)
    else:
        about = living_account(account_id or 0)
        process = journey_process()
    asked = next((one for one in process.placed if one.criterion.key == criterion_key), None)
    if asked is None or not asked.criterion.evidence:
        raise EvidenceRefused("The live process asks for no such evidence any more. Reload the page.")
    evidence = Evidence.objects.create(
        opportunity_id=opportunity_id,
        account_id=account_id if opportunity_id is None else None,
        stage_key=asked.stage_key,
        criterion_key=criterion_key,
        given_on=today,
        text=words,
        given_at=now,
        given_by=actor.label,
    )
    after = {"criterion": criterion_key, "evidence": evidence.pk}
    audit.record(actor=actor, at=now, verb="gave evidence", subject=about, after=after, reason=words)
    return evidence


@transaction.atomic
def take_back_evidence(*, evidence_id: int, actor: Actor, now: datetime) -> Evidence:
    """It no longer counts. The row stays. Taken back twice is taken back once."""
    evidence = Evidence.objects.select_for_update().get(pk=evidence_id)
    if evidence.taken_back_at is None:
        evidence.taken_back_at = now
        evidence.save(update_fields=["taken_back_at"])
        after = {"criterion": evidence.criterion_key}
        audit.record(actor=actor, at=now, verb="took back evidence", subject=evidence, after=after)
    return evidence
