"""Opportunities by stage."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.queries.opportunities import PER_STAGE, deals_in_stage, stage_columns
from journeys.queries.pipeline_report import pipeline_report
from journeys.queries.pipelines import find_stage, pipeline_tabs
from journeys.rules.rates import win_rate


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def opportunities(request: WorkspaceRequest) -> HttpResponse:
    """The stages of a pipeline with their sums and first deals; `?pipeline=KEY` chooses another one."""
    tabs = pipeline_tabs()
    key = request.GET.get("pipeline", "")
    chosen = next((tab for tab in tabs if tab.pipeline.key == key), None)
    if key and chosen is None:
        raise Http404
    # Without a choice the first pipeline that holds deals: an import makes its own beside the empty default.
    chosen = chosen or next((tab for tab in tabs if tab.deals), tabs[0] if tabs else None)
    context: dict[str, Any] = {
        "tabs": tabs,
        "chosen": chosen,
        "per_stage": PER_STAGE,
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
    if chosen is not None:
        report = pipeline_report(pipeline_id=chosen.pipeline.pk)
        context |= {
            "columns": list(zip(stage_columns(chosen.pipeline), report.stages, strict=True)),
            "report": report,
            "win_rate": win_rate(report.won, report.lost),
        }
    return render(request, "journeys/opportunities.html", context)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def stage_deals(request: WorkspaceRequest, stage_id: int) -> HttpResponse:
    """Every deal of one stage, the most valuable first, page by page."""
    stage = find_stage(stage_id)
    if stage is None:
        raise Http404
    context = {
        "stage": stage,
        "page": deals_in_stage(stage, request.GET.get("after", "")),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
    return render(request, "journeys/stage_deals.html", context)
