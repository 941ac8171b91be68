"""The customer journey: the map, the accounts of a stage, checkpoints and first value."""

import csv
import io
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.actions.accounts import record_export
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.money import from_minor
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from journeys.queries.journey_figures import live_journey, stored_figures, work_out
from journeys.queries.journey_map import COHORT, NOW, journey_map
from journeys.queries.outside import accounts_outside
from journeys.queries.stage_accounts import SHOWS, StageRow, stage_accounts
from journeys.queries.stages import STANDARD, lifecycle_stages
from journeys.rules.journey_map import COHORT_DAYS, FEWEST, StageFigures

LARGEST_FILE = 100_000


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def journey(request: WorkspaceRequest) -> HttpResponse:
    """The map of the journey. `?view=now` counts who is there, else who entered in twelve months; `?stage=` selects."""
    now = clock.now()
    view = NOW if request.GET.get("view") == NOW else COHORT
    page = journey_map(view=view, selected=request.GET.get("stage", ""), today=request.tenant.today(now), now=now)
    context = {
        "page": page,
        "view": view,
        "fewest": FEWEST,
        "journey_key": STANDARD,
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "may_configure": may(request.membership.role, Permission.CONFIGURE_PROCESSES),
    }
    return render(request, "journeys/journey.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def outside(request: WorkspaceRequest) -> HttpResponse:
    """The accounts that stand in no stage, page by page, each with the reason."""
    context = {
        "page": accounts_outside(today=request.tenant.today(clock.now()), after=request.GET.get("after", "")),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
    return render(request, "journeys/outside.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def stage_page(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The accounts of a stage, page by page; `?show=` narrows to those stuck, lost, in time, or not gone on."""
    return _stage(request, key, as_file=False)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def stage_file(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The same accounts as CSV, all pages."""
    return _stage(request, key, as_file=True)


def _stage(request: WorkspaceRequest, key: str, *, as_file: bool) -> HttpResponse:
    now = clock.now()
    today = request.tenant.today(now)
    stages = list(lifecycle_stages())
    stage = next((one for one in stages if one.key == key), None)
    if stage is None:
        raise Http404
    _, spec = live_journey()
    said = spec.stage(stage.key) if spec else None
    found = stored_figures() or work_out(today=today, now=now)
    figures = next((one for one in found.stages if one.key == stage.key), StageFigures(stage.key))
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "now"
    rows = stage_accounts(
        stage=stage,
        show=show,
        limit=figures.limit,
        back_to=said.back_to if said else (),
        today=today,
        **({"most": LARGEST_FILE} if as_file else {"after": request.GET.get("after", "")}),
    )
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    if as_file:
        actor = Actor.person(request.membership)
        record_export(rows=len(rows.rows), cut=bool(rows.after), actor=actor, now=now)
        currency = request.tenant.currency if with_money else ""
        return _csv(rows.rows, f"{stage.key}-{show}-{today.isoformat()}.csv", currency)
    context: dict[str, Any] = {
        "stage": stage,
        "spec": said,
        "figures": figures,
        "show": show,
        "shows": SHOWS.items(),
        "page": rows,
        "as_of": found.as_of,
        "computed_at": found.computed_at,
        "cohort_days": COHORT_DAYS,
        "currency": request.tenant.currency,
        "may_see_money": with_money,
        "may_work": may(request.membership.role, Permission.WORK_TASKS),
    }
    return render(request, "journeys/stage_accounts.html", context)


def _csv(rows: Any, name: str, currency: str) -> HttpResponse:
    text = io.StringIO()
    out = csv.writer(text)
    heads = ["Account", "Owner", "Entered", "Days", "Start", "State", "Missing to leave the stage", "Last contact"]
    out.writerow([*heads, "Value", "Currency"] if currency else heads)
    out.writerows([harmless(cell) for cell in _cells(row, currency)] for row in rows)
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cells(row: StageRow, currency: str) -> list[object]:
    """One line; without a currency nothing of money."""
    cells: list[object] = [
        row.name,
        row.owner,
        row.entered_on.isoformat(),
        row.days,
        "at the latest" if row.is_at_least else "known",
        row.state.replace("_", " "),
        "; ".join(row.missing),
        row.last_contact_on.isoformat() if row.last_contact_on else "",
    ]
    return [*cells, from_minor(row.minor, currency), currency] if currency else cells
