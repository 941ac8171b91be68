"""The account page: everything needed before a talk, in one request."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts.choices import AccountStatus, ActivityKind, ContactRole, Segment
from accounts.models import Account
from core import clock, registry
from core.formatting import day_short, number
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from escalations.choices import Tier
from health.queries import Explanation, explain
from health.queries.alerts import money_facts
from health.rules.alert_words import reason
from renewals.queries import Strip, renewal_strip
from revops.dashboards.addresses import address
from revops.dashboards.events import Day, days
from revops.dashboards.queries.account import CHANGE_SINCE, Around, GoalWay, account_with_team, around
from revops.dashboards.queries.timeline import KINDS, timeline

_SEGMENTS: Final = dict(Segment.choices)
_ROLES: Final = dict(ContactRole.choices)
# How much of the strip takes the title of a mark.
LABEL_SHARE: Final = 0.075
_GOALS: Final = {
    "reached": ("ok", "Reached"),
    "ahead": ("ok", "On the way"),
    "behind": ("warn", "Behind"),
    "falling": ("risk", "Falling"),
    "unknown": ("none", "No baseline"),
    "nodata": ("none", "No data"),
}


@dataclass(frozen=True)
class GoalLine:
    """A goal as the plan shows it."""

    goal: GoalWay
    tone: str
    word: str
    way: str


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def account(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The page, or a page of its timeline when htmx asks for that."""
    now = clock.now()
    today = request.tenant.today(now)
    one = account_with_team(account_id) if account_id < 2**63 else None
    if one is None:
        raise Http404
    if one.status == AccountStatus.MERGED and one.merged_into_id is not None:
        messages.info(request, f"{one.name} was merged into this account.")
        return redirect("dashboards:account", one.merged_into_id)
    role = request.membership.role
    with_money = may(role, Permission.VIEW_MONEY)
    context: dict[str, Any] = {
        "account": one,
        "today": today,
        "currency": request.tenant.currency,
        "may_see_money": with_money,
        **_timeline(request, one, today, with_money=with_money),
    }
    if request.htmx and request.htmx.target in {"timeline", "timeline-more"}:
        part = (
            "dashboards/account.html#timeline"
            if request.htmx.target == "timeline"
            else "dashboards/_timeline_days.html"
        )
        return render(request, part, context)
    context |= _facts(one, today, with_money=with_money) | _health(one, today)
    context |= _renewal(request, one, today) | _acts(request, one)
    # Cards that other parts bring along; one that has nothing to say stays away.
    for place in ("account_main", "account_side"):
        context[place] = [section.render(request, one) for section in registry.sections(place)]
    return render(request, "dashboards/account.html", context)


def _timeline(request: WorkspaceRequest, one: Account, today: date, *, with_money: bool) -> dict[str, Any]:
    kind = request.GET.get("events", "all")
    kind = kind if kind in KINDS else "all"
    page = timeline(
        account_id=one.pk,
        kind=kind,
        zone=request.tenant.timezone,
        now=clock.now(),
        before=request.GET.get("before", ""),
        with_money=with_money,
    )
    told: list[Day] = days(page.events, today=today, zone=request.tenant.zone, currency=request.tenant.currency)
    return {"days": told, "events_next": page.next, "events_kind": kind}


def _facts(one: Account, today: date, *, with_money: bool) -> dict[str, Any]:
    found: Around = around(one.pk, today)
    hidden = frozenset() if with_money else money_facts()
    tier = found.escalation["tier"] if found.escalation else None
    return {
        "around": found,
        "alerts": [(alert, reason(alert["why"], hidden)) for alert in found.alerts],
        "segment": _SEGMENTS.get(one.segment, one.segment) if one.segment else "",
        "people": [(person, _ROLES.get(person.role, "") if person.role else "") for person in found.people],
        "goals": [_goal_line(goal) for goal in found.goals],
        "tier": f"tier {tier}" if tier else "",
        "tier_word": str(Tier(tier).label) if tier in Tier.values else "",
        "is_churned": one.status == AccountStatus.CHURNED,
        "is_prospect": one.status == AccountStatus.PROSPECT,
        "deals_open": sum(part["deals"] for part in found.open_deals),
    }


def _goal_line(goal: GoalWay) -> GoalLine:
    tone, word = _GOALS[goal.state]
    first = number(goal.baseline, _decimals(goal.baseline)) if goal.baseline is not None else "?"
    now = number(goal.actual, _decimals(goal.actual)) if goal.actual is not None else "no data"
    unit = f" {goal.unit}" if goal.unit else ""
    return GoalLine(
        goal, tone, word, f"{first} → {now}{unit}, target {number(goal.target, _decimals(goal.target))}{unit}"
    )


def _decimals(value: float | None) -> int:
    return 0 if value is None or value == int(value) else 1


def _health(one: Account, today: date) -> dict[str, Any]:
    found: Explanation | None = explain(one.pk, since_days=CHANGE_SINCE.days, today=today)
    if found is None:
        return {"health": None, "parts": []}
    parts = [
        {
            "label": part.label,
            "weight": part.effective_weight * 100 if part.effective_weight <= 1 else part.effective_weight,
            "score": part.sub_score,
            "points": part.shown_points,
            "why": "no data" if part.is_left_out else "",
        }
        for part in found.inputs
    ]
    points = [one.shown_points for one in found.inputs if one.shown_points is not None]
    if found.limited and found.limited.points is not None:
        points.append(found.limited.points)
    before = found.then.score if found.then else None
    change = found.score - before if found.score is not None and before is not None else None
    return {
        "health": found,
        "parts": parts,
        "total": sum(points),
        "change": change,
        "left_out": ", ".join(part.label for part in found.left_out),
    }


def _renewal(request: WorkspaceRequest, one: Account, today: date) -> dict[str, Any]:
    if not may(request.membership.role, Permission.VIEW_RENEWALS):
        return {"strip": None, "may_see_renewals": False}
    strip: Strip | None = renewal_strip(one.pk, today)
    if strip is None:
        return {"strip": None, "may_see_renewals": True}
    steps = [
        {
            "on": step.on,
            "title": "Catch-up" if step.label == "Catch-up" else f"{step.offset_days} days",
            "text": _step_text(step.title, step.on, step.state, today),
            "state": step.state,
        }
        for step in strip.steps
        if step.state != "end"
    ]
    first = min([step.on for step in strip.steps] + [today, strip.renewal.due_on - timedelta(days=180)])
    last = max(strip.renewal.due_on, today)
    return {
        "strip": strip,
        "steps": steps,
        "marks": _without_overlaps(steps, first, last),
        "strip_start": first,
        "strip_end": last,
        "may_see_renewals": True,
        "renewal_url": address("renewals:detail", strip.renewal.pk),
    }


def _without_overlaps(steps: list[dict[str, Any]], first: date, last: date) -> list[dict[str, Any]]:
    """The steps for the drawn line: a title that would lie on the one to its right is left out, its mark stays."""
    span = max((last - first).days, 1)
    marks: list[dict[str, Any]] = []
    right = 1.0
    for step in reversed(steps):
        place = (step["on"] - first).days / span
        fits = right - place >= LABEL_SHARE
        marks.append(step if fits else step | {"title": "", "text": ""})
        right = place if fits else right
    return marks[::-1]


def _step_text(title: str, on: date, state: str, today: date) -> str:
    short = title if len(title) <= 24 else title[:23].rsplit(" ", 1)[0].rstrip(",:") + "…"
    words = {"done_late": "done late", "late": f"{(today - on).days} d late", "skipped": "skipped"}
    return f"{short}, {words.get(state, day_short(on, today))}"


def _acts(request: WorkspaceRequest, one: Account) -> dict[str, Any]:
    role = request.membership.role
    return {
        "log_url": address("accounts:log_activity", one.pk) if may(role, Permission.LOG_ACTIVITY) else "",
        "may_work": may(role, Permission.WORK_TASKS),
        "may_see_deals": may(role, Permission.VIEW_OPPORTUNITIES),
        "may_sell": may(role, Permission.WORK_OPPORTUNITIES),
        # A review is of what a customer has; a prospect has nothing to review yet.
        "qbr_url": address("qbr:prepare", one.pk)
        if may(role, Permission.WORK_QBRS) and one.status != AccountStatus.PROSPECT
        else "",
        "goal_url": address("accounts:goal_new", one.pk) if may(role, Permission.EDIT_ACCOUNTS) else "",
        "merge_url": address("accounts:merge", one.pk) if may(role, Permission.MANAGE_BOOKS) else "",
        "log_kinds": ActivityKind.choices,
        "log_now": clock.now().astimezone(request.tenant.zone).strftime("%Y-%m-%dT%H:%M"),
        "explain_url": address("health:explained", one.pk),
    }
