"""Doors of hand-offs: the queue, one with its checklist, and the answers to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypedDict
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from accounts.models import Account, Person
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.formatting import money
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions import handoffs as actions
from journeys.actions import rights
from journeys.actions.handoffs.answers import points_to_accept
from journeys.actions.handoffs.who import may_accept, may_call_off, may_prepare
from journeys.forms.handoffs import AcceptForm, EvidenceForm, HandoffListForm, PersonForm, ReasonForm, TickForm
from journeys.models import Handoff, Opportunity
from journeys.queries import handoffs as queries
from journeys.queries.expectations import expectations_of
from journeys.queries.qualification import Asked, asked_of, frameworks_of_pipelines
from journeys.templatetags.deals import iso_day

PAGE: Final = 50
SECTION: Final = 3
# The parts of the page that htmx asks for by themselves.
_PARTS: Final = frozenset({"checklist", "answer"})


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def handoff_list(request: WorkspaceRequest) -> HttpResponse:
    """What waits on me, on my team or on anybody; what was answered; and how hand-offs go."""
    form = HandoffListForm(request.GET)
    form.is_valid()
    now = clock.now()
    person_id = person_id_of(request.membership)
    team = queries.keys_of_team(request.membership.role)
    counts = queries.handoff_counts(person_id=person_id, team=team, now=now)
    view = form.asked("view", "mine" if person_id is not None else "team")
    state, key = form.asked("state", "open"), form.asked("key", "")
    found = queries.handoffs(view=view, state=state, person_id=person_id, team=team, key=key)
    shown = list(queries.page_after(found, form.cleaned_data.get("after"))[: PAGE + 1])
    context = {
        "rows": [_row(one, now) for one in shown[:PAGE]],
        "next": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "is_first": not form.cleaned_data.get("after"),
        "counts": counts,
        "view": view,
        "state": state,
        "key": key,
        "has_book": person_id is not None,
        "figures": [_figures(one) for one in queries.handoff_figures(now - queries.PERIOD, now)],
        **_frame(request, now),
    }
    return render(request, "journeys/handoffs.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def handoff_page(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """One hand-off: what is there, what is missing, and the answers that can be given."""
    return _page(request, _handoff(handoff_id))


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_tick(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """Ticks an item, or takes the tick back."""
    form = TickForm(request.POST)
    if not form.is_valid():
        raise Http404
    item, done = form.cleaned_data["key"], form.cleaned_data["done"]
    return _done(request, handoff_id, lambda actor, now: actions.tick_item(
        handoff_id=handoff_id, key=item, done=done, actor=actor, **_who(request), now=now))  # fmt: skip


@requires(rights.GIVE_EVIDENCE)
@require_POST
def handoff_evidence(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """What shows that a criterion of the gate is met."""
    form = EvidenceForm(request.POST)
    if not form.is_valid():
        raise Http404
    key, text = form.cleaned_data["of"], form.cleaned_data["text"]
    return _done(request, handoff_id, lambda actor, now: actions.give_what_shows_it(
        handoff_id=handoff_id, criterion_key=key, text=text, actor=actor,
        today=request.tenant.today(now), now=now))  # fmt: skip


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_accept(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """The reader's team takes over."""
    form = AcceptForm(request.POST)
    owner_id = form.cleaned_data["owner"] if form.is_valid() else None
    if owner_id is not None and not Person.objects.filter(pk=owner_id).exists():
        raise Http404
    return _done(request, handoff_id, lambda actor, now: actions.accept(
        handoff_id=handoff_id, actor=actor, **_who(request), owner_id=owner_id,
        today=request.tenant.today(now), now=now))  # fmt: skip


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_return(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """Sends it back with what is missing."""
    reason = _reason(request)
    return _done(request, handoff_id, lambda actor, now: actions.send_back(
        handoff_id=handoff_id, reason=reason, actor=actor, **_who(request), now=now,
        today=request.tenant.today(now)))  # fmt: skip


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_cancel(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """Calls it off."""
    reason = _reason(request)
    return _done(request, handoff_id, lambda actor, now: actions.cancel(
        handoff_id=handoff_id, reason=reason, actor=actor, **_who(request), now=now))  # fmt: skip


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_again(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """Hands it over again after a return."""
    return _done(request, handoff_id, lambda actor, now: actions.hand_over_again(
        handoff_id=handoff_id, actor=actor, **_who(request), now=now, today=request.tenant.today(now)))  # fmt: skip


@requires(rights.ANSWER_HANDOFF)
@require_POST
def handoff_give(request: WorkspaceRequest, handoff_id: int) -> HttpResponse:
    """Says who is to answer."""
    form = PersonForm(request.POST)
    to_person_id = form.cleaned_data["person"] if form.is_valid() else None
    if to_person_id is not None and not Person.objects.filter(pk=to_person_id).exists():
        raise Http404
    return _done(request, handoff_id, lambda actor, now: actions.give_to(
        handoff_id=handoff_id, to_person_id=to_person_id, actor=actor, **_who(request), now=now))  # fmt: skip


def account_section(request: HttpRequest, account: Account) -> str:
    """The open hand-offs of the account page; nothing while none is open."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return ""
    now = clock.now()
    rows = [_row(one, now) for one in queries.handoffs().filter(account_id=account.pk)[:SECTION]]
    return render_to_string("journeys/_handoff_section.html", {"rows": rows}, request=request) if rows else ""


class _Who(TypedDict):
    role: str
    person_id: int | None


def _who(request: WorkspaceRequest) -> _Who:
    """Who asks, as the rule whose a hand-off is wants to know it."""
    return {"role": request.membership.role, "person_id": person_id_of(request.membership)}


def _done(request: WorkspaceRequest, handoff_id: int, act: Callable[[Actor, datetime], Handoff]) -> HttpResponse:
    """Does it and shows the hand-off again: with what stands against it where it was refused."""
    _handoff(handoff_id)
    try:
        handoff = act(Actor.person(request.membership), clock.now())
    except actions.HandoffRefused as refusal:
        status = 422 if isinstance(refusal, actions.NotShown) else 409
        return _page(request, _handoff(handoff_id), refusal=refusal, status=status)
    if request.htmx:
        return _page(request, _handoff(handoff.pk))
    return redirect("journeys:handoff", handoff_id=handoff.pk)


def _reason(request: WorkspaceRequest) -> str:
    form = ReasonForm(request.POST)
    return str(form.cleaned_data["reason"]) if form.is_valid() else ""


def _handoff(handoff_id: int) -> Handoff:
    handoff = queries.handoff_detail(handoff_id) if handoff_id < 2**63 else None
    if handoff is None:
        raise Http404
    return handoff


def _page(
    request: WorkspaceRequest, handoff: Handoff, *, refusal: actions.HandoffRefused | None = None, status: int = 200
) -> HttpResponse:
    now = clock.now()
    spec = queries.spec_of(handoff.key, handoff.version)
    deal = queries.deal_of(handoff) if may(request.membership.role, Permission.VIEW_OPPORTUNITIES) else None
    attempts = list(queries.attempts_of(handoff))
    waits = handoff.state == "waiting"
    who = _who(request)
    frame = _frame(request, now)
    missing = points_to_accept(handoff, spec, frame["today"], sees_money=frame["may_see_money"]) if waits else ()
    part = request.htmx.target if request.htmx and request.htmx.target in _PARTS else ""
    takers = list(queries.takers()) if waits else []
    context = {
        **_row(handoff, now),
        "spec": spec,
        "deal": deal,
        "asked": _asked(deal, with_money=frame["may_see_money"]) if deal else [],
        "attempts": attempts,
        "is_latest": attempts[-1].pk == handoff.pk,
        "expectations": list(expectations_of(handoff.account_id)[:20]),
        "missing": missing,
        "is_elsewhere": any(one.is_of_gate and not one.evidence for one in missing),
        "takers": takers,
        "taker_known": handoff.to_person_id in {one.pk for one in takers},
        "me": who["person_id"],
        "may_accept": frame["may_work"] and may_accept(handoff, spec, **who),
        "may_prepare": frame["may_work"] and may_prepare(handoff, spec, **who),
        "may_call_off": frame["may_work"] and may_call_off(handoff, spec, **who),
        "may_give": may(request.membership.role, rights.GIVE_ACCOUNT),
        "may_show": may(request.membership.role, rights.GIVE_EVIDENCE),
        "refusal": refusal,
        "part": part,
        **frame,
    }
    response = render(request, f"journeys/handoff.html{'#' if part else ''}{part}", context, status=status)
    if part and refusal is not None:
        response["X-Message"] = quote(str(refusal))
    # What was ticked or shown decides whether it can be accepted: the answer looks again, after what is under way. A
    # refusal in its own card stays to be read.
    changed = part == "checklist" or (part and request.method == "POST" and refusal is None)
    return trigger_client_event(response, "handoff-changed") if changed else response


def _row(handoff: Handoff, now: datetime) -> dict[str, Any]:
    done = sum(1 for item in handoff.checklist if item.get("done_at"))
    return {
        "handoff": handoff,
        "left": (handoff.due_at - now).total_seconds(),
        "done": done,
        "asked_items": len(handoff.checklist),
        "answered_after": (handoff.answered_at - handoff.created_at).total_seconds() if handoff.answered_at else None,
    }


def _asked(deal: Opportunity, *, with_money: bool) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Each framework with its questions, the answers in words, and whether they are complete."""
    asked = asked_of(deal, frameworks_of_pipelines([deal.pipeline_id])[deal.pipeline_id])
    return [
        (one.name, [(line.question.name, _words(line, deal.currency, with_money=with_money), line.state == "begun")
                    for line in lines])
        for one, lines in asked
    ]  # fmt: skip


def _words(line: Asked, currency: str, *, with_money: bool) -> str:
    """The answer as a reader says it; nothing where there is none."""
    if line.answer is None:
        return ""
    value: Any = line.answer.value
    match line.question.type:
        case "contact":
            return line.answer.contact.name if line.answer.contact else str(value)
        case "steps":
            steps = ((str(one.get("what") or ""), iso_day(one.get("on"))) for one in value)
            return "; ".join(", ".join(part for part in step if part) for step in steps)
        case "date":
            return iso_day(value)
        case "boolean":
            return "Yes" if value else "No"
        case "money":
            return money(int(value), currency) if with_money else "Hidden"
    return str(value)


def _figures(one: queries.HandoffFigures) -> dict[str, Any]:
    late = one.median_late_seconds is not None and one.median_late_seconds > 0
    return {"one": one, "tone": "warn" if late or one.overdue else "ok" if one.accepted else "none"}


def _frame(request: WorkspaceRequest, now: datetime) -> dict[str, Any]:
    role = request.membership.role
    return {
        "now": now,
        "today": request.tenant.today(now),
        "currency": request.tenant.currency,
        "may_see_money": may(role, Permission.VIEW_MONEY),
        "may_work": may(role, rights.ANSWER_HANDOFF),
    }
