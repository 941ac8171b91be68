"""Pages of renewals."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.queries.task_lists import tasks_of_subject
from renewals import queries
from renewals.actions import DecisionRefused, decide_renewal, set_forecast
from renewals.forms import FORECASTS, DecideForm, ForecastForm
from renewals.models import Renewal


@requires(Permission.VIEW_RENEWALS)
@require_GET
def renewal_list(request: WorkspaceRequest) -> HttpResponse:
    """Open renewals by due date, of one's own book or of everybody, with the figures above."""
    today = request.tenant.today(clock.now())
    person_id = person_id_of(request.membership)
    everyone = request.GET.get("who") == "all" or person_id is None
    owner_id = None if everyone else person_id
    month = _month(request.GET.get("month", ""))
    start, end = queries.rate_window(today)
    page = queries.renewal_page(owner_id, month=month, after=request.GET.get("after", ""), today=today)
    context = {
        "today": today,
        "everyone": everyone,
        "has_book": person_id is not None,
        "month": month,
        "months": queries.renewals_by_month(owner_id)[:13],
        "page": page,
        "due": queries.renewals_due_summary(owner_id, today),
        "late_steps": queries.late_steps(owner_id, today),
        "on_time": queries.on_time_rate(start=start, end=end, zone=request.tenant.timezone, owner_id=owner_id),
        "currency": request.tenant.currency,
    }
    return render(request, "renewals/list.html", context)


def _month(text: str) -> date | None:
    """The first day of a month named as in 2026-05; anything else names none."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


@requires(Permission.VIEW_RENEWALS)
@require_GET
def renewal_detail(request: WorkspaceRequest, renewal_id: int) -> HttpResponse:
    """One renewal: its steps, its contract, and what is to be decided."""
    renewal = _renewal(renewal_id)
    return render(request, "renewals/detail.html", _context(request, renewal, _form(request, renewal)))


@requires(Permission.WORK_RENEWALS)
@require_POST
def forecast(request: WorkspaceRequest, renewal_id: int) -> HttpResponse:
    """Sets the forecast and shows the page again."""
    renewal = _renewal(renewal_id)
    form = ForecastForm(request.POST)
    if not form.is_valid():
        return _again(request, renewal, "Choose Not yet, Best case, Commit or At risk.")
    try:
        set_forecast(
            renewal_id=renewal.pk,
            forecast=form.cleaned_data["forecast"],
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except DecisionRefused as refusal:
        return _again(request, renewal, str(refusal), status=409)
    return redirect("renewals:detail", renewal_id=renewal.pk)


@requires(Permission.WORK_RENEWALS)
@require_POST
def decide(request: WorkspaceRequest, renewal_id: int) -> HttpResponse:
    """Closes the renewal as won or lost and shows the page again."""
    renewal = _renewal(renewal_id)
    form = _form(request, renewal, request.POST)
    if not form.is_valid():
        return render(request, "renewals/detail.html", _context(request, renewal, form), status=422)
    now = clock.now()
    try:
        decide_renewal(
            renewal_id=renewal.pk,
            won=form.cleaned_data["decision"] == "won",
            final_minor=form.final_minor,
            reason=form.cleaned_data["reason"],
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except DecisionRefused as refusal:
        return _again(request, renewal, str(refusal), status=409)
    return redirect("renewals:detail", renewal_id=renewal.pk)


def account_section(request: HttpRequest, account: Account) -> str:
    """The renewal strip of the account page; nothing for those who may not see renewals."""
    membership = getattr(request, "membership", None)
    if membership is None or not may(membership.role, Permission.VIEW_RENEWALS):
        return ""
    today = membership.tenant.today(clock.now())
    strip = queries.renewal_strip(account.pk, today)
    context = {"strip": strip, "account": account, "today": today, "currency": membership.tenant.currency}
    return render_to_string("renewals/_strip.html", context, request=request)


def _renewal(renewal_id: int) -> Renewal:
    renewal = queries.renewal_detail(renewal_id)
    if renewal is None:
        raise Http404
    return renewal


def _form(request: WorkspaceRequest, renewal: Renewal, data: Any = None) -> DecideForm:
    return DecideForm(data, currency=request.tenant.currency, amount_minor=renewal.amount_minor)


def _again(request: WorkspaceRequest, renewal: Renewal, problem: str, *, status: int = 422) -> HttpResponse:
    context = _context(request, _renewal(renewal.pk), _form(request, renewal)) | {"problem": problem}
    return render(request, "renewals/detail.html", context, status=status)


def _context(request: WorkspaceRequest, renewal: Renewal, form: DecideForm) -> dict[str, Any]:
    today = request.tenant.today(clock.now())
    return {
        "renewal": renewal,
        "strip": queries.strip_of(renewal, today),
        "tasks": tasks_of_subject("renewal", renewal.pk),
        "lines": renewal.contract.lines.select_related("product").order_by("starts_on", "pk")[:50],
        "others": queries.renewals_of_account(renewal.account_id).exclude(pk=renewal.pk)[:10],
        "form": form,
        "forecasts": FORECASTS,
        "may_work": may(request.membership.role, Permission.WORK_RENEWALS),
        "today": today,
        "currency": request.tenant.currency,
    }
