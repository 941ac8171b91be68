"""The stage of an account: its section on the account page, the dialog that moves it, evidence and waivers."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.models import Account
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires, roles_with
from journeys.actions import rights
from journeys.actions.evidence import EvidenceRefused, give_evidence
from journeys.actions.first_value import record_first_value
from journeys.actions.leaving import leave_journey
from journeys.actions.lifecycle import hold_checkpoint
from journeys.actions.moves import GateShut, ReasonNeeded
from journeys.actions.stages import move_account_stage
from journeys.actions.waivers import WaiverRefused, ask_waiver
from journeys.forms.lifecycle import (
    CheckpointForm,
    FirstValueForm,
    LeaveForm,
    StageEvidenceForm,
    StageMoveForm,
    StageWaiverForm,
)
from journeys.models import Checkpoint, LifecycleStage
from journeys.queries.account_stage import stage_section
from journeys.queries.gates import account_gate
from journeys.queries.stages import lifecycle_stages


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def account_stage(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The section of the account page: the stage, checkpoints, what is missing to leave, the clock of first value."""
    return _section(request, _account(account_id))


def _account(account_id: int) -> Account:
    return get_object_or_404(Account.objects.all(), pk=account_id)


def _today(request: WorkspaceRequest) -> date:
    return request.tenant.today(clock.now())


def _sees_money(request: WorkspaceRequest) -> bool:
    return may(request.membership.role, Permission.VIEW_MONEY)


def _section(request: WorkspaceRequest, account: Account, *, status: int = 200, error: str = "") -> HttpResponse:
    today = _today(request)
    context = {
        "account": account,
        "section": stage_section(account=account, today=today, sees_money=_sees_money(request)),
        "today": today,
        "error": error,
        "may_move": may(request.membership.role, rights.MOVE_ACCOUNT),
        "may_log": may(request.membership.role, Permission.LOG_ACTIVITY),
    }
    return render(request, "journeys/_account_stage.html", context, status=status)


@requires(rights.MOVE_ACCOUNT)
@require_http_methods(["GET", "POST"])
def account_move(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """A dialog with the gate of a stage; sent, the move itself. What stands against it comes back in the dialog."""
    account = _account(account_id)
    if request.method == "GET":
        return _dialog(request, account, request.GET.get("to", ""))
    form = StageMoveForm(request.POST)
    if not form.is_valid():
        raise Http404
    key = _stage(form.cleaned_data["to"]).key
    now = clock.now()
    try:
        visit = move_account_stage(
            account_id=account.pk,
            stage_key=key,
            today=request.tenant.today(now),
            now=now,
            actor=Actor.person(request.membership),
            reason=form.cleaned_data["reason"],
        )
    except GateShut:
        return _dialog(request, account, key, status=422)
    except ReasonNeeded:
        return _dialog(request, account, key, error="Say why it goes back. The reason stays with the move.", at="move")
    return _done(request, account, f"{account.name} is in {visit.stage.name}.")


@requires(rights.MOVE_ACCOUNT)
@require_POST
def account_leave(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Ends the stay of the account with a reason: it is in no stage of the journey any more."""
    account, form, now = _account(account_id), LeaveForm(request.POST), clock.now()
    if not form.is_valid():
        return _dialog(request, account, "", error="Say why they leave. The reason stays with the account.", at="leave")
    leave_journey(
        account_ids=[account.pk],
        reason=form.cleaned_data["reason"],
        actor=Actor.person(request.membership),
        today=request.tenant.today(now),
        now=now,
    )
    return _done(request, account, f"{account.name} has left the journey.")


def _done(request: WorkspaceRequest, account: Account, words: str) -> HttpResponse:
    messages.success(request, words)
    if not request.htmx:
        return redirect("dashboards:account", account.pk)
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def _stage(key: str) -> LifecycleStage:
    found = lifecycle_stages().filter(key=key.replace("\x00", "")[:80]).first()
    if found is None:
        raise Http404
    return found


def _dialog(
    request: WorkspaceRequest, account: Account, key: str, *, status: int = 200, error: str = "", at: str = ""
) -> HttpResponse:
    """The dialog; with `error` what is wrong in its part `at`, beside what was typed there."""
    today = _today(request)
    section = stage_section(account=account, today=today, sees_money=_sees_money(request))
    stages = [one for one in lifecycle_stages() if one.key != section.key]
    if not stages:
        raise Http404
    stage = _stage(key or section.next_key or stages[-1].key)
    gate = account_gate(account_id=account.pk, to_stage=stage.key, today=today, sees_money=_sees_money(request))
    context: dict[str, Any] = {
        "account": account,
        "section": section,
        "stage": stage,
        "stages": stages,
        "gate": gate,
        "error": error,
        "at": at,
        "typed": request.POST if error else {},
        "today": today,
        "approvers": ", ".join(roles_with(Permission.APPROVE_WAIVERS)),
    }
    return render(request, "journeys/_stage_dialog.html", context, status=422 if error else status)


def _changed(request: WorkspaceRequest, account: Account, key: str) -> HttpResponse:
    """The dialog again, and the page beneath it looks anew at what is missing."""
    return trigger_client_event(_dialog(request, account, key), "stage-changed")


@requires(rights.GIVE_EVIDENCE)
@require_POST
def account_evidence(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """What shows that a criterion is met, then the dialog again."""
    account, form = _account(account_id), StageEvidenceForm(request.POST)
    to = _stage(request.POST.get("to", "")).key
    if not form.is_valid():
        asks = "Say what shows it: a document, a date, their words."
        return _dialog(request, account, to, error=asks, at="evidence")
    now = clock.now()
    try:
        give_evidence(
            criterion_key=form.cleaned_data["of"],
            text=form.cleaned_data["text"],
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
            account_id=account.pk,
        )
    except EvidenceRefused as refused:
        return _dialog(request, account, to, error=str(refused), at="evidence")
    return _changed(request, account, to)


@requires(rights.ASK_WAIVER)
@require_POST
def account_waiver(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Asks for leave to pass the gate; somebody else signs it."""
    account, form = _account(account_id), StageWaiverForm(request.POST)
    to = _stage(request.POST.get("to", "")).key
    if not form.is_valid():
        asks = "A waiver needs a reason and the day on which it ends."
        return _dialog(request, account, to, error=asks, at="waiver")
    now = clock.now()
    try:
        ask_waiver(
            to_stage=to,
            reason=form.cleaned_data["reason"],
            expires_on=form.cleaned_data["expires_on"],
            asker=request.membership,
            tenant=request.tenant,
            today=request.tenant.today(now),
            now=now,
            account_id=account.pk,
        )
    except WaiverRefused as refused:
        return _dialog(request, account, to, error=str(refused), at="waiver")
    return _changed(request, account, to)


@requires(Permission.LOG_ACTIVITY)
@require_POST
def checkpoint_hold(request: WorkspaceRequest, checkpoint_id: int) -> HttpResponse:
    """Records how a checkpoint went; answers with the section of its account."""
    point = get_object_or_404(Checkpoint.objects.select_related("account"), pk=checkpoint_id)
    form, now = CheckpointForm(request.POST), clock.now()
    if not form.is_valid():
        return _section(request, point.account, status=422, error="Say how it went: good, mixed or poor.")
    try:
        hold_checkpoint(
            checkpoint_id=point.pk,
            outcome=form.cleaned_data["outcome"],
            note=form.cleaned_data["note"],
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except ValueError as refused:
        return _section(request, point.account, status=422, error=str(refused))
    return _section(request, point.account) if request.htmx else redirect("journeys:checkpoints")


@requires(Permission.LOG_ACTIVITY)
@require_POST
def first_value_record(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Stops the clock of first value with what shows it; answers with the section of the account."""
    account, form, now = _account(account_id), FirstValueForm(request.POST), clock.now()
    if not form.is_valid():
        return _section(request, account, status=422, error="Give the day and what shows it.")
    try:
        record_first_value(
            account_id=account.pk,
            reached_on=form.cleaned_data["reached_on"],
            evidence=form.cleaned_data["evidence"],
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except ValueError as refused:
        return _section(request, account, status=422, error=str(refused))
    return _section(request, account) if request.htmx else redirect("dashboards:account", account.pk)
