"""What must hold of plays at any moment."""

from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.models import Tenant
from journeys.models import PlaybookRun, RunStep, Task
from journeys.rules.play_due import AHEAD, NOTICE, OPEN, RUNNING


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


def branches_to_read(today: date) -> QuerySet[PlaybookRun]:
    """Running plays with a step ahead whose branch is to be read today, or was to be."""
    near = RunStep.objects.filter(run_id=OuterRef("pk"), state=AHEAD, due_on__lte=today + NOTICE)
    return PlaybookRun.objects.filter(Exists(near), state=RUNNING)


def plays_at_rest(_tenant: Tenant, _now: datetime) -> int:
    """Running plays that nothing can move on any more."""
    return at_rest().count()
