"""Doors of health: an explanation to take away, and the spreadsheet twin."""

import csv
import io

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from accounts.actions.accounts import record_export
from accounts.models import Account
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from health.forms import CompareForm, TwinForm
from health.queries import explain
from health.queries.exports import as_document, as_rows
from health.queries.twin import first_scored, twin_of, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires(Permission.VIEW_HEALTH)
@require_GET
def export(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The explanation as CSV, or with `?format=json` as one document. Takes the days of the page."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    asked = CompareForm(request.GET)
    asked.is_valid()
    today = request.tenant.today(clock.now())
    known, since = asked.cleaned_data.get("known"), asked.cleaned_data.get("since")
    health = explain(
        account.pk,
        since=since,
        since_days=None if since else 30,
        on=asked.cleaned_data.get("on") or known,
        known=asked.known_before(request.tenant.zone),
        today=today,
    )
    if health is None:
        raise Http404
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    name = f"health-{slugify(account.name) or account.pk}-{health.as_of}"
    if request.GET.get("format") == "json":
        document = as_document(health, account=account.name, with_money=with_money)
        answer: HttpResponse = JsonResponse(document, encoder=DjangoJSONEncoder, json_dumps_params={"indent": 1})
        return _file(answer, f"{name}.json")
    text = io.StringIO()
    rows = as_rows(health, account=account.name, with_money=with_money)
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return _file(HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8"), f"{name}.csv")


@requires(Permission.VIEW_HEALTH)
@require_GET
def account_twin(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The score of one account as a workbook with live formulas."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    return _twin(request, [account.pk], slugify(account.name) or str(account.pk))


@requires(Permission.VIEW_HEALTH)
@require_GET
def twin(request: WorkspaceRequest) -> HttpResponse:
    """The scores of up to 100 accounts as a workbook: `?accounts=1,2,3`, or `accounts` many times; else the first."""
    if "accounts" not in request.GET:
        return _twin(request, first_scored(), "accounts")
    chosen = TwinForm({"accounts": ",".join(request.GET.getlist("accounts"))})
    if not chosen.is_valid():
        words = " ".join(str(error) for error in chosen.errors["accounts"])
        return HttpResponse(words, status=422, content_type="text/plain; charset=utf-8")
    return _twin(request, chosen.cleaned_data["accounts"], "accounts")


def _twin(request: WorkspaceRequest, account_ids: list[int], name: str) -> HttpResponse:
    now = clock.now()
    made = twin_of(
        account_ids,
        today=request.tenant.today(now),
        now=now,
        workspace=request.tenant.name,
        with_money=may(request.membership.role, Permission.VIEW_MONEY),
    )
    if not made.models:
        raise Http404
    record_export(rows=len(account_ids), cut=False, actor=Actor.person(request.membership), now=now)
    return _file(HttpResponse(workbook(made), content_type=XLSX), f"health-{name}.xlsx")


def _file(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
