"""The tables of the ground: who may enter which workspace, and the kernels for audit, jobs, changes and versions."""

from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from core.choices import Channel, JobState, Role, VersionState
from core.fields import TenantForeignKey
from core.managers import TenantManager
from core.tenancy import require_tenant_id


class Tenant(models.Model):
    """A workspace: one company's accounts, processes and people. Called workspace on the page."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3, default="USD")
    timezone = models.CharField(max_length=64, default="UTC")
    is_demo = models.BooleanField(default=False)
    needs_approval = models.BooleanField(
        default=False, help_text="A process goes live only after a second person has approved it."
    )
    holidays = models.JSONField(default=list, blank=True, help_text="Days that are no business days, as YYYY-MM-DD.")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def today(self, now: datetime) -> date:
        """The business date in the workspace's time zone."""
        return now.astimezone(self.zone).date()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> "User":
        """A person who can sign in. The address is kept in lower case; None sets no usable password."""
        user = User(email=email.strip().lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A sign-in. What a person may do stands in the membership, never here."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email


class Membership(models.Model):
    """A user's role in one workspace. Read before the workspace is known, hence global."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=32, choices=Role.choices)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_workspace")]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} as {self.get_role_display()}"


class TenantModel(models.Model):
    """A row of one workspace. In Postgres its primary key is (tenant_id, id), behind row-level security."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Fills in the current workspace, so that a new row never needs to name it."""
        if self.tenant_id is None:
            self.tenant_id = require_tenant_id()
        super().save(*args, **kwargs)


class AuditEntry(TenantModel):
    """Who did what, to what, why. Append-only: the application can neither change nor delete a row."""

    at = models.DateTimeField()
    actor_label = models.CharField(max_length=200)
    actor_membership_id = models.BigIntegerField(null=True)
    verb = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True)
    subject_label = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "subject_type", "subject_id", "-at"], name="audit_of_subject"),
            models.Index(fields=["tenant", "-at"], name="audit_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.verb} {self.subject_label}"


class Job(TenantModel):
    """A unit of background work. This row is the record; the broker's message only rings the bell."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    step = models.CharField(max_length=120, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    result = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "key"], name="job_once_per_key")]
        indexes = [
            models.Index(
                fields=["tenant", "state", "lease_until"],
                name="job_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class Change(TenantModel):
    """An account that a consumer has still to look at. Written with the change, deleted with the consumer's answer."""

    consumer = models.CharField(max_length=40)
    account_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "consumer", "account_id"], name="change_waiting")]

    def __str__(self) -> str:
        return f"account {self.account_id} for {self.consumer}"


class ProcessVersion(TenantModel):
    """One version of one process document: a score model, a renewal timeline, a policy. Apps give it its meaning."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.DRAFT)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    content_hash = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    published_at = models.DateTimeField(null=True)
    published_by = models.CharField(max_length=200, blank=True)
    based_on = models.PositiveIntegerField(null=True, help_text="The number of the version that it was drafted from.")
    waived_by = models.CharField(max_length=200, blank=True, help_text="Who published it although a gate was shut.")
    waiver_reason = models.TextField(blank=True)
    review_asked_by = models.CharField(max_length=200, blank=True)
    review_asked_at = models.DateTimeField(null=True)
    review_reason = models.TextField(blank=True, help_text="What the change is for, in the words of who asked.")
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "key", "number"], name="process_version_number"),
            models.UniqueConstraint(
                fields=["tenant", "kind", "key"],
                name="process_one_published",
                condition=models.Q(state="published"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    @property
    def is_draft(self) -> bool:
        """Whether people still work on it, in review or not."""
        return self.state in VersionState.drafts()


class ProcessOwner(TenantModel):
    """Who answers for a process, and who does while they are away. Not part of the document: it travels alone."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    owner = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    deputy = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "key"], name="process_owner_once"),
            models.CheckConstraint(
                condition=~models.Q(owner=models.F("deputy")), name="process_owner_is_not_their_own_deputy"
            ),
        ]

    def __str__(self) -> str:
        return f"owner of {self.kind} {self.key}"


class ApiKey(models.Model):
    """A secret by which a program enters one workspace with a role. Only a digest of it is kept."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16, help_text="The first characters, by which people tell keys apart.")
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=32, choices=Role.choices)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="api_key_of_workspace")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentRequest(TenantModel):
    """The answer to a request that carried an idempotency key: sent again, it is answered from here."""

    actor_label = models.CharField(max_length=200)
    key = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64, help_text="Digest of method, path and body.")
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "actor_label", "key"], name="idempotent_request_once")]
        indexes = [models.Index(fields=["tenant", "created_at"], name="idempotent_request_by_age")]

    def __str__(self) -> str:
        return self.key


class Notification(TenantModel):
    """Something a member should know. Shown at the bell; other channels have a delivery each."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120, help_text="What it is about: told once, however often it is noticed.")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "membership", "kind", "key"], name="notification_once")
        ]
        indexes = [models.Index(fields=["tenant", "membership", "-created_at"], name="notification_of_member")]

    def __str__(self) -> str:
        return self.text


class Delivery(TenantModel):
    """A notification on its way by e-mail or chat: due at a time that quiet hours and digests decide."""

    notification = TenantForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "notification", "channel"], name="delivery_once_per_channel")
        ]
        indexes = [models.Index(fields=["tenant", "due_at"], name="delivery_waiting", condition=models.Q(sent_at=None))]

    def __str__(self) -> str:
        return f"{self.channel} at {self.due_at}"


class NotificationChoice(TenantModel):
    """How a member wants to be told. Without a row: at the bell and by e-mail, at once, never at night."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    by_email = models.BooleanField(default=True)
    by_slack = models.BooleanField(default=False)
    digest_hour = models.PositiveSmallIntegerField(null=True, blank=True, help_text="One message a day at this hour.")
    quiet_from = models.PositiveSmallIntegerField(default=20)
    quiet_until = models.PositiveSmallIntegerField(default=7)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "membership"], name="notification_choice_once")]

    def __str__(self) -> str:
        return f"choices of {self.membership_id}"


class ChatWebhook(TenantModel):
    """The workspace's Slack address: one row, or none."""

    url = models.CharField(max_length=300)
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="chat_webhook_once")]

    def __str__(self) -> str:
        return "Slack webhook"


__all__ = [
    "ApiKey",
    "AuditEntry",
    "Change",
    "ChatWebhook",
    "Delivery",
    "IdempotentRequest",
    "Job",
    "Membership",
    "Notification",
    "NotificationChoice",
    "ProcessOwner",
    "ProcessVersion",
    "Tenant",
    "TenantForeignKey",
    "TenantModel",
    "User",
]
