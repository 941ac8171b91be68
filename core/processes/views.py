"""Doors of processes: the list, one process with its versions, and the verbs on it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock, process_files, registry, versioning
from core.actors import Actor
from core.http import WorkspaceRequest
from core.models import ProcessOwner
from core.permissions import Permission, may, requires
from core.processes.forms import ANSWER, DiscardForm, FileForm, OwnerForm, PublishForm, RollbackForm
from core.processes.queries import Page, overview, process_page, version_of
from core.processes.queries import plain as _plain


@requires(Permission.VIEW_HEALTH)
@require_GET
def processes(request: WorkspaceRequest) -> HttpResponse:
    """Every process of the workspace, with its live version and its drafts."""
    return render(request, "core/processes/list.html", {"groups": overview(), "may_edit": _may_edit(request)})


@requires(Permission.VIEW_HEALTH)
@require_GET
def process(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """A process: versions, any two compared in words, and for those who may the way to change it."""
    page = process_page(
        kind, _plain(key), request.tenant, older=request.GET.get("old", ""), newer=request.GET.get("new", "")
    )
    if page is None:
        raise Http404
    return _shown(request, page)


@requires(Permission.VIEW_HEALTH)
@require_GET
def process_file(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """A version as the file that the command reads; without a number the live one."""
    version = version_of(kind, _plain(key), request.GET.get("number", ""))
    if version is None:
        raise Http404
    name = process_files.file_name(version).replace("/", "-").replace("%", "_").encode("ascii", "replace").decode()
    return HttpResponse(
        process_files.text_of(version),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name.replace("?", "_")}"'},
    )


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def process_upload(request: WorkspaceRequest) -> HttpResponse:
    """A file or its text: first what it would change, then the draft."""
    if request.method == "GET":
        start = version_of(
            _plain(request.GET.get("kind", "")), _plain(request.GET.get("key", "")), request.GET.get("number", "")
        )
        text = process_files.text_of(start) if start is not None else ""
        return render(request, "core/processes/upload.html", {"form": FileForm(initial={"text": text}), "start": start})
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "core/processes/upload.html", {"form": form}, status=422)
    data, name = form.content
    try:
        document = process_files.from_bytes(data, name)
        if request.POST.get("act") == "save":
            return _saved(request, document)
        planned = _planned(request, document)
    except process_files.BadFiles as bad:
        again = FileForm(initial={"text": data.decode("utf-8", "replace")})
        return render(request, "core/processes/upload.html", {"form": again, "problems": bad.problems}, status=422)
    context = {"form": FileForm(initial={"text": data.decode("utf-8-sig")}), "planned": planned, "document": document}
    return render(request, "core/processes/upload.html", context)


def _planned(request: WorkspaceRequest, document: process_files.Document) -> process_files.Planned:
    now = clock.now()
    return process_files.plan([document], actor=_actor(request), now=now, today=request.tenant.today(now))[0]


def _saved(request: WorkspaceRequest, document: process_files.Document) -> HttpResponse:
    applied = process_files.apply([document], publish=False, reason="", actor=_actor(request), now=clock.now())[0]
    if applied.outcome == "unchanged":
        messages.info(request, f"Version {applied.number} says the same already. Nothing was saved.")
    else:
        messages.success(request, f"Draft v{applied.number} says what the file says.")
    return redirect("core:process", applied.kind, applied.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def process_publish(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """Makes a draft live. What stands against it comes back on the page."""
    page = _must_exist(request, kind, key)
    form = PublishForm(request.POST)
    version = version_of(kind, page.key, request.POST.get("number", "").strip() or "0")
    if version is None:
        raise Http404
    if not form.is_valid():
        return _shown(request, page, publish=form, status=422)
    try:
        versioning.publish(
            version=version,
            actor=_actor(request),
            now=clock.now(),
            reason=form.cleaned_data["reason"],
            waiver=form.cleaned_data["waiver"],
            seen_hash=form.cleaned_data["seen"],
        )
    except versioning.PublishRefused as refused:
        if refused.waivable:
            form.add_error("waiver", "A gate is shut. Say here why it goes live all the same, or wait until it opens.")
        else:
            messages.error(request, " ".join(refused.lines))
        return _shown(request, page, publish=form, status=422)
    except ValueError as refused:
        messages.error(request, str(refused))
        return redirect("core:process", kind, page.key)
    messages.success(request, f"{version.name} v{version.number} is live.")
    return redirect("core:process", kind, page.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def process_rollback(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """Brings back what was live before, or a named version that was."""
    page = _must_exist(request, kind, key)
    form = RollbackForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why it goes back, on the page as it is now.")
        return redirect("core:process", kind, page.key)
    chosen = {name.removeprefix(ANSWER): str(to)[:80] for name, to in request.POST.items() if name.startswith(ANSWER)}
    try:
        version = versioning.rollback(kind=kind, key=page.key, actor=_actor(request), now=clock.now(),
                                      answers=chosen, **form.cleaned_data)  # fmt: skip
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"v{version.number} is live, with the content of v{version.based_on}.")
    return redirect("core:process", kind, page.key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def process_discard(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """Puts a draft away."""
    page = _must_exist(request, kind, key)
    form = DiscardForm(request.POST)
    version = version_of(kind, page.key, str(form.cleaned_data["number"])) if form.is_valid() else None
    if version is None:
        raise Http404
    try:
        versioning.discard(version=version, actor=_actor(request), now=clock.now())
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Draft v{version.number} is discarded. It stays among the versions.")
    return redirect("core:process", kind, page.key)


def _shown(
    request: WorkspaceRequest, page: Page, *, publish: PublishForm | None = None, status: int = 200
) -> HttpResponse:
    draft = page.draft
    if publish is None and draft is not None:
        publish = PublishForm(initial={"number": draft.number, "seen": draft.content_hash})
    context: dict[str, Any] = {
        "page": page,
        "own_page": own_address(page.kind, page.key),
        "publish": publish,
        "may_edit": _may_edit(request),
        "owner_form": OwnerForm(initial=_two(page.owner)) if _may_edit(request) else None,
    }
    return render(request, "core/processes/detail.html", context, status=status)


def _two(owner: ProcessOwner | None) -> dict[str, Any]:
    return {"owner": owner.owner_id, "deputy": owner.deputy_id} if owner is not None else {}


def own_address(kind: str, key: str) -> str:
    """The kind's own page of this process, or "" where it has none."""
    own_page = registry.process_kind(kind).page
    for arguments in ([key], []):
        try:
            return reverse(own_page, args=arguments) if own_page else ""
        except NoReverseMatch:
            continue
    return ""


def _must_exist(request: WorkspaceRequest, kind: str, key: str) -> Page:
    page = process_page(kind, _plain(key), request.tenant)
    if page is None:
        raise Http404
    return page


def _actor(request: WorkspaceRequest) -> Actor:
    return Actor.person(request.membership)


def _may_edit(request: WorkspaceRequest) -> bool:
    return may(request.membership.role, Permission.CONFIGURE_PROCESSES)
