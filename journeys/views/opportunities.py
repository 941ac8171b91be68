"""Opportunities as a board, a table, a forecast, and a file."""

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.actions.accounts import record_export
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.queries.board import MOST, board, more_cards
from journeys.queries.deal_files import deals_as_csv
from journeys.queries.deal_filters import Shown, deal_owners, shown
from journeys.queries.deal_table import SORTS, deal_table
from journeys.queries.forecast import forecast
from journeys.queries.pipelines import find_stage
from journeys.rules.periods import closing_window, closing_windows

LONGEST = 80


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def opportunities(request: WorkspaceRequest) -> HttpResponse:
    """The deals of a pipeline: as a board, `?view=table` or `?view=forecast`."""
    today = request.tenant.today(clock.now())
    found = shown_by(request, today)
    if found is None:
        if request.GET.get("pipeline"):
            raise Http404
        return _none(request)
    if not any(tab.deals for tab in found.tabs):
        return _none(request)
    view = request.GET.get("view", "")
    view = view if view in {"table", "forecast"} else "board"
    context = {**deal_context(request, found, today), "view": view}
    if view == "table":
        asked = {name: request.GET.get(name, "")[:LONGEST] for name in ("sort", "after", "stage", "state")}
        context |= {"page": deal_table(found.filters, today, **asked), "sorts": SORTS, "asked": asked}
    elif view == "forecast":
        context["forecast"] = forecast(found.filters, today)
    else:
        context["board"] = board(found.filters, today)
    return render(request, f"journeys/opportunities/{view}.html", context)


def _none(request: WorkspaceRequest) -> HttpResponse:
    may_work = may(request.membership.role, Permission.WORK_OPPORTUNITIES)
    return render(request, "journeys/opportunities/none.html", {"may_work": may_work})


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def column(request: WorkspaceRequest, stage_id: int) -> HttpResponse:
    """The cards of a column behind `?after=`, up to the most that a column shows."""
    stage = find_stage(stage_id)
    if stage is None:
        raise Http404
    today = request.tenant.today(clock.now())
    found = shown_by(request, today, pipeline=stage.pipeline.key)
    if found is None:
        raise Http404
    cards, _ = more_cards(found.filters, stage, request.GET.get("after", "")[:LONGEST], today)
    context = {**deal_context(request, found, today), "cards": cards, "stage": stage}
    return render(request, "journeys/opportunities/_more.html", context)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def export(request: WorkspaceRequest) -> HttpResponse:
    """The table as a CSV file, with the same filters; a file that holds only the first says so in its name."""
    now = clock.now()
    today = request.tenant.today(now)
    found = shown_by(request, today)
    if found is None:
        raise Http404
    asked = {name: request.GET.get(name, "")[:LONGEST] for name in ("stage", "state")}
    money = may(request.membership.role, Permission.VIEW_MONEY)
    file = deals_as_csv(found.filters, today, money=money, **asked)
    actor = Actor.person(request.membership)
    record_export(rows=file.rows, cut=file.cut, actor=actor, now=now, subject_type="journeys.opportunity")
    part = f"-first-{file.rows}" if file.cut else ""
    name = f"opportunities-{found.filters.pipeline.key}-{today.isoformat()}{part}.csv"
    return HttpResponse(
        file.text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def shown_by(request: WorkspaceRequest, today: date, *, pipeline: str = "") -> Shown | None:
    """What the address asks for."""
    asked = {name: request.GET.get(name, "")[:LONGEST].replace("\x00", "") for name in ("pipeline", "who", "closes")}
    if pipeline:
        asked["pipeline"] = pipeline
    return shown(request.membership, today, **asked)


def deal_context(request: WorkspaceRequest, found: Shown, today: date) -> dict[str, Any]:
    """What every view of deals needs."""
    window = closing_window(found.filters.closes, today)
    return {
        "shown": found,
        "today": today,
        "closes": window.name if window else "",
        "windows": closing_windows(today),
        "owners": deal_owners(found.filters.pipeline),
        "most": MOST,
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "may_work": may(request.membership.role, Permission.WORK_OPPORTUNITIES),
    }
