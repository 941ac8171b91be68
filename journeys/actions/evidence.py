"""Evidence: a criterion that a person found met, with what shows it. It counts for the stay in which it was given."""

from datetime import date, datetime

from core.actors import Actor
from journeys.models import Evidence


class EvidenceRefused(ValueError):
    """No criterion of that key asks for evidence, or nothing was said."""


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
    """The criterion is met, and what shows it. Given again, the latest counts; all are kept."""
    raise NotImplementedError


def take_back_evidence(*, evidence_id: int, actor: Actor, now: datetime) -> Evidence:
    """It no longer counts. The row stays."""
    raise NotImplementedError
