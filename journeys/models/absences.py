"""When people are away or leave: who takes over what, and what was moved."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from accounts.models import Account, Person
from core.fields import TenantForeignKey
from core.models import TenantModel


class Absence(TenantModel):
    """A person is away from a day until the day of their return; open work due meanwhile is the deputy's."""

    person = TenantForeignKey(Person, models.CASCADE, related_name="absences")
    deputy = TenantForeignKey(Person, models.PROTECT, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField(help_text="The day of return.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)
    moved = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="Number moved by kind of work.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(condition=~Q(person=F("deputy")), name="absent_person_is_not_the_deputy"),
            models.CheckConstraint(condition=Q(until_on__gt=F("from_on")), name="absence_ends_after_it_starts"),
        ]
        indexes = [models.Index(fields=["tenant", "person", "from_on"], name="absence_of_person")]

    def __str__(self) -> str:
        return f"person {self.person_id} from {self.from_on}"


class BookHandover(TenantModel):
    """A whole book goes over, because its owner leaves: planned account by account, then done as one job."""

    person = TenantForeignKey(Person, models.PROTECT, related_name="book_handovers")
    state = models.CharField(max_length=12, default="planned", help_text="planned, running, done or dropped")
    effective_on = models.DateField()
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    done_at = models.DateTimeField(null=True, blank=True)
    moved = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="Number moved by kind of work.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "person"],
                name="book_handover_one_planned",
                condition=Q(state__in=["planned", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"book of person {self.person_id} on {self.effective_on}"


class HandoverLine(TenantModel):
    """Who takes one account of a book, and what they must know of it."""

    handover = TenantForeignKey(BookHandover, models.CASCADE, related_name="lines")
    account = TenantForeignKey(Account, models.CASCADE, related_name="+")
    to_person = TenantForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "handover", "account"], name="handover_line_once")]
        indexes = [models.Index(fields=["tenant", "account"], name="handover_line_of_account")]

    def __str__(self) -> str:
        return f"account {self.account_id} to person {self.to_person_id}"
