"""Running plays of a playbook that go over to a version that went live, as a job where they are many."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from core.actors import Actor
from core.jobs import JobRefused, RunningJob, start_job
from core.models import Job, ProcessVersion
from journeys.actions.plays.changing import move_plays
from journeys.models import PlaybookRun
from journeys.queries.plays.moving import changed_from, move_preview
from journeys.queries.plays.planning import by_index
from journeys.queries.plays.reading import live_playbook
from journeys.rules.play_due import RUNNING

JOB: Final = "journeys.move_plays"
AT_ONCE: Final = 200


@transaction.atomic
def ask_move_plays(
    *,
    version: ProcessVersion,
    run_ids: Sequence[int] | None,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
) -> Job:
    """A job that moves running plays to the version: the named ones, or all that have not reached what differs.

    Which step that is, is settled here, so that a job that begins again does not judge by what it has moved already.
    One job per version.
    """
    payload = {
        "version": version.pk, "runs": None if run_ids is None else sorted(set(run_ids)), "day": today.isoformat(),
        "changed_from": changed_from(version), "reason": reason.strip(), "actor": actor.label,
        "membership": actor.membership_id,
    }  # fmt: skip
    return start_job(kind=JOB, key=f"{version.pk}", payload=payload, actor=actor, now=now)


def move_many_plays(job: RunningJob, *, now: datetime) -> dict[str, Any]:
    """Does such a job, in chunks. Run again it moves what is left. Cancelled, what went over stays there."""
    with job.transaction():
        waiting = list(_waiting(job).values_list("pk", flat=True))
    moved = 0
    for low in range(0, len(waiting), AT_ONCE):
        job.progress(low, len(waiting), "Moving plays")
        with job.transaction():
            moved += _chunk(job, waiting[low : low + AT_ONCE], now)
    return {"looked_at": len(waiting), "moved": moved}


def _waiting(job: RunningJob) -> Any:
    version = _version(job)
    found = PlaybookRun.objects.filter(playbook=version.key, state=RUNNING).exclude(version=version).order_by("pk")
    return found if job.payload["runs"] is None else found.filter(pk__in=job.payload["runs"])


def _chunk(job: RunningJob, run_ids: Sequence[int], now: datetime) -> int:
    version, today = _version(job), date.fromisoformat(job.payload["day"])
    actor = Actor(job.payload["actor"], job.payload["membership"])
    with by_index():
        going = list(_free(job, version, run_ids, today))
        return move_plays(
            version=version, run_ids=going, actor=actor, today=today, now=now, reason=job.payload["reason"]
        ).moved


def _free(job: RunningJob, version: ProcessVersion, run_ids: Sequence[int], today: date) -> Iterator[int]:
    if job.payload["runs"] is not None:
        yield from run_ids
        return
    differs = job.payload["changed_from"]
    for plan in move_preview(version, today, run_ids).plans:
        if differs is None or plan.reached < differs:
            yield plan.run_id


def _version(job: RunningJob) -> ProcessVersion:
    version = ProcessVersion.objects.filter(pk=job.payload["version"]).first()
    live = live_playbook(version.key) if version is not None else None
    if version is None or live != version:
        raise JobRefused("Another version of the playbook went live meanwhile. The plays left stay where they are.")
    return version
