"""Doors of health: the score models."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from health.queries.catalogue import models_in_words


@requires(Permission.VIEW_HEALTH)
@require_GET
def models(request: WorkspaceRequest) -> HttpResponse:
    """The live score models, to read."""
    return render(request, "health/models.html", {"models": models_in_words()})
