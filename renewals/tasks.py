"""The hourly sweep."""

from dataclasses import asdict

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.models import Tenant
from renewals.actions import sweep_renewals


@shared_task(name="renewals.sweep", base=TenantTask)
def sweep(*, tenant_id: int) -> dict[str, int]:
    now = clock.now()
    tenant = Tenant.objects.get(pk=tenant_id)
    return asdict(sweep_renewals(tenant=tenant, actor=Actor.system("Renewal clock"), today=tenant.today(now), now=now))
