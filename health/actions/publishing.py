"""What follows from a model going live, on every path: page, file, API or roll-back."""

from datetime import datetime
from typing import Final

from accounts.models import Account
from core.actors import Actor
from core.jobs import start_job
from core.models import ProcessVersion

RECOMPUTE_JOB: Final = "health.recompute"


def rescore_everybody(version: ProcessVersion, actor: Actor, now: datetime) -> None:
    """Starts the full run that gives every account its score by the new version. A workspace without any needs none."""
    if Account.objects.exists():
        start_job(
            kind=RECOMPUTE_JOB, key=f"published {version.key} v{version.number}", payload={}, actor=actor, now=now
        )
