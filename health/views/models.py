"""Doors of health: the score models, to read, to try and to compare."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.accounts import record_export
from accounts.choices import Segment
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.models import ProcessVersion
from core.permissions import Permission, may, requires
from core.shapes import BadFields
from health.actions.trying import start_impact, start_replay
from health.queries import band_stats as bands_of
from health.queries import draft_alerts, impact, tried
from health.queries.catalogue import models_in_words
from health.queries.editor import AGGREGATES, MISSING, ModelPage, draft_of, drafts, model_page
from health.queries.measures import find_measures
from health.queries.shadow import shadow_of
from health.rules.presets import PRESETS


@requires(Permission.VIEW_HEALTH)
@require_GET
def models(request: WorkspaceRequest) -> HttpResponse:
    """The score models: live ones with what they say, and drafts that are waiting."""
    context = {"models": models_in_words(), "drafts": drafts(), "presets": PRESETS}
    return render(request, "health/models.html", {**context, **may_edit(request)})


@requires(Permission.VIEW_HEALTH)
@require_GET
def model(request: WorkspaceRequest, key: str) -> HttpResponse:
    """One model: its draft, its live version, or what differs. A part of it for a row that is opened."""
    view, opened = request.GET.get("view", ""), request.GET.get("open", "")
    page = model_page(key, view=view, opened=opened)
    if page is None:
        raise Http404
    template = "health/model/_editor.html" if request.htmx else "health/model/page.html"
    return render(request, template, model_context(request, page, opened))


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_impact(request: WorkspaceRequest, key: str) -> HttpResponse:
    """What the draft would do to today's accounts; of very many accounts what the job has found, once it is asked."""
    version, day = _draft(key), _day(request)
    if _few():
        return _part(request, version, "_impact.html", "Impact", impact=impact.impact(version, today=day))
    job = tried.tried(version, day)
    found = tried.found_by(job)
    return _part(request, version, "_impact.html", "Impact", impact=found and found["impact"], job=job)


@requires(Permission.VIEW_HEALTH)
@require_POST
def model_impact_run(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Starts the job that works the impact of the shown version out, and shows its progress in place."""
    version = _shown(key, request.GET.get("view", "draft"))
    actor = Actor.person(request.membership)
    job = start_impact(version=version, as_of=_day(request), actor=actor, now=clock.now())
    if not request.htmx:
        return redirect("health:model", key)
    return render(request, "core/_job.html", {"job": job, "now": clock.now()})


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_changes(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Every account that the draft puts into another band, and why; the largest first, where amounts are seen."""
    version, day, after = _draft(key), _day(request), request.GET.get("after", "")
    try:
        flips, following, found = _flips(request, version, day, after)
    except BadFields:
        after = ""
        flips, following, found = _flips(request, version, day, after)
    context = {
        "version": version,
        "key": key,
        "flips": flips,
        "next": following,
        "after": after,
        "as_of": day,
        "asked": found is not None or _few(),
        "left_out": tried.left_out(found) if found else 0,
    }
    return render(request, "health/model/changes.html", {**context, **may_edit(request)})


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_changes_file(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The same list as a file for a spreadsheet."""
    version, day = _draft(key), _day(request)
    money = may(request.membership.role, Permission.VIEW_MONEY)
    if _few():
        flips, more = impact.every_flip(version, today=day, money=money), 0
    else:
        found = tried.found_by(tried.tried(version, day))
        if found is None:
            return redirect("health:model_changes", key)
        flips, more = tried.kept_flips(found, money=money), tried.left_out(found)
    record_export(rows=len(flips), cut=more > 0, actor=Actor.person(request.membership), now=clock.now())
    return HttpResponse(
        impact.as_csv(flips, money=money, more=more),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="changes-{key}-v{version.number}.csv"'},
    )


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_alerts(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The alert rules replayed over the last half year with the draft's scores, once somebody has asked for it."""
    version = _draft(key)
    job = draft_alerts.replayed(version, _day(request))
    return _part(request, version, "_alerts.html", "Alerts of the last 180 days", job=job)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_alerts_run(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Starts the replay as a job, and shows its progress in place."""
    version = _draft(key)
    job = start_replay(version=version, as_of=_day(request), actor=Actor.person(request.membership), now=clock.now())
    if not request.htmx:
        return redirect("health:model", key)
    return _part(request, version, "_alerts.html", "Alerts of the last 180 days", job=job)


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_bands(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The accounts in each band of one input today, and how many of those of a year ago were lost."""
    version = _shown(key, request.GET.get("view", ""))
    table = request.GET.get("table", "0")
    if not table.isdecimal() or len(table) > 3:
        raise Http404
    day = _day(request)
    named = not request.htmx or "named" in request.GET
    if not _few():
        job = tried.tried(version, day)
        found = tried.found_by(job)
        stats = tried.kept_bands(found, request.GET.get("input", ""), int(table)) if found else []
        context = {"stats": stats, "job": job, "view": request.GET.get("view", "")}
        return _part(request, version, "_bands.html", "Accounts in each band", named=named, many=not found, **context)
    try:
        stats = bands_of.band_stats(version, request.GET.get("input", ""), int(table), as_of=day)
    except (BadFields, IndexError):
        raise Http404 from None
    return _part(request, version, "_bands.html", "Accounts in each band", stats=stats, named=named)


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_measures(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The search for a measure to add as an input."""
    version = _draft(key)
    text = request.GET.get("q", "")[:80]
    context = {"found": find_measures(text), "q": text, "seen": version.content_hash}
    if request.htmx and request.htmx.target == "measures-found":
        return render(request, "health/model/_measures.html#found", {**context, "key": key})
    return _part(request, version, "_measures.html", "Add an input", **context)


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_shadow(request: WorkspaceRequest, key: str) -> HttpResponse:
    """How the draft has judged beside the live version so far."""
    version = _draft(key)
    return _part(request, version, "_shadow.html", "In shadow", shadow=shadow_of(version, as_of=_day(request)))


def may_edit(request: WorkspaceRequest) -> dict[str, Any]:
    """What the role allows on these pages."""
    role = request.membership.role
    return {
        "may_edit": may(role, Permission.CONFIGURE_PROCESSES),
        "may_see_money": may(role, Permission.VIEW_MONEY),
    }


def model_context(request: WorkspaceRequest, page: ModelPage, opened: str) -> dict[str, Any]:
    """Everything that the templates of a model's page read."""
    allowed = may_edit(request)
    segments = [str(Segment(key).label) if key in Segment.values else key for key in page.model.segments]
    return {
        "page": page,
        "opened": opened,
        "now": clock.now(),
        "editable": allowed["may_edit"] and page.is_draft and not page.in_review,
        "aggregates": AGGREGATES,
        "missing_choices": MISSING,
        "group_choices": {"": "None", **{name: name for name in page.groups}},
        "segment_name": ", ".join(segments),
        "versions_url": reverse("core:process", args=["score_model", page.key]),
        "validation_url": f"{reverse('health:validation', args=[page.key])}?{urlencode({'view': page.view})}",
        **allowed,
    }


def _few() -> bool:
    """Whether a page may judge every account while it is asked."""
    return impact.customers() <= impact.AT_ONCE


def _flips(
    request: WorkspaceRequest, version: ProcessVersion, day: date, after: str
) -> tuple[list[impact.Flip], str, Mapping[str, Any] | None]:
    """A page of the list, the next one's cursor, and what a job has found where it is read from there."""
    money = may(request.membership.role, Permission.VIEW_MONEY)
    if _few():
        return *impact.flips(version, today=day, money=money, after=after), None
    found = tried.found_by(tried.tried(version, day))
    return *(tried.page_of_flips(found, money=money, after=after) if found else ([], "")), found


def _shown(key: str, view: str) -> ProcessVersion:
    page = model_page(key, view=view)
    if page is None:
        raise Http404
    return page.shown


def _draft(key: str) -> ProcessVersion:
    version = draft_of(key)
    if version is None:
        raise Http404
    return version


def _day(request: WorkspaceRequest) -> Any:
    return impact.day_of(request.tenant, request.tenant.today(clock.now()))


def _part(request: WorkspaceRequest, version: ProcessVersion, part: str, title: str, **context: Any) -> HttpResponse:
    now = clock.now()
    shared = {"key": version.key, "name": version.name, "title": title, "part": f"health/model/{part}", "at": now}
    return render(request, "health/model/part.html", {**shared, "now": now, **context, **may_edit(request)})
