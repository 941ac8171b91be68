"""The Celery application: late acknowledgement, short visibility, and a schedule that only fans out."""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_init
from django.conf import settings
from kombu.entity import Queue

from revops.local import apply_environment

apply_environment()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revops.settings")

app = Celery("revops")
app.conf.update(
    broker_url=settings.REDIS_URL,
    task_ignore_result=True,
    # Jobs, such as an import, may take minutes: a worker of their own leaves the short tasks their seconds. A worker
    # that names no queue serves both.
    task_default_queue="celery",
    task_queues=[Queue("celery"), Queue("long")],  # type: ignore[no-untyped-call]  # -- kombu ships no types
    task_routes={"core.run_job": {"queue": "long"}},
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # Without these two, the messages of a killed worker come back only after a hundred seconds or more.
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
    timezone="UTC",
    beat_schedule={
        "sweep": {"task": "core.fan_out", "schedule": 60.0, "kwargs": {"task": "core.sweep"}},
        # Hourly, since workspaces live in different zones: each run does what is due by its own date.
        "arr": {"task": "core.fan_out", "schedule": crontab(minute=5), "kwargs": {"task": "accounts.refresh_arr"}},
        "health": {"task": "core.fan_out", "schedule": crontab(minute=10), "kwargs": {"task": "health.nightly"}},
        "alerts": {"task": "core.fan_out", "schedule": crontab(minute=15), "kwargs": {"task": "health.watch"}},
        "absences": {
            "task": "core.fan_out",
            "schedule": crontab(minute=2),
            "kwargs": {"task": "journeys.sweep_absences"},
        },
        "deliveries": {"task": "core.fan_out", "schedule": 60.0, "kwargs": {"task": "core.deliver"}},
        "handoffs": {"task": "core.fan_out", "schedule": 30.0, "kwargs": {"task": "journeys.sweep_handoffs"}},
        "plays": {"task": "core.fan_out", "schedule": crontab(minute=25), "kwargs": {"task": "journeys.sweep_plays"}},
        "replies": {"task": "core.fan_out", "schedule": 60.0, "kwargs": {"task": "journeys.wake_tasks"}},
        "renewals": {"task": "core.fan_out", "schedule": crontab(minute=20), "kwargs": {"task": "renewals.sweep"}},
        "journey": {
            "task": "core.fan_out",
            "schedule": crontab(minute=25),
            "kwargs": {"task": "journeys.sweep_lifecycle"},
        },
        "qbrs": {"task": "core.fan_out", "schedule": crontab(minute=30), "kwargs": {"task": "qbr.assemble"}},
        "uploads": {
            "task": "core.fan_out",
            "schedule": crontab(hour=3, minute=40),
            "kwargs": {"task": "accounts.forget_uploads"},
        },
        "escalations": {
            "task": "core.fan_out",
            "schedule": crontab(minute="*/10"),
            "kwargs": {"task": "escalations.sweep"},
        },
    },
)
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_role(**_kwargs: object) -> None:
    """The worker and the scheduler start only as a role that row-level security holds for."""
    from core import boot  # noqa: PLC0415 -- the apps are loaded by now, not at import

    try:
        boot.refuse_unsafe_database_role()
    except boot.UnsafeDatabaseRole as refusal:
        raise SystemExit(str(refusal)) from refusal  # Celery logs an error in a signal and starts all the same
