"""Checkpoints, time to first value, and the journey of contacts."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Contact
from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions.contacts import move_contact
from journeys.actions.moves import GateShut, ReasonNeeded
from journeys.forms.lifecycle import StageMoveForm
from journeys.queries import checkpoints as points
from journeys.queries.contact_journey import contact_stages, contacts_in
from journeys.queries.first_value import longest_waiting, value_times
from journeys.queries.journey_figures import live_journey
from journeys.queries.stages import CONTACTS, STANDARD, lifecycle_stages


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def checkpoints(request: WorkspaceRequest) -> HttpResponse:
    """Checkpoints that are missing, due or held; `?mine=1` for the accounts of the reader."""
    today = request.tenant.today(clock.now())
    show = request.GET.get("show", "")
    show = show if show in points.SHOWS else "missing"
    me = person_id_of(request.membership)
    mine = request.GET.get("mine") == "1" and me is not None
    context = {
        "page": points.checkpoint_page(
            show=show, today=today, after=request.GET.get("after", ""), owner_id=me if mine else None
        ),
        "counts": points.checkpoint_counts(today),
        "show": show,
        "shows": points.SHOWS.items(),
        "mine": mine,
        "has_book": me is not None,
        "today": today,
    }
    return render(request, "journeys/checkpoints.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def first_value(request: WorkspaceRequest) -> HttpResponse:
    """The median time to first value per segment, and who waits longest."""
    today = request.tenant.today(clock.now())
    _, spec = live_journey()
    context = {
        "times": value_times(today),
        "waiting": longest_waiting(today),
        "spec": spec.first_value if spec else None,
        "journey_key": STANDARD,
        "today": today,
        "may_configure": may(request.membership.role, Permission.CONFIGURE_PROCESSES),
    }
    return render(request, "journeys/first_value.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def contact_journey(request: WorkspaceRequest) -> HttpResponse:
    """The stages of people with their counts, and the contacts of the chosen one."""
    stages = contact_stages()
    key = request.GET.get("stage", "")
    chosen = next((one for one in stages if one.key == key), None)
    if key and chosen is None:
        raise Http404
    if chosen is None and stages:
        chosen = max(stages, key=lambda one: one.standing)
    context = {
        "stages": stages,
        "chosen": chosen,
        "page": contacts_in(chosen.stage, request.GET.get("after", "")) if chosen else None,
        "journey_key": CONTACTS,
        "today": request.tenant.today(clock.now()),
        "may_move": may(request.membership.role, Permission.WORK_OPPORTUNITIES),
    }
    return render(request, "journeys/contact_journey.html", context)


@requires(Permission.WORK_OPPORTUNITIES)
@require_POST
def contact_move(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """Moves a contact to another stage; a step back needs a reason."""
    contact = get_object_or_404(Contact.objects.all(), pk=contact_id)
    form, now = StageMoveForm(request.POST), clock.now()
    stage = lifecycle_stages(CONTACTS).filter(key=form.cleaned_data["to"]).first() if form.is_valid() else None
    if stage is None:
        raise Http404
    try:
        move_contact(
            contact_id=contact.pk,
            stage_key=stage.key,
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
            reason=form.cleaned_data["reason"],
        )
    except GateShut as shut:
        messages.error(request, f"{contact.name} stays. {shut}")
        return redirect(f"{reverse('journeys:contact_journey')}?stage={contact.lifecycle_stage}")
    except ReasonNeeded:
        messages.error(request, f"{contact.name} would go back to {stage.name}. Say why in the field beside it.")
        return redirect(f"{reverse('journeys:contact_journey')}?stage={contact.lifecycle_stage}")
    messages.success(request, f"{contact.name} is in {stage.name}.")
    return redirect(f"{reverse('journeys:contact_journey')}?stage={stage.key}")
