"""What holds at a gate beside the facts: evidence that a person gave, and waivers that a second person signed."""

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.fields import TenantForeignKey
from core.models import Membership, ProcessVersion, TenantModel
from journeys.models.sales import Opportunity


class _OfAccountOrOpportunity(TenantModel):
    """About an account in its journey, or about an opportunity in its pipeline."""

    account = TenantForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    opportunity = TenantForeignKey(Opportunity, models.CASCADE, null=True, blank=True, related_name="+")
    stage_key = models.CharField(max_length=80)

    class Meta(TenantModel.Meta):
        abstract = True


class Evidence(_OfAccountOrOpportunity):
    """A criterion that a person found met, with what shows it. Counts for the stay in which it was given."""

    criterion_key = models.CharField(max_length=80)
    given_on = models.DateField()
    text = models.TextField()
    given_at = models.DateTimeField()
    given_by = models.CharField(max_length=200)
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta(_OfAccountOrOpportunity.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(account=None) ^ Q(opportunity=None), name="evidence_about_account_or_opportunity"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "stage_key"], name="evidence_of_account"),
            models.Index(fields=["tenant", "opportunity", "stage_key"], name="evidence_of_opportunity"),
        ]

    def __str__(self) -> str:
        return f"{self.criterion_key} on {self.given_on}"


class Waiver(_OfAccountOrOpportunity):
    """Leave to pass one gate although criteria are missing: asked, then approved by somebody else, until a day.

    `stage_key` is the stage that is entered. Kept for good: a row is answered, never deleted.
    """

    version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    criteria = models.JSONField(help_text="[{key, name}] of what was missing when it was asked for.")
    reason = models.TextField()
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    asker = models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="+")
    approver = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=12, default="asked", help_text="asked, approved, refused or revoked")
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answer = models.TextField(blank=True)
    expires_on = models.DateField(help_text="The first day on which it no longer opens the gate.")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta(_OfAccountOrOpportunity.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(account=None) ^ Q(opportunity=None), name="waiver_about_account_or_opportunity"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "stage_key"], name="waiver_of_account"),
            models.Index(fields=["tenant", "opportunity", "stage_key"], name="waiver_of_opportunity"),
            models.Index(fields=["tenant", "-asked_at"], name="waiver_ledger"),
        ]

    def __str__(self) -> str:
        return f"waiver for {self.stage_key}, {self.state}"
