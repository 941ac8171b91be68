"""The customer journey."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.queries.stages import stage_loads


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def journey(request: WorkspaceRequest) -> HttpResponse:
    """The stages of the customer journey: who leads, what success means, which accounts are there now."""
    context = {
        "loads": stage_loads(),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
    return render(request, "journeys/journey.html", context)
