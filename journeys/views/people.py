"""Doors of absences and of books that go over."""

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.models import Person
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions.absences import end_absence, set_absence
from journeys.actions.book_handovers import (
    HandoverRefused,
    choose_rest,
    decide_line,
    drop_handover,
    plan_handover,
    spread_undecided,
    start_handover,
)
from journeys.forms.people import AbsenceForm, BookForm, BookPageForm, LineForm, RestForm, SpreadForm
from journeys.models import Absence, BookHandover, HandoverLine
from journeys.queries import absences as queries
from journeys.rules.absences import AbsenceRefused

PAST_SHOWN = 20


@requires(Permission.WORK_TASKS)
@require_http_methods(["GET", "POST"])
def absences(request: WorkspaceRequest) -> HttpResponse:
    """Who is away and who stands in; one's own absence, and with the right everybody's."""
    people = _may_enter_for(request)
    form = AbsenceForm(
        request.POST if request.method == "POST" else None,
        away=people, stand_in=queries.colleagues(), initial={"person": person_id_of(request.membership)},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid() and _entered(request, form):
        return redirect("journeys:absences")
    today = request.tenant.today(clock.now())
    context = {
        "form": form,
        "running": list(queries.running_absences(today)),
        "past": list(queries.past_absences()[:PAST_SHOWN]),
        "today": today,
        "may_enter": people.exists(),
        "me": person_id_of(request.membership),
        "may_manage": may(request.membership.role, Permission.MANAGE_BOOKS),
        "people": list(queries.colleagues()) if may(request.membership.role, Permission.MANAGE_BOOKS) else [],
    }
    return render(request, "journeys/people/absences.html", context, status=422 if form.errors else 200)


def _may_enter_for(request: WorkspaceRequest) -> Any:
    people = queries.colleagues()
    if may(request.membership.role, Permission.MANAGE_BOOKS):
        return people
    return people.filter(pk=person_id_of(request.membership) or 0)


def _entered(request: WorkspaceRequest, form: AbsenceForm) -> bool:
    now = clock.now()
    try:
        set_absence(
            person_id=form.cleaned_data["person"].pk,
            deputy_id=form.cleaned_data["deputy"].pk,
            from_on=form.cleaned_data["from_on"],
            until_on=form.cleaned_data["until_on"],
            actor=Actor.person(request.membership),
            now=now,
            today=request.tenant.today(now),
        )
    except AbsenceRefused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


@requires(Permission.WORK_TASKS)
@require_POST
def absence_end(request: WorkspaceRequest, absence_id: int) -> HttpResponse:
    """Ends an absence at once: one's own, or with the right anybody's."""
    absence = Absence.objects.filter(pk=absence_id).first() if absence_id < 2**63 else None
    if absence is None or not _may_enter_for(request).filter(pk=absence.person_id).exists():
        raise Http404
    end_absence(absence_id=absence.pk, actor=Actor.person(request.membership), now=clock.now())
    return redirect("journeys:absences")


@requires(Permission.MANAGE_BOOKS)
@require_http_methods(["GET", "POST"])
def book_handover(request: WorkspaceRequest, person_id: int) -> HttpResponse:
    """The plan by which a person's whole book goes over; without one, the form that makes it."""
    person = _person(person_id)
    now = clock.now()
    today = request.tenant.today(now)
    form = BookForm(request.POST or None, initial={"effective_on": today})
    if request.method == "POST" and form.is_valid():
        try:
            plan_handover(
                person_id=person.pk, **form.cleaned_data, actor=Actor.person(request.membership), now=now, today=today
            )
        except HandoverRefused as refusal:
            form.add_error("effective_on", str(refusal))
        else:
            return redirect("journeys:book_handover", person_id=person.pk)
    return _book(request, person, form=form, status=422 if form.errors else 200)


def _person(person_id: int) -> Person:
    person = Person.objects.filter(pk=person_id).first() if person_id < 2**63 else None
    if person is None:
        raise Http404
    return person


def _book(
    request: WorkspaceRequest, person: Person, *, form: BookForm | None = None, refusal: str = "", status: int = 200
) -> HttpResponse:
    asked = BookPageForm(request.GET)
    asked.is_valid()
    undecided = bool(asked.cleaned_data.get("undecided"))
    plan = queries.open_handover(person.pk)
    lines = queries.plan_lines(plan, after=asked.cleaned_data.get("after") or 0, undecided=undecided) if plan else []
    shown = lines[: queries.LINES_PER_PAGE]
    context = {
        "person": person,
        "form": form or BookForm(),
        "refusal": refusal,
        "plan": queries.book_plan(plan) if plan else None,
        "rest_to": plan.moved.get("rest_to") if plan else None,
        "taker": queries.taker_of_rest(plan) if plan else None,
        "newcomers": queries.unplanned_accounts(plan) if plan else 0,
        "work": queries.work_of(person.pk),
        "lines": shown,
        "next": shown[-1].pk if len(lines) > len(shown) else None,
        "undecided": undecided,
        "colleagues": [one for one in queries.colleagues() if one.pk != person.pk] if plan else [],
        "over": list(BookHandover.objects.filter(person_id=person.pk, state="done").order_by("-pk")[:3]),
        "today": request.tenant.today(clock.now()),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
    return render(request, "journeys/people/book.html", context, status=status)


@requires(Permission.MANAGE_BOOKS)
@require_POST
def book_line(request: WorkspaceRequest, line_id: int) -> HttpResponse:
    """Chooses who takes one account."""
    lines = HandoverLine.objects.select_related("handover__person", "account")
    line = lines.filter(pk=line_id).first() if line_id < 2**63 else None
    form = LineForm(request.POST)
    if line is None or not form.is_valid():
        raise Http404
    try:
        decide_line(
            line_id=line.pk, to_person_id=form.cleaned_data["to_person"], note=form.cleaned_data["note"],
            actor=Actor.person(request.membership), now=clock.now(),
        )  # fmt: skip
    except HandoverRefused as refusal:
        answer = _book(request, line.handover.person, refusal=str(refusal), status=409)
        answer["X-Message"] = quote(str(refusal))
        return answer
    if not request.htmx:
        return redirect("journeys:book_handover", person_id=line.handover.person_id)
    kept = {"text": f"{line.account.name}: kept.", "tone": "ok"}
    return trigger_client_event(_book(request, line.handover.person), "toast", kept)


@requires(Permission.MANAGE_BOOKS)
@require_POST
def book_act(request: WorkspaceRequest, person_id: int, act: str) -> HttpResponse:
    """Spreads the rest, says who gets everything else, drops the plan, or starts the work."""
    person = _person(person_id)
    plan = queries.open_handover(person.pk)
    if plan is None:
        raise Http404
    actor, now = Actor.person(request.membership), clock.now()
    try:
        if act == "spread":
            form = SpreadForm(request.POST, colleagues=queries.colleagues())
            people = form.cleaned_data["people"] if form.is_valid() else []
            spread_undecided(handover_id=plan.pk, person_ids=people, actor=actor, now=now)
        elif act == "rest":
            rest = RestForm(request.POST)
            chosen = rest.cleaned_data["person"] if rest.is_valid() else 0
            choose_rest(handover_id=plan.pk, person_id=chosen, actor=actor, now=now)
        elif act == "drop":
            drop_handover(handover_id=plan.pk, actor=actor, now=now)
        else:
            job = start_handover(handover_id=plan.pk, actor=actor, now=now)
            return redirect("core:job", job_id=job.pk)
    except HandoverRefused as refusal:
        return _book(request, person, refusal=str(refusal), status=409)
    return redirect("journeys:book_handover", person_id=person.pk)


@requires(Permission.MANAGE_BOOKS)
@require_GET
def book_list(request: WorkspaceRequest) -> HttpResponse:
    """The books and who has them: where a hand-over begins."""
    context = {
        "rows": queries.books(),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "today": request.tenant.today(clock.now()),
    }
    return render(request, "journeys/people/books.html", context)
