"""Doors of documents: one process, one about the whole workspace, and how much is written down."""

from datetime import UTC, datetime, time

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock, registry
from core.documents.building import Written, portfolio_document
from core.documents.building import process_document as written
from core.documents.markdown import as_markdown
from core.documents.queries import SHOWS, coverage
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires, roles_with
from core.processes.queries import plain, version_of


@requires(Permission.VIEW_HEALTH)
@require_GET
def process_documents(request: WorkspaceRequest) -> HttpResponse:
    """Every document there is, and the processes that have none or nobody."""
    show = request.GET.get("show", "all")
    show = show if show in SHOWS else "all"
    role = request.membership.role
    readable = [one for one in registry.documents() if may(role, one.permission)]
    context = {"coverage": coverage(show), "show": show, "portfolio": readable}
    return render(request, "core/documents/list.html", context)


@requires(Permission.VIEW_HEALTH)
@require_GET
def process_document(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """A process as a document: its live version, or the numbered one."""
    version = version_of(kind, plain(key), request.GET.get("number", ""))
    if version is None:
        raise Http404
    document = written(version, request.tenant)
    made_at = version.published_at or version.created_at
    return _answer(request, document, made_at, back=("core:process", version.kind, version.key))


@requires(Permission.VIEW_HEALTH)
@require_GET
def portfolio(request: WorkspaceRequest, key: str) -> HttpResponse:
    """A document about the workspace as it stands today, of live processes and live figures."""
    found = next((one for one in registry.documents() if one.key == key), None)
    if found is None:
        raise Http404
    if not may(request.membership.role, found.permission):
        return render(request, "403.html", {"who": roles_with(found.permission)}, status=403)
    today = request.tenant.today(clock.now())
    sees_money = may(request.membership.role, Permission.VIEW_MONEY)
    document = portfolio_document(found, request.tenant, today, sees_money=sees_money)
    return _answer(request, document, datetime.combine(today, time(0), UTC), back=("core:process_documents",))


def _answer(request: WorkspaceRequest, document: Written, made_at: datetime, *, back: tuple[str, ...]) -> HttpResponse:
    wanted = request.GET.get("format", "")
    if wanted == "md":
        return _file(as_markdown(document).encode(), "text/markdown; charset=utf-8", f"{document.slug}.md")
    if wanted == "pdf":
        from core.documents.paper import as_pdf  # noqa: PLC0415 -- loads the library only where one is asked for

        return _file(as_pdf(document, made_at=made_at), "application/pdf", f"{document.slug}.pdf")
    return render(request, "core/documents/page.html", {"document": document, "back": back})


def _file(data: bytes, content_type: str, name: str) -> HttpResponse:
    plain_name = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "_" for sign in name)
    disposition = f'attachment; filename="{plain_name}"'
    return HttpResponse(data, content_type=content_type, headers={"Content-Disposition": disposition})
