"""Who: our people, the customer's company, the customer's people."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from accounts.choices import AccountStatus, ContactRole, Segment
from core.fields import TenantForeignKey
from core.models import Membership, TenantModel


class Person(TenantModel):
    """Somebody of ours: owner, assignee, sponsor. Imported names need no sign-in; a member is linked on joining."""

    name = models.CharField(max_length=160)
    name_key = models.CharField(max_length=160, help_text="Lower case, single spaces: the name as it is looked up.")
    email_key = models.CharField(max_length=254, blank=True, help_text="The e-mail address in lower case.")
    membership = models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="people")
    is_active = models.BooleanField(default=True)
    guided_until = models.DateField(null=True, blank=True, help_text="A new hire: steps are shown with their script.")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email_key"], name="person_once_per_email", condition=~models.Q(email_key="")
            ),
            models.UniqueConstraint(
                fields=["tenant", "name_key"], name="person_once_per_name", condition=models.Q(email_key="")
            ),
            models.UniqueConstraint(
                fields=["tenant", "membership"], name="person_once_per_member", condition=~models.Q(membership=None)
            ),
        ]
        indexes = [models.Index(fields=["tenant", "name_key"], name="person_by_name")]

    def __str__(self) -> str:
        return self.name


class Account(TenantModel):
    """A customer company. `arr_minor` is a projection of its contract lines as of `arr_as_of`, kept by `accounts`."""

    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    domain_key = models.CharField(max_length=200, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=80, blank=True)
    segment = models.CharField(max_length=40, blank=True, choices=Segment.choices)
    plan = models.CharField(max_length=80, blank=True)
    employees = models.IntegerField(null=True, blank=True)
    seats = models.IntegerField(null=True, blank=True)
    customer_since = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=AccountStatus.choices, default=AccountStatus.CUSTOMER)
    owner = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="accounts")
    deputy = TenantForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    arr_minor = models.BigIntegerField(default=0)
    arr_as_of = models.DateField(null=True)
    last_contact_on = models.DateField(null=True, blank=True)
    merged_into = TenantForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    attributes = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="account_once_per_external_id",
                condition=~models.Q(external_id=""),
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "name_key", "id"], name="account_by_name"),
            models.Index(fields=["tenant", "owner", "name_key", "id"], name="account_of_owner"),
            models.Index(fields=["tenant", "arr_minor", "id"], name="account_by_arr"),
            models.Index(fields=["tenant", "owner", "arr_minor", "id"], name="account_of_owner_by_arr"),
            models.Index(fields=["tenant", "domain_key"], name="account_by_domain"),
            models.Index(fields=["tenant", "last_contact_on", "id"], name="account_by_contact"),
            models.Index(fields=["tenant", "owner", "last_contact_on", "id"], name="account_of_owner_by_contact"),
            models.Index(
                fields=["tenant", "name_key", "id"], name="account_former", condition=models.Q(status="churned")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(TenantModel):
    """A person at the customer."""

    account = TenantForeignKey(Account, models.CASCADE, related_name="contacts")
    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=160)
    email_key = models.CharField(max_length=254, blank=True)
    title = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=20, blank=True, choices=ContactRole.choices)
    lifecycle_stage = models.CharField(max_length=40, blank=True)
    last_touch_on = models.DateField(null=True, blank=True)
    left_on = models.DateField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="contact_once_per_external_id",
                condition=~models.Q(external_id=""),
            ),
            models.UniqueConstraint(
                fields=["tenant", "account", "email_key"],
                name="contact_once_per_email",
                condition=~models.Q(email_key=""),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "account"], name="contact_of_account")]

    def __str__(self) -> str:
        return self.name


class AccountMerge(TenantModel):
    """Two accounts that were one: `gone` went into `kept`. Its row stays, so that every old address still leads on."""

    kept = TenantForeignKey(Account, models.PROTECT, related_name="merges")
    gone = TenantForeignKey(Account, models.PROTECT, related_name="+")
    merged_at = models.DateTimeField()
    merged_by = models.CharField(max_length=200)
    reason = models.TextField()
    moved = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="Number of rows moved by table.")
    set_aside = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What both had and one had to give way, by table."
    )

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "gone"], name="account_merged_once")]
        indexes = [models.Index(fields=["tenant", "kept"], name="merge_into_account")]

    def __str__(self) -> str:
        return f"account {self.gone_id} into {self.kept_id}"
