"""The gate of a deal as a dialog: what is met, what is missing and how to mend it, a reason, a waiver, the move."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires, roles_with
from journeys.actions import rights
from journeys.actions.evidence import EvidenceRefused, give_evidence
from journeys.actions.moves import EditionMoved, GateShut, ReasonNeeded, StageElsewhere, move_opportunity
from journeys.actions.waivers import WaiverRefused, ask_waiver
from journeys.choices import StageKind
from journeys.forms.opportunities import EvidenceForm, MoveForm, WaiverForm
from journeys.models import Opportunity, PipelineStage
from journeys.queries.board import moved
from journeys.queries.gate_lines import GateLine
from journeys.queries.gates import Gate, opportunity_gate
from journeys.queries.leaving import leaves_with
from journeys.queries.opportunity_page import find_opportunity, last_change
from journeys.queries.pipelines import find_stage
from journeys.views.opportunities import deal_context, shown_by

_WORDS = {"answer": "Answer", "evidence": "Give evidence", "field": "Fill in", "contact": "Add contact"}


@dataclass(frozen=True)
class Row:
    """A line of a gate with the one button that mends it."""

    line: GateLine
    word: str
    url: str


def deal_or_404(opportunity_id: int) -> Opportunity:
    deal = find_opportunity(opportunity_id)
    if deal is None:
        raise Http404
    return deal


def gate_rows(gate: Gate, deal: Opportunity, stage: PipelineStage) -> list[Row]:
    """The lines of the gate with their buttons; a dialog that mends one comes back to the gate of `stage`."""
    rows = []
    for line in gate.lines:
        kind, _, what = line.fix.partition(":")
        url = ""
        if kind in _WORDS and not line.met:
            asks = urlencode({"of": what, "stage": stage.pk})
            url = f"{reverse(f'journeys:opportunity_{kind}', args=[deal.pk])}?{asks}"
        rows.append(Row(line, _WORDS.get(kind, ""), url))
    return rows


def gate_dialog(
    request: WorkspaceRequest, deal: Opportunity, stage: PipelineStage, *, status: int = 200
) -> HttpResponse:
    """The gate of a stage as a dialog."""
    today = request.tenant.today(clock.now())
    role = request.membership.role
    sees_money = may(role, Permission.VIEW_MONEY)
    gate = opportunity_gate(opportunity=deal, to_stage=stage, today=today, sees_money=sees_money)
    context = {
        "deal": deal,
        "stage": stage,
        "gate": gate,
        "rows": gate_rows(gate, deal, stage),
        "met": sum(line.met for line in gate.lines),
        "today": today,
        "may_work": may(role, rights.MOVE_DEAL),
    }
    response = render(request, "journeys/opportunities/_gate_dialog.html", context, status=status)
    if gate.missing:
        words = f"{len(gate.missing)} of {len(gate.lines)} criteria missing for {stage.name}"
        response["X-Blocked"] = quote(words)
        response["X-Message"] = quote(f"{deal.name}: {words}.")
    return response


@requires(Permission.VIEW_OPPORTUNITIES)
@require_http_methods(["GET"])
def gate(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """The gate into `?stage=` as a dialog."""
    deal = deal_or_404(opportunity_id)
    return gate_dialog(request, deal, _stage(request.GET.get("stage", ""), deal))


@requires(rights.MOVE_DEAL)
@require_POST
def move(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """Moves a deal. The board gets the new card with the heads of all columns, or a dialog that says why not."""
    deal = deal_or_404(opportunity_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        raise Http404
    asked = form.cleaned_data
    stage = _stage(str(asked["stage"]), deal)
    if asked["seen"] is not None and asked["seen"] != deal.stage_id:
        return _part(request, "_moved_meanwhile.html", deal, stage, status=409, last=last_change(deal))
    now = clock.now()
    try:
        settled = move_opportunity(
            opportunity_id=deal.pk,
            stage_id=stage.pk,
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
            reason=asked["reason"],
            close_reason=asked["close_reason"],
            seen_edition=deal.edition,
            leave=asked["leave"],
        )
    except GateShut:
        return gate_dialog(request, deal, stage, status=422)
    except ReasonNeeded as needed:
        leaving = leaves_with(deal) if stage.kind == StageKind.LOST else None
        return _part(request, "_reason.html", deal, stage, status=422, field=needed.field, leaving=leaving)
    except EditionMoved:
        return _part(request, "_moved_meanwhile.html", deal, stage, status=409, last=last_change(deal))
    except StageElsewhere as refused:
        raise Http404 from refused
    return _settled(request, settled.pk) if request.htmx else redirect("journeys:opportunity", deal.pk)


@requires(Permission.VIEW_OPPORTUNITIES)
@require_http_methods(["GET"])
def card(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """The card of a deal as it is now, with the heads of all columns."""
    return _settled(request, opportunity_id)


def _settled(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """The card where it is now, and the heads of all columns with the filters of the board."""
    deal = deal_or_404(opportunity_id)
    today = request.tenant.today(clock.now())
    found = shown_by(request, today, pipeline=deal.pipeline.key)
    if found is None:
        raise Http404
    board, card = moved(found.filters, deal, today)
    context = {**deal_context(request, found, today), "board": board, "card": card}
    return render(request, "journeys/opportunities/_moved.html", context)


@requires(rights.ASK_WAIVER)
@require_http_methods(["GET", "POST"])
def waiver(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """Asks for leave to pass a gate although something is missing: reason, expiry; somebody else signs."""
    deal = deal_or_404(opportunity_id)
    stage = _stage((request.POST if request.method == "POST" else request.GET).get("stage", ""), deal)
    form = WaiverForm(request.POST if request.method == "POST" else None, initial={"stage": stage.pk})
    now = clock.now()
    if request.method == "POST" and form.is_valid():
        try:
            ask_waiver(
                to_stage=stage.key,
                reason=form.cleaned_data["reason"],
                expires_on=form.cleaned_data["expires_on"],
                asker=request.membership,
                tenant=request.tenant,
                today=request.tenant.today(now),
                now=now,
                opportunity_id=deal.pk,
            )
        except WaiverRefused as refused:
            form.add_error(None, str(refused))
        else:
            return gate_dialog(request, deal, stage)
    return _part(request, "_waiver.html", deal, stage, status=422 if form.errors else 200, form=form,
                 approvers=", ".join(roles_with(Permission.APPROVE_WAIVERS)))  # fmt: skip


@requires(rights.GIVE_EVIDENCE)
@require_http_methods(["GET", "POST"])
def evidence(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """What shows that a criterion is met, then the gate again."""
    deal = deal_or_404(opportunity_id)
    stage = _stage(request.GET.get("stage", ""), deal)
    key = request.GET.get("of", "")[:80].replace("\x00", "")
    form = EvidenceForm(request.POST if request.method == "POST" else None)
    now = clock.now()
    if request.method == "POST" and form.is_valid():
        try:
            give_evidence(
                criterion_key=key,
                text=form.cleaned_data["text"],
                actor=Actor.person(request.membership),
                today=request.tenant.today(now),
                now=now,
                opportunity_id=deal.pk,
            )
        except EvidenceRefused as refused:
            form.add_error("text", str(refused))
        else:
            return mended(gate_dialog(request, deal, stage), deal)
    found = opportunity_gate(opportunity=deal, to_stage=stage, today=request.tenant.today(now))
    line = next((one for one in found.lines if one.key == key), None)
    return _part(
        request, "_evidence.html", deal, stage, status=422 if form.errors else 200, form=form, line=line, of=key
    )


def mended(response: HttpResponse, deal: Opportunity) -> HttpResponse:
    """Tells the page beneath the dialog that it shows an older state of the deal."""
    response["HX-Trigger"] = json.dumps({"deal-mended": {"id": deal.pk}})
    return response


def _stage(text: str, deal: Opportunity) -> PipelineStage:
    """A stage of the deal's pipeline, or 404."""
    stage = find_stage(int(text)) if text.isdecimal() and len(text) < 19 else None
    if stage is None or stage.pipeline_id != deal.pipeline_id:
        raise Http404
    return stage


def _part(
    request: WorkspaceRequest, part: str, deal: Opportunity, stage: PipelineStage, *, status: int, **more: Any
) -> HttpResponse:
    context = {"deal": deal, "stage": stage, "today": request.tenant.today(clock.now()), **more}
    template = f"journeys/opportunities/{part}"
    if not request.htmx:
        context |= {"part": template}
        template = "journeys/opportunities/part.html"
    return render(request, template, context, status=status)
