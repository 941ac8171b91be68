"""Doors of health: the page that explains a score, and its short form on the account page."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from health.actions import start_history
from health.forms import CompareForm
from health.queries import freshness, health_page
from health.queries.page import RANGES


@requires(Permission.VIEW_HEALTH)
@require_GET
def explained(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Why this score, and what changed since a day. `?on=` shows a past day as it was stored."""
    return render(request, "health/explained.html", _context(request, account_id))


@requires(Permission.VIEW_HEALTH)
@require_GET
def panel(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The card on the account page: contributions that add up to the score."""
    return render(request, "health/_panel.html", _context(request, account_id))


@requires(Permission.VIEW_HEALTH)
@require_GET
def history_offer(request: WorkspaceRequest) -> HttpResponse:
    """The offer to work out the past year, for who may; else nothing."""
    allowed = may(request.membership.role, Permission.RECOMPUTE_HEALTH)
    return render(request, "health/_history_offer.html", {"allowed": allowed})


@requires(Permission.RECOMPUTE_HEALTH)
@require_POST
def work_out_history(request: WorkspaceRequest) -> HttpResponse:
    """Starts the job that works out the past year from facts dated by then, and shows its progress."""
    now = clock.now()
    job = start_history(actor=Actor.person(request.membership), now=now, today=request.tenant.today(now))
    if request.htmx:
        return render(request, "core/_job.html", {"job": job, "now": now})
    return redirect("dashboards:trend")


def _context(request: WorkspaceRequest, account_id: int) -> dict[str, object]:
    asked = CompareForm(request.GET)
    asked.is_valid()
    now = clock.now()
    page = health_page(
        account_id,
        today=request.tenant.today(now),
        since=asked.cleaned_data.get("since"),
        on=asked.cleaned_data.get("on"),
        days=asked.range_days,
    )
    if page is None:
        raise Http404
    return {
        "page": page,
        "account": page.account,
        "health": page.health,
        "freshness": freshness(request.tenant, now),
        "ranges": RANGES,
        "complaint": asked.complaint,
        "on": asked.cleaned_data.get("on"),
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
