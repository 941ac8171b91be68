"""The journey: stages, stays in them, and what was shown to be true there."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from accounts.models import Account, Contact, Person
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel


class LifecycleStage(TenantModel):
    """One stage of a journey. The rows follow the live version; criteria and checkpoints are read from its document.

    The journey `standard` is walked by accounts, the journey `contacts` by people at the customer.
    """

    journey = models.CharField(max_length=80, default="standard")
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    owner_team = models.CharField(max_length=80, blank=True)
    success = models.TextField(blank=True, help_text="What success means here, in the customer's words.")
    expected_days = models.PositiveIntegerField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "journey", "key"], name="lifecycle_stage_once_per_key"),
            models.UniqueConstraint(fields=["tenant", "journey", "position"], name="lifecycle_stage_once_per_position"),
        ]

    def __str__(self) -> str:
        return self.name


class Visit(TenantModel):
    """A stay in a lifecycle stage: half-open, from the day of entering to the day of leaving. Every stay is kept."""

    stage = TenantForeignKey(LifecycleStage, models.PROTECT, related_name="%(class)ss")
    version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")
    entered_on = models.DateField()
    left_on = models.DateField(null=True, blank=True)
    moved_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.stage} from {self.entered_on}"


class StageVisit(Visit):
    """A stay of an account; the open one is its current stage.

    Where the start is not known, `entered_on` is the day from which the account is known to be there: it stands there
    at least that long, which tells whether it is stuck. Such a stay is in no median and no cohort, starts no play and
    makes no checkpoint.
    """

    account = TenantForeignKey(Account, models.CASCADE, related_name="stage_visits")
    is_start_known = models.BooleanField(default=True, db_default=True)

    class Meta(Visit.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"], name="account_in_one_stage", condition=Q(left_on=None)
            ),
            models.CheckConstraint(
                condition=Q(left_on=None) | Q(left_on__gte=F("entered_on")), name="visit_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "-entered_on"], name="visit_of_account"),
            models.Index(
                fields=["tenant", "stage", "entered_on", "account"], name="visit_open_since", condition=Q(left_on=None)
            ),
            models.Index(fields=["tenant", "entered_on", "stage"], name="visit_by_entry"),
        ]


class ContactStageVisit(Visit):
    """A stay of a contact in the journey of people; `Contact.lifecycle_stage` repeats the key of the open one."""

    contact = TenantForeignKey(Contact, models.CASCADE, related_name="stage_visits")

    class Meta(Visit.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "contact"], name="contact_in_one_stage", condition=Q(left_on=None)
            ),
            models.CheckConstraint(
                condition=Q(left_on=None) | Q(left_on__gte=F("entered_on")), name="contact_visit_ends_after_it_starts"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "contact", "-entered_on"], name="visit_of_contact")]


class Checkpoint(TenantModel):
    """A moment of a stay at which somebody looks whether the customer is satisfied: due, held, with what outcome."""

    visit = TenantForeignKey(StageVisit, models.CASCADE, related_name="checkpoints")
    account = TenantForeignKey(Account, models.CASCADE, related_name="checkpoints")
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    due_on = models.DateField()
    held_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True, help_text="good, mixed or poor")
    note = models.TextField(blank=True)
    held_by = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "visit", "key"], name="checkpoint_once_per_stay")]
        indexes = [
            models.Index(fields=["tenant", "account"], name="checkpoint_of_account"),
            models.Index(fields=["tenant", "due_on"], name="checkpoint_waiting", condition=Q(held_on=None)),
        ]

    def __str__(self) -> str:
        return self.name


class FirstValue(TenantModel):
    """The clock of an account's first value: started at the close or the first payment, stopped by the event."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="first_values")
    version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")
    started_on = models.DateField()
    started_by = models.CharField(max_length=16, help_text="close or first_payment")
    reached_on = models.DateField(null=True, blank=True)
    evidence = models.TextField(blank=True)
    recorded_by = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account"], name="first_value_once"),
            models.CheckConstraint(
                condition=Q(reached_on=None) | Q(reached_on__gte=F("started_on")), name="first_value_after_its_start"
            ),
        ]

    def __str__(self) -> str:
        return f"first value of account {self.account_id}"


class JourneyFigures(TenantModel):
    """What the journey map shows, worked out every hour: at a hundred thousand accounts it takes seconds."""

    journey = models.CharField(max_length=80)
    as_of = models.DateField()
    computed_at = models.DateTimeField()
    version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")
    figures = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    swept_on = models.DateField(null=True, blank=True, help_text="the last day on which the sweep ran")

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "journey"], name="journey_figures_once")]

    def __str__(self) -> str:
        return f"figures of {self.journey} as of {self.as_of}"


class Expectation(TenantModel):
    """What the customer expects or would like, as told at the hand-off. `for_expansion` marks a lead for more."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="expectations")
    text = models.TextField()
    for_expansion = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=200)
    met_on = models.DateField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "account"], name="expectation_of_account")]

    def __str__(self) -> str:
        return self.text


class Handoff(TenantModel):
    """A customer goes from one team to the next: checklist, clock, and an answer. A return starts a new attempt."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="handoffs")
    key = models.CharField(max_length=80, help_text="Which hand-off of the journey, such as sales_to_cs.")
    name = models.CharField(max_length=120)
    origin_key = models.CharField(max_length=120, help_text="What it came from: made once, however often it is seen.")
    attempt = models.PositiveSmallIntegerField(default=1)
    version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")
    opportunity_id = models.BigIntegerField(null=True, blank=True)
    from_person = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    to_person = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="handoffs")
    state = models.CharField(max_length=12, default="waiting", help_text="waiting, accepted, returned or cancelled")
    checklist = models.JSONField(default=list, help_text="[{key, name, done_at, done_by}]", encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    return_reason = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "origin_key", "attempt"], name="handoff_once_per_attempt"),
            models.UniqueConstraint(
                fields=["tenant", "origin_key"], name="handoff_one_waiting", condition=Q(state="waiting")
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "-created_at"], name="handoff_of_account"),
            models.Index(fields=["tenant", "key", "-created_at"], name="handoff_by_kind"),
            models.Index(
                fields=["tenant", "to_person", "due_at"], name="handoff_waiting", condition=Q(state="waiting")
            ),
            # What is open: few among all the accepted ones.
            models.Index(
                fields=["tenant", "state", "origin_key", "attempt"],
                name="handoff_not_accepted",
                condition=Q(state__in=["waiting", "returned"]),
            ),
            models.Index(fields=["tenant", "answered_at"], name="handoff_answered"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, attempt {self.attempt}"
