"""What the scores rest on: which data accounts lack, and how fresh every source is."""

import csv
import io
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.accounts import record_export
from accounts.queries.sources import Source, sources
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.keeping import is_ready, kept
from core.money import from_minor
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from health.queries.gaps import GapRow, data_gaps, gap_rows
from revops.dashboards.queries.book import book, stamp
from revops.dashboards.trend_filters import SEGMENTS, TABS, chips, read_filter
from revops.dashboards.views.portfolio import EXPORT_LIMIT

HOUR: Final = 3600
STATES: Final = {
    "never": ("none", "No data yet"),
    "fresh": ("ok", "In time"),
    "late": ("warn", "Late"),
    "ended": ("risk", "Ended"),
    "none": ("none", "No rhythm"),
}


@requires(Permission.VIEW_TRENDS)
@require_GET
def gaps(request: WorkspaceRequest) -> HttpResponse:
    """Inputs that scores lack, by ARR, and the accounts that lack the chosen one."""
    now = clock.now()
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    wanted = read_filter(request.GET, with_money=with_money)
    everybody = book(None)
    key = request.GET.get("input", "")[:80]
    groups = kept(
        f"gaps:{wanted.slice.key}:{everybody.changed_at}",
        lambda: data_gaps(segment=wanted.segment, owner_id=wanted.owner_id),
        size=everybody.accounts,
    )
    chosen = next((one for one in groups if one.key == key), None)
    page = gap_rows(
        chosen.key if chosen else "",
        segment=wanted.segment,
        owner_id=wanted.owner_id,
        after=request.GET.get("after", ""),
        by_arr=with_money,
    )
    context: dict[str, Any] = {
        "tabs": TABS,
        "tab": "gaps",
        "segment": wanted.segment,
        "segments": [(key, label) for key, label in SEGMENTS.items() if key],
        "chips": chips(wanted, without=("version", "stage")),
        "groups": groups,
        "chosen": chosen,
        "page": page,
        "rows": [(row, SEGMENTS.get(row.segment, row.segment)) for row in page.rows],
        "everybody": everybody,
        "may_see_money": with_money,
        "currency": request.tenant.currency,
        "freshness": stamp(everybody, request.tenant, now),
        "query": request.GET.urlencode(),
    }
    return render(request, "dashboards/gaps.html", context)


@requires(Permission.VIEW_TRENDS)
@require_POST
def gaps_export(request: WorkspaceRequest) -> HttpResponse:
    """All accounts of the address that lack something, a line per account and input."""
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    wanted = read_filter(request.GET, with_money=with_money)
    page = gap_rows(
        request.GET.get("input", "")[:80],
        segment=wanted.segment,
        owner_id=wanted.owner_id,
        limit=EXPORT_LIMIT,
        by_arr=with_money,
    )
    currency = request.tenant.currency
    text = io.StringIO()
    writer = csv.writer(text)
    head = ["account", "segment", "owner", "band", "coverage", "input", "last_seen", "left_out"]
    writer.writerow([*head, f"arr_{currency.lower()}"] if with_money else head)
    for row in page.rows:
        writer.writerows(_lines(row, currency, with_money=with_money))
    record_export(rows=len(page.rows), cut=bool(page.next), actor=Actor.person(request.membership), now=clock.now())
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="data-gaps.csv"'
    return response


def _lines(row: GapRow, currency: str, *, with_money: bool) -> list[list[str]]:
    start = [harmless(row.name), harmless(row.segment), harmless(row.owner), row.band, f"{row.coverage:.2f}"]
    end = [str(from_minor(row.arr_minor, currency))] if with_money else []
    return [
        [
            *start,
            harmless(lack.name),
            "never" if lack.is_never else str(lack.last_seen or ""),
            "yes" if lack.is_left_out else "no",
            *end,
        ]
        for lack in row.lacks
    ]


@requires(Permission.VIEW_TRENDS)
@require_GET
def sources_page(request: WorkspaceRequest) -> HttpResponse:
    """Every source with its last day. Large workspaces get the frame first; the counts are kept for an hour."""
    now = clock.now()
    today = request.tenant.today(now)
    everybody = book(None)
    name = f"sources:{today}"
    part = bool(request.htmx)
    context: dict[str, Any] = {
        "tabs": TABS,
        "tab": "sources",
        "today": today,
        "freshness": stamp(everybody, request.tenant, now),
        "may_import": may(request.membership.role, Permission.IMPORT_DATA),
        "is_late": not part and not is_ready(name, size=everybody.accounts),
    }
    if not context["is_late"]:
        found = kept(
            name,
            lambda: sources(tenant=request.tenant, today=today),
            size=everybody.accounts,
            seconds=HOUR,
        )
        context["sources"] = [(one, *STATES[one.state], _why(one)) for one in found]
        context["late"] = [one.name for one in found if one.state in {"late", "ended"}]
    return render(request, "dashboards/_sources.html" if part else "dashboards/sources.html", context)


def _why(one: Source) -> str:
    """Why it is late or not, from its own rhythm."""
    if one.last_day is None:
        return "nothing was ever brought in"
    if one.wait_days is None:
        return "comes when something is signed"
    rhythm = f"rows on {one.days_seen:,} of 90 days, so a pause of {one.wait_days:,} days is usual"
    return f"{rhythm}; {one.late_days:,} over" if one.late_days > 0 else rhythm
