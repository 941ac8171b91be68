"""Doors of waivers: the ledger with its answers, what came of them, and the ledger as a file."""

import csv
import io
from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.accounts import record_export
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from journeys.actions import rights
from journeys.actions.waivers import WaiverRefused, approve_waiver, refuse_waiver, revoke_waiver
from journeys.forms.gates import LedgerForm, WaiverAnswerForm
from journeys.queries.waivers import (
    REFUSED,
    REVOKED,
    STATES,
    LedgerFilters,
    gate_names,
    ledger,
    ledger_page,
    ledger_row,
    report,
    state_counts,
    waiver_exists,
)

FILE_MOST: Final = 10_000
_HEAD: Final = (
    "id", "state", "about", "kind", "gate", "missing", "reason", "asked_by", "asked_at", "answered_by", "answered_at",
    "answer", "expires_on", "used_at",
)  # fmt: skip


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def waivers(request: WorkspaceRequest) -> HttpResponse:
    """The ledger, the latest first, by state and by gate; those who may approve answer here."""
    form = LedgerForm(request.GET)
    form.is_valid()
    today = request.tenant.today(clock.now())
    filters = LedgerFilters(form.asked("state"), form.asked("gate"))
    counts = state_counts(today)
    context = {
        "page": ledger_page(filters, today, form.asked("after")),
        "counts": counts | {"no": counts[REFUSED] + counts[REVOKED]},
        "states": STATES,
        "filters": filters,
        "gates": gate_names(),
        "today": today,
        "may_approve": may(request.membership.role, rights.WAIVE),
        "membership_id": request.membership.pk,
    }
    return render(request, "journeys/waivers/list.html", context)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def waiver_report(request: WorkspaceRequest) -> HttpResponse:
    """By gate and by asker: asked, approved, used, and how the deals ended that passed with a waiver."""
    today = request.tenant.today(clock.now())
    since = _a_year_before(today)
    found = report(since, today, request.tenant.zone)
    parts = [
        {"id": "gates", "title": "By gate", "head": "Gate", "rows": found.gates},
        {"id": "askers", "title": "By who asked", "head": "Person", "rows": found.askers},
    ]
    context = {"report": found, "parts": parts, "since": since, "today": today}
    return render(request, "journeys/waivers/report.html", context)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def waivers_file(request: WorkspaceRequest) -> HttpResponse:
    """The ledger with its filters as CSV, the latest 10,000."""
    form = LedgerForm(request.GET)
    form.is_valid()
    now = clock.now()
    today = request.tenant.today(now)
    names = gate_names()
    found = ledger(LedgerFilters(form.asked("state"), form.asked("gate")), today)[:FILE_MOST]
    rows = [_cells(ledger_row(one, names, today)) for one in found]
    text = io.StringIO()
    csv.writer(text).writerows([_HEAD, *rows])
    actor, cut = Actor.person(request.membership), len(rows) == FILE_MOST
    record_export(rows=len(rows), cut=cut, actor=actor, now=now, subject_type="journeys.waiver")
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="waivers-{today}.csv"'
    return response


@requires(rights.ANSWER_WAIVER)
@require_POST
def waiver_answer(request: WorkspaceRequest, waiver_id: int) -> HttpResponse:
    """Approves, refuses or revokes, and goes back to the ledger."""
    form = WaiverAnswerForm(request.POST)
    if not form.is_valid() or not waiver_exists(waiver_id):
        raise Http404
    person, now = request.membership, clock.now()
    words, verdict = form.cleaned_data["answer"], form.cleaned_data["verdict"]
    try:
        if verdict == "approve":
            today = request.tenant.today(now)
            approve_waiver(waiver_id=waiver_id, approver=person, answer=words, today=today, now=now)
        elif verdict == "refuse":
            refuse_waiver(waiver_id=waiver_id, approver=person, answer=words, now=now)
        else:
            revoke_waiver(waiver_id=waiver_id, by=person, answer=words, now=now)
    except WaiverRefused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('journeys:waivers')}#waiver-{waiver_id}")


def _cells(row: Any) -> list[str]:
    waiver = row.waiver
    values = (
        waiver.pk, row.state, row.about, "opportunity" if waiver.opportunity_id else "account", row.gate_name,
        "; ".join(row.criteria), waiver.reason, waiver.asked_by, _at(waiver.asked_at), waiver.answered_by,
        _at(waiver.answered_at), waiver.answer, waiver.expires_on, _at(waiver.used_at),
    )  # fmt: skip
    return [harmless(str(value)) for value in values]


def _at(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _a_year_before(today: date) -> date:
    return date(today.year - 1, today.month, 1)
