"""The sales process in figures, the deals behind them, and what goes wrong again and again."""

import csv
import io
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.actions.accounts import record_export
from accounts.choices import Segment
from accounts.models import Account
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.keeping import LARGE, kept
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from journeys.choices import OpportunityKind
from journeys.forms.analysis import NO_SEGMENT, BehindForm, CasesForm, RecurringForm, ScopeForm, periods
from journeys.queries.analysis import definitions
from journeys.queries.analysis.deals import deals_behind
from journeys.queries.analysis.page import FILES, Analysis, file_rows
from journeys.queries.analysis.page import analysis as analyse
from journeys.queries.analysis.recurring import PAGE, SOURCES, WAYS, cases
from journeys.queries.analysis.recurring import recurring as find_recurring
from journeys.queries.analysis.scope import Scope, choices
from journeys.queries.pipelines import PipelineTab, find_stage, pipeline_tabs

_SCOPE = ("pipeline", "by", "start", "end", "owner", "segment", "product", "kind")


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def analysis(request: WorkspaceRequest) -> HttpResponse:
    """Funnel, win rate, cycle, consistency and friction of a pipeline; `?file=` gives one of them as CSV."""
    today = request.tenant.today(clock.now())
    tabs, chosen = _pipelines(request)
    context: dict[str, Any] = {"tabs": tabs, "chosen": chosen, "today": today} | _money(request)
    if chosen is None:
        return render(request, "journeys/analysis.html", context)
    scope = ScopeForm(request.GET).scope(chosen.pipeline)
    figure = request.GET.get("file", "")
    if figure in FILES:
        return _file(request, scope, figure)
    found, offered = kept(
        f"analysis:2:{scope}:{today}",
        lambda: (analyse(scope, today=today), choices(chosen.pipeline.pk)),
        size=chosen.deals,
    )
    context |= {
        "found": found,
        "scope": scope,
        "scope_query": _scope_query(request, chosen),
        "periods": periods(today),
        "choices": offered,
        "segments": [(key or NO_SEGMENT, dict(Segment.choices).get(key, key)) for key in offered.segments],
        "no_segment": NO_SEGMENT,
        "kinds": [(key, OpportunityKind(key).label) for key in offered.kinds],
        "says": {one.key: one for one in definitions.DEFINITIONS},
        "funnel": _funnel(found),
        "matrix": [
            (one, [None] * place + list(row))
            for place, (one, row) in enumerate(zip(found.conversion.stages, found.conversion.matrix, strict=True))
        ],
        "rates": _rates(found),
    }
    return render(request, "journeys/analysis.html", context)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def analysis_deals(request: WorkspaceRequest) -> HttpResponse:
    """The deals behind a figure, the most valuable first."""
    _, chosen = _pipelines(request)
    form = BehindForm(request.GET)
    if chosen is None or not form.is_valid():
        raise Http404
    asked = form.cleaned_data
    stage = find_stage(asked["stage"]) if asked["stage"] is not None else None
    if asked["stage"] is not None and (stage is None or stage.pipeline_id != chosen.pipeline.pk):
        raise Http404
    page = deals_behind(
        ScopeForm(request.GET).scope(chosen.pipeline),
        asked["which"],
        today=request.tenant.today(clock.now()),
        position=stage.position if stage else -1,
        month=asked["month"],
        after=asked["after"],
    )
    context = {"page": page, "stage": stage, "chosen": chosen, "month": asked["month"], "which": asked["which"]}
    context["scope_query"] = _scope_query(request, chosen)
    return render(request, "journeys/analysis_deals.html", context | _money(request))


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def recurring(request: WorkspaceRequest) -> HttpResponse:
    """Problems with three or more cases in the last 90 days."""
    today = request.tenant.today(clock.now())
    way, source = RecurringForm(request.GET).chosen()
    found = kept(
        f"recurring:{way}:{source}:{today}",
        lambda: find_recurring(zone=request.tenant.timezone, today=today, way=way, source=source),
        size=Account.objects.order_by()[: LARGE + 1].count(),
    )
    context = {
        "found": found,
        "lines": [(one, urlencode(one.address)) for one in found.clusters],
        "way": way,
        "ways": WAYS.items(),
        "source": source,
        "sources": [(key, name, found.cases.get(key, 0)) for key, name in SOURCES.items()],
        "today": today,
        "says": definitions.RECURRING,
    }
    return render(request, "journeys/recurring.html", context | _money(request))


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def recurring_cases(request: WorkspaceRequest) -> HttpResponse:
    """The cases behind a recurring problem, the latest first."""
    form = CasesForm(request.GET)
    if not form.is_valid():
        raise Http404
    today = request.tenant.today(clock.now())
    asked, offset = form.asked(), form.cleaned_data["offset"] or 0
    found = cases(
        zone=request.tenant.timezone, today=today, source=form.cleaned_data["source"], offset=offset,
        reason=asked["reason"], product=asked["product"], stage=asked["stage"],
    )  # fmt: skip
    context = {
        "cases": found[:PAGE],
        "source": SOURCES[form.cleaned_data["source"]],
        "agree": [(name, value) for name, value in asked.items() if value and name != "source"],
        "first": offset + 1,
        "previous": max(offset - PAGE, 0) if offset else None,
        "following": offset + PAGE if len(found) > PAGE else None,
        "today": today,
    }
    return render(request, "journeys/recurring_cases.html", context | _money(request))


def _money(request: WorkspaceRequest) -> dict[str, Any]:
    return {
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }


def _pipelines(request: WorkspaceRequest) -> tuple[list[PipelineTab], PipelineTab | None]:
    """All pipelines, and the one that is asked for; without a choice the first that holds deals."""
    tabs = pipeline_tabs()
    key = request.GET.get("pipeline", "")
    chosen = next((tab for tab in tabs if tab.pipeline.key == key), None)
    if key and chosen is None:
        raise Http404
    return tabs, chosen or next((tab for tab in tabs if tab.deals), tabs[0] if tabs else None)


def _scope_query(request: WorkspaceRequest, chosen: PipelineTab) -> str:
    given = {name: request.GET[name] for name in _SCOPE if request.GET.get(name)}
    return urlencode(given | {"pipeline": chosen.pipeline.key})


def _file(request: WorkspaceRequest, scope: Scope, figure: str) -> HttpResponse:
    text = io.StringIO()
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    today = request.tenant.today(clock.now())
    rows = list(file_rows(scope, figure, request.tenant.currency, today=today, with_money=with_money))
    actor = Actor.person(request.membership)
    record_export(rows=len(rows) - 1, cut=False, actor=actor, now=clock.now(), subject_type="journeys.opportunity")
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    name = "-".join([figure, scope.kind or "all", str(today)])
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _funnel(found: Analysis) -> dict[str, Any]:
    """How far deals came, as a chart."""
    stages = found.conversion.stages
    return {
        "kind": "bars",
        "x": [*(one.name for one in stages), "Won"],
        "series": [
            {"name": "Came here", "tone": "accent",
             "values": [*(one.entered.deals for one in stages), found.conversion.won.deals]},
        ],
        "ticks": ",d",
    }  # fmt: skip


def _rates(found: Analysis) -> dict[str, Any] | None:
    """Win rates by month in per cent, months with too few left open; None with fewer than two months."""
    months = [one for one in found.win_rates.months if one.month]
    if len(months) < 2:
        return None
    shown = months[-24:]

    def line(name: str, tone: str, variant: str) -> dict[str, Any]:
        values = [None if one.is_small else getattr(one, variant).value for one in shown]
        return {"name": name, "tone": tone, "values": [None if v is None else round(100 * v, 1) for v in values]}

    by_amount = [line("By amount", "second", "by_amount")]
    return {
        "kind": "lines",
        "x": [one.month.isoformat() for one in shown if one.month],
        "series": [line("By count", "accent", "by_count"), *by_amount],
        "range": [0, 100],
        "suffix": " %",
    }
