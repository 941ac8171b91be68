"""My day: one ranked list of what needs a person, and what is done from it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from accounts.choices import Segment
from accounts.queries.people import person_id_of
from core import clock
from core.choices import Role
from core.formatting import money_short
from core.http import WorkspaceRequest
from core.keeping import kept
from core.permissions import Permission, may, requires
from health.queries.alerts import money_facts
from journeys.queries.handoff_teams import keys_taken_by
from journeys.rules.snoozing import snooze_choices
from revops.dashboards.addresses import address, page_address
from revops.dashboards.queries.book import NOBODY, Book, book_of, motions, stamp
from revops.dashboards.queries.panel import Panel, panel
from revops.dashboards.queries.people import TEAMS, team_of
from revops.dashboards.queries.queue import (
    GROUPS,
    TABS,
    Owners,
    QueueRow,
    cut_at,
    kinds_for,
    queue,
    queue_counts,
    queue_row,
)
from revops.dashboards.queue_html import Look, queue_rows
from revops.dashboards.rules import RANK_RULES_VERSION

SHOWN: Final = 20
TAB_WORDS: Final = (
    ("all", "All"),
    ("escalations", "Escalations"),
    ("renewals", "Renewals"),
    ("qbrs", "QBRs"),
    ("handoffs", "Hand-offs"),
    ("alerts", "Alerts"),
    ("plays", "Playbooks"),
    ("tasks", "Tasks"),
)
SEGMENTS: Final = dict(Segment.choices)
GROUP_WORDS: Final = {"now": "Now", "today": "Today", "week": "This week", "snoozed": "Snoozed"}
SCOPES: Final = frozenset({"book", "team", "everyone"})
# Whose work is looked at first: people with a book see theirs, the others everybody's.
_OWN_BOOK: Final = frozenset({Role.CSM, Role.SALES_REP, Role.SUPPORT_AGENT, Role.EXECUTIVE_SPONSOR})


@dataclass(frozen=True)
class Group:
    key: str
    title: str
    count: int
    rows: SafeString


@dataclass(frozen=True)
class Scope:
    """Whose book and whose work."""

    name: str
    owners: Owners
    has_book: bool
    has_team: bool


def scope_of(request: WorkspaceRequest) -> Scope:
    """From `?scope=`, else by role. Nobody's book is empty, and says so."""
    role = request.membership.role
    person_id = person_id_of(request.membership)
    has_book, has_team = person_id is not None, role in TEAMS
    asked = request.GET.get("scope", "")
    if asked not in SCOPES or (asked == "team" and not has_team):
        asked = "book" if has_book or role in _OWN_BOOK else "everyone"
    if asked == "everyone":
        owners = Owners(None)
    elif asked == "team":
        # What nobody has is the team's to give away: hand-offs that wait on the team, accounts without an owner.
        owners = Owners(team_of(role), with_nobody=True)
    else:
        owners = Owners((NOBODY if person_id is None else person_id,), handoffs=keys_taken_by(role))
    return Scope(asked, owners, has_book=has_book, has_team=has_team)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def my_day(request: WorkspaceRequest) -> HttpResponse:
    """The whole page, or only the queue when htmx asks."""
    now = clock.now()
    today = request.tenant.today(now)
    scope = scope_of(request)
    figures = book_of(scope.owners.ids)
    rows, context = queue_context(request, scope, figures, now)
    if request.htmx and request.htmx.target == "queue":
        return render(request, "dashboards/my_day.html#queue", context)
    role = request.membership.role
    context |= {
        "book": figures,
        "motions": kept(
            f"motions:{scope.owners}:{today}",
            lambda: motions(owner_ids=scope.owners.ids, today=today, zone=request.tenant.timezone),
            size=figures.accounts,
        ),
        "freshness": stamp(figures, request.tenant, now),
        "renewals_url": page_address("renewals:list"),
        "qbrs_url": page_address("qbr:list"),
        "at_risk_words": f"{money_short(figures.at_risk_change_minor, request.tenant.currency, plus=True)} this week",
        "may_import": may(role, Permission.IMPORT_DATA),
        "snooze_days": snooze_choices(today),
    }
    if rows:
        context |= _panel_context(rows[0], figures, today, first=True)
    return render(request, "dashboards/my_day.html", context)


def queue_context(
    request: WorkspaceRequest, scope: Scope, figures: Book, now: datetime
) -> tuple[list[QueueRow], dict[str, Any]]:
    """The rows and what the queue is drawn from."""
    today = request.tenant.today(now)
    tab = request.GET.get("tab", "all")
    if tab not in TABS:
        tab = "all"
    role = request.membership.role
    rows = queue(
        owners=scope.owners, role=role, tab=tab, now=now, today=today, average_arr_minor=figures.average_arr_minor
    )
    shown = SHOWN if request.GET.get("all") != "1" else len(rows)
    midnight = datetime.combine(today, time(), tzinfo=request.tenant.zone)
    counts = kept(
        f"queue:{scope.owners}:{request.membership.pk}:{role}:{today}",
        lambda: queue_counts(
            owners=scope.owners, role=role, membership_id=request.membership.pk, today=today, midnight=midnight
        ),
        size=figures.accounts if scope.owners.ids is None else 0,
        seconds=30,
    )
    return rows, {
        "scope": scope,
        "tab": tab,
        "tabs": [(key, label, counts.tabs[key]) for key, label in TAB_WORDS if set(TABS[key]) & set(kinds_for(role))],
        "counts": counts,
        "groups": _groups(rows[:shown], look_of(request, scope, now, today)),
        "more": max(len(rows) - shown, 0),
        "cut_at": cut_at(rows, counts, tab=tab, role=role),
        "currency": request.tenant.currency,
        "may_work": may(role, Permission.WORK_TASKS),
        "may_see_money": may(role, Permission.VIEW_MONEY),
        "may_see_renewals": may(role, Permission.VIEW_RENEWALS),
        "may_see_qbrs": may(role, Permission.VIEW_QBRS),
        "today": today,
    }


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def day_task(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """What stands beside a task."""
    if task_id >= 2**63:
        raise Http404
    now = clock.now()
    today = request.tenant.today(now)
    figures = book_of(scope_of(request).owners.ids)
    row = queue_row(
        task_id=task_id,
        role=request.membership.role,
        now=now,
        today=today,
        average_arr_minor=figures.average_arr_minor,
    )
    if row is None:
        raise Http404
    context = _panel_context(row, figures, today, first=request.GET.get("first") == "1")
    context |= {
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
        "today": today,
    }
    return render(request, "dashboards/_day_panel.html", context)


def look_of(request: WorkspaceRequest, scope: Scope, now: datetime, today: date) -> Look:
    """How this person's rows are drawn."""
    role = request.membership.role
    return Look(
        scope=scope.name,
        currency=request.tenant.currency,
        may_work=may(role, Permission.WORK_TASKS),
        with_money=may(role, Permission.VIEW_MONEY),
        hidden=frozenset() if may(role, Permission.VIEW_MONEY) else money_facts(),
        now=now,
        today=today,
        zone=request.tenant.zone,
    )


def _groups(rows: list[QueueRow], look: Look) -> list[Group]:
    groups: list[Group] = []
    for key in GROUPS:
        of_group = [row for row in rows if row.group == key]
        if of_group:
            drawn = queue_rows(of_group, look, first_is_current=not groups)
            groups.append(Group(key, GROUP_WORDS[key], len(of_group), drawn))
    return groups


def _panel_context(row: QueueRow, figures: Book, today: date, *, first: bool) -> dict[str, Any]:
    beside: Panel | None = panel(row.account_id, figures.as_of or today, today=today) if row.account_id else None
    notice = (
        row.renewal_on - timedelta(days=beside.notice_days)
        if beside and row.renewal_on and beside.notice_days
        else None
    )
    return {
        "chosen": row,
        "panel": beside,
        "is_first": first,
        "notice_on": notice,
        "segment_word": SEGMENTS.get(row.segment or "", ""),
        "health_url": address("health:explained", row.account_id) if row.account_id else "",
        "rank_version": RANK_RULES_VERSION,
    }
