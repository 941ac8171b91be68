"""Somebody says that a score looks wrong."""

from datetime import datetime

from django.db import transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from health.models import Doubt, Score, ScoreHistory
from health.queries.live import model_of


class DoubtRefused(ValueError):
    """The doubt cannot be kept; the message says why."""


@transaction.atomic
def report_doubt(*, account_id: int, input_key: str, note: str, actor: Actor, now: datetime) -> Doubt:
    """Keeps the note with the score and the version that it is about. Raises `DoubtRefused` without note or score."""
    if not note.strip():
        raise DoubtRefused("Say what looks wrong.")
    living_account(account_id)
    about: Score | ScoreHistory | None = Score.objects.filter(account_id=account_id).first()
    if about is None:
        newest = ScoreHistory.objects.filter(account_id=account_id).order_by("-as_of", "-computed_at")
        about = newest.first()
    if about is None:
        raise DoubtRefused("The account has no score to doubt yet.")
    if input_key and input_key not in {one.key for one in model_of(about.model_version).inputs}:
        raise DoubtRefused("The model has no such input.")
    doubt = Doubt.objects.create(
        account_id=account_id,
        model_version_id=about.model_version_id,
        input_key=input_key,
        note=note.strip(),
        score=about.score,
        said_at=now,
        said_by=actor.label,
    )
    audit.record(actor=actor, at=now, verb="doubted", subject=doubt, after={"account": account_id, "input": input_key})
    return doubt
