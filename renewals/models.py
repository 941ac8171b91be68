"""Renewals and the steps that lead to them."""

from django.db import models

from accounts.models import Account, Contract, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from journeys.choices import ForecastCategory
from journeys.models import Task
from renewals.choices import DueBasis, RenewalState, StepKind


class Renewal(TenantModel):
    """The decision on one contract. An active contract has exactly one open renewal; the database holds that."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="renewals")
    contract = TenantForeignKey(Contract, models.CASCADE, related_name="renewals")
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="renewals")
    due_on = models.DateField(help_text="First day without service unless renewed.")
    basis = models.CharField(max_length=12, choices=DueBasis.choices)
    amount_minor = models.BigIntegerField(help_text="ARR up for renewal.")
    state = models.CharField(max_length=8, choices=RenewalState.choices, default=RenewalState.OPEN)
    forecast = models.CharField(max_length=12, choices=ForecastCategory.choices, default=ForecastCategory.NOT_YET)
    opened_at = models.DateTimeField()
    seen_on = models.DateField(help_text="From when steps could be planned; earlier ones are merged into a catch-up.")
    decided_at = models.DateTimeField(null=True, blank=True)
    final_minor = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    is_automatic = models.BooleanField(default=False, help_text="Decided by the clock, not by a person.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "contract"], name="renewal_one_open_per_contract", condition=models.Q(state="open")
            ),
            models.UniqueConstraint(
                fields=["tenant", "contract", "due_on"],
                name="renewal_once_per_due_date",
                condition=~models.Q(state="dropped"),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "due_on"], name="renewal_open_by_due", condition=models.Q(state="open")),
            models.Index(
                # How a person's renewals of a year ended, counted without a look at the rows.
                fields=["tenant", "owner", "due_on"],
                include=["decided_at", "is_automatic", "basis"],
                name="renewal_won_of_owner",
                condition=models.Q(state="won"),
            ),
            models.Index(
                fields=["tenant", "owner", "due_on"], name="renewal_open_of_owner", condition=models.Q(state="open")
            ),
            models.Index(fields=["tenant", "account", "due_on"], name="renewal_of_account"),
        ]

    def __str__(self) -> str:
        return f"Renewal due {self.due_on}"


class RenewalStep(TenantModel):
    """One step of a renewal's timeline and the task that carries it."""

    renewal = TenantForeignKey(Renewal, models.CASCADE, related_name="steps")
    task = TenantForeignKey(Task, models.CASCADE, related_name="+")
    process_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    offset_days = models.PositiveSmallIntegerField(help_text="Days before the due date; 0 is the catch-up.")
    kind = models.CharField(max_length=8, choices=StepKind.choices, default=StepKind.STEP)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "renewal", "offset_days"], name="step_once_per_offset")
        ]
        indexes = [models.Index(fields=["tenant", "task"], name="step_of_task")]

    def __str__(self) -> str:
        return f"{self.offset_days} days before"
