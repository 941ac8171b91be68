"""Doors of the facts for the worker and the scheduler."""

from celery import shared_task

from accounts.actions.ledger import refresh_revenue
from core import clock
from core.celery_tasks import TenantTask
from core.models import Tenant


@shared_task(name="accounts.refresh_arr", base=TenantTask)
def refresh_arr(*, tenant_id: int) -> int:
    """Brings ARR and the revenue ledger to the workspace's today; returns the number of movements written."""
    now = clock.now()
    return refresh_revenue(today=Tenant.objects.get(pk=tenant_id).today(now), now=now).movements
