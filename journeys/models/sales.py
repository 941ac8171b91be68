"""Pipelines and what moves through them."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import Account, Person, Product
from core.fields import TenantForeignKey
from core.models import TenantModel
from journeys.choices import ForecastCategory, StageKind


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
    name = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    opened_on = models.DateField(null=True, blank=True)
    close_on = models.DateField(null=True, blank=True, help_text="Expected while open, actual once closed.")
    closed_on = models.DateField(null=True, blank=True)
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
            models.Index(fields=["tenant", "pipeline", "stage"], name="opportunity_in_stage"),
            models.Index(fields=["tenant", "account"], name="opportunity_of_account"),
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

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "opportunity"],
                name="opportunity_in_one_stage",
                condition=models.Q(left_on=None),
            )
        ]
        indexes = [models.Index(fields=["tenant", "opportunity", "entered_on"], name="visit_of_opportunity")]

    def __str__(self) -> str:
        return f"{self.stage} from {self.entered_on}"
