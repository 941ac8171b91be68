"""What must hold of plays at any moment."""

from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.choices import AccountStatus
from core.models import AuditEntry, Tenant
from journeys.models import PlaybookRun, RunStep, Task
from journeys.rules.play_due import AHEAD, FORMER, NOTICE, OPEN, RUNNING

# How the trail says that an account is gone.
CHURNED, LEFT = "churned", "left the journey"


def steps_without_task(_tenant: Tenant, _now: datetime) -> int:
    """Open steps of running plays without a task of their own that is open."""
    steps = RunStep.objects.filter(state=OPEN, run__state=RUNNING)
    return steps.filter(Q(task=None) | ~Q(task__state="open")).count()


def tasks_of_ended_plays(_tenant: Tenant, _now: datetime) -> int:
    """Open tasks that point at a play that has ended."""
    ended = PlaybookRun.objects.exclude(state=RUNNING).values("pk")
    return Task.objects.filter(subject_kind="play", state="open", subject_id__in=ended).count()


def at_rest() -> QuerySet[PlaybookRun]:
    """Running plays that have no step ahead or open."""
    waiting = RunStep.objects.filter(run_id=OuterRef("pk"), state__in=[AHEAD, OPEN])
    return PlaybookRun.objects.filter(state=RUNNING).exclude(Exists(waiting))


def of_former() -> QuerySet[PlaybookRun]:
    """Running plays of accounts that have churned, save those that somebody started for them since."""
    left = AuditEntry.objects.filter(
        subject_type="accounts.account", subject_id=OuterRef("account_id"), verb__in=(CHURNED, LEFT)
    )
    runs = PlaybookRun.objects.filter(state=RUNNING, account__status=AccountStatus.CHURNED)
    runs = runs.exclude(trace__has_key=FORMER)
    return runs.filter(~Exists(left) | Exists(left.filter(at__gte=OuterRef("started_at"))))


def branches_to_read(today: date) -> QuerySet[PlaybookRun]:
    """Running plays with a step ahead whose branch is to be read today, or was to be."""
    near = RunStep.objects.filter(run_id=OuterRef("pk"), state=AHEAD, due_on__lte=today + NOTICE)
    return PlaybookRun.objects.filter(Exists(near), state=RUNNING)


def plays_at_rest(_tenant: Tenant, _now: datetime) -> int:
    """Running plays that nothing can move on any more."""
    return at_rest().count()
