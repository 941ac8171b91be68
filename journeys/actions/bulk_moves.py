"""Moves of very many deals as a job: chunk by chunk, with progress; what has moved stays moved, run twice or killed."""

import hashlib
import json
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from core.actors import Actor
from core.jobs import JobCancelled, JobRefused, RunningJob, start_job
from core.models import Job
from journeys.actions.moves import move_opportunities
from journeys.models import PipelineStage

JOB: Final = "journeys.move_opportunities"
CHUNK: Final = 200
# How many refusals a result tells one by one; it counts them all.
TOLD: Final = 200
MOST: Final = 20_000


class TooMany(ValueError):
    """More deals than one job takes."""


def start_moves(
    *,
    opportunity_ids: Collection[int],
    stage_id: int,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    close_reason: str = "",
    leave: bool = False,
) -> Job:
    """Starts the job that moves these deals. Asked for twice within a minute, it is the same job."""
    ids = sorted(set(opportunity_ids))
    if len(ids) > MOST:
        raise TooMany(f"One job moves {MOST:,} deals at most; these are {len(ids):,}. Narrow the choice.")
    payload = {
        "ids": ids,
        "stage_id": stage_id,
        "reason": reason,
        "close_reason": close_reason,
        "leave": leave,
        "today": today.isoformat(),
        "by": actor.label,
        "membership_id": actor.membership_id,
    }
    words = json.dumps([payload, now.isoformat(timespec="minutes")], sort_keys=True)
    digest = hashlib.sha256(words.encode()).hexdigest()[:40]
    return start_job(kind=JOB, key=digest, payload=payload, actor=actor, now=now, again=True)


def carry_moves(job: RunningJob, *, now: datetime) -> dict[str, Any]:
    """Moves the deals of a job. Each chunk is a transaction; those that are there already are passed over."""
    payload = job.payload
    ids: list[int] = payload["ids"]
    moved, refused, left, told = 0, 0, 0, []
    for start in range(0, len(ids), CHUNK):
        _report(job, start, len(ids), moved)
        with job.transaction():
            try:
                result = move_opportunities(
                    opportunity_ids=ids[start : start + CHUNK],
                    stage_id=payload["stage_id"],
                    actor=Actor(payload["by"], payload["membership_id"]),
                    today=date.fromisoformat(payload["today"]),
                    now=now,
                    reason=payload["reason"],
                    close_reason=payload["close_reason"],
                    leave=payload.get("leave", False),
                )
            except PipelineStage.DoesNotExist as error:
                raise JobRefused("The stage is gone: the pipeline has changed. Choose another one.") from error
        moved += len(result.moved)
        refused += len(result.refused)
        left += result.left
        told += [
            {"id": one.id, "name": one.name, "code": one.code, "missing": list(one.missing)} for one in result.refused
        ]
    _report(job, len(ids), len(ids), moved)
    return {"moved": moved, "refused": refused, "refusals": told[:TOLD], "left": left}


def _report(job: RunningJob, done: int, total: int, moved: int) -> None:
    try:
        job.progress(done, total, f"{moved:,} moved")
    except JobCancelled as cancelled:
        raise JobCancelled(
            f"Cancelled. {moved:,} of {total:,} deals have moved and stay where they are."
        ) from cancelled
