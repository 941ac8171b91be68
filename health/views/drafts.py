"""Doors of health: what changes a draft of a score model, and what makes it live."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import clock, editors, versioning
from core.actors import Actor
from core.http import WorkspaceRequest, leave
from core.permissions import Permission, requires
from core.shapes import BadFields
from core.version_history import version_before, versions_of
from health.actions import drafts
from health.actions.shadow import start_shadow, stop_shadow
from health.forms import NewModelForm, PublishForm
from health.queries import impact, tried
from health.queries.editor import ModelPage, draft_of, model_page
from health.queries.live import KIND
from health.views.models import may_edit, model_context

LONGEST = 200


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def model_new(request: WorkspaceRequest) -> HttpResponse:
    """A new model from a preset, as a draft."""
    form = NewModelForm(request.POST or None, initial={"segment": "all", "preset": request.GET.get("preset")})
    if request.method == "POST" and form.is_valid():
        try:
            version = drafts.new_model(**form.cleaned_data, actor=_actor(request), now=clock.now())
        except BadFields as bad:
            for name, problem in bad.problems.items():
                form.add_error(name or None, problem)
        else:
            return redirect("health:model", version.key)
    return render(request, "health/model/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_draft(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Begins a draft from the live version, or from the version of that number."""
    _must_exist(key)
    number = request.POST.get("number", "")
    wanted = int(number) if number.isdecimal() and len(number) < 9 else None
    over = request.POST.get("over", "")[:64]
    try:
        drafts.begin_draft(key=key, actor=_actor(request), now=clock.now(), number=wanted, over=over)
    except ValueError as refused:
        messages.error(request, str(refused))
    return _to(key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_edit(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Saves what was changed at once. What is wrong comes back at its field, with the draft as it was."""
    _must_exist(key)
    opened = request.GET.get("open", "")[:LONGEST]
    typed = editors.typed_fields(request, longest=LONGEST)
    act, *arguments = typed.get("act", "").split(":")
    try:
        drafts.edit_draft(
            key=key,
            fields=typed,
            act=act,
            arguments=arguments,
            seen_hash=typed.get("seen", ""),
            actor=_actor(request),
            now=clock.now(),
        )
    except BadFields as bad:
        return _editor(request, key, opened, status=422, typed=typed, problems=bad.problems)
    except ValueError as moved:  # saved by somebody else, in review, or no draft any more
        return _editor(request, key, opened, status=409, moved=str(moved))
    if act == "remove":
        opened = ""
    if request.htmx:
        response = _editor(request, key, opened, status=200, refresh_bar=True)
        response["HX-Trigger"] = "draft-saved"
        return response
    return _to(key, opened)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_add(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Adds an input over a measure and opens it."""
    _must_exist(key)
    typed = editors.typed_fields(request, longest=LONGEST)
    try:
        version = drafts.add_input(
            key=key,
            measure=typed.get("measure", ""),
            seen_hash=typed.get("seen", ""),
            actor=_actor(request),
            now=clock.now(),
        )
    except ValueError as bad:
        messages.error(request, str(bad))
        return _to(key)
    return _to(key, version.definition["inputs"][-1]["key"])


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_discard(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Puts the draft away and shows what is live."""
    _must_exist(key)
    editors.discard(request, kind=KIND, key=key)
    return _to(key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def model_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The dialog that names what publishing changes, and the publishing itself."""
    page = model_page(key, view="draft")
    if page is None or page.draft is None:
        raise Http404
    form = PublishForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _dialog(request, page, {"reason": request.GET.get("reason", "")[:400]})
    complete = form.is_valid()
    closed = versioning.closed_gates(page.draft)
    if closed and form.refuse_unsigned():
        complete = False
    if not page.sum_is_right:
        form.add_error("reason", f"{page.sum_says}. Normalise the weights first.")
        complete = False
    if not complete:
        return _dialog(request, page, form.data, {name: str(errors[0]) for name, errors in form.errors.items()})
    waiver = f"{form.cleaned_data['waiver']} (signed {form.cleaned_data['signed']})" if closed else ""
    try:
        version = drafts.publish_draft(
            key=key,
            reason=form.cleaned_data["reason"],
            waiver=waiver,
            seen_hash=form.cleaned_data["seen"],
            actor=_actor(request),
            now=clock.now(),
        )
    except ValueError as refused:
        return _dialog(request, page, form.data, {"reason": str(refused)})
    messages.success(request, f"Version {version.number} is live. All accounts are being scored by it.")
    return leave(request, reverse("health:model", args=[key]))


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def model_rollback(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes what was live before the live version again, under a new number."""
    page = model_page(key, view="live")
    before = version_before(KIND, key)
    if page is None or page.live is None or before is None:
        raise Http404
    if request.method != "POST":
        return _in_dialog(request, "_rollback.html", f"Back to v{before.number}", page, before=before)
    typed = editors.typed_fields(request, longest=LONGEST)
    seen = typed.get("seen", "")
    try:
        version = versioning.rollback(
            kind=KIND, key=key, actor=_actor(request), now=clock.now(), reason=typed.get("reason", ""),
            seen=int(seen) if seen.isdecimal() and len(seen) < 9 else 0,
        )  # fmt: skip
    except ValueError as refused:  # nothing was live before, or what was live then may not be live any more
        messages.error(request, str(refused))
        return _to(key)
    messages.success(request, f"Version {version.number} is live and says what v{before.number} said.")
    return _to(key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_shadow_run(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Starts or stops a draft's run beside the live model."""
    version = draft_of(key)
    if version is None:
        raise Http404
    now = clock.now()
    if request.POST.get("act") == "stop":
        stop_shadow(version=version, actor=_actor(request), now=now)
        return _to(key)
    today = request.tenant.today(now)
    run = start_shadow(
        version=version,
        actor=_actor(request),
        now=now,
        today=today,
        as_of=impact.day_of(request.tenant, today),
    )
    messages.success(request, f"Draft v{version.number} judges beside the live version until {run.until_day}.")
    return _to(key)


def _actor(request: WorkspaceRequest) -> Actor:
    return Actor.person(request.membership)


def _must_exist(key: str) -> None:
    if not versions_of(KIND, key):
        raise Http404


def _to(key: str, opened: str = "") -> HttpResponseRedirect:
    address = reverse("health:model", args=[key])
    return HttpResponseRedirect(f"{address}?{urlencode({'open': opened})}#input-{opened}" if opened else address)


def _editor(request: WorkspaceRequest, key: str, opened: str, *, status: int, **extra: Any) -> HttpResponse:
    typed, problems = extra.pop("typed", None), extra.pop("problems", None)
    page = model_page(key, view="draft", opened=opened, typed=typed, problems=problems)
    if page is None:
        raise Http404
    template = "health/model/_editor.html" if request.htmx else "health/model/page.html"
    return render(request, template, {**model_context(request, page, opened), **extra}, status=status)


def _dialog(
    request: WorkspaceRequest, page: ModelPage, typed: Mapping[str, Any], problems: Mapping[str, str] | None = None
) -> HttpResponse:
    assert page.draft is not None  # noqa: S101 -- the callers have looked
    unfit = versioning.unfit_lines(page.draft)
    if versioning.lacks_approval(page.draft, request.tenant):
        unfit = [*unfit, versioning.NEEDS_APPROVAL]
    today = impact.day_of(request.tenant, request.tenant.today(clock.now()))
    few = impact.customers() <= impact.AT_ONCE
    found = None if few else tried.found_by(tried.tried(page.draft, today))
    response = _in_dialog(
        request,
        "_publish.html",
        f"Publish v{page.draft.number}",
        page,
        impact=impact.impact(page.draft, today=today, shown=1) if few else found and found["impact"],
        closed=versioning.closed_gates(page.draft),
        unfit=unfit,
        problems=problems or {},
        **{name: typed.get(name, "") for name in ("reason", "waiver", "signed")},
    )
    response.status_code = 422 if problems else 200
    return response


def _in_dialog(request: WorkspaceRequest, part: str, title: str, page: ModelPage, **context: Any) -> HttpResponse:
    shared = {"key": page.key, "name": page.shown.name, "title": title, "part": f"health/model/{part}", "page": page}
    return render(request, "health/model/part.html", {**shared, **context, **may_edit(request)})
