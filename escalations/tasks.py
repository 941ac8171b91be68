"""The sweep that the scheduler rings every ten minutes."""

from dataclasses import asdict

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.models import Tenant
from escalations.actions import sweep_escalations


@shared_task(name="escalations.sweep", base=TenantTask)
def sweep(*, tenant_id: int) -> dict[str, int]:
    now = clock.now()
    tenant = Tenant.objects.get(pk=tenant_id)
    return asdict(
        sweep_escalations(tenant=tenant, actor=Actor.system("Escalation policies"), today=tenant.today(now), now=now)
    )
