"""Doors of health: the page that explains a score, and its short form on the account page."""

from datetime import timedelta

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
from health.rules.overrides import LONGEST_DAYS


@requires(Permission.VIEW_HEALTH)
@require_GET
def explained(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Why this score, and what changed since a day. `?on=`: a past day as stored; `?known=`: as known by then."""
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
    today = request.tenant.today(now)
    known, on = asked.cleaned_data.get("known"), asked.cleaned_data.get("on")
    on = on or known  # what was known on a day, about that day
    page = health_page(
        account_id,
        today=today,
        since=asked.cleaned_data.get("since"),
        on=on,
        days=asked.range_days,
        known=asked.known_before(request.tenant.zone),
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
        "two_versions": bool(
            page.health and page.health.then and page.health.then.model_number != page.health.model_number
        ),
        "on": on,
        "known": known,
        "may_override": may(request.membership.role, Permission.OVERRIDE_HEALTH),
        "latest_override": today + timedelta(days=LONGEST_DAYS - 1),
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
