"""Business reviews and the frozen data packages they are built on."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from qbr.choices import QBRState


class QBR(TenantModel):
    """One review of an account for a period, due by a cadence."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="qbrs")
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="qbrs")
    cadence_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    period_start = models.DateField()
    period_end = models.DateField(help_text="Exclusive.")
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=QBRState.choices, default=QBRState.DRAFT)
    held_on = models.DateField(null=True, blank=True)
    attendees = models.TextField(blank=True, help_text="Who was there, theirs and ours.")
    outcome = models.TextField(blank=True, help_text="What was agreed, or why nothing was.")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "account", "due_on"], name="qbr_once_per_due_date")]
        indexes = [
            models.Index(fields=["tenant", "due_on"], name="qbr_by_due"),
            models.Index(fields=["tenant", "owner", "due_on"], name="qbr_of_owner"),
        ]

    def __str__(self) -> str:
        return f"QBR due {self.due_on}"


class QBRPackage(TenantModel):
    """The figures of a QBR, frozen. Append-only: a renewal of the figures is a further package."""

    qbr = TenantForeignKey(QBR, models.CASCADE, related_name="packages")
    template_version = TenantForeignKey(ProcessVersion, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    frozen_at = models.DateTimeField()
    data = models.JSONField(encoder=DjangoJSONEncoder)
    sha256 = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "qbr", "number"], name="package_once_per_number")]

    def __str__(self) -> str:
        return f"Package {self.number}"
