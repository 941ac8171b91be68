"""Doors of health: a person's own judgement beside the score, and doubts about it."""

from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account
from core import clock
from core.actors import Actor
from core.formatting import day, number
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from health.actions.doubts import DoubtRefused, report_doubt
from health.actions.overrides import OverrideRefused, clear_override, set_override, undo_override
from health.forms import DoubtForm, OverrideForm
from health.queries.doubts import doubts_about


@requires(Permission.OVERRIDE_HEALTH)
@require_POST
def override(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Sets an override; the page that asked shows it beside the score."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    form = OverrideForm(request.POST)
    if not form.is_valid():
        return _refused(_words(form))
    now = clock.now()
    try:
        one = set_override(
            account_id=account.pk,
            score=form.cleaned_data["score"],
            reason=form.cleaned_data["reason"],
            until=form.until,
            actor=Actor.person(request.membership),
            now=now,
            today=request.tenant.today(now),
        )
    except OverrideRefused as refusal:
        return _refused(str(refusal))
    messages.success(request, f"Override {number(one.score, 1)} until {day(form.cleaned_data['last_day'])}.")
    return _back(request, account)


@requires(Permission.OVERRIDE_HEALTH)
@require_POST
def override_clear(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The computed score counts alone again."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    now = clock.now()
    try:
        clear_override(
            account_id=account.pk, actor=Actor.person(request.membership), now=now, today=request.tenant.today(now)
        )
    except OverrideRefused as refusal:
        return _refused(str(refusal))
    messages.success(request, "Override cleared.")
    return _back(request, account)


@requires(Permission.OVERRIDE_HEALTH)
@require_POST
def override_undo(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Takes back what was set or cleared today."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    now = clock.now()
    try:
        stands = undo_override(
            account_id=account.pk, actor=Actor.person(request.membership), now=now, today=request.tenant.today(now)
        )
    except OverrideRefused as refusal:
        return _refused(str(refusal))
    messages.success(request, f"Override {number(stands.score, 1)} is back." if stands else "Override taken back.")
    return _back(request, account)


@requires(Permission.VIEW_HEALTH)
@require_POST
def doubt(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Keeps a doubt for who reviews the model."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    form = DoubtForm(request.POST)
    if not form.is_valid():
        return _refused(_words(form))
    try:
        report_doubt(
            account_id=account.pk,
            input_key=form.cleaned_data["input"],
            note=form.cleaned_data["note"],
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except DoubtRefused as refusal:
        return _refused(str(refusal))
    messages.success(request, "Noted with the values of today. RevOps sees it with the model.")
    return _back(request, account)


@requires(Permission.CONFIGURE_PROCESSES)
@require_GET
def doubts(request: WorkspaceRequest, key: str) -> HttpResponse:
    """What people doubted about a model: a part of its page."""
    return render(request, "health/_doubts.html", {"doubts": doubts_about(key)})


def _words(form: forms.Form) -> str:
    return " ".join(f"{form.fields[name].label}: {errors[0]}" for name, errors in form.errors.items())


def _refused(words: str) -> HttpResponse:
    response = HttpResponse(words, status=422, content_type="text/plain; charset=utf-8")
    response["X-Message"] = quote(words)
    return response


def _back(request: WorkspaceRequest, account: Account) -> HttpResponse:
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    return redirect("health:explained", account.pk)
