"""Who is away, who stands in, and the books that go over."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.models import Account, Person
from accounts.queries.people import active_people
from core.registry import Duty
from core.tenancy import require_tenant_id
from journeys.models import Absence, BookHandover, HandoverLine, Opportunity, Task
from journeys.rules.absences import Away

LINES_PER_PAGE: Final = 50


def colleagues() -> QuerySet[Person]:
    """Those who can take over work: active people, by name."""
    return active_people().order_by("name_key", "pk")


def running_absences(today: date) -> QuerySet[Absence]:
    """Absences that are not over: under way, and those to come, the next first."""
    return (
        Absence.objects.filter(ended_at=None, until_on__gt=today)
        .select_related("person", "deputy")
        .order_by("from_on", "pk")
    )


def past_absences() -> QuerySet[Absence]:
    """Absences that ended, the latest first."""
    return Absence.objects.exclude(ended_at=None).select_related("person", "deputy").order_by("-until_on", "-pk")


def aways(*, from_on: date, until_on: date) -> list[Away]:
    """Everybody who is away in any part of the days, as the rules read it."""
    rows = Absence.objects.filter(ended_at=None, from_on__lt=until_on, until_on__gt=from_on).select_related("person")
    return [Away(one.person_id, one.person.name, one.from_on, one.until_on) for one in rows]


def absence_of(person_id: int, today: date) -> Absence | None:
    """The absence that the person is in on the day, if any."""
    return (
        Absence.objects.filter(person_id=person_id, ended_at=None, from_on__lte=today, until_on__gt=today)
        .select_related("deputy")
        .first()
    )


def book_in_hand(membership_ids: Iterable[int]) -> dict[int, Duty]:
    """Accounts and open tasks of members, with those that somebody covers for them, and where they go over."""
    members = dict(Person.objects.filter(membership_id__in=list(membership_ids)).values_list("pk", "membership_id"))
    whose = Coalesce("covered_for", "assignee")
    accounts = Account.objects.filter(owner_id__in=members, merged_into=None).values_list("owner_id")
    tasks = Task.objects.filter(state="open").annotate(person=whose).filter(person__in=members).values_list("person")
    held: dict[int, list[str]] = {}
    for rows, one, many in ((accounts, "1 account", "accounts"), (tasks, "1 open task", "open tasks")):
        for person_id, count in rows.annotate(count=Count("pk")).order_by():
            held.setdefault(person_id, []).append(one if count == 1 else f"{count:,} {many}")
    return {
        members[person_id]: Duty(" and ".join(words), reverse("journeys:book_handover", args=[person_id]))
        for person_id, words in held.items()
        if members[person_id] is not None
    }


def work_of(person_id: int) -> dict[str, int]:
    """What would have to go over: open tasks, open opportunities, accounts. Three counts."""
    return {
        "tasks": Task.objects.filter(assignee_id=person_id, state="open").count(),
        "opportunities": Opportunity.objects.filter(owner_id=person_id, stage__kind="open").count(),
        "accounts": Account.objects.filter(owner_id=person_id).count(),
    }


@dataclass(frozen=True)
class BookPlan:
    """A hand-over with what is decided: accounts and ARR in all, without a successor, and by successor."""

    handover: BookHandover
    accounts: int
    arr_minor: int
    undecided: int
    by_person: tuple[tuple[str, int, int], ...]


def open_handover(person_id: int) -> BookHandover | None:
    """The hand-over of the person's book that is planned or under way."""
    return BookHandover.objects.filter(person_id=person_id, state__in=["planned", "running"]).first()


def book_plan(handover: BookHandover) -> BookPlan:
    """The plan in figures. One statement."""
    rows = list(
        HandoverLine.objects.filter(handover_id=handover.pk)
        .values_list("to_person__name")
        .annotate(accounts=Count("pk"), arr=Sum("account__arr_minor"))
        .order_by("to_person__name")
    )
    return BookPlan(
        handover=handover,
        accounts=sum(count for _name, count, _arr in rows),
        arr_minor=sum(arr or 0 for _name, _count, arr in rows),
        undecided=sum(count for name, count, _arr in rows if name is None),
        by_person=tuple((name, count, arr or 0) for name, count, arr in rows if name is not None),
    )


def taker_of_rest(handover: BookHandover) -> Person | None:
    """Who gets what belongs to no account of the plan: the one chosen, or whoever takes the most accounts."""
    chosen = handover.moved.get("rest_to") if handover.state != "done" else None
    if chosen is not None:
        return Person.objects.filter(pk=chosen).first()
    lines = HandoverLine.objects.filter(handover_id=handover.pk).exclude(to_person=None)
    most = lines.order_by().values_list("to_person_id").annotate(many=Count("pk")).order_by("-many", "to_person_id")
    return Person.objects.filter(pk=most[0][0]).first() if most else None


def plan_lines(handover: BookHandover, *, after: int = 0, undecided: bool = False) -> list[HandoverLine]:
    """One page of the plan and one line more, if there is one; accounts without a successor first by choice."""
    lines = HandoverLine.objects.filter(handover_id=handover.pk, pk__gt=after)
    if undecided:
        lines = lines.filter(to_person=None)
    return list(lines.select_related("account", "to_person").order_by("pk")[: LINES_PER_PAGE + 1])


def unplanned_accounts(handover: BookHandover) -> int:
    """Accounts that the person owns by now and that the plan does not know."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM accounts_account a WHERE a.tenant_id = %(tenant)s AND a.owner_id = %(person)s "
            "AND NOT EXISTS (SELECT FROM journeys_handoverline l WHERE l.tenant_id = %(tenant)s "
            "AND l.handover_id = %(handover)s AND l.account_id = a.id)",
            {"tenant": require_tenant_id(), "person": handover.person_id, "handover": handover.pk},
        )
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class BookRow:
    """One person with the size of the book, and the hand-over that is planned for it."""

    person: Person
    accounts: int
    arr_minor: int
    open_tasks: int
    goes_over_on: date | None


def books() -> list[BookRow]:
    """Everybody who is active or still has accounts, the largest book first. Four statements."""
    sizes = {
        owner: (count, arr or 0)
        for owner, count, arr in Account.objects.exclude(owner=None)
        .order_by()
        .values_list("owner_id")
        .annotate(accounts=Count("pk"), arr=Sum("arr_minor"))
    }
    tasks = dict(Task.objects.filter(state="open").order_by().values_list("assignee_id").annotate(tasks=Count("pk")))
    plans = dict(BookHandover.objects.filter(state__in=["planned", "running"]).values_list("person_id", "effective_on"))
    people = Person.objects.filter(Q(is_active=True) | Q(pk__in=list(sizes))).order_by("name_key", "pk")
    rows = [
        BookRow(one, *sizes.get(one.pk, (0, 0)), open_tasks=tasks.get(one.pk, 0), goes_over_on=plans.get(one.pk))
        for one in people
    ]
    return sorted(rows, key=lambda row: -row.accounts)


def misplaced_cover(today: date) -> int:
    """Open tasks that somebody covers although their owner is back. 0 is right after the sweep."""
    away = Absence.objects.filter(ended_at=None, until_on__gt=today).values("person_id")
    return Task.objects.filter(~Q(covered_for=None), ~Q(covered_for_id__in=away), state="open").count()
