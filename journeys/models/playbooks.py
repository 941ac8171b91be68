"""Plays: a playbook run for one account, pinned to the version it started with, and the steps of it."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from journeys.models.sales import Opportunity
from journeys.models.tasks import Task


class PlaybookRun(TenantModel):
    """One play. `origin_key` is what it came from: a trigger starts it once, however often it is swept."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="plays")
    opportunity = TenantForeignKey(Opportunity, models.SET_NULL, null=True, blank=True, related_name="plays")
    playbook = models.CharField(max_length=80, help_text="The key of the playbook, whatever the version.")
    version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    variant = models.CharField(max_length=80, blank=True, help_text="Chosen by segment at the start, and kept.")
    state = models.CharField(max_length=12, default="running", help_text="running, finished or stopped")
    trigger = models.CharField(max_length=16, help_text="manual, alert, stage, date, signal or api")
    origin_key = models.CharField(max_length=160)
    anchor_on = models.DateField(help_text="The day that due rules count from.")
    started_on = models.DateField()
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=200)
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="plays")
    ended_on = models.DateField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)
    end_reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=12, blank=True, help_text="reached, missed, or empty while unknown")
    outcome_on = models.DateField(null=True, blank=True)
    trace = models.JSONField(
        default=dict, blank=True, encoder=DjangoJSONEncoder, help_text="The conditions that started it, with values."
    )

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "origin_key"], name="play_once_per_origin")]
        indexes = [
            models.Index(fields=["tenant", "account", "-started_on"], name="play_of_account"),
            models.Index(fields=["tenant", "playbook", "-started_on"], name="play_of_playbook"),
            models.Index(fields=["tenant", "version"], name="play_of_version"),
            models.Index(fields=["tenant", "playbook", "account"], name="play_running", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.playbook} for account {self.account_id}"


class RunStep(TenantModel):
    """A step of a play. It has a task as soon as its due date is known; what a branch leaves out is `left_out`."""

    run = TenantForeignKey(PlaybookRun, models.CASCADE, related_name="steps")
    key = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default="ahead", help_text="ahead, open, done, skipped or left_out")
    task = TenantForeignKey(Task, models.SET_NULL, null=True, blank=True, related_name="run_steps")
    assignee = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    due_on = models.DateField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True)
    done_by = models.CharField(max_length=200, blank=True)
    done_by_person = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    unaided = models.BooleanField(null=True, help_text="Done without asking a colleague, as the doer says.")
    note = models.TextField(blank=True, help_text="What shows that the step is done, or why it was skipped.")

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "key"], name="run_step_once")]
        indexes = [
            models.Index(fields=["tenant", "task"], name="run_step_of_task"),
            models.Index(fields=["tenant", "done_by_person", "done_on"], name="run_step_of_doer"),
            models.Index(fields=["tenant", "run", "position"], name="run_step_order"),
        ]

    def __str__(self) -> str:
        return self.title
