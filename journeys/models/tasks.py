"""Tasks (CTAs): what somebody is to do, by when, and which rule said so."""

from django.db import models

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from journeys.choices import TaskKind, TaskState


class Task(TenantModel):
    """A piece of work for one person.

    A task made by a rule names the rule's version and a key of its own (`origin_key`), so that the rule can run any
    number of times and make it once. `subject_*` point at the renewal, QBR or escalation that it serves.
    """

    account = TenantForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="tasks")
    kind = models.CharField(max_length=12, choices=TaskKind.choices, default=TaskKind.TODO)
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True)
    due_on = models.DateField()
    priority = models.PositiveSmallIntegerField(default=0, help_text="Points that the rule adds to the rank.")
    state = models.CharField(max_length=12, choices=TaskState.choices, default=TaskState.OPEN)
    assignee = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="tasks")
    process_version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")
    origin_key = models.CharField(max_length=120, blank=True)
    subject_kind = models.CharField(max_length=24, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    snoozed_until = models.DateField(null=True, blank=True)
    snooze_reason = models.CharField(max_length=200, blank=True)
    awaits_reply_since = models.DateTimeField(
        null=True, blank=True, help_text="Put off until the customer is heard of: it returns by itself."
    )
    covered_for = TenantForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose task it is while they are away.",
    )
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "origin_key"], name="task_once_per_origin", condition=~models.Q(origin_key="")
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "assignee", "due_on"], name="task_open_of_person", condition=models.Q(state="open")
            ),
            models.Index(fields=["tenant", "due_on"], name="task_open_by_due", condition=models.Q(state="open")),
            models.Index(
                fields=["tenant", "snoozed_until"],
                include=["assignee", "kind"],
                name="task_snoozed",
                condition=models.Q(state="open", snoozed_until__isnull=False),
            ),
            # The queue of My day takes the first of every kind, and counts each kind from the index alone.
            models.Index(
                fields=["tenant", "assignee", "kind", "due_on", "id"],
                include=["snoozed_until"],
                name="task_queue_of_person",
                condition=models.Q(state="open"),
            ),
            models.Index(
                fields=["tenant", "kind", "due_on", "id"],
                include=["snoozed_until"],
                name="task_queue_of_all",
                condition=models.Q(state="open"),
            ),
            models.Index(fields=["tenant", "account", "state"], name="task_of_account"),
            models.Index(
                fields=["tenant", "account"], name="task_awaits_reply", condition=~models.Q(awaits_reply_since=None)
            ),
            models.Index(fields=["tenant", "covered_for"], name="task_covered", condition=~models.Q(covered_for=None)),
            models.Index(fields=["tenant", "subject_kind", "subject_id"], name="task_of_subject"),
        ]

    def __str__(self) -> str:
        return self.title
