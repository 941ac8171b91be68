"""Pages of escalations."""

from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account
from accounts.queries.people import person_id_of
from core import clock, registry
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from escalations import queries
from escalations.actions import CloseRefused, close_escalation
from escalations.choices import Tier
from escalations.forms import CloseForm
from escalations.models import Escalation
from escalations.rules import reason, seen
from health.queries.scores import current_scores
from journeys.queries.task_lists import tasks_of_subject

PAGE: Final = 100


@requires(Permission.VIEW_ESCALATIONS)
@require_GET
def escalation_list(request: WorkspaceRequest) -> HttpResponse:
    """Open escalations, the oldest first, with the ladder of tiers; or the closed ones."""
    now = clock.now()
    person_id = person_id_of(request.membership)
    everyone = request.GET.get("who") == "all" or person_id is None
    owner_id = None if everyone else person_id
    closed = request.GET.get("state") == "closed"
    found = queries.closed_escalations(owner_id) if closed else queries.open_escalations(owner_id)
    shown = list(found[: PAGE + 1])
    scores = current_scores({row.account_id for row in shown[:PAGE]}, on=request.tenant.today(now))
    tiers = queries.open_by_tier(owner_id)
    hidden = hidden_facts(request.membership.role)
    context = {
        "rows": [_row(row, scores.get(row.account_id), now, hidden) for row in shown[:PAGE]],
        "more": len(shown) > PAGE,
        "page_size": PAGE,
        "closed": closed,
        "everyone": everyone,
        "has_book": person_id is not None,
        "ladder": [(tier, tier.label, tiers.get(tier, 0)) for tier in Tier],
        "at_risk": queries.arr_at_risk(owner_id),
        **_frame(request, now),
    }
    return render(request, "escalations/list.html", context)


@requires(Permission.VIEW_ESCALATIONS)
@require_GET
def escalation_detail(request: WorkspaceRequest, escalation_id: int) -> HttpResponse:
    """One escalation: why it opened, what is to be done, how it ended."""
    return render(request, "escalations/detail.html", _context(request, _escalation(escalation_id), CloseForm()))


@requires(Permission.WORK_ESCALATIONS)
@require_POST
def close(request: WorkspaceRequest, escalation_id: int) -> HttpResponse:
    """Closes it with a reason and shows the page again."""
    escalation = _escalation(escalation_id)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return render(request, "escalations/detail.html", _context(request, escalation, form), status=422)
    try:
        close_escalation(
            escalation_id=escalation.pk,
            reason=form.cleaned_data["reason"],
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except CloseRefused as refusal:
        form.add_error("reason", str(refusal))
        return render(request, "escalations/detail.html", _context(request, escalation, form), status=422)
    return redirect("escalations:detail", escalation_id=escalation.pk)


def account_section(request: HttpRequest, account: Account) -> str:
    """The running escalations of the account page; nothing while none runs."""
    membership = getattr(request, "membership", None)
    if membership is None or not may(membership.role, Permission.VIEW_ESCALATIONS):
        return ""
    now = clock.now()
    hidden = hidden_facts(membership.role)
    rows = [_row(row, None, now, hidden) for row in queries.open_escalations().filter(account_id=account.pk)]
    if not rows:
        return ""
    return render_to_string("escalations/_section.html", {"rows": rows, "now": now}, request=request)


def _escalation(escalation_id: int) -> Escalation:
    escalation = queries.escalation_detail(escalation_id)
    if escalation is None:
        raise Http404
    return escalation


def hidden_facts(role: str) -> frozenset[str]:
    """The facts that are money, for a role that does not see any."""
    if may(role, Permission.VIEW_MONEY):
        return frozenset()
    return frozenset(key for key, fact in registry.facts().items() if fact.type == "money")


def _row(escalation: Escalation, score: Any, now: datetime, hidden: frozenset[str]) -> dict[str, Any]:
    respond_by = escalation.respond_by
    return {
        "escalation": escalation,
        "score": score,
        "reason": reason(escalation.facts.get("conditions", []), hidden),
        "age": (now - escalation.opened_at).total_seconds(),
        "left": (respond_by - now).total_seconds() if respond_by else None,
    }


def _frame(request: WorkspaceRequest, now: datetime) -> dict[str, Any]:
    role = request.membership.role
    return {
        "now": now,
        "today": request.tenant.today(now),
        "currency": request.tenant.currency,
        "may_see_money": may(role, Permission.VIEW_MONEY),
        "may_work": may(role, Permission.WORK_ESCALATIONS),
    }


def _context(request: WorkspaceRequest, escalation: Escalation, form: CloseForm) -> dict[str, Any]:
    now = clock.now()
    scores = current_scores([escalation.account_id], on=request.tenant.today(now))
    hidden = hidden_facts(request.membership.role)
    return {
        **_row(escalation, scores.get(escalation.account_id), now, hidden),
        "seen": seen(escalation.facts.get("conditions", []), hidden),
        "tasks": tasks_of_subject("escalation", escalation.pk),
        "others": queries.escalations_of_account(escalation.account_id).exclude(pk=escalation.pk)[:10],
        "form": form,
        **_frame(request, now),
    }
