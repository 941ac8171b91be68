"""Doors of health: the rows behind the value of an input."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from health.forms import CompareForm
from health.queries.rows import PAGE, rows_behind


@requires(Permission.VIEW_HEALTH)
@require_GET
def rows(request: WorkspaceRequest, account_id: int, key: str) -> HttpResponse:
    """What was observed in the input's window, with totals from which the value follows. `?on=` for a past day."""
    asked = CompareForm(request.GET)
    asked.is_valid()
    on = asked.cleaned_data.get("on")
    behind = rows_behind(account_id, key, on=on, page=_page(request.GET.get("page", "")))
    if behind is None:
        raise Http404
    first = (behind.page - 1) * PAGE
    context = {
        "behind": behind,
        "account": behind.account,
        "on": on,
        "complaint": asked.complaint,
        "is_hidden": behind.is_money and not may(request.membership.role, Permission.VIEW_MONEY),
        "pager_text": f"Rows {first + 1:,} to {first + len(behind.rows):,} of {behind.total:,}",
        "next_page": behind.page + 1 if behind.page < behind.pages else 0,
        "previous_page": behind.page - 1 if behind.page > 1 else 0,
    }
    return render(request, "health/rows.html", context)


def _page(text: str) -> int:
    """The page that was asked for; anything that is none is the first."""
    return int(text) if text.isdecimal() and len(text) < 7 else 1
