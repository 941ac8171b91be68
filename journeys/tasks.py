"""Doors of the process for the worker and the scheduler."""

from functools import partial
from typing import Any

from celery import shared_task

from core import clock
from core.actors import Actor
from core.celery_tasks import TenantTask
from core.changes import take_changes
from core.jobs import JobRefused, RunningJob, job_handler
from core.models import Tenant
from core.permissions import Permission
from core.tenancy import tenant_context
from journeys.actions.absences import sweep_absences
from journeys.actions.book_handovers import JOB as BOOK_JOB
from journeys.actions.book_handovers import HandoverRefused, carry_out, start_due_handovers
from journeys.actions.bulk_moves import JOB as MOVE_JOB
from journeys.actions.bulk_moves import carry_moves
from journeys.actions.handoffs import sweep_handoffs
from journeys.actions.lifecycle import refresh_small, sweep_lifecycle
from journeys.actions.plays import JOB as START_PLAYS
from journeys.actions.plays import MOVE_PLAYS, move_many_plays, start_plays, sweep_plays
from journeys.actions.stages import place_changed_accounts
from journeys.actions.task_sweeps import wake_answered


@shared_task(name="journeys.place_accounts", base=TenantTask)
def place_accounts(*, tenant_id: int) -> int:
    """Gives new accounts among the changed ones their first lifecycle stage; returns their number."""
    now = clock.now()
    today = Tenant.objects.get(pk=tenant_id).today(now)
    changed = take_changes("journeys", limit=100_000)
    placed = place_changed_accounts(account_ids=changed, today=today, now=now)
    if changed:
        refresh_small(today=today, now=now)
    return placed


@shared_task(name="journeys.sweep_lifecycle", base=TenantTask)
def hourly_lifecycle(*, tenant_id: int) -> int:
    """Checkpoints, clocks of first value, who has churned and the figures of the map; returns what was changed."""
    now = clock.now()
    swept = sweep_lifecycle(today=Tenant.objects.get(pk=tenant_id).today(now), now=now)
    return swept.checkpoints + swept.clocks_started + swept.clocks_stopped + swept.left


@shared_task(name="journeys.sweep_handoffs", base=TenantTask)
def sweep_all_handoffs(*, tenant_id: int) -> int:
    """Opens the hand-offs that won deals and moves call for, whatever path they took; returns their number."""
    now = clock.now()
    return sweep_handoffs(actor=Actor.system("Journey"), today=Tenant.objects.get(pk=tenant_id).today(now), now=now)


@shared_task(name="journeys.wake_tasks", base=TenantTask)
def wake_tasks(*, tenant_id: int) -> int:
    """Brings back what was put off until the customer replied, and they did; returns the number of tasks."""
    return wake_answered(actor=Actor.system("Queue"), now=clock.now())


@shared_task(name="journeys.sweep_absences", base=TenantTask)
def hourly_absences(*, tenant_id: int) -> int:
    """Covers and returns the work of those who are away or back, and starts the book hand-overs of the day."""
    now = clock.now()
    today = Tenant.objects.get(pk=tenant_id).today(now)
    swept = sweep_absences(today=today, now=now)
    return swept["covered"] + swept["returned"] + start_due_handovers(today=today, now=now)


@job_handler(BOOK_JOB, permission=Permission.MANAGE_BOOKS)
def hand_over_book(job: RunningJob) -> dict[str, Any]:
    """One transaction: the whole book goes over, or nothing of it."""
    job.progress(0, 1, "Handing over")
    try:
        with job.transaction():
            moved = carry_out(
                handover_id=job.payload["handover_id"],
                actor=Actor(job.payload["by"], job.payload.get("membership_id")),
                now=clock.now(),
            )
    except HandoverRefused as refusal:
        raise JobRefused(str(refusal)) from refusal
    job.progress(1, 1, "Handed over")
    return dict(moved)


@shared_task(name="journeys.sweep_plays", base=TenantTask, own_transactions=True)
def sweep_all_plays(*, tenant_id: int) -> int:
    """Starts the plays that are due by date, stage or signal, and decides outcomes; returns the number started.

    One transaction per playbook: what a playbook starts is there, and its rows are free, before the next is looked at.
    """
    now = clock.now()
    with tenant_context(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
    in_step = partial(tenant_context, tenant_id)
    return sweep_plays(tenant=tenant, today=tenant.today(now), now=now, in_step=in_step).started


@job_handler(START_PLAYS, permission=Permission.WORK_TASKS)
def start_many_plays(job: RunningJob) -> dict[str, Any]:
    """Starts one playbook for many accounts, chunk by chunk."""
    return start_plays(job, now=clock.now())


@job_handler(MOVE_PLAYS, permission=Permission.CONFIGURE_PROCESSES)
def move_running_plays(job: RunningJob) -> dict[str, Any]:
    """Moves the running plays of a playbook to the version that went live, chunk by chunk."""
    return move_many_plays(job, now=clock.now())


@job_handler(MOVE_JOB, permission=Permission.WORK_OPPORTUNITIES)
def move_many(job: RunningJob) -> dict[str, Any]:
    """Moves many deals into one stage; those whose gates are shut stay and are named."""
    return carry_moves(job, now=clock.now())
