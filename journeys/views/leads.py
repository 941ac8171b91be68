"""Doors of leads: the matrix and the list, the same as a file, the reasons of one grade, and the card of a prospect."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from accounts.actions.accounts import record_export
from accounts.choices import AccountStatus
from accounts.models import Account
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.forms.leads import ME, LeadForm
from journeys.queries.lead_grades import Grading, owners
from journeys.queries.lead_list import LARGEST_FILE, Reader, lead_matrix, lead_of, lead_page, lead_reader, leads_csv
from journeys.queries.lead_list import leads as lead_rows


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def leads(request: WorkspaceRequest) -> HttpResponse:
    """Prospects by grade: how many of each, and who they are. `?grade=` is A1, A or 1; `?owner=` me or a person."""
    grading, reader = _asked(request)
    form, mine = _form(request), person_id_of(request.membership)
    owner_id, grade = form.owner_id(mine), form.asked("grade")
    people = list(owners())
    context: dict[str, Any] = {
        "grading": grading,
        "grade": grade,
        "owner": form.asked("owner") if owner_id is not None else "",
        "whose": next((one.name for one in people if one.pk == owner_id), "Nobody with a lead") if owner_id else "",
        "owners": people,
        "has_book": mine is not None,
        "me": ME,
        "may_configure": may(request.membership.role, Permission.CONFIGURE_PROCESSES),
        "today": reader.today,
    }
    if grading is not None:
        context["matrix"] = lead_matrix(grading, owner_id=owner_id, today=reader.today)
        context["page"] = lead_page(grading, reader, grade=grade, owner_id=owner_id, after=form.asked("after"))
    return render(request, "journeys/leads/list.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def leads_file(request: WorkspaceRequest) -> HttpResponse:
    """The list as CSV, all pages of the same filters; a file that holds only the first says so in its name."""
    grading, reader = _asked(request)
    if grading is None:
        raise Http404
    form = _form(request)
    owner_id = form.owner_id(person_id_of(request.membership))
    rows = lead_rows(grading, reader, grade=form.asked("grade"), owner_id=owner_id, most=LARGEST_FILE + 1)
    cut, rows = len(rows) > LARGEST_FILE, rows[:LARGEST_FILE]
    record_export(rows=len(rows), cut=cut, actor=Actor.person(request.membership), now=clock.now())
    part = f"-first-{len(rows)}" if cut else ""
    name = f"leads-{reader.today.isoformat()}{part}.csv"
    return HttpResponse(
        leads_csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def lead(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Why one prospect has its grade: every rule with its points and what was seen."""
    grading, reader = _asked(request)
    found = lead_of(account_id, grading, reader) if grading is not None and account_id < 2**63 else None
    if found is None:
        raise Http404
    template = "journeys/leads/_why.html" if request.htmx else "journeys/leads/why.html"
    return render(request, template, {"lead": found, "grading": grading, "today": reader.today})


def account_section(request: HttpRequest, account: Account) -> str:
    """The grade of a prospect with its reasons; nothing for an account that has bought."""
    membership = getattr(request, "membership", None)
    if membership is None or account.status != AccountStatus.PROSPECT:
        return ""
    grading, reader = _asked(request)  # type: ignore[arg-type]  # -- the account page is one of a workspace
    found = lead_of(account.pk, grading, reader) if grading is not None else None
    if found is None:
        return ""
    context = {"lead": found, "grading": grading, "today": reader.today}
    return render_to_string("journeys/leads/_section.html", context, request=request)


def _asked(request: WorkspaceRequest) -> tuple[Grading | None, Reader]:
    return lead_reader(
        currency=request.tenant.currency,
        today=request.tenant.today(clock.now()),
        sees_money=may(request.membership.role, Permission.VIEW_MONEY),
    )


def _form(request: WorkspaceRequest) -> LeadForm:
    form = LeadForm(request.GET)
    form.is_valid()
    return form
