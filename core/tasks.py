"""Doors of the ground for the worker and the scheduler."""

from celery import shared_task

from core import clock, idempotency, jobs, registry
from core.celery_tasks import GlobalTask, TenantTask
from core.changes import changes_waiting
from core.deliveries import deliver as send_deliveries
from core.models import Tenant


@shared_task(name="core.run_job", base=TenantTask, own_transactions=True)
def run_job(*, tenant_id: int, job_id: int) -> str:
    return jobs.run_job(tenant_id=tenant_id, job_id=job_id)


@shared_task(name="core.sweep", base=TenantTask)
def sweep(*, tenant_id: int) -> int:
    """Rings again for every job past its lease and every consumer with changes waiting; returns how often.

    Answers kept for requests sent again go after their week.
    """
    now = clock.now()
    idempotency.forget_old(now=now)
    rung = jobs.ring_due_jobs(tenant_id=tenant_id, now=now)
    for consumer in registry.consumers():
        if changes_waiting(consumer.name):
            jobs.enqueue_on_commit(consumer.task, tenant_id=tenant_id)
            rung += 1
    return rung


@shared_task(name="core.deliver", base=TenantTask, own_transactions=True)
def deliver(*, tenant_id: int) -> int:
    """Sends the e-mails and chat messages that are due; returns how many went out."""
    return send_deliveries(tenant_id=tenant_id, now=clock.now()).sent


@shared_task(name="core.fan_out", base=GlobalTask)
def fan_out(*, task: str) -> int:
    """One message per workspace for a tenant task; returns their number."""
    tenant_ids = list(Tenant.objects.values_list("pk", flat=True))
    for tenant_id in tenant_ids:
        jobs.ring(task, tenant_id=tenant_id)
    return len(tenant_ids)
