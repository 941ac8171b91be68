"""Doors of health: what is proven of a score model, as a report and as a file; sentiment against outcomes."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from health.queries.proof_page import proof_page
from health.queries.sentiment import sentiment_page


@requires(Permission.VIEW_HEALTH)
@require_GET
def report(request: WorkspaceRequest, report_id: int) -> HttpResponse:
    """A report as it was stored; `?format=pdf` to take along."""
    page = proof_page(report_id)
    if page is None:
        raise Http404
    money = may(request.membership.role, Permission.VIEW_MONEY)
    if request.GET.get("format") == "pdf":
        from health.views.report_pdf import as_pdf  # noqa: PLC0415 -- fonts and fpdf are for this one answer

        name = f"validation-{page.version.key}-v{page.version.number}-{page.report.lead_days}d.pdf"
        body = as_pdf(page, workspace=request.tenant.name, currency=request.tenant.currency if money else "")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(body, content_type="application/pdf", headers=headers)
    return render(request, "health/report.html", {"page": page, "may_see_money": money})


@requires(Permission.VIEW_HEALTH)
@require_GET
def sentiment(request: WorkspaceRequest) -> HttpResponse:
    """What customers said against what they did then: renewals and ARR, with intervals, or "too few"."""
    money = may(request.membership.role, Permission.VIEW_MONEY)
    return render(request, "health/sentiment.html", {"page": sentiment_page(), "may_see_money": money})
