"""Doors of plays: one play with its steps, and what is done with it by whoever works on it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Person
from accounts.queries.people import HasLeft, person_id_of, person_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions import plays as verbs
from journeys.forms.plays import FinishForm, ReasonForm, ReassignForm
from journeys.models import PlaybookRun, RunStep
from journeys.queries.play_lists import runs_of, start_job_of
from journeys.queries.play_pages import play_page, team
from journeys.views.playbooks import allowed, plain, playbook_or_404


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def play(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """One play: every step with what it takes to do it. Anybody of the team may go on with it."""
    now = clock.now()
    today = request.tenant.today(now)
    page = None
    if play_id < 2**63:
        page = play_page(
            play_id,
            today=today,
            opened=request.GET.get("step", ""),
            person=person_of(request.membership),
            with_money=may(request.membership.role, Permission.VIEW_MONEY),
            currency=request.tenant.currency,
        )
    if page is None:
        raise Http404
    context = {"page": page, "run": page.run, "today": today, "team": team(), "now": now, **allowed(request)}
    return render(request, "journeys/plays/page.html", context)


@requires(Permission.WORK_TASKS)
@require_POST
def play_done(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """The step is done, with what shows it and whether help was needed."""
    step = _step(request, play_id)
    form = FinishForm(request.POST)
    now = clock.now()
    if not form.is_valid():
        return _back(play_id, request, "Shorten the note: 2,000 characters at most.", step=step)
    try:
        verbs.finish_step(
            step_id=step.pk,
            actor=_actor(request),
            person_id=person_id_of(request.membership),
            today=request.tenant.today(now),
            now=now,
            note=form.cleaned_data["note"],
            unaided=request.POST.get("act") != "helped",
        )
    except verbs.StepIsOver as over:
        return _back(play_id, request, str(over))
    messages.success(request, f"{step.title}: done.")
    return _back(play_id, request)


@requires(Permission.WORK_TASKS)
@require_POST
def play_skip(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """The step is passed over, with the reason."""
    step = _step(request, play_id)
    form = ReasonForm(request.POST)
    now = clock.now()
    if not form.is_valid():
        return _back(play_id, request, "Say why the step is skipped.", step=step)
    try:
        verbs.skip_step(
            step_id=step.pk,
            reason=form.cleaned_data["reason"],
            actor=_actor(request),
            person_id=person_id_of(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except verbs.StepIsOver as over:
        return _back(play_id, request, str(over))
    messages.success(request, f"{step.title}: skipped.")
    return _back(play_id, request)


@requires(Permission.WORK_TASKS)
@require_POST
def play_reopen(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """Takes back done or skipped."""
    step = _step(request, play_id)
    now = clock.now()
    try:
        verbs.reopen_step(step_id=step.pk, actor=_actor(request), today=request.tenant.today(now), now=now)
    except verbs.StepIsOver as over:
        return _back(play_id, request, str(over))
    return _back(play_id, request, step=step)


@requires(Permission.WORK_TASKS)
@require_POST
def play_reassign(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """Gives the play, or one step of it, to somebody else. Nothing of it is lost."""
    run = _run(play_id)
    form = ReassignForm(request.POST)
    person = Person.objects.filter(pk=form.cleaned_data["person"]).first() if form.is_valid() else None
    if person is None:
        return _back(play_id, request, "Choose who goes on with it.")
    step = _step(request, play_id) if request.POST.get("step") else None
    try:
        verbs.reassign_play(
            run_id=run.pk,
            to_person_id=person.pk,
            step_id=step.pk if step is not None else None,
            reason=form.cleaned_data["reason"],
            actor=_actor(request),
            now=clock.now(),
        )
    except HasLeft as gone:
        return _back(play_id, request, str(gone), step=step)
    messages.success(request, f"{person.name} goes on with {'the step' if step is not None else 'the play'}.")
    return _back(play_id, request, step=step)


@requires(Permission.WORK_TASKS)
@require_POST
def play_stop(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """Ends the play before its time, with the reason."""
    run = _run(play_id)
    form = ReasonForm(request.POST)
    now = clock.now()
    if not form.is_valid():
        return _back(play_id, request, "Say why the play is stopped. Its outcome is read with the reason.")
    verbs.stop_play(
        run_id=run.pk,
        reason=form.cleaned_data["reason"],
        actor=_actor(request),
        today=request.tenant.today(now),
        now=now,
    )
    messages.success(request, "The play is stopped. Its open tasks are put away.")
    return _back(play_id, request)


@requires(Permission.WORK_TASKS)
@require_POST
def play_variant(request: WorkspaceRequest, play_id: int) -> HttpResponse:
    """Goes on by the variant of the segment that the account is in now."""
    run = _run(play_id)
    now = clock.now()
    try:
        verbs.switch_variant(
            run_id=run.pk,
            variant=plain(request.POST.get("variant", "")),
            actor=_actor(request),
            today=request.tenant.today(now),
            now=now,
        )
    except verbs.PlayRefused as refused:
        return _back(play_id, request, str(refused))
    messages.success(request, "The play goes on by the other variant. What is done stays.")
    return _back(play_id, request)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_runs(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The plays of a playbook: running ones, or those that are over."""
    page = playbook_or_404(key)
    state = "over" if request.GET.get("state") == "over" else "running"
    context: dict[str, Any] = {
        "page": page,
        "job": start_job_of(request.GET.get("job", "")),
        "now": clock.now(),
        "state": state,
        "found": runs_of(page.key, state=state, after=request.GET.get("after", "")),
        "today": request.tenant.today(clock.now()),
        **allowed(request),
    }
    return render(request, "journeys/plays/list.html", context)


def _actor(request: WorkspaceRequest) -> Actor:
    return Actor.person(request.membership)


def _run(play_id: int) -> PlaybookRun:
    run = PlaybookRun.objects.filter(pk=play_id).first() if play_id < 2**63 else None
    if run is None:
        raise Http404
    return run


def _step(request: WorkspaceRequest, play_id: int) -> RunStep:
    """The step that the form names; one of another play does not exist here."""
    run = _run(play_id)
    text = request.POST.get("step", "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
    step = RunStep.objects.filter(run=run, pk=number).first()
    if step is None:
        raise Http404
    return step


def _back(
    play_id: int, request: WorkspaceRequest, problem: str = "", *, step: RunStep | None = None
) -> HttpResponseRedirect:
    """To the page of the play, at the step that is next or at the given one."""
    if problem:
        messages.error(request, problem)
    address = reverse("journeys:play", args=[play_id])
    return HttpResponseRedirect(f"{address}?step={step.pk}#step-{step.pk}" if step is not None else address)
