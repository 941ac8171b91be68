"""Doors of the facts for the worker and the scheduler."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from django.db import connection

from accounts.actions.import_batches import JOB, run_batch, stop_batch
from accounts.actions.import_batches import forget_uploads as forget
from accounts.actions.imports import ImportRefused, Progress
from accounts.actions.ledger import refresh_revenue
from accounts.choices import ImportState
from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.jobs import JobCancelled, JobRefused, RunningJob, job_handler
from core.models import Tenant


@shared_task(name="accounts.refresh_arr", base=TenantTask)
def refresh_arr(*, tenant_id: int) -> int:
    """Brings ARR and the revenue ledger to the workspace's today; returns the number of movements written."""
    now = clock.now()
    return refresh_revenue(today=Tenant.objects.get(pk=tenant_id).today(now), now=now).movements


@shared_task(name="accounts.forget_uploads", base=TenantTask)
def forget_uploads(*, tenant_id: int) -> int:
    """Deletes files of imports that are long over; returns of how many."""
    return forget(actor=Actor.system("Imports"), now=clock.now())


@job_handler(JOB)
def import_batch(job: RunningJob) -> dict[str, Any]:
    """The dry run or the import of one uploaded file, in one transaction; a cancel or a refusal keeps nothing."""
    batch_id, writes = int(job.payload["batch"]), bool(job.payload["writes"])
    now = clock.now()
    try:
        with _progress(job) as progress, job.transaction():
            tenant = Tenant.objects.get(pk=job.tenant_id)
            return run_batch(
                tenant=tenant,
                batch_id=batch_id,
                writes=writes,
                actor=Actor(label=job.payload["actor"], membership_id=job.payload["membership"]),
                now=now,
                today=tenant.today(now),
                progress=progress,
            )
    except JobCancelled:
        with job.transaction():
            words = "Cancelled. Nothing was kept."
            stop_batch(batch_id=batch_id, writes=writes, state=ImportState.CANCELLED, error=words)
        raise
    except ImportRefused as refusal:
        with job.transaction():
            failed, words = ImportState.FAILED, refusal.message
            stop_batch(batch_id=batch_id, writes=writes, state=failed, error=words, code=refusal.code)
        raise JobRefused(refusal.message) from refusal


@contextmanager
def _progress(job: RunningJob) -> Iterator[Progress]:
    """Reports from a thread with a connection of its own: the import is one transaction, and its progress must be seen
    before that commits. A cancel comes back as `JobCancelled` in the importing thread.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"job-{job.id}-progress") as pool:

        def report(done: int, total: int, step: str) -> None:
            pool.submit(job.progress, done, total, step).result()

        try:
            yield report
        finally:
            pool.submit(_close_connection).result()


def _close_connection() -> None:
    """Of the calling thread: looked up there, since each thread has its own."""
    connection.close()
