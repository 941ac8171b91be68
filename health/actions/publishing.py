"""What follows from a model going live, on every path: page, file, API or roll-back."""

from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.models import Account
from core.actors import Actor
from core.choices import JobState
from core.jobs import start_job
from core.models import Job, ProcessVersion

RECOMPUTE_JOB: Final = "health.recompute"


def rescore_everybody(version: ProcessVersion, actor: Actor, now: datetime) -> None:
    """Starts the full run that gives every account its score by the new version. A workspace without any needs none."""
    if Account.objects.exists():
        start_job(
            kind=RECOMPUTE_JOB, key=f"published {version.key} v{version.number}", payload={}, actor=actor, now=now
        )


@transaction.atomic
def start_recompute(*, actor: Actor, now: datetime) -> Job:
    """A job that scores every account. While one waits or runs, it is that one: two at once would do the same."""
    open_now = Job.objects.filter(kind=RECOMPUTE_JOB, state__in=[JobState.QUEUED, JobState.RUNNING])
    there = open_now.order_by("pk").first()
    if there is not None:
        return there
    return start_job(kind=RECOMPUTE_JOB, key=f"asked {now.isoformat()}", payload={}, actor=actor, now=now)
