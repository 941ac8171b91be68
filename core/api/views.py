"""Endpoints of the ground: who asks, jobs, the schema and its reader."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_GET
from rest_framework import serializers

from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import MISSING, error
from core.api.jobs import JobShape
from core.api.pages import page_of
from core.api.schema import openapi
from core.choices import JobState, Role
from core.models import Job
from core.permissions import ROLE_PERMISSIONS, Permission, public


class Caller(serializers.Serializer[Any]):
    """Who asks, and what they may do."""

    workspace = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    timezone = serializers.CharField()
    today = serializers.DateField(help_text="The business date of the workspace.")
    role = serializers.ChoiceField(choices=Role.choices)
    permissions = serializers.ListField(child=serializers.CharField())


class MeView(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, Caller, summary="Who asks, and what they may do", tag="me")
    def get(self, call: Call) -> Answer:
        return Answer(
            {
                "workspace": call.tenant.slug,
                "name": call.tenant.name,
                "currency": call.tenant.currency,
                "timezone": call.tenant.timezone,
                "today": call.today,
                "role": call.role,
                "permissions": sorted(ROLE_PERMISSIONS[call.role]),
            }
        )


class JobQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=JobState.choices, required=False)


class JobList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, JobShape, summary="Jobs, the latest first", query=JobQuery, pages=True,
              tag="jobs")  # fmt: skip
    def get(self, call: Call) -> Answer:
        found = Job.objects.all()
        if call.query.get("state"):
            found = found.filter(state=call.query["state"])
        return Answer(page_of(found, call.query, by="-id", within=call.within))


class JobDetail(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, JobShape, summary="One job: its progress, then its result", tag="jobs")
    def get(self, call: Call, job_id: int) -> Answer:
        return Answer(get_object_or_404(Job.objects.all(), pk=job_id))


@public("The shape of the API says nothing about anybody.")
@require_GET
@cache_control(max_age=300)
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document as JSON."""
    return JsonResponse(openapi())


@public("Reads the schema; what it tries out is asked with the reader's own session.")
@require_GET
@ensure_csrf_cookie
def docs(request: HttpRequest) -> HttpResponse:
    """The schema to read, and to try out."""
    return render(request, "core/api_docs.html")


@public("Says that nothing is here.")
@csrf_exempt
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address below /api/: 404 in the words of the API."""
    return JsonResponse(error("not_found", MISSING), status=404)
