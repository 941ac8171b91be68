"""Doors of playbooks: what changes a draft, asks for its review, and makes it live."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import clock, drafts, editors, reviews, versioning
from core.actors import Actor
from core.http import WorkspaceRequest, leave
from core.models import ProcessVersion
from core.permissions import Permission, requires
from core.shapes import BadFields
from core.version_history import versions_of
from journeys.actions import play_drafts
from journeys.actions.plays import note_review
from journeys.forms.plays import NewPlaybookForm, PublishForm, ReasonForm
from journeys.queries.play_editor import PlaybookPage, draft_of, playbook_page
from journeys.queries.play_impact import due_preview, running_plays
from journeys.queries.play_lists import templates
from journeys.queries.plays.reading import KIND
from journeys.views.playbooks import page_context, part, plain

LONGEST: Final = 9000


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def playbook_new(request: WorkspaceRequest) -> HttpResponse:
    """A new playbook, like one that is there or from one empty step, as a draft."""
    form = NewPlaybookForm(
        request.POST if request.method == "POST" else None,
        templates=templates(),
        initial={"like": request.GET.get("like", "")},
    )
    if form.is_bound and form.is_valid():
        try:
            version = play_drafts.new_playbook(**form.cleaned_data, actor=_actor(request), now=clock.now())
        except BadFields as bad:
            for name, problem in bad.problems.items():
                form.add_error(name or None, problem)
        else:
            return redirect("journeys:playbook", version.key)
    return render(request, "journeys/playbooks/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def playbook_draft(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Begins a draft from the live version."""
    key = _must_exist(key)
    drafts.begin(kind=KIND, key=key, actor=_actor(request), now=clock.now())
    return _to(key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def playbook_edit(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Saves what was changed at once. What is wrong comes back at its field, with the draft as it was."""
    key = _must_exist(key)
    opened = request.GET.get("open", "")[:80]
    typed = editors.typed_fields(request, longest=LONGEST, keeps="\n\r\t")
    act, *arguments = typed.get("act", "").split(":")
    try:
        version = play_drafts.edit_draft(
            key=key,
            variant=typed.get("variant", ""),
            fields=typed,
            act=act,
            arguments=arguments,
            seen_hash=typed.get("seen", ""),
            currency=request.tenant.currency,
            actor=_actor(request),
            now=clock.now(),
        )
    except BadFields as bad:
        return _editor(request, key, opened, status=422, typed=typed, problems=bad.problems)
    except ValueError as moved:  # saved by somebody else, in review, or no draft any more
        return _editor(request, key, opened, status=409, moved=str(moved))
    if act == "add":
        steps = play_drafts.steps_of(version.definition, typed.get("variant", ""))
        opened = str(steps[-1]["key"])
    if request.htmx:
        return _editor(request, key, opened, status=200, typed=_unsaved(typed, act, arguments, version))
    return _to(key, opened, typed.get("variant", ""))


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def playbook_discard(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Puts the draft away and shows what is live."""
    key = _must_exist(key)
    editors.discard(request, kind=KIND, key=key)
    return _to(key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def playbook_review(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Puts the draft before a second person, with the reason. It stays shut while a check is not passed."""
    page = _draft_page(key)
    if request.method != "POST":
        return part(request, "journeys/playbooks/_review.html", f"Ask for review of v{_number(page)}", page=page)
    form = ReasonForm(request.POST)
    problem = "" if form.is_valid() else "Say what the change is for. The reviewer reads it first."
    if page.failed:
        problem = "A check is not passed yet. Complete it first."
    if not problem and page.draft is not None:
        try:
            reviews.ask_for_review(
                version=page.draft, actor=_actor(request), now=clock.now(), reason=form.cleaned_data["reason"]
            )
        except ValueError as refused:
            problem = str(refused)
    if problem:
        return _refused(
            request, "_review.html", f"Ask for review of v{_number(page)}", page, {"problem": problem, "form": form}
        )
    messages.success(request, f"v{_number(page)} is in review.")
    return _gone(request, page.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def playbook_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The dialog that names what publishing changes, and the publishing itself with what becomes of running plays."""
    page = _draft_page(key)
    if page.draft is None:
        raise Http404
    now = clock.now()
    today = request.tenant.today(now)
    title = f"Publish v{page.draft.number}"
    context: dict[str, Any] = {"runs": due_preview(page.draft, today=today), "today": today}
    context["running"] = running_plays(page.draft, today=today)
    if request.method != "POST":
        form = PublishForm(initial={"running": request.GET.get("running", "leave")})
        return part(request, "journeys/playbooks/_publish.html", title, page=page, form=form, **context,
                    choice=request.GET.get("running", "leave"))  # fmt: skip
    form = PublishForm(request.POST)
    choice = request.POST.get("running", "leave")
    if not form.is_valid():
        problem = "Say why it goes live. The reason stays with the version."
        return _refused(request, "_publish.html", title, page,
                        {"problem": problem, "form": form, "choice": choice, **context})  # fmt: skip
    try:
        published = play_drafts.publish_draft(
            key=page.key,
            reason=form.cleaned_data["reason"],
            seen_hash=form.cleaned_data["seen"],
            running=form.cleaned_data["running"] or "leave",
            run_ids=form.cleaned_data["run"],
            actor=_actor(request),
            today=today,
            now=now,
        )
    except ValueError as refused:
        return _refused(request, "_publish.html", title, page,
                        {"problem": str(refused), "form": form, "choice": choice, **context})  # fmt: skip
    moved = f" {published.moved:,} running plays went over." if published.moved else ""
    if published.later:
        moved = f" {published.later:,} running plays are looked at now; those that can go over do, within minutes."
    messages.success(request, f"Version {published.version.number} is live.{moved}")
    return _gone(request, page.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def playbook_restore(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes what an earlier version said live again, under a new number, or the start of a draft."""
    page = playbook_page(_must_exist(key))
    number = request.POST.get("number") or request.GET.get("number", "")
    wanted = next((one for one in versions_of(KIND, plain(key)) if str(one.number) == number), None)
    if page is None or wanted is None:
        raise Http404
    if request.method != "POST":
        return part(
            request, "journeys/playbooks/_restore.html", f"Restore v{wanted.number}", page=page, wanted=wanted,
            changes=versioning.diff(page.live, wanted) if page.live else [],
        )  # fmt: skip
    typed = editors.typed_fields(request, longest=LONGEST, keeps="\n\r\t")
    seen = typed.get("seen", "")
    try:
        if request.POST.get("act") == "draft" or wanted.published_at is None:
            drafts.begin(
                kind=KIND, key=page.key, actor=_actor(request), now=clock.now(), number=wanted.number,
                over=typed.get("over", "")[:64],
            )  # fmt: skip
            messages.success(request, f"The draft says what v{wanted.number} said.")
        else:
            version = versioning.rollback(
                kind=wanted.kind, key=page.key, actor=_actor(request), now=clock.now(), to=wanted.number,
                reason=typed.get("reason", "")[:400], seen=int(seen) if seen.isdecimal() and len(seen) < 9 else 0,
            )  # fmt: skip
            messages.success(request, f"Version {version.number} is live and says what v{wanted.number} said.")
    except ValueError as refused:
        messages.error(request, str(refused))
    return _gone(request, page.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def playbook_reviewed(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Keeps what somebody found who looked at what the live version brought; the count to the next review starts."""
    page = playbook_page(_must_exist(key), view="live")
    if page is None or page.live is None:
        raise Http404
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say what you found: what works, what changes, or why nothing does.")
        return _to(page.key)
    note_review(version=page.live, note=form.cleaned_data["reason"], actor=_actor(request), now=clock.now())
    messages.success(request, "Kept. The next review is asked for after as many plays again.")
    return _to(page.key)


def _actor(request: WorkspaceRequest) -> Actor:
    return Actor.person(request.membership)


def _number(page: PlaybookPage) -> int:
    return page.draft.number if page.draft is not None else page.shown.number


def _must_exist(key: str) -> str:
    found = plain(key)
    if not versions_of(KIND, found):
        raise Http404
    return found


def _draft_page(key: str) -> PlaybookPage:
    page = playbook_page(plain(key), view="draft")
    if page is None or page.draft is None or draft_of(page.key) is None:
        raise Http404
    return page


def _unsaved(typed: Mapping[str, str], act: str, arguments: list[str], version: ProcessVersion) -> dict[str, str]:
    """What was typed for a condition or an outcome that is not added yet: saving another field does not lose it."""
    # A start that goes moves the numbers of those after it.
    done = "cond:start." if act == "start-drop" else f"cond:{arguments[0]}:" if act == "cond-add" and arguments else ":"
    kept = {name for name in typed if name.startswith("cond:") and ":new_" in name and not name.startswith(done)}
    if "outcome" not in version.definition:
        kept |= {"outcome_name", "within_days"} & typed.keys()
    return {name: typed[name] for name in kept}


def _to(key: str, opened: str = "", variant: str = "") -> HttpResponseRedirect:
    address = reverse("journeys:playbook", args=[key])
    asked = {name: value for name, value in {"open": opened, "variant": variant}.items() if value}
    return HttpResponseRedirect(f"{address}?{urlencode(asked)}#step-{opened}" if asked else address)


def _gone(request: WorkspaceRequest, key: str) -> HttpResponse:
    return leave(request, reverse("journeys:playbook", args=[key]))


def _refused(
    request: WorkspaceRequest, template: str, title: str, page: PlaybookPage, context: Mapping[str, Any]
) -> HttpResponse:
    response = part(request, f"journeys/playbooks/{template}", title, page=page, **context)
    response.status_code = 422
    return response


def _editor(request: WorkspaceRequest, key: str, opened: str, *, status: int, **extra: Any) -> HttpResponse:
    typed, problems = extra.pop("typed", None), extra.pop("problems", None)
    variant = request.POST.get("variant", "")[:80]
    page = playbook_page(key, view="draft", opened=opened, variant=variant, typed=typed, problems=problems,
                         currency=request.tenant.currency)  # fmt: skip
    if page is None:
        raise Http404
    template = "journeys/playbooks/_editor.html" if request.htmx else "journeys/playbooks/page.html"
    return render(request, template, {**page_context(request, page, opened), **extra}, status=status)
