"""The customer's journey: stages and stays in them."""

from django.db import models

from accounts.models import Account
from core.fields import TenantForeignKey
from core.models import TenantModel


class LifecycleStage(TenantModel):
    """One stage of the journey."""

    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    owner_team = models.CharField(max_length=80, blank=True)
    success = models.TextField(blank=True, help_text="What success means here, in the customer's words.")
    expected_days = models.PositiveIntegerField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="lifecycle_stage_once_per_key"),
            models.UniqueConstraint(fields=["tenant", "position"], name="lifecycle_stage_once_per_position"),
        ]

    def __str__(self) -> str:
        return self.name


class StageVisit(TenantModel):
    """A stay of an account in a lifecycle stage. Every visit is kept; the open one is the current stage."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="stage_visits")
    stage = TenantForeignKey(LifecycleStage, models.PROTECT, related_name="visits")
    entered_on = models.DateField()
    left_on = models.DateField(null=True, blank=True)
    moved_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"], name="account_in_one_stage", condition=models.Q(left_on=None)
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "-entered_on"], name="visit_of_account"),
            models.Index(fields=["tenant", "stage"], name="visit_open_in_stage", condition=models.Q(left_on=None)),
        ]

    def __str__(self) -> str:
        return f"{self.stage} from {self.entered_on}"
