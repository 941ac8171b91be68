"""Pages of QBRs."""

from datetime import date
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from accounts.choices import Segment
from accounts.models import Account
from accounts.queries.people import person_id_of
from core import clock, formatting
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from qbr import queries
from qbr.actions import QBRRefused, cancel_qbr, hold_qbr, move_qbr, prepare_qbr, renew_package
from qbr.choices import QBRState
from qbr.forms import CancelForm, HoldForm
from qbr.models import QBR

PAGE: Final = 100
STEPS: Final = (QBRState.DRAFT, QBRState.REVIEW, QBRState.SENT, QBRState.HELD)
NEXT_WORDS: Final[dict[str, str]] = {QBRState.DRAFT: "Send for review", QBRState.REVIEW: "Mark as sent"}


@requires(Permission.VIEW_QBRS)
@require_GET
def qbr_list(request: WorkspaceRequest) -> HttpResponse:
    """Reviews to come, the earliest due first, or the past ones."""
    today = request.tenant.today(clock.now())
    person_id = person_id_of(request.membership)
    everyone = request.GET.get("who") == "all" or person_id is None
    owner_id = None if everyone else person_id
    past = request.GET.get("state") == "past"
    cadence = queries.live_cadence()
    shown = list((queries.past_qbrs(owner_id) if past else queries.open_qbrs(owner_id))[: PAGE + 1])
    context = {
        "rows": queries.with_packages(shown[:PAGE]),
        "more": len(shown) > PAGE,
        "page_size": PAGE,
        "past": past,
        "everyone": everyone,
        "has_book": person_id is not None,
        "quarter": queries.held_this_quarter(owner_id, today),
        "cadence": cadence,
        "cadence_words": _cadence_words(cadence[1].months) if cadence else "",
        "today": today,
    }
    return render(request, "qbr/list.html", context)


@requires(Permission.VIEW_QBRS)
@require_GET
def qbr_detail(request: WorkspaceRequest, qbr_id: int) -> HttpResponse:
    """The review as the customer sees it, with the package and what is missing beside it."""
    return _page(request, _qbr(qbr_id))


@requires(Permission.WORK_QBRS)
@require_POST
def prepare(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Opens a review of an account on request and leads to it."""
    now = clock.now()
    try:
        qbr = prepare_qbr(
            tenant=request.tenant,
            account_id=account_id,
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except Account.DoesNotExist as missing:
        raise Http404 from missing
    except QBRRefused as refusal:
        return render(request, "400.html", {"why": str(refusal)}, status=409)
    return redirect("qbr:detail", qbr_id=qbr.pk)


@requires(Permission.WORK_QBRS)
@require_POST
def renew(request: WorkspaceRequest, qbr_id: int) -> HttpResponse:
    """Freezes the figures of today as a further package."""
    qbr, now = _qbr(qbr_id), clock.now()
    try:
        renew_package(
            tenant=request.tenant,
            qbr_id=qbr.pk,
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except QBRRefused as refusal:
        return _page(request, qbr, problem=str(refusal), status=409)
    return redirect("qbr:detail", qbr_id=qbr.pk)


@requires(Permission.WORK_QBRS)
@require_POST
def move(request: WorkspaceRequest, qbr_id: int) -> HttpResponse:
    """Draft to review, review to sent."""
    qbr = _qbr(qbr_id)
    try:
        move_qbr(qbr_id=qbr.pk, actor=Actor.person(request.membership), now=clock.now())
    except QBRRefused as refusal:
        return _page(request, qbr, problem=str(refusal), status=409)
    return redirect("qbr:detail", qbr_id=qbr.pk)


@requires(Permission.WORK_QBRS)
@require_POST
def hold(request: WorkspaceRequest, qbr_id: int) -> HttpResponse:
    """The review took place."""
    qbr, now = _qbr(qbr_id), clock.now()
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _page(request, qbr, hold_form=form, status=422)
    try:
        hold_qbr(
            qbr_id=qbr.pk,
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
            **form.cleaned_data,
        )
    except QBRRefused as refusal:
        return _page(request, qbr, hold_form=form, problem=str(refusal), status=422)
    return redirect("qbr:detail", qbr_id=qbr.pk)


@requires(Permission.WORK_QBRS)
@require_POST
def cancel(request: WorkspaceRequest, qbr_id: int) -> HttpResponse:
    """The customer has cancelled."""
    qbr = _qbr(qbr_id)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _page(request, qbr, cancel_form=form, status=422)
    try:
        cancel_qbr(
            qbr_id=qbr.pk,
            reason=form.cleaned_data["reason"],
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except QBRRefused as refusal:
        return _page(request, qbr, problem=str(refusal), status=409)
    return redirect("qbr:detail", qbr_id=qbr.pk)


def account_section(request: HttpRequest, account: Account) -> str:
    """The next review of the account page, or the button that prepares one."""
    membership = getattr(request, "membership", None)
    if membership is None or not may(membership.role, Permission.VIEW_QBRS):
        return ""
    context = {
        "account": account,
        "reviews": list(queries.qbrs_of_account(account.pk)[:3]),
        "has_open": queries.open_qbrs().filter(account_id=account.pk).exists(),
        "may_work": may(membership.role, Permission.WORK_QBRS),
        "today": membership.tenant.today(clock.now()),
    }
    return render_to_string("qbr/_section.html", context, request=request)


def _cadence_words(months: dict[str, int]) -> str:
    """`Enterprise every 3 months, Mid-market every 6 months`."""
    labels = dict(Segment.choices)
    return ", ".join(
        f"{labels.get(key, key)} every {formatting.plural(count, 'month')}" for key, count in months.items()
    )


def _qbr(qbr_id: int) -> QBR:
    qbr = queries.qbr_detail(qbr_id)
    if qbr is None:
        raise Http404
    return qbr


def _page(
    request: WorkspaceRequest,
    qbr: QBR,
    *,
    hold_form: HoldForm | None = None,
    cancel_form: CancelForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    today = request.tenant.today(clock.now())
    package = queries.latest_package(qbr.pk)
    context: dict[str, Any] = {
        "qbr": qbr,
        "package": package,
        "paper": queries.paper_of(package) if package else None,
        "steps": STEPS,
        "next_words": NEXT_WORDS.get(qbr.state, ""),
        "is_open": qbr.state in {QBRState.DRAFT, QBRState.REVIEW, QBRState.SENT},
        "may_renew": qbr.state in NEXT_WORDS,
        "may_work": may(request.membership.role, Permission.WORK_QBRS),
        "hold_form": hold_form or HoldForm(initial={"held_on": date.isoformat(today)}),
        "cancel_form": cancel_form or CancelForm(),
        "problem": problem,
        "today": today,
        "workspace": request.tenant.name,
    }
    return render(request, "qbr/detail.html", context, status=status)
