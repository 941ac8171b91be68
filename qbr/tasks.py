"""The hourly run."""

from dataclasses import asdict

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.models import Tenant
from qbr.actions import assemble_qbrs


@shared_task(name="qbr.assemble", base=TenantTask)
def assemble(*, tenant_id: int) -> dict[str, int]:
    now = clock.now()
    tenant = Tenant.objects.get(pk=tenant_id)
    return asdict(assemble_qbrs(tenant=tenant, actor=Actor.system("QBR cadence"), today=tenant.today(now), now=now))
