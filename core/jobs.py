"""Work that cannot be lost. Postgres holds the work; the broker only rings the bell.

A job is a row with a unique key, written in the transaction of its cause. A worker takes it by compare-and-swap with a
lease; a job past its lease is rung again by the sweeper. A handler may therefore run twice, and each of its effects
has a natural unique key, so that the second run changes nothing.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from celery import current_app
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from core import clock
from core.actors import Actor
from core.choices import JobState
from core.models import Job
from core.permissions import Permission
from core.queries import due_jobs
from core.tenancy import tenant_context

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=90)
HEARTBEAT_SECONDS: Final = 25
RETRY_AFTER: Final = timedelta(seconds=15)
BELL: Final = timedelta(seconds=60)  # how long a rung bell is trusted before the sweeper rings again


class JobRefused(Exception):
    """The work can never be done as asked. The message is for the person who started it."""


class JobCancelled(Exception):
    """Somebody pressed Cancel; nothing may stay half-written. The message, if any, says what was kept."""


class LeaseLost(Exception):
    """Another worker has taken the job over; this one stops without a word."""


@dataclass(frozen=True)
class RunningJob:
    """What a handler gets: its payload, and the means to report and to write."""

    id: int
    tenant_id: int
    payload: dict[str, Any]
    attempt: int

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction in the job's workspace. Progress is to be reported outside of it, else nobody sees it."""
        with tenant_context(self.tenant_id):
            yield

    def progress(self, done: int, total: int, step: str = "") -> None:
        """Shows progress, extends the lease; raises `JobCancelled` when a person asked to stop, and `LeaseLost`."""
        with tenant_context(self.tenant_id):
            mine = Job.objects.filter(pk=self.id, state=JobState.RUNNING, attempts=self.attempt)
            if not mine.update(done=done, total=total, step=step, lease_until=clock.now() + LEASE):
                raise LeaseLost
            if mine.filter(cancel_requested=True).exists():
                raise JobCancelled


Handler = Callable[[RunningJob], dict[str, Any]]
_handlers: dict[str, Handler] = {}
_permissions: dict[str, Permission] = {}
_with_amounts: set[str] = set()


def job_handler(
    kind: str, *, permission: Permission = Permission.IMPORT_DATA, has_amounts: bool = False
) -> Callable[[Handler], Handler]:
    """Registers the function that does jobs of this kind. It returns the job's result as JSON.

    Whoever holds the permission may start such jobs, and so cancel them. With `has_amounts` there is money in the
    result, which is given as it is only to those who may see money.
    """

    def register(handler: Handler) -> Handler:
        if kind in _handlers:
            raise RuntimeError(f"Two handlers for jobs of kind '{kind}'.")
        _handlers[kind] = handler
        _permissions[kind] = permission
        if has_amounts:
            _with_amounts.add(kind)
        return handler

    return register


def permission_of(kind: str) -> Permission:
    """What it takes to cancel a job of this kind. The web looks at the workers' doors when it is first asked."""
    if kind not in _permissions:
        current_app.loader.import_default_modules()
    return _permissions.get(kind, Permission.IMPORT_DATA)


def reading_takes(kind: str) -> frozenset[Permission]:
    """What it takes to be given the result of a job of this kind as it is stored."""
    return frozenset({permission_of(kind), *([Permission.VIEW_MONEY] if kind in _with_amounts else [])})


def job_kinds() -> list[str]:
    """The kinds of jobs that have a handler."""
    return sorted(_handlers)


def enqueue_on_commit(task: str, *, tenant_id: int, **kwargs: Any) -> None:
    """Rings the bell for a task, by name, once the transaction has committed. A dead broker is not an error here."""
    transaction.on_commit(lambda: ring(task, tenant_id=tenant_id, **kwargs))


def ring(task: str, **kwargs: Any) -> None:
    """Sends the message now. A lost one is sent again by the sweeper, so a broker that is down is only logged."""
    try:
        current_app.send_task(task, kwargs=kwargs, retry=False)
    except (BrokerError, RedisError, OSError) as error:
        logger.warning("The bell for %s did not ring (%s); the sweeper will ring again.", task, error)


@transaction.atomic
def start_job(
    *,
    kind: str,
    key: str,
    payload: dict[str, Any],
    actor: Actor,
    now: datetime,
    max_attempts: int = 5,
    again: bool = False,
) -> Job:
    """The job with this key: a new one, or the one that is there already (asking twice does the work once).

    With `again`, one that failed or was cancelled starts anew; one that is done stays done.
    """
    fresh = {
        "payload": payload,
        "created_at": now,
        "created_by": actor.label,
        "max_attempts": max_attempts,
        "lease_until": now + BELL,
    }
    job, created = Job.objects.get_or_create(kind=kind, key=key, defaults=fresh)
    if again and not created:
        over = Job.objects.filter(pk=job.pk, state__in=[JobState.FAILED, JobState.CANCELLED])
        created = bool(
            over.update(**fresh, state=JobState.QUEUED, attempts=0, cancel_requested=False, error="", finished_at=None)
        )
        job.refresh_from_db()
    if created:
        enqueue_on_commit("core.run_job", tenant_id=job.tenant_id, job_id=job.pk)
    return job


@transaction.atomic
def cancel_job(*, job_id: int, actor: Actor, now: datetime) -> bool:
    """Asks a job to stop. A waiting job ends at once, a running one at its next step. False when it was over."""
    waiting = Job.objects.filter(pk=job_id, state=JobState.QUEUED)
    if waiting.update(state=JobState.CANCELLED, finished_at=now, error=f"Cancelled by {actor.label}."):
        return True
    return bool(Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(cancel_requested=True))


def ring_due_jobs(*, tenant_id: int, now: datetime) -> int:
    """Rings for jobs that nobody is trusted with any more; returns how many. A job is rung once a minute at most."""
    due = list(due_jobs(now).order_by("pk").values_list("pk", flat=True)[:1000])
    Job.objects.filter(pk__in=due, state=JobState.QUEUED).update(lease_until=now + BELL)
    for job_id in due:
        enqueue_on_commit("core.run_job", tenant_id=tenant_id, job_id=job_id)
    return len(due)


def run_job(*, tenant_id: int, job_id: int) -> str:
    """Takes the job if nobody has it, does it, and writes down how it ended. Returns the job's state, or "taken"."""
    job = _take(tenant_id, job_id)
    if job is None:
        return "taken"
    running = RunningJob(id=job.pk, tenant_id=tenant_id, payload=job.payload, attempt=job.attempts)
    if job.attempts > job.max_attempts:
        return _finish(running, JobState.FAILED, error=f"Stopped after {job.max_attempts} attempts. {job.error}")
    try:
        with _heartbeat(running):
            result = _handlers[job.kind](running)
    except LeaseLost:
        return "taken"
    except JobCancelled as cancelled:
        return _finish(running, JobState.CANCELLED, error=str(cancelled) or "Cancelled. Nothing was written.")
    except JobRefused as refusal:
        return _finish(running, JobState.FAILED, error=str(refusal))
    # Whatever a handler of any app raises, the job has to end in a state that people see: an error that got past here
    # would leave it running until its lease is over, without a word. It is logged with its traceback and told.
    except Exception as error:
        logger.exception("Job %s of kind %s failed on attempt %s.", job.pk, job.kind, job.attempts)
        return _retry_or_fail(running, job, error)
    return _finish(running, JobState.DONE, result=result)


def _take(tenant_id: int, job_id: int) -> Job | None:
    now = clock.now()
    with tenant_context(tenant_id):
        free = Job.objects.filter(pk=job_id, state=JobState.QUEUED) | Job.objects.filter(
            pk=job_id, state=JobState.RUNNING, lease_until__lt=now
        )
        taken = free.update(state=JobState.RUNNING, attempts=F("attempts") + 1, lease_until=now + LEASE, started_at=now)
        return Job.objects.get(pk=job_id) if taken == 1 else None


def _finish(running: RunningJob, state: JobState, *, result: dict[str, Any] | None = None, error: str = "") -> str:
    with tenant_context(running.tenant_id):
        Job.objects.filter(pk=running.id, state=JobState.RUNNING, attempts=running.attempt).update(
            state=state, result=result or {}, error=error, finished_at=clock.now(), lease_until=None
        )
    return str(state)


def _retry_or_fail(running: RunningJob, job: Job, error: Exception) -> str:
    words = f"{type(error).__name__}: {error}"[:2000]
    if job.attempts >= job.max_attempts:
        return _finish(running, JobState.FAILED, error=f"Failed {job.attempts} times. Last error: {words}")
    with tenant_context(running.tenant_id):
        Job.objects.filter(pk=running.id, state=JobState.RUNNING, attempts=running.attempt).update(
            state=JobState.QUEUED, error=words, lease_until=clock.now() + RETRY_AFTER * job.attempts
        )
    return str(JobState.QUEUED)


def _extend_lease(running: RunningJob) -> None:
    with tenant_context(running.tenant_id):
        mine = Job.objects.filter(pk=running.id, attempts=running.attempt, state=JobState.RUNNING)
        mine.update(lease_until=clock.now() + LEASE)


@contextmanager
def _heartbeat(running: RunningJob) -> Iterator[None]:
    """Extends the lease while one long statement runs. A thread has its own connection, so it commits on its own."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(HEARTBEAT_SECONDS):
                try:
                    _extend_lease(running)
                except DatabaseError as error:  # one missed beat is no reason to lose the lease
                    logger.warning("The lease of job %s was not extended: %s", running.id, error)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"job-{running.id}-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
