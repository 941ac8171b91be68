"""Doors of playbooks: the list, one playbook to read and to compare, walked through, and what it would do."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.choices import Segment
from accounts.queries.finding import find_accounts
from core import clock, registry
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.forms.plays import WalkForm
from journeys.queries.play_conditions import audience_size
from journeys.queries.play_editor import PlaybookPage, draft_of, playbook_page
from journeys.queries.play_impact import compared, due_preview, running_plays, starts_then
from journeys.queries.play_lists import Record, playbook_list, records
from journeys.queries.play_walk import walk_through
from journeys.queries.plays.reading import KIND
from journeys.rules.condition_rows import JOINS, OPERATORS
from journeys.rules.playbooks import ANCHORS, OWNERS

CALENDARS: Final = {"business": "Business days", "all": "All days"}
NEW_STARTS: Final = {
    "manual": "By hand",
    "alert": "By an alert",
    "date": "By a date",
    "stage": "By a stage",
    "signal": "By a signal",
}


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbooks(request: WorkspaceRequest) -> HttpResponse:
    """Every playbook with its version, its running plays and what came of those that are over."""
    today = request.tenant.today(clock.now())
    context = {"rows": playbook_list(today), "today": today, **allowed(request)}
    return render(request, "journeys/playbooks/list.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook(request: WorkspaceRequest, key: str) -> HttpResponse:
    """One playbook: its draft or its live version. Its list of steps alone when htmx opens one of them."""
    opened = request.GET.get("open", "")[:80]
    page = playbook_page(
        plain(key),
        view=request.GET.get("view", ""),
        opened=opened,
        variant=request.GET.get("variant", "")[:80],
        currency=request.tenant.currency,
    )
    if page is None:
        raise Http404
    template = "journeys/playbooks/_editor.html" if request.htmx else "journeys/playbooks/page.html"
    return render(request, template, page_context(request, page, opened))


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_audience(request: WorkspaceRequest, key: str) -> HttpResponse:
    """How many accounts it is for today: asked apart, so that a slow question does not hold the page."""
    page = playbook_page(plain(key), view=request.GET.get("view", ""))
    if page is None:
        raise Http404
    size = audience_size(page.definition, request.tenant.today(clock.now()))
    if request.htmx:
        return render(request, "journeys/playbooks/_audience.html", {"page": page, "size": size})
    return part(request, "journeys/playbooks/_audience_page.html", "Accounts it is for", page=page, size=size)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_starts(request: WorkspaceRequest, key: str) -> HttpResponse:
    """What the next sweep would start by the draft's rules, and the running plays that it meets: asked apart."""
    version = draft_of(plain(key))
    if version is None:
        raise Http404
    now = clock.now()
    today = request.tenant.today(now)
    then = starts_then(version, tenant=request.tenant, today=today)
    context = {"version": version, "then": then, "today": today, "now": now}
    if request.htmx:
        return render(request, "journeys/playbooks/_starts.html", context)
    return part(request, "journeys/playbooks/_starts_page.html", f"What v{version.number} would start",
                page=playbook_or_404(key), **context)  # fmt: skip


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_preview(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The due dates of every running play, old and new, if it went over to the draft."""
    page = playbook_page(plain(key))
    if page is None or page.draft is None:
        raise Http404
    now = clock.now()
    rows = due_preview(page.draft, today=request.tenant.today(now))
    context = {"page": page, "rows": rows, "today": request.tenant.today(now), **allowed(request)}
    return part(request, "journeys/playbooks/_preview.html", f"Due dates under v{page.draft.number}", **context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_walk(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Every step with its date on a test clock, for an account and an anchor day. Nothing is written."""
    page = playbook_page(plain(key), view=request.GET.get("view", ""))
    if page is None:
        raise Http404
    now = clock.now()
    today = request.tenant.today(now)
    form = WalkForm(request.GET or None) if "start" in request.GET else WalkForm(initial={"start": today})
    context: dict[str, Any] = {"page": page, "form": form, "today": today, **allowed(request)}
    if form.is_bound and form.is_valid():
        found = find_accounts(form.cleaned_data["account"])
        if form.cleaned_data["account"] and len(found) != 1:
            names = ", ".join(one.name for one in found[:5])
            problem = f"More than one account fits: {names}. Write the whole name." if found else ""
            form.add_error("account", problem or "No account has this name or number.")
        else:
            context["walk"] = walk_through(
                page.shown,
                account=found[0] if found else None,
                start=form.cleaned_data["start"],
                anchor=form.cleaned_data["anchor"],
            )
    return part(request, "journeys/playbooks/_walk.html", f"Walk through v{page.shown.number}", **context)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def playbook_compare(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Any two versions in words."""
    page = playbook_page(plain(key))
    if page is None:
        raise Http404
    old, new, changes = compared(page.key, request.GET.get("old", ""), request.GET.get("new", ""))
    context = {"page": page, "old": old, "new": new, "changes": changes, **allowed(request)}
    return part(request, "journeys/playbooks/_compare.html", "Compare two versions", **context)


def playbook_or_404(key: str) -> PlaybookPage:
    """The page of a playbook; without one the answer of a missing page."""
    page = playbook_page(plain(key))
    if page is None:
        raise Http404
    return page


def page_context(request: WorkspaceRequest, page: PlaybookPage, opened: str) -> dict[str, Any]:
    """Everything that the templates of a playbook's page read."""
    can = allowed(request)
    today = request.tenant.today(clock.now())
    return {
        "page": page,
        "opened": opened,
        "today": today,
        "running": running_plays(page.draft or page.live or page.shown, today=today),
        "record": records([page.key], today).get(page.key, Record()),
        "editable": can["may_edit"] and page.is_draft and not page.in_review,
        "owners": owner_choices(),
        "anchors": ANCHORS,
        "calendars": CALENDARS,
        "operators": OPERATORS,
        "joins": JOINS,
        "new_starts": NEW_STARTS,
        "segments": [(key, label) for key, label in Segment.choices if key],
        "facts": fact_choices() if opened else [],
        "needs_approval": request.tenant.needs_approval,
        "process_url": reverse("core:process", args=[KIND, page.key]),
        "yaml_url": f"{reverse('core:process_file', args=[KIND, page.key])}?number={page.shown.number}",
        **can,
    }


def owner_choices() -> list[tuple[str, str]]:
    """Who may do a step."""
    return [(key, f"{words[:1].upper()}{words[1:]}") for key, words in OWNERS.items()]


def fact_choices() -> list[tuple[str, str]]:
    """The facts of accounts, by their labels."""
    found = [(key, fact.label) for key, fact in registry.facts().items() if fact.subject == "account"]
    return sorted(found, key=lambda one: one[1])


def allowed(request: WorkspaceRequest) -> dict[str, bool]:
    """What the role allows on these pages."""
    role = request.membership.role
    return {
        "may_edit": may(role, Permission.CONFIGURE_PROCESSES),
        "may_work": may(role, Permission.WORK_TASKS),
        "may_see_money": may(role, Permission.VIEW_MONEY),
    }


def plain(text: str) -> str:
    """Without the character that Postgres keeps in no text."""
    return text.replace("\x00", "")[:80]


def part(request: WorkspaceRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A part of a page in a dialog; without a script it is a page of its own."""
    return render(request, "journeys/playbooks/part.html", {"title": title, "part": template, **context})
