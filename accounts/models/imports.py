"""An import from upload to result."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.choices import ImportState
from core.fields import TenantForeignKey
from core.models import Job, TenantModel


class ImportBatch(TenantModel):
    """One file on its way in: what it is, how its columns map, what the dry run said, what was written."""

    kind = models.CharField(max_length=40, blank=True)
    file_name = models.CharField(max_length=255)
    file_path = models.CharField(max_length=500, help_text="Where the upload lies, under MEDIA_ROOT.")
    file_hash = models.CharField(max_length=64, blank=True)
    mapping = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.UPLOADED)
    report = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    rejects_path = models.CharField(max_length=500, blank=True)
    error = models.TextField(blank=True)
    job = TenantForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-created_at"], name="import_latest")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"
