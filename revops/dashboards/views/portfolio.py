"""The list of accounts: page, rows, totals, export, and what is done with many at once."""

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from accounts.actions.accounts import assign_owner, record_export
from accounts.choices import Segment
from accounts.models import Account, Person
from accounts.queries.people import active_people, person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.money import from_minor
from core.permissions import Permission, may, requires
from core.queries import new_key
from core.spreadsheets import harmless
from health.choices import Band
from health.queries.twin import MOST
from journeys.queries.play_lists import starters, too_many
from revops.dashboards.queries.book import Book, book, books, stamp
from revops.dashboards.queries.people import people_like
from revops.dashboards.queries.portfolio import (
    PAGE,
    VIEWS,
    Filter,
    Totals,
    counted,
    matching,
    totals,
    view_filter,
    without,
)
from revops.dashboards.queries.portfolio_rows import BadCursor, Page, page_of
from revops.dashboards.rows_html import rows_html

VIEW_WORDS: Final = {
    "book": "My book",
    "risk": "At risk, renewing in 90 days",
    "silent": "No contact for 30 days",
    "all": "All accounts",
    "former": "Former customers",
}
SORT_WORDS: Final = {
    "health": "Health, worst first",
    "-health": "Health, best first",
    "name": "Name, A to Z",
    "-name": "Name, Z to A",
    "-arr": "ARR, highest first",
    "arr": "ARR, lowest first",
    "renewal": "Renewal, next first",
    "-renewal": "Renewal, last first",
    "contact": "Last contact, longest ago first",
    "-contact": "Last contact, latest first",
}
BANDS: Final = dict(Band.choices)
SEGMENTS: Final = dict(Segment.choices)
# An order gives away what it orders by, and a cursor holds it.
_MONEY_SORTS: Final = frozenset({"arr", "-arr"})
_FILTER_WORDS: Final = {
    "owner": ("owner", "Owner"),
    "segment": ("segment", "Segment"),
    "band": ("band", "Health"),
    "text": ("q", "Name begins with"),
}
EXPORT_LIMIT: Final = 100_000


def filter_of(asked: QueryDict, person_id: int | None, today: date, role: str) -> Filter:
    """The address as a filter. What it cannot mean is left out, as a stale link should still show accounts."""
    view = asked.get("view", "")
    if view not in VIEWS or (view == "book" and person_id is None):
        view = "book" if person_id is not None and "owner" not in asked else "all"
    wanted = view_filter(view, person_id=person_id, today=today)
    owner = asked.get("owner", "")
    sort = asked.get("sort", "")
    text = asked.get("q", "").strip()[:200]
    chosen = sort if sort in _sorts(role) else ("name" if text else wanted.sort)
    return Filter(
        view=view,
        today=today,
        owner_id=int(owner) if owner.isascii() and owner.isdigit() and len(owner) < 18 else wanted.owner_id,
        segment=str(asked["segment"]) if asked.get("segment", "-") in SEGMENTS else None,
        band=asked.get("band", "") if asked.get("band", "") in BANDS and view not in {"risk", "former"} else "",
        text=text,
        sort=chosen.lstrip("-"),
        descending=chosen.startswith("-"),
    )


def _sorts(role: str) -> dict[str, str]:
    if may(role, Permission.VIEW_MONEY):
        return SORT_WORDS
    return {key: words for key, words in SORT_WORDS.items() if key not in _MONEY_SORTS}


def _settled(wanted: Filter, everybody: Book) -> Filter:
    """Before the first scores, customers are listed by name without them."""
    if everybody.as_of is not None:
        return wanted
    return replace(wanted, before_scores=True, band="", sort="name" if wanted.sort == "health" else wanted.sort)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def portfolio(request: WorkspaceRequest) -> HttpResponse:
    """The page, or its rows alone when htmx asks. The address keeps filters, sort and place."""
    now = clock.now()
    today = request.tenant.today(now)
    person_id = person_id_of(request.membership)
    wanted = filter_of(request.GET, person_id, today, request.membership.role)
    found = books({wanted.owner_id, None} if wanted.segment is None else {None})
    everybody = found[None]
    wanted = _settled(wanted, everybody)
    lost = ""
    try:
        page = page_of(wanted, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    except BadCursor:
        lost = "That page of the list does not exist. This is the first one."
        page = page_of(wanted)
    sums = _roll_up(wanted, found) if wanted.from_roll_up else None
    context = _context(request, wanted, page, person_id, lost) | {"sums": sums}
    if request.htmx and request.htmx.target == "rows":
        return render(request, "dashboards/portfolio.html#rows", context)
    context |= {
        "tabs": _tabs(request, person_id, everybody),
        "freshness": stamp(everybody, request.tenant, now),
        "is_empty": not page.rows and everybody.accounts == 0 and wanted.view != "former",
        "may_import": may(request.membership.role, Permission.IMPORT_DATA),
    }
    return render(request, "dashboards/portfolio.html", context)


def _context(request: WorkspaceRequest, wanted: Filter, page: Page, person_id: int | None, lost: str) -> dict[str, Any]:
    role = request.membership.role
    sort = f"-{wanted.sort}" if wanted.descending else wanted.sort
    return {
        "wanted": wanted,
        "page": page,
        "rows": rows_html(
            page.rows,
            today=wanted.today,
            currency=request.tenant.currency,
            with_money=may(role, Permission.VIEW_MONEY),
        ),
        "lost": lost,
        "sort": sort,
        "sort_words": SORT_WORDS[sort],
        "sorts": _sorts(role),
        "segments": SEGMENTS,
        "segment_words": SEGMENTS,
        "bands": BANDS,
        "chips": _chips(request, wanted, person_id),
        "rows_url": f"{reverse('dashboards:portfolio')}?{request.GET.urlencode()}",
        "totals_url": f"{reverse('dashboards:portfolio_totals')}?{request.GET.urlencode()}",
        "currency": request.tenant.currency,
        "today": wanted.today,
        "page_size": PAGE,
        "may_see_money": may(role, Permission.VIEW_MONEY),
        "may_edit": may(role, Permission.EDIT_ACCOUNTS),
        "may_play": may(role, Permission.WORK_TASKS),
    }


def _roll_up(wanted: Filter, known: dict[int | None, Book]) -> Totals:
    """What the roll-up knows of an owner, a segment and a band: the same cost at any size."""
    found = known[wanted.owner_id] if wanted.segment is None else book(wanted.owner_id, wanted.segment)
    if not wanted.band:
        return Totals(found.accounts, found.arr_minor, found.scored, found.weighted_score)
    one = found.now.get(wanted.band)
    if one is None:
        return Totals(0, 0, 0, None)
    weighted = one.arr_score / one.arr_minor / 100 if one.arr_minor and wanted.band != Band.NONE else None
    return Totals(one.accounts, one.arr_minor, one.accounts if wanted.band != Band.NONE else 0, weighted)


def _tabs(request: WorkspaceRequest, person_id: int | None, everybody: Book) -> list[dict[str, Any]]:
    """The views with the counts that the roll-up knows; the others are counted after the page has come."""
    known = {"all": everybody.accounts}
    tabs = []
    for view in VIEWS:
        if view == "book" and person_id is None:
            continue
        tabs.append({"key": view, "label": VIEW_WORDS[view], "count": known.get(view)})
    return tabs


def _chips(request: WorkspaceRequest, wanted: Filter, person_id: int | None) -> list[dict[str, str]]:
    """The filters in force, each with the address without it."""
    chips = []
    if wanted.owner_id is not None and "owner" in request.GET:
        name = Person.objects.filter(pk=wanted.owner_id).values_list("name", flat=True).first() or "nobody we know"
        chips.append({"key": "owner", "field": "Owner", "value": name})
    if wanted.segment is not None:
        chips.append({"key": "segment", "field": "Segment", "value": SEGMENTS[wanted.segment]})
    if wanted.band:
        chips.append({"key": "band", "field": "Health", "value": BANDS[wanted.band]})
    if wanted.text:
        chips.append({"key": "q", "field": "Name", "value": wanted.text})
    for chip in chips:
        chip["url"] = _without(request, chip["key"])
    return chips


def _without(request: WorkspaceRequest, *keys: str) -> str:
    kept = [(key, value) for key, value in request.GET.items() if key not in {*keys, "after", "before"}]
    return f"?{urlencode(kept)}"


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def portfolio_totals(request: WorkspaceRequest) -> HttpResponse:
    """Counts of the views and the totals that the roll-up does not know, after the page."""
    today = request.tenant.today(clock.now())
    person_id = person_id_of(request.membership)
    found = books({person_id, None})
    everybody = found[None]
    wanted = _settled(filter_of(request.GET, person_id, today, request.membership.role), everybody)
    views = [view for view in VIEWS if view not in {"all", "book"}]
    context = {
        "counts": [
            (view, counted(_settled(view_filter(view, person_id=person_id, today=today), everybody))) for view in views
        ],
        "mine": found[person_id].accounts if person_id is not None else None,
        "wanted": wanted,
        # An empty page has no totals row to fill.
        "sums": None if wanted.from_roll_up or request.GET.get("empty") else totals(wanted),
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "narrow": _too_narrow(request, wanted) if request.GET.get("empty") else None,
    }
    return render(request, "dashboards/_portfolio_totals.html", context)


def _too_narrow(request: WorkspaceRequest, wanted: Filter) -> dict[str, Any] | None:
    """The filter whose removal brings most accounts back."""
    active = {
        "owner": "owner" in request.GET,
        "segment": wanted.segment is not None,
        "band": bool(wanted.band),
        "text": bool(wanted.text),
    }
    tried = [(counted(without(wanted, name)), name) for name, is_on in active.items() if is_on]
    best = max(tried, default=(0, ""))
    if not best[0]:
        return None
    key, words = _FILTER_WORDS[best[1]]
    text = f"Without “{words}” there would be {best[0]:,}."
    return {"text": text, "url": _without(request, key)}


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def people(request: WorkspaceRequest) -> HttpResponse:
    """Owners whose name begins like this, for the filter and the dialogs that give; nobody's page carries the list.

    Opened by itself it is no page: absences and books are where people are looked after.
    """
    if not request.htmx:
        may_work = may(request.membership.role, Permission.WORK_TASKS)
        return redirect("journeys:absences" if may_work else "dashboards:portfolio")
    purpose = request.GET.get("for", "")
    found = people_like(request.GET.get("person", ""))
    context = {"people": found, "purpose": purpose if purpose in {"assign", "tasks"} else "filter"}
    return render(request, "dashboards/_people.html", context)


def _chosen(request: WorkspaceRequest) -> Any:
    """The ticked accounts, or all that match the filter when "Select all" was pressed."""
    person_id = person_id_of(request.membership)
    if request.POST.get("all") == "1":
        # htmx says which page it acts on; an ordinary form carries the filter in its own address.
        page = request.htmx.current_url if request.htmx else None
        asked = QueryDict(urlsplit(page).query) if page else request.GET
        return matching(
            _settled(
                filter_of(asked, person_id, request.tenant.today(clock.now()), request.membership.role), book(None)
            )
        )
    ids = [int(one) for one in request.POST.getlist("account") if one.isascii() and one.isdigit() and len(one) < 18]
    return Account.objects.filter(pk__in=ids[:1000])


@requires(Permission.EDIT_ACCOUNTS)
@require_POST
def assign(request: WorkspaceRequest) -> HttpResponse:
    """Gives the chosen accounts to somebody, in one statement."""
    owner_id = request.POST.get("owner", "")
    owner = (
        active_people().filter(pk=int(owner_id)).first()
        if owner_id.isascii() and owner_id.isdigit() and len(owner_id) < 18
        else None
    )
    if owner is None:
        response = HttpResponse(status=422)
        response["X-Message"] = quote("Choose a person from the list. Nothing was changed.")
        return response
    changed = assign_owner(
        accounts=_chosen(request), owner=owner, actor=Actor.person(request.membership), now=clock.now()
    )
    text = f"{changed:,} account{'' if changed == 1 else 's'} given to {owner.name}."
    response = HttpResponse(status=204)
    trigger_client_event(response, "close-dialog")
    trigger_client_event(response, "accounts-changed")
    return trigger_client_event(response, "toast", {"text": text, "tone": "ok"})


@requires(Permission.VIEW_ACCOUNTS)
@require_POST
def export(request: WorkspaceRequest) -> HttpResponse:
    """The chosen accounts as CSV that a spreadsheet opens without running anything in it; a cut list says so."""
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    currency = request.tenant.currency
    head = ["id", "account", "segment", "status", "industry", "country", "owner", "last_contact"]
    found = list(
        _chosen(request)
        .order_by("name_key", "pk")
        .values_list(
            "external_id",
            "name",
            "segment",
            "status",
            "industry",
            "country",
            "owner__name",
            "last_contact_on",
            "arr_minor",
        )[: EXPORT_LIMIT + 1]
    )
    rows = found[:EXPORT_LIMIT]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*head, f"arr_{currency.lower()}"] if with_money else head)
    writer.writerows(
        [harmless(cell) for cell in row[:-1]] + ([str(from_minor(row[-1], currency))] if with_money else [])
        for row in rows
    )
    if len(found) > EXPORT_LIMIT:
        writer.writerow([f"Cut: these are the first {EXPORT_LIMIT:,} accounts. Narrow the filter to get the others."])
    record_export(
        rows=len(rows), cut=len(found) > EXPORT_LIMIT, actor=Actor.person(request.membership), now=clock.now()
    )
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="accounts.csv"'
    return response


@requires(Permission.VIEW_HEALTH)
@require_POST
def score_sheet(request: WorkspaceRequest) -> HttpResponse:
    """The scores of the chosen accounts with their formulas; of more than fit, the first by name."""
    ids = _chosen(request).order_by("name_key", "pk").values_list("pk", flat=True)[:MOST]
    return redirect(f"{reverse('health:twin')}?{urlencode({'accounts': ','.join(map(str, ids))})}")


@requires(Permission.WORK_TASKS)
@require_POST
def start_plays(request: WorkspaceRequest) -> HttpResponse:
    """The dialog that starts a play for the chosen accounts; the job itself is asked for there."""
    chosen = _chosen(request)
    if words := too_many(chosen.count()):
        return render(request, "journeys/plays/start_many.html", {"too_many": words}, status=422)
    ids = list(chosen.order_by("pk").values_list("pk", flat=True))
    return render(request, "journeys/plays/start_many.html", {"ids": ids, "starters": starters(), "key": new_key()})
