"""How an endpoint answers when the work goes on in the background."""

from typing import Any

from rest_framework import serializers

from core import jobs
from core.api.endpoints import Answer, Call
from core.choices import JobState
from core.models import Job


class JobShape(serializers.Serializer[Any]):
    """A unit of background work."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=JobState.choices)
    step = serializers.CharField(allow_blank=True)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    result = serializers.SerializerMethodField()
    error = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_result(self, job: Job) -> dict[str, Any] | None:
        """For those who may start such a job and see its amounts; null for others, and while it is not done."""
        call: Call = self.context["call"]
        may = all(call.may(needed) for needed in jobs.reading_takes(job.kind))
        return job.result if job.state == JobState.DONE and may else None


def job_address(job: Job) -> str:
    """Where the progress of a job is read."""
    return f"/api/v1/jobs/{job.pk}/"


def accepted(job: Job) -> Answer:
    """202 with the job, and its address in `Location`."""
    return Answer(job, status=202, location=job_address(job))
