"""The jobs by which a version of a score model is tested on outcomes, or learned from them."""

from datetime import date, datetime
from typing import Final

from core.actors import Actor
from core.jobs import start_job
from core.models import Job, ProcessVersion

VALIDATE_JOB: Final = "health.validate"
CALIBRATE_JOB: Final = "health.calibrate"


def start_validation(*, version: ProcessVersion, actor: Actor, now: datetime, today: date) -> Job:
    """The job that writes a validation report of this very content."""
    return _start(VALIDATE_JOB, version, actor, now)


def start_proposal(*, version: ProcessVersion, actor: Actor, now: datetime, today: date) -> Job:
    """The job that proposes weights from the workspace's outcomes, as a draft."""
    return _start(CALIBRATE_JOB, version, actor, now)


def _start(kind: str, version: ProcessVersion, actor: Actor, now: datetime) -> Job:
    payload = {"version": version.pk, "model": version.key}
    return start_job(
        kind=kind, key=f"{version.key} v{version.number} {now.isoformat()}", payload=payload, actor=actor, now=now
    )
