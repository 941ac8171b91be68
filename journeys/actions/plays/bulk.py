"""Starts of one playbook for thousands of accounts, as a job: in chunks, each in a transaction of its own."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import Account
from core import audit
from core.actors import Actor
from core.conflicts import Conflict
from core.jobs import JobRefused, RunningJob, start_job
from core.models import Job, ProcessVersion
from journeys.actions.plays.starting import PlayRefused, Request, begin
from journeys.models import PlaybookRun
from journeys.queries.plays.planning import by_index
from journeys.queries.plays.reading import live_playbook

JOB: Final = "journeys.start_plays"
CHUNK: Final = 500
REASONS_KEPT: Final = 20


class KeyTaken(Conflict):
    """The key belongs to a start of something else."""

    code = "key_reused"


@transaction.atomic
def ask_start_plays(
    *,
    playbook: str,
    account_ids: Sequence[int],
    key: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> Job:
    """A job that starts the live version for all of the accounts. The same `key` asked twice is one job.

    Accounts that lack what the playbook requires are left out: a waiver is for one account.
    Raises `PlayRefused` when nothing is live, `KeyTaken` when the key stands for other accounts or another playbook.
    """
    version = live_playbook(playbook)
    if version is None:
        raise PlayRefused([f"No playbook '{playbook}' is live. Publish it first, or choose another."])
    payload = {
        "version": version.pk, "accounts": sorted(set(account_ids)), "day": today.isoformat(),
        "actor": actor.label, "membership": actor.membership_id,
    }  # fmt: skip
    job = start_job(kind=JOB, key=key, payload=payload, actor=actor, now=now)
    if _asked(job.payload) != (playbook, payload["accounts"]):
        raise KeyTaken("This key was used for another start. Use a new key for a new one.")
    return job


def _asked(payload: Mapping[str, Any]) -> tuple[str, list[int]]:
    """What a job was asked for. Not the version and the day: the same request comes again after a publishing."""
    version = ProcessVersion.objects.filter(pk=payload["version"]).only("key").first()
    return version.key if version else "", payload["accounts"]


def start_plays(job: RunningJob, *, now: datetime) -> dict[str, Any]:
    """Does such a job. Run twice, or again after it died half-way, it starts what is missing and nothing twice.

    Cancelled, it keeps the plays of the chunks that are done.
    """
    asked: list[int] = list(job.payload["accounts"])
    reasons: dict[str, int] = {}
    for low in range(0, len(asked), CHUNK):
        job.progress(low, len(asked), "Starting plays")
        with job.transaction():
            for words in _chunk(job, asked[low : low + CHUNK], now):
                reasons[words] = reasons.get(words, 0) + 1
    with job.transaction():
        return _result(job, asked, reasons, now)


def _chunk(job: RunningJob, account_ids: Sequence[int], now: datetime) -> list[str]:
    """Starts the plays of a chunk; returns the first reason of each refusal."""
    version = ProcessVersion.objects.filter(pk=job.payload["version"]).first()
    if version is None:
        raise JobRefused("The version of the playbook is gone.")
    request = Request(
        version=version,
        actor=_actor(job),
        today=date.fromisoformat(job.payload["day"]),
        now=now,
        origins={pk: _origin(job, pk) for pk in account_ids},
    )
    names = dict(Account.objects.filter(pk__in=account_ids).values_list("pk", "name"))
    with by_index():
        begun = begin(request, account_ids)
    return [" ".join(refusal.lines).replace(names.get(pk, ""), "the account") for pk, refusal in begun.refused.items()]


def _result(job: RunningJob, asked: Sequence[int], reasons: dict[str, int], now: datetime) -> dict[str, Any]:
    started = PlaybookRun.objects.filter(origin_key__in=[_origin(job, pk) for pk in asked]).count()
    refused = sorted(reasons.items(), key=lambda item: -item[1])[:REASONS_KEPT]
    result = {"asked": len(asked), "started": started, "refused": [{"why": why, "accounts": n} for why, n in refused]}
    audit.record(
        actor=_actor(job), at=now, verb="started plays", subject_type="journeys.playbookrun",
        after={"job": job.id, "asked": len(asked), "started": started},
    )  # fmt: skip
    return result


def _origin(job: RunningJob, account_id: int) -> str:
    return f"job:{job.id}:{account_id}"


def _actor(job: RunningJob) -> Actor:
    return Actor(job.payload["actor"], job.payload["membership"])
