"""Doors of the process for the worker and the scheduler."""

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.changes import take_changes
from core.models import Tenant
from journeys.actions.handoffs import sweep_handoffs
from journeys.actions.stages import place_changed_accounts


@shared_task(name="journeys.place_accounts", base=TenantTask)
def place_accounts(*, tenant_id: int) -> int:
    """Gives new accounts among the changed ones their first lifecycle stage; returns their number."""
    now = clock.now()
    return place_changed_accounts(
        account_ids=take_changes("journeys", limit=100_000), today=Tenant.objects.get(pk=tenant_id).today(now), now=now
    )


@shared_task(name="journeys.sweep_handoffs", base=TenantTask)
def sweep_all_handoffs(*, tenant_id: int) -> int:
    """Opens the hand-offs that won deals and moves call for, whatever path they took; returns their number."""
    now = clock.now()
    return sweep_handoffs(actor=Actor.system("Journey"), today=Tenant.objects.get(pk=tenant_id).today(now), now=now)
