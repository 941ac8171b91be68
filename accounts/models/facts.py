"""What they did and said: activities, tickets, outcomes, goals, and measures observed day by day."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.choices import ActivityKind, MeasureKind, MeasureSource, OutcomeKind
from accounts.models.people import Account, Contact, Person
from core.fields import TenantForeignKey
from core.models import TenantModel


class Measure(TenantModel):
    """Something that is observed, such as active users. Its values are signals."""

    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=MeasureKind.choices, default=MeasureKind.NUMBER)
    source = models.CharField(max_length=12, choices=MeasureSource.choices, default=MeasureSource.SIGNAL)
    unit = models.CharField(max_length=24, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="measure_once_per_key")]

    def __str__(self) -> str:
        return self.name


class Signal(TenantModel):
    """An observed value of a measure for an account on a day.

    The key is the natural one, and so also the path by which scoring reads. Feeds whose rows have ids of their own
    carry them in `row_key`, so that many rows of one day stand side by side; daily feeds leave it empty.
    """

    pk = models.CompositePrimaryKey("tenant_id", "account_id", "measure_id", "day", "row_key")
    account = TenantForeignKey(Account, models.CASCADE, related_name="signals")
    measure = TenantForeignKey(Measure, models.CASCADE, related_name="signals")
    day = models.DateField()
    row_key = models.CharField(max_length=120, blank=True, default="")
    value = models.FloatField(null=True)
    category = models.CharField(max_length=80, blank=True, default="")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "measure", "row_key"], name="signal_once_per_row_key", condition=~models.Q(row_key="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.measure_id} on {self.day}: {self.category or self.value}"


class Activity(TenantModel):
    """A contact with the customer, logged by hand or imported."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="activities")
    contact = TenantForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="activities")
    person = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=ActivityKind.choices)
    occurred_at = models.DateTimeField()
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="activity_once_per_external_id",
                condition=~models.Q(external_id=""),
            )
        ]
        indexes = [models.Index(fields=["tenant", "account", "-occurred_at"], name="activity_of_account")]

    def __str__(self) -> str:
        return self.subject


class Ticket(TenantModel):
    """A support request of the account."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="tickets")
    external_id = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=40, blank=True)
    priority = models.CharField(max_length=40, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    first_response_minutes = models.FloatField(null=True, blank=True)
    resolution_hours = models.FloatField(null=True, blank=True)
    satisfaction = models.FloatField(null=True, blank=True)
    is_escalated = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="ticket_once_per_external_id",
                condition=~models.Q(external_id=""),
            )
        ]
        indexes = [models.Index(fields=["tenant", "account", "-opened_at"], name="ticket_of_account")]

    def __str__(self) -> str:
        return self.subject or self.external_id


class Outcome(TenantModel):
    """What happened in the end: the truth against which scores are tested."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="outcomes")
    external_id = models.CharField(max_length=120, blank=True)
    day = models.DateField()
    kind = models.CharField(max_length=12, choices=OutcomeKind.choices)
    reason = models.CharField(max_length=120, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="outcome_once_per_external_id",
                condition=~models.Q(external_id=""),
            ),
            models.UniqueConstraint(
                fields=["tenant", "account", "day", "kind"],
                name="outcome_once_per_day",
                condition=models.Q(external_id=""),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "account", "-day"], name="outcome_of_account")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.day}"


class Goal(TenantModel):
    """What the customer wants to reach, agreed with them: measure, unit, baseline, target, date, source."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="goals")
    title = models.CharField(max_length=200)
    unit = models.CharField(max_length=40)
    baseline = models.FloatField(null=True, blank=True)
    target = models.FloatField()
    actual = models.FloatField(null=True, blank=True)
    actual_on = models.DateField(null=True, blank=True)
    target_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=120, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account"], name="goal_of_account")]

    def __str__(self) -> str:
        return self.title
