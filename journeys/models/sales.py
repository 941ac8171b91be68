"""Pipelines and what moves through them."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import Account, Contact, Person, Product
from core.fields import TenantForeignKey
from core.models import ProcessVersion, TenantModel
from journeys.choices import ForecastCategory, OpportunityKind, StageKind


class Pipeline(TenantModel):
    """An ordered list of stages that opportunities pass."""

    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    is_default = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="pipeline_once_per_key"),
            models.UniqueConstraint(
                fields=["tenant"], name="pipeline_one_default", condition=models.Q(is_default=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PipelineStage(TenantModel):
    """One stage; the last ones are won or lost."""

    pipeline = TenantForeignKey(Pipeline, models.CASCADE, related_name="stages")
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=StageKind.choices, default=StageKind.OPEN)
    probability = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    forecast = models.CharField(max_length=12, choices=ForecastCategory.choices, default=ForecastCategory.NOT_YET)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "pipeline", "key"], name="stage_once_per_key"),
            models.UniqueConstraint(fields=["tenant", "pipeline", "position"], name="stage_once_per_position"),
            models.CheckConstraint(condition=models.Q(probability__lte=100), name="stage_probability_in_percent"),
        ]

    def __str__(self) -> str:
        return self.name


class Opportunity(TenantModel):
    """A deal. An imported one may have no account yet."""

    account = TenantForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="opportunities")
    pipeline = TenantForeignKey(Pipeline, models.PROTECT, related_name="opportunities")
    stage = TenantForeignKey(PipelineStage, models.PROTECT, related_name="opportunities")
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="opportunities")
    product = TenantForeignKey(Product, models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=120, blank=True)
    kind = models.CharField(
        max_length=12, choices=OpportunityKind.choices, default=OpportunityKind.NEW, db_default=OpportunityKind.NEW
    )
    name = models.CharField(max_length=200)
    about = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="What it is about, in a few words."
    )
    source_kind = models.CharField(
        max_length=24, blank=True, default="", db_default="", help_text="What it came from, such as renewal."
    )
    source_id = models.BigIntegerField(null=True, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    opened_on = models.DateField(null=True, blank=True)
    close_on = models.DateField(null=True, blank=True, help_text="Expected while open, actual once closed.")
    closed_on = models.DateField(null=True, blank=True)
    close_reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why it was lost, or won."
    )
    edition = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Rises with every change: who saw an older one is told."
    )
    attributes = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "opportunities"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="opportunity_once_per_external_id",
                condition=~models.Q(external_id=""),
            )
        ]
        indexes = [
            # The sums over the columns of the board are read from this index alone.
            models.Index(
                fields=["tenant", "pipeline", "stage", "owner"],
                include=["amount_minor", "close_on", "closed_on"],
                name="opportunity_sums",
            ),
            # What was won or lost in a quarter, among the closed deals of all years.
            models.Index(
                fields=["tenant", "pipeline", "stage", "closed_on"],
                include=["owner", "amount_minor", "id"],
                condition=models.Q(closed_on__isnull=False),
                name="opportunity_closed",
            ),
            models.Index(fields=["tenant", "account"], name="opportunity_of_account"),
            models.Index(fields=["tenant", "owner", "stage"], name="opportunity_of_owner"),
            models.Index(fields=["tenant", "stage", "close_on", "id"], name="opportunity_on_board"),
            models.Index(fields=["tenant", "source_kind", "source_id"], name="opportunity_of_source"),
        ]

    def __str__(self) -> str:
        return self.name


class OpportunityStageVisit(TenantModel):
    """A stay of an opportunity in a stage. Every move is kept."""

    opportunity = TenantForeignKey(Opportunity, models.CASCADE, related_name="visits")
    stage = TenantForeignKey(PipelineStage, models.PROTECT, related_name="+")
    entered_on = models.DateField(null=True, blank=True, help_text="Empty where the source does not say.")
    left_on = models.DateField(null=True, blank=True)
    moved_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True, default="", db_default="")
    version = TenantForeignKey(ProcessVersion, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "opportunity"],
                name="opportunity_in_one_stage",
                condition=models.Q(left_on=None),
            ),
            models.CheckConstraint(
                condition=models.Q(left_on=None)
                | models.Q(entered_on=None)
                | models.Q(left_on__gte=models.F("entered_on")),
                name="deal_visit_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "opportunity", "entered_on"], name="visit_of_opportunity"),
            # The pace of all stages is read from this index alone.
            models.Index(
                fields=["tenant", "stage", "entered_on"],
                include=["opportunity", "left_on"],
                name="deal_visit_by_stage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} from {self.entered_on}"


class Answer(TenantModel):
    """The answer to one question of a qualification framework for one opportunity. The latest; the audit keeps more.

    `value` has the type of the question; `is_complete` says whether it satisfies it (two steps where two are asked).
    """

    opportunity = TenantForeignKey(Opportunity, models.CASCADE, related_name="answers")
    framework = models.CharField(max_length=80)
    question = models.CharField(max_length=80)
    value = models.JSONField(encoder=DjangoJSONEncoder)
    contact = TenantForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="+")
    is_complete = models.BooleanField()
    answered_on = models.DateField()
    answered_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "opportunity", "framework", "question"], name="answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.framework}.{self.question}"
