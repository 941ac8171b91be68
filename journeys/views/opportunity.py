"""One opportunity: its page, its facts, its answers."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actions.contacts import ContactRefused, add_contact, set_contact_role
from accounts.choices import ContactRole
from accounts.models import Account, Contact
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions import rights
from journeys.actions.answers import answer_question
from journeys.actions.moves import GateShut
from journeys.actions.opportunities import OpportunityRefused, ValuesMoved, create_opportunity, update_opportunity
from journeys.forms.answers import value_of
from journeys.forms.opportunities import (
    COLUMNS,
    ContactForm,
    NewOpportunityForm,
    OpportunityForm,
    initial_of,
    seen_texts,
    seen_value,
)
from journeys.models import Opportunity
from journeys.queries.opportunity_page import account_names, contacts_of, deal_page, last_change
from journeys.queries.pipelines import find_pipeline, find_stage
from journeys.queries.qualification import Asked, asked_question
from journeys.rules.qualification import BadAnswer
from journeys.views.deal_clashes import clash_rows
from journeys.views.deal_gates import deal_or_404, gate_dialog, gate_rows, mended

LONGEST = 80


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def opportunity(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """The deal: where it stands, what the next gate asks, questions, facts, people, history."""
    return _page(request, deal_or_404(opportunity_id))


def _page(request: WorkspaceRequest, deal: Opportunity, *, status: int = 200, **more: Any) -> HttpResponse:
    today = request.tenant.today(clock.now())
    page = deal_page(deal, today, sees_money=may(request.membership.role, Permission.VIEW_MONEY))
    context = {
        "page": page,
        "deal": deal,
        "rows": gate_rows(page.gate, deal, page.next_stage) if page.gate and page.next_stage else [],
        "today": today,
        "form": OpportunityForm(initial=initial_of(deal), currency=deal.currency, prefix=None),
        "roles": ContactRole.choices,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "may_work": may(request.membership.role, Permission.WORK_OPPORTUNITIES),
        **more,
    }
    return render(request, "journeys/opportunities/page.html", context, status=status)


@requires(Permission.WORK_OPPORTUNITIES)
@require_http_methods(["GET", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new deal; `?account=` and `?pipeline=` fill in the form."""
    form = NewOpportunityForm(
        request.POST if request.method == "POST" else None,
        currency=request.tenant.currency,
        initial=_beginning(request),
    )
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            deal = create_opportunity(
                values=form.values,
                pipeline_id=form.cleaned_data["pipeline"].pk,
                currency=request.tenant.currency,
                actor=Actor.person(request.membership),
                today=request.tenant.today(now),
                now=now,
            )
        except (OpportunityRefused, GateShut) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{deal.name} is in {deal.stage.name}.")
            return redirect("journeys:opportunity", deal.pk)
    return render(request, "journeys/opportunities/new.html", {"form": form}, status=422 if form.errors else 200)


def _beginning(request: WorkspaceRequest) -> dict[str, Any]:
    account = request.GET.get("account", "")
    found = Account.objects.filter(pk=int(account)).first() if account.isdecimal() and len(account) < 19 else None
    pipeline = find_pipeline(request.GET.get("pipeline", "")[:LONGEST].replace("\x00", ""))
    kind = request.GET.get("kind", "")
    return {"account": found.name if found else "", "pipeline": pipeline, "kind": kind or "new"}


@requires(Permission.WORK_OPPORTUNITIES)
@require_http_methods(["GET", "POST"])
def edit(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """All facts of a deal in one form. What somebody else changed meanwhile is shown with both values."""
    deal = deal_or_404(opportunity_id)
    before = initial_of(deal)
    given = request.POST if request.method == "POST" else None
    form = OpportunityForm(given, currency=deal.currency, initial=before)
    context: dict[str, Any] = {"form": form, "deal": deal, "seen": seen_texts(before, given)}
    if given is not None and form.is_valid():
        seen: dict[str, Any] = {}
        for name in COLUMNS:
            seen |= seen_value(name, given.get(f"seen-{name}"), deal.currency)
        # What the editor left as it was is not theirs to write.
        mine = {name: value for name, value in form.values.items() if name not in seen or seen[name] != value}
        try:
            now = clock.now()
            update_opportunity(
                opportunity_id=deal.pk, values=mine, seen=seen, actor=Actor.person(request.membership),
                today=request.tenant.today(now), now=now,
            )  # fmt: skip
        except ValuesMoved as moved:
            now_there = deal_or_404(deal.pk)
            context |= {
                "seen": seen_texts(initial_of(now_there)),
                "clashes": clash_rows(moved, now_there, request.tenant.today(clock.now())),
                "last": last_change(now_there),
            }
            return render(request, "journeys/opportunities/edit.html", context, status=409)
        except OpportunityRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("journeys:opportunity", deal.pk)
    return render(request, "journeys/opportunities/edit.html", context, status=422 if form.errors else 200)


@requires(Permission.WORK_OPPORTUNITIES)
@require_http_methods(["GET", "POST"])
def field(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """One fact (`?of=amount`), in place or from a gate, with the value that the editor had before them."""
    deal = deal_or_404(opportunity_id)
    name = request.GET.get("of", "")
    if name not in COLUMNS:
        raise Http404
    form = OpportunityForm(
        request.POST if request.method == "POST" else None, currency=deal.currency, only=name, initial=initial_of(deal)
    )
    if request.method == "POST" and form.is_valid():
        try:
            now = clock.now()
            update_opportunity(
                opportunity_id=deal.pk,
                values=form.values,
                seen=seen_value(name, request.POST.get("seen"), deal.currency),
                actor=Actor.person(request.membership),
                today=request.tenant.today(now),
                now=now,
            )
        except ValuesMoved as moved:
            rows = clash_rows(moved, deal, request.tenant.today(clock.now()))
            clash = {"clash": rows[0], "form": form, "last": last_change(deal)}
            return _in_dialog(request, "_clash.html", deal, status=409, of=name, **clash)
        except OpportunityRefused as refused:
            form.add_error(name, str(refused))
        else:
            return _done(request, deal)
    return _in_dialog(request, "_field.html", deal, status=422 if form.errors else 200, of=name, form=form)


@requires(rights.ANSWER_QUESTION)
@require_http_methods(["GET", "POST"])
def answer(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """The answer to one question (`?of=meddic.pain`), in place or from a gate."""
    deal = deal_or_404(opportunity_id)
    path = request.GET.get("of", "")[: 2 * LONGEST].replace("\x00", "")
    asked = asked_question(deal, path)
    if asked is None:
        raise Http404
    problem = ""
    if request.method == "POST":
        framework, _, question = path.partition(".")
        try:
            given = value_of(asked.question, request.POST, currency=deal.currency)
            contact_id = given.contact_id
            if given.name:
                contact_id = _new_contact(request, deal, given.name).pk
            now = clock.now()
            answer_question(
                opportunity_id=deal.pk,
                framework=framework,
                question=question,
                value=given.value,
                contact_id=contact_id,
                actor=Actor.person(request.membership),
                today=request.tenant.today(now),
                now=now,
            )
        except (BadAnswer, ContactRefused) as refused:
            problem = str(refused)
        else:
            return _done(request, deal, anchor=f"#q-{framework}-{question}")
    return _in_dialog(request, "_answer.html", deal, status=422 if problem else 200, of=path, asked=asked,
                      problem=problem, contacts=_contacts(deal, asked))  # fmt: skip


def _contacts(deal: Opportunity, asked: Asked) -> list[Contact]:
    return list(contacts_of(deal)) if asked.question.type == "contact" else []


def _new_contact(request: WorkspaceRequest, deal: Opportunity, name: str) -> Contact:
    if deal.account is None:
        raise BadAnswer("The opportunity has no account yet, so nobody can be added to it. Give it one first.")
    return add_contact(
        account=deal.account,
        name=name,
        email="",
        title="",
        role=ContactRole.OTHER,
        actor=Actor.person(request.membership),
        now=clock.now(),
    )


@requires(Permission.WORK_OPPORTUNITIES)
@require_http_methods(["GET", "POST"])
def contact(request: WorkspaceRequest, opportunity_id: int) -> HttpResponse:
    """A contact of the account gets a role (`?of=champion`), or somebody new is added with it."""
    deal = deal_or_404(opportunity_id)
    role = request.GET.get("of", "")
    form = ContactForm(request.POST if request.method == "POST" else None, initial={"role": role})
    if request.method == "POST" and form.is_valid():
        try:
            _with_role(request, deal, form.cleaned_data)
        except ContactRefused as refused:
            form.add_error("email", str(refused))
        else:
            return _done(request, deal)
    return _in_dialog(request, "_contact.html", deal, status=422 if form.errors else 200, of=role, form=form,
                      contacts=list(contacts_of(deal)))  # fmt: skip


def _with_role(request: WorkspaceRequest, deal: Opportunity, given: dict[str, Any]) -> None:
    actor, now, role = Actor.person(request.membership), clock.now(), ContactRole(given["role"])
    chosen = Contact.objects.filter(pk=given["contact"]).first() if given["contact"] else None
    if chosen is not None and chosen.account_id == deal.account_id:
        set_contact_role(contact=chosen, role=role, actor=actor, now=now)
    elif deal.account is None:
        raise ContactRefused("The opportunity has no account yet. Give it one first.")
    elif given["name"].strip():
        add_contact(account=deal.account, name=given["name"], email=given["email"], title=given["title"], role=role,
                    actor=actor, now=now)  # fmt: skip
    else:
        raise ContactRefused("This contact is not one of the account. Choose another one.")


@requires(Permission.WORK_OPPORTUNITIES)
@require_GET
def names(request: WorkspaceRequest) -> HttpResponse:
    """Accounts whose name begins with what was typed, to choose from."""
    found = account_names(request.GET.get("account", "")[:LONGEST])
    return render(request, "journeys/opportunities/_names.html", {"names": found})


def _done(request: WorkspaceRequest, deal: Opportunity, *, anchor: str = "") -> HttpResponse:
    """Back to the gate that it was mended for, else to the page of the deal."""
    text = request.GET.get("stage", "")
    stage = find_stage(int(text)) if text.isdecimal() and len(text) < 19 else None
    if stage is not None and stage.pipeline_id == deal.pipeline_id and request.htmx:
        return mended(gate_dialog(request, deal_or_404(deal.pk), stage), deal)
    address = reverse("journeys:opportunity", args=[deal.pk]) + anchor
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address, "HX-Refresh": "true"})
    return redirect(address)


def _in_dialog(request: WorkspaceRequest, part: str, deal: Opportunity, *, status: int, **more: Any) -> HttpResponse:
    template = f"journeys/opportunities/{part}"
    context = {"deal": deal, "today": request.tenant.today(clock.now()), "back": request.GET.get("stage", ""), **more}
    if not request.htmx:
        context |= {"part": template}
        template = "journeys/opportunities/part.html"
    return render(request, template, context, status=status)
