"""Doors of what customers expect: recorded, tagged, met."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from accounts.models import Account
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions.expectations import meet_expectation, record_expectation, tag_expectation
from journeys.forms.handoffs import ExpectationForm
from journeys.models import Expectation
from journeys.queries.expectations import expectations_of

SHOWN = 20


@requires(Permission.WORK_TASKS)
@require_POST
def expectation_new(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Records one, and shows the card anew."""
    account = Account.objects.filter(pk=account_id).first() if account_id < 2**63 else None
    if account is None:
        raise Http404
    form = ExpectationForm(request.POST)
    if not form.is_valid():
        return _card(request, account, complaint="Write down what the customer expects, in their words.", status=422)
    record_expectation(
        account_id=account.pk,
        text=form.cleaned_data["text"],
        for_expansion=form.cleaned_data["for_expansion"],
        actor=Actor.person(request.membership),
        now=clock.now(),
    )
    return _card(request, account)


@requires(Permission.WORK_TASKS)
@require_POST
def expectation_tag(request: WorkspaceRequest, expectation_id: int) -> HttpResponse:
    """Marks it as a lead for more, or not."""
    on = request.POST.get("on") == "1"
    return _changed(request, expectation_id, lambda actor, now: tag_expectation(
        expectation_id=expectation_id, for_expansion=on, actor=actor, now=now))  # fmt: skip


@requires(Permission.WORK_TASKS)
@require_POST
def expectation_met(request: WorkspaceRequest, expectation_id: int) -> HttpResponse:
    """Says that it was met today, or takes that back."""
    on = request.POST.get("on") == "1"
    return _changed(request, expectation_id, lambda actor, now: meet_expectation(
        expectation_id=expectation_id, met_on=request.tenant.today(now) if on else None, actor=actor, now=now,
    ))  # fmt: skip


def account_section(request: HttpRequest, account: Account) -> str:
    """The card of the account page."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return ""
    return render_to_string("journeys/_expectations.html", _context(membership.role, account), request=request)


def _changed(
    request: WorkspaceRequest, expectation_id: int, act: Callable[[Actor, datetime], Expectation]
) -> HttpResponse:
    if expectation_id >= 2**63:
        raise Http404
    try:
        expectation = act(Actor.person(request.membership), clock.now())
    except Expectation.DoesNotExist as missing:
        raise Http404 from missing
    return _card(request, Account.objects.get(pk=expectation.account_id))


def _card(request: WorkspaceRequest, account: Account, *, complaint: str = "", status: int = 200) -> HttpResponse:
    if not request.htmx and not complaint:
        return redirect("dashboards:account", account_id=account.pk)
    context = _context(request.membership.role, account) | {"complaint": complaint}
    response = render(request, "journeys/_expectations.html", context, status=status)
    return trigger_client_event(response, "handoff-changed")


def _context(role: str, account: Account) -> dict[str, Any]:
    return {
        "account": account,
        "expectations": list(expectations_of(account.pk)[:SHOWN]),
        "may_work": may(role, Permission.WORK_TASKS),
    }
