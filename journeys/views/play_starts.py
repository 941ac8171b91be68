"""Doors of plays: started for one account or for many, why one did or did not start, and how new people find in."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, Person
from accounts.queries.finding import find_accounts
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest, leave
from core.permissions import Permission, may, requires, roles_with
from core.queries import new_key
from journeys.actions import plays as verbs
from journeys.actions import rights
from journeys.actions.guidance import guide_person
from journeys.forms.plays import GuideForm, StartForm, StartManyForm, WhyForm
from journeys.queries.play_lists import starters, too_many
from journeys.queries.play_pages import team
from journeys.queries.plays.facts import money_facts
from journeys.queries.plays.ramp import ramp
from journeys.queries.plays.trace import why_started
from journeys.views.playbooks import allowed, plain


@requires(rights.START_PLAY)
def play_start(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The dialog that starts a play for an account, and the start itself."""
    account = Account.objects.filter(pk=account_id).first() if account_id < 2**63 else None
    if account is None:
        raise Http404
    context: dict[str, Any] = {"account": account, "starters": starters(), "chosen": ""}
    if request.method != "POST":
        return render(
            request, "journeys/plays/start.html", {**context, "chosen": plain(request.GET.get("playbook", ""))}
        )
    may_waive = may(request.membership.role, rights.WAIVE)
    form = StartForm(request.POST)
    context |= {"chosen": plain(request.POST.get("playbook", "")), "form": form}
    if not form.is_valid():
        return render(
            request,
            "journeys/plays/start.html",
            {**context, "lines": ["Choose a playbook, and a day as a date."]},
            status=422,
        )
    now = clock.now()
    try:
        run = verbs.start_play(
            playbook=form.cleaned_data["playbook"],
            account_id=account.pk,
            anchor_on=form.cleaned_data["anchor"],
            waiver_reason=form.cleaned_data["waiver"] if may_waive else "",
            actor=Actor.person(request.membership),
            person_id=person_id_of(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except verbs.PlayRefused as refused:
        context |= {"lines": refused.lines, "running": refused.running, "waivable": refused.waivable and may_waive}
        if refused.waivable and not may_waive:
            context["waivers"] = ", ".join(roles_with(rights.WAIVE))
        return render(request, "journeys/plays/start.html", context, status=422)
    messages.success(request, f"{run.version.name} started for {account.name}.")
    return leave(request, reverse("journeys:play", args=[run.pk]))


@requires(rights.START_PLAY)
def plays_start(request: WorkspaceRequest) -> HttpResponse:
    """The dialog for many accounts, and the job that starts a play for each of them. Pressed twice it is one job."""
    ids = _ids(request)
    context: dict[str, Any] = {"ids": ids, "starters": starters(), "key": request.POST.get("key", "") or new_key()}
    if words := too_many(len(ids)):
        return render(request, "journeys/plays/start_many.html", {"too_many": words}, status=422)
    form = StartManyForm(request.POST)
    if request.method != "POST" or request.POST.get("act") != "start" or not form.is_valid() or not ids:
        return render(request, "journeys/plays/start_many.html", context)
    now = clock.now()
    try:
        job = verbs.ask_start_plays(
            playbook=form.cleaned_data["playbook"],
            account_ids=ids,
            key=plain(context["key"]),
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except verbs.PlayRefused as refused:
        return render(request, "journeys/plays/start_many.html", {**context, "lines": refused.lines}, status=422)
    address = f"{reverse('journeys:playbook_runs', args=[form.cleaned_data['playbook']])}?job={job.pk}"
    return leave(request, address)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def play_trace(request: WorkspaceRequest) -> HttpResponse:
    """Why a playbook did or did not start for an account on a day: every condition with its value then."""
    today = request.tenant.today(clock.now())
    asked = request.GET if "account" in request.GET else None
    form = WhyForm(asked, playbooks=starters(), initial={"day": today})
    context: dict[str, Any] = {"form": form, "today": today, **allowed(request)}
    if form.is_bound and form.is_valid():
        found = find_accounts(form.cleaned_data["account"])
        if len(found) == 1:
            context["trace"] = why_started(form.cleaned_data["playbook"], found[0].pk, form.cleaned_data["day"])
            context["hidden"] = frozenset() if may(request.membership.role, Permission.VIEW_MONEY) else money_facts()
        else:
            names = ", ".join(one.name for one in found[:5])
            form.add_error(
                "account",
                f"More than one account fits: {names}. Write the whole name."
                if found
                else "No account has this name or number.",
            )
    return render(request, "journeys/plays/why.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def play_ramp(request: WorkspaceRequest) -> HttpResponse:
    """How new people find their way: steps done, and done unaided, in their first month."""
    today = request.tenant.today(clock.now())
    context = {
        "rows": ramp(today, request.tenant.timezone),
        "today": today,
        "team": team(),
        "may_guide": may(request.membership.role, Permission.MANAGE_BOOKS),
        **allowed(request),
    }
    return render(request, "journeys/plays/ramp.html", context)


@requires(Permission.MANAGE_BOOKS)
@require_POST
def play_guide(request: WorkspaceRequest) -> HttpResponse:
    """Sets until when a person is guided, or ends it."""
    form = GuideForm(request.POST)
    person = Person.objects.filter(pk=form.cleaned_data["person"]).first() if form.is_valid() else None
    if person is None:
        messages.error(request, "Choose a person, and a day as a date.")
        return redirect("journeys:ramp")
    until = form.cleaned_data["until"]
    guide_person(person_id=person.pk, until=until, actor=Actor.person(request.membership), now=clock.now())
    messages.success(
        request,
        f"{person.name} is guided until {until:%-d %b %Y}." if until else f"{person.name} is not guided any more.",
    )
    return redirect("journeys:ramp")


def _ids(request: WorkspaceRequest) -> list[int]:
    sent = request.POST.getlist("account") or request.GET.getlist("account")
    if len(sent) == 1 and "," in sent[0]:
        sent = sent[0].split(",")
    return [int(one) for one in sent if one.isascii() and one.isdecimal() and len(one) < 18]
