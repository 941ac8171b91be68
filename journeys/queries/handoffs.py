"""Reads of hand-offs: the queue, one with all its attempts, and how they go."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import Person
from accounts.queries.people import active_people
from core.choices import Role
from core.keeping import kept
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from core.version_history import live_among
from journeys.choices import TaskState
from journeys.models import Handoff, Opportunity, Task
from journeys.rules.calendar import holidays_of
from journeys.rules.handoffs import HandoffSpec, due_at, handoffs_of

_JOURNEY: Final = {"kind": "journey", "key": "standard"}
# What the figures are made of.
PERIOD: Final = timedelta(days=90)
VIEWS: Final = ("mine", "team", "all")
STATES: Final = ("open", "accepted", "returned", "cancelled")
_TAKERS: Final = (Role.CSM, Role.CS_MANAGER, Role.CS_DIRECTOR, Role.SALES_REP, Role.REVOPS_ADMIN)


@dataclass(frozen=True)
class LiveHandoffs:
    """What the live journey says of hand-offs, and since when it has been live in any version."""

    version: ProcessVersion
    since: datetime
    specs: tuple[HandoffSpec, ...]

    @cached_property
    def workspace(self) -> Tenant:
        """Whose calendar counts; read once."""
        return Tenant.objects.get(pk=self.version.tenant_id)


@dataclass(frozen=True)
class HandoffFigures:
    """How one kind of hand-off goes: answers of a period, what waits now, and how soon it is accepted.

    The time to accept runs from the first attempt on: a return does not make it shorter.
    """

    key: str
    name: str
    from_stage: str
    to_stage: str
    accepted: int
    returned: int
    waiting: int
    overdue: int
    median_seconds: float | None
    # The median of how long after its due moment it was accepted; below zero: before it.
    median_late_seconds: float | None
    goal_hours: int | None
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class HandoffCounts:
    """What waits, by view."""

    mine: int
    team: int
    all: int
    overdue: int


def live_handoffs() -> LiveHandoffs | None:
    """None in a workspace without a journey."""
    ever_live = ProcessVersion.objects.filter(**_JOURNEY, published_at__isnull=False).order_by("number")
    versions = list(ever_live.only("pk", "state", "number", "published_at"))
    live = live_among(versions)
    if live is None or live.published_at is None:
        return None
    since = min(one.published_at for one in versions if one.published_at)
    return LiveHandoffs(live, since, handoffs_of(live.definition))


def answer_due(hours: int, opened_at: datetime, workspace: Tenant) -> datetime:
    """When an answer is due in the workspace's calendar: weekends and its holidays do not count."""
    return due_at(hours, opened_at, zone=workspace.zone, holidays=holidays_of(workspace.holidays))


def spec_of(key: str, version: ProcessVersion | None) -> HandoffSpec | None:
    """What the journey said of it when it was opened."""
    if version is None:
        return None
    return next((spec for spec in handoffs_of(version.definition) if spec.key == key), None)


def keys_of_team(role: str) -> frozenset[str]:
    """The kinds of hand-off that the role's team takes over."""
    live = live_handoffs()
    return frozenset(spec.key for spec in live.specs if spec.is_taken_by(role)) if live else frozenset()


def handoffs(
    *, view: str = "all", state: str = "open", person_id: int | None = None, team: Collection[str] = (), key: str = ""
) -> QuerySet[Handoff]:
    """Hand-offs of a view in a state. `open` is what waits for an answer, or came back and was not handed over again.

    `mine`: mine to answer or to hand over again; `team`: for the kinds in `team`. Open ones come by their clocks,
    the others the latest first.
    """
    found = Handoff.objects.select_related("account", "from_person", "to_person")
    if view == "mine":
        found = found.filter(_mine(person_id))
    elif view == "team":
        found = found.filter(key__in=list(team))
    if key:
        found = found.filter(key=key)
    if state == "open":
        return found.filter(_is_open()).order_by("due_at", "pk")
    return found.filter(state=state).order_by("-created_at", "-pk")


def page_after(found: QuerySet[Handoff], after_id: int | None) -> QuerySet[Handoff]:
    """The rows that stand behind a row in the order of `found`; from the start where the row is not there."""
    last = Handoff.objects.filter(pk=after_id).first() if after_id is not None else None
    if last is None:
        return found
    if found.query.order_by[0] == "due_at":
        return found.filter(Q(due_at__gt=last.due_at) | Q(due_at=last.due_at, pk__gt=last.pk))
    return found.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))


def _is_open() -> Q:
    later = Handoff.objects.filter(origin_key=OuterRef("origin_key"), attempt__gt=OuterRef("attempt"))
    # The states once more in front: so it is read from the index of what is not accepted, and "later" asked for these.
    last_returned = Handoff.objects.filter(~Exists(later), state="returned").values("pk")
    return Q(state__in=["waiting", "returned"]) & (Q(state="waiting") | Q(pk__in=last_returned))


def _mine(person_id: int | None) -> Q:
    if person_id is None:
        return Q(pk__in=[])
    return (Q(to_person_id=person_id) & ~Q(state="returned")) | Q(from_person_id=person_id, state="returned")


def handoff_counts(*, person_id: int | None, team: Collection[str], now: datetime) -> HandoffCounts:
    """What is open in each view, and how much of it is over its time. One statement over what is open."""
    row = (
        Handoff.objects.filter(_is_open())
        .order_by()
        .aggregate(
            mine=Count("pk", filter=_mine(person_id)),
            team=Count("pk", filter=Q(key__in=list(team))),
            all=Count("pk"),
            overdue=Count("pk", filter=Q(state="waiting", due_at__lt=now)),
        )
    )
    return HandoffCounts(**row)


def handoff_detail(handoff_id: int) -> Handoff | None:
    """The hand-off with account, people and version, or None."""
    related = ("account", "account__owner", "from_person", "to_person", "version")
    return Handoff.objects.select_related(*related).filter(pk=handoff_id).first()


def attempts_of(handoff: Handoff) -> QuerySet[Handoff]:
    """Every attempt of the same hand-off, the first one first."""
    return (
        Handoff.objects.filter(origin_key=handoff.origin_key)
        .select_related("to_person", "from_person")
        .order_by("attempt")
    )


def deal_of(handoff: Handoff) -> Opportunity | None:
    """The deal that it came from, where there is one."""
    if handoff.opportunity_id is None:
        return None
    return Opportunity.objects.select_related("owner", "stage", "pipeline").filter(pk=handoff.opportunity_id).first()


def takers() -> QuerySet[Person]:
    """Who may take an account over: people of the workspace with a role that works with customers."""
    return active_people().filter(membership__role__in=[str(role) for role in _TAKERS]).order_by("name_key")[:200]


_ANSWERED: Final = """
SELECT h.key, max(h.name),
  count(*) FILTER (WHERE h.state = 'accepted'),
  count(*) FILTER (WHERE h.state = 'returned'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM h.answered_at - first.created_at))
    FILTER (WHERE h.state = 'accepted'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM h.answered_at - first.due_at))
    FILTER (WHERE h.state = 'accepted')
FROM journeys_handoff AS h
JOIN journeys_handoff AS first
  ON first.tenant_id = %(tenant)s AND first.origin_key = h.origin_key AND first.attempt = 1
WHERE h.tenant_id = %(tenant)s AND h.state <> 'waiting' AND h.answered_at >= %(since)s
GROUP BY h.key
"""
_WAITING: Final = """
SELECT key, max(name), count(*), count(*) FILTER (WHERE due_at < %(now)s) FROM journeys_handoff
WHERE tenant_id = %(tenant)s AND state = 'waiting'
GROUP BY key
"""
# Reasons are what people wrote: the same words in another case are the same reason.
_REASONS: Final = """
SELECT key, min(btrim(return_reason)), count(*) AS times FROM journeys_handoff
WHERE tenant_id = %(tenant)s AND state = 'returned' AND answered_at >= %(since)s
GROUP BY key, lower(btrim(return_reason)) ORDER BY key, times DESC, 2
"""
TOP_REASONS: Final = 3


@dataclass(frozen=True)
class _Answered:
    """Answers of one kind in the period."""

    name: str = ""
    accepted: int = 0
    returned: int = 0
    median_seconds: float | None = None
    median_late_seconds: float | None = None


def handoff_figures(since: datetime, now: datetime) -> list[HandoffFigures]:
    """How hand-offs have gone since then, by kind, in the order of the live journey; kinds it dropped follow.

    Five statements, whatever the number of hand-offs. What waits is always of now; answers are kept for five minutes
    where the period holds more than 5,000.
    """
    params: dict[str, Any] = {"tenant": require_tenant_id(), "since": since, "now": now}
    answered, reasons = kept(
        f"handoffs:{now - since}", lambda: (_answered(params), _reasons(params)), size=lambda found: _answers(found[0])
    )
    waiting = {key: (name, number, overdue) for key, name, number, overdue in _rows(_WAITING, params)}
    live = live_handoffs()
    specs = {spec.key: spec for spec in live.specs} if live else {}
    found = []
    for key in [*specs, *sorted({*answered, *waiting} - set(specs))]:
        spec, past = specs.get(key), answered.get(key, _Answered())
        name, now_waiting, overdue = waiting.get(key, ("", 0, 0))
        found.append(
            HandoffFigures(
                key=key,
                name=spec.name if spec else name or past.name,
                from_stage=spec.from_stage if spec else "",
                to_stage=spec.to_stage if spec else "",
                accepted=past.accepted,
                returned=past.returned,
                waiting=now_waiting,
                overdue=overdue,
                median_seconds=past.median_seconds,
                median_late_seconds=past.median_late_seconds,
                goal_hours=spec.accept_within_hours if spec else None,
                reasons=tuple(reasons.get(key, [])[:TOP_REASONS]),
            )
        )
    return found


def _answers(answered: Mapping[str, _Answered]) -> int:
    return sum(one.accepted + one.returned for one in answered.values())


def _answered(params: Mapping[str, Any]) -> dict[str, _Answered]:
    return {
        key: _Answered(name, accepted, returned, *(None if one is None else float(one) for one in medians))
        for key, name, accepted, returned, *medians in _rows(_ANSWERED, params)
    }


def _reasons(params: Mapping[str, Any]) -> dict[str, list[tuple[str, int]]]:
    reasons: dict[str, list[tuple[str, int]]] = {}
    for key, text, times in _rows(_REASONS, params):
        reasons.setdefault(key, []).append((text, times))
    return reasons


def _rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def handoffs_without_task() -> int:
    """Waiting hand-offs that nobody would see in a queue, since their task is missing or closed."""
    task = Task.objects.filter(subject_kind="handoff", subject_id=OuterRef("pk"), state=TaskState.OPEN)
    return Handoff.objects.filter(~Exists(task), state="waiting").count()
