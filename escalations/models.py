"""Escalations: an account that needs more than its CSM, and why."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from escalations.choices import EscalationState, Tier


class Escalation(TenantModel):
    """One episode of one policy on one account.

    It opens when the condition begins to hold and closes when it stops. A person may close it before: the episode
    goes on silently until the condition stops, so that nothing opens twice for the same cause.
    """

    account = TenantForeignKey(Account, models.CASCADE, related_name="escalations")
    policy_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    policy_key = models.CharField(max_length=80)
    tier = models.PositiveSmallIntegerField(choices=Tier.choices, default=Tier.CS_MANAGER)
    state = models.CharField(max_length=8, choices=EscalationState.choices, default=EscalationState.OPEN)
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="escalations")
    arr_at_risk_minor = models.BigIntegerField(default=0)
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="What each condition saw at opening.")
    opened_at = models.DateTimeField()
    respond_by = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_because = models.CharField(max_length=200, blank=True)
    over_at = models.DateTimeField(
        null=True, blank=True, help_text="When the condition stopped to hold: only then can the next episode begin."
    )

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "policy_key"],
                name="escalation_one_per_episode",
                condition=models.Q(over_at=None),
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "opened_at"], name="escalation_open", condition=models.Q(state="open")),
            models.Index(
                fields=["tenant", "owner", "opened_at"],
                name="escalation_open_of_owner",
                condition=models.Q(state="open"),
            ),
            models.Index(fields=["tenant", "account", "-opened_at"], name="escalation_of_account"),
        ]

    def __str__(self) -> str:
        return f"Escalation of {self.account_id}"
