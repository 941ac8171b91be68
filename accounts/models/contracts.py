"""What they pay: products, contracts and their lines, and the ledger of ARR movements."""

from django.db import models
from django.db.models.functions import Now

from accounts.choices import EndDateIs, LineKind, MovementKind
from accounts.models.people import Account
from core.fields import TenantForeignKey
from core.models import TenantModel


class Product(TenantModel):
    """Something we sell. `name_key` is the name as it is looked up."""

    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=160)
    name_key = models.CharField(max_length=160)
    family = models.CharField(max_length=80, blank=True)
    list_price_minor = models.BigIntegerField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name_key"], name="product_once_per_name")]

    def __str__(self) -> str:
        return self.name


class Contract(TenantModel):
    """An agreement with one account over a half-open period: `starts_on` ≤ day < `ends_on`."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="contracts")
    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=160, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="First day without service; empty = no end agreed.")
    billing_months = models.PositiveSmallIntegerField(null=True, blank=True)
    auto_renew = models.BooleanField(default=False)
    notice_days = models.PositiveSmallIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(db_default=Now(), help_text="When this workspace learnt of the contract.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="contract_once_per_external_id",
                condition=~models.Q(external_id=""),
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")),
                name="contract_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "account"], name="contract_of_account"),
            models.Index(fields=["tenant", "ends_on"], name="contract_by_end"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id or f"Contract from {self.starts_on}"


class ContractLine(TenantModel):
    """What is paid for over a half-open period. `arr_minor` is annualised; only recurring lines count as ARR."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="lines")
    account = TenantForeignKey(Account, models.CASCADE, related_name="contract_lines")
    product = TenantForeignKey(Product, models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=LineKind.choices, default=LineKind.RECURRING)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    end_date_is = models.CharField(
        max_length=20,
        choices=EndDateIs.choices,
        default=EndDateIs.FIRST_DAY_WITHOUT,
        help_text="As the source printed it.",
    )
    arr_minor = models.BigIntegerField()
    quantity = models.IntegerField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"], name="line_once_per_external_id", condition=~models.Q(external_id="")
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")),
                name="line_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "account", "starts_on"], name="line_of_account"),
            models.Index(fields=["tenant", "contract"], name="line_of_contract"),
        ]

    def __str__(self) -> str:
        return self.external_id or f"Line from {self.starts_on}"


class RevenueMovement(TenantModel):
    """One signed change of an account's ARR on its effective date. Append-only: a correction is a further row."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="movements")
    effective_on = models.DateField()
    kind = models.CharField(max_length=12, choices=MovementKind.choices)
    amount_minor = models.BigIntegerField(help_text="Signed: churn and contraction are negative.")
    currency = models.CharField(max_length=3)
    recorded_at = models.DateTimeField()
    restates = models.BooleanField(default=False, help_text="Corrects what the ledger said before.")

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "account", "effective_on"], name="movement_of_account"),
            models.Index(fields=["tenant", "effective_on"], name="movement_by_date"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor} on {self.effective_on}"
