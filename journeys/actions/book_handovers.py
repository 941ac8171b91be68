"""A CSM leaves: the whole book is planned account by account, and goes over in one piece of work."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from accounts.actions.accounts import assign_owner
from accounts.models import Account, Person
from accounts.queries.people import active_people
from core import audit
from core.actors import Actor
from core.jobs import start_job
from core.models import Job
from core.versioning import take_turns
from journeys.actions import cover_sql as sql
from journeys.actions.absences import end_absence, set_absence
from journeys.models import Absence, BookHandover, HandoverLine
from journeys.queries.absences import open_handover, taker_of_rest
from journeys.rules.absences import AbsenceRefused

JOB: Final = "journeys.hand_over_book"
# The deputy is the one who knows the account; one who is leaving, too, or not there any more, is no successor.
_PLAN: Final = """
INSERT INTO journeys_handoverline (tenant_id, handover_id, account_id, to_person_id, note)
SELECT %(tenant)s, %(handover)s, a.id, p.id, ''
FROM accounts_account a
LEFT JOIN accounts_person p ON p.tenant_id = %(tenant)s AND p.id = a.deputy_id AND p.is_active AND p.id <> %(person)s
  AND NOT EXISTS (SELECT FROM core_membership m WHERE m.id = p.membership_id AND NOT m.is_active)
WHERE a.tenant_id = %(tenant)s AND a.owner_id = %(person)s
ORDER BY a.arr_minor DESC, a.id
ON CONFLICT (tenant_id, handover_id, account_id) DO NOTHING
"""
# By turns from the most valuable on, so that each gets about as much: 1 2 3 3 2 1 1 2 3 …
_SPREAD: Final = """
UPDATE journeys_handoverline l SET to_person_id = picked.person_id
FROM (
  SELECT n.id, (%(people)s::bigint[])[CASE WHEN n.turn / %(many)s %% 2 = 0
         THEN n.turn %% %(many)s + 1 ELSE %(many)s - n.turn %% %(many)s END] AS person_id
  FROM (SELECT l.id, row_number() OVER (ORDER BY a.arr_minor DESC, a.id) - 1 AS turn
        FROM journeys_handoverline l JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = l.account_id
        WHERE l.tenant_id = %(tenant)s AND l.handover_id = %(handover)s AND l.to_person_id IS NULL) AS n
) AS picked
WHERE l.tenant_id = %(tenant)s AND l.id = picked.id
"""


class HandoverRefused(ValueError):
    """The hand-over cannot be done as asked; the message says what is missing."""


@transaction.atomic
def plan_handover(
    *, person_id: int, effective_on: date, reason: str, actor: Actor, now: datetime, today: date
) -> BookHandover:
    """A plan with a line for each account of the person, its active deputy as the successor.

    A plan that is there already is returned, with lines for accounts that came since. Raises `HandoverRefused` for a
    day in the past.
    """
    take_turns()
    person = Person.objects.get(pk=person_id)
    there = open_handover(person.pk)
    if there is not None:
        _add_lines(there)
        return there
    if effective_on < today:
        raise HandoverRefused("The book cannot go over in the past. Choose today or a later day.")
    plan = BookHandover.objects.create(
        person=person, effective_on=effective_on, reason=reason.strip(), created_at=now, created_by=actor.label
    )
    lines = _add_lines(plan)
    audit.record(
        actor=actor, at=now, verb="planned book hand-over", subject=person,
        after={"accounts": lines, "effective_on": effective_on}, reason=plan.reason,
    )  # fmt: skip
    return plan


def _add_lines(plan: BookHandover) -> int:
    return sql.execute(_PLAN, handover=plan.pk, person=plan.person_id)


def _planned(handover_id: int) -> BookHandover:
    plan = BookHandover.objects.select_for_update().select_related("person").get(pk=handover_id)
    if plan.state != "planned":
        raise HandoverRefused("This hand-over is under way or over. Its plan cannot be changed any more.")
    return plan


def _successors(plan: BookHandover, person_ids: Sequence[int]) -> list[int]:
    wanted = list(dict.fromkeys(person_ids))
    fit = set(active_people().filter(pk__in=wanted).exclude(pk=plan.person_id).values_list("pk", flat=True))
    if not wanted or fit != set(wanted):
        raise HandoverRefused("Choose successors among the active people of the workspace, without the one who leaves.")
    return wanted


@transaction.atomic
def decide_line(*, line_id: int, to_person_id: int | None, note: str, actor: Actor, now: datetime) -> HandoverLine:
    """Who takes this account, and what they must know of it. None takes the decision back."""
    line = HandoverLine.objects.select_related("handover", "account").get(pk=line_id)
    plan = _planned(line.handover_id)
    if to_person_id is not None:
        _successors(plan, [to_person_id])
    before = {"to_person_id": line.to_person_id, "note": line.note}
    line.to_person_id, line.note = to_person_id, note.strip()
    if before == {"to_person_id": line.to_person_id, "note": line.note}:
        return line
    line.save(update_fields=["to_person", "note"])
    audit.record(
        actor=actor, at=now, verb="chose successor", subject=line.account, before=before,
        after={"to_person_id": line.to_person_id, "note": line.note},
    )  # fmt: skip
    return line


@transaction.atomic
def spread_undecided(*, handover_id: int, person_ids: Sequence[int], actor: Actor, now: datetime) -> int:
    """Gives the accounts without a successor to these people, by turns from the most valuable on. Returns how many."""
    plan = _planned(handover_id)
    people = _successors(plan, person_ids)
    _add_lines(plan)
    spread = sql.execute(_SPREAD, handover=plan.pk, people=people, many=len(people))
    audit.record(
        actor=actor, at=now, verb="spread book", subject=plan.person, after={"accounts": spread, "people": people}
    )
    return spread


@transaction.atomic
def choose_rest(*, handover_id: int, person_id: int | None, actor: Actor, now: datetime) -> None:
    """Who gets the work that belongs to no account of the plan. None: whoever takes the most accounts."""
    plan = _planned(handover_id)
    if person_id is not None:
        _successors(plan, [person_id])
    before = plan.moved.get("rest_to")
    if before == person_id:
        return
    plan.moved = {"rest_to": person_id} if person_id is not None else {}
    plan.save(update_fields=["moved"])
    audit.record(
        actor=actor, at=now, verb="chose successor", subject=plan.person, before={"rest_to": before},
        after={"rest_to": person_id},
    )  # fmt: skip


@transaction.atomic
def drop_handover(*, handover_id: int, actor: Actor, now: datetime) -> None:
    """Puts a plan away; nothing has changed hands. Dropped twice is dropped once."""
    plan = BookHandover.objects.select_for_update().select_related("person").get(pk=handover_id)
    if plan.state == "dropped":
        return
    plan = _planned(handover_id)
    plan.state = "dropped"
    plan.save(update_fields=["state"])
    audit.record(actor=actor, at=now, verb="dropped book hand-over", subject=plan.person)


@transaction.atomic
def start_handover(*, handover_id: int, actor: Actor, now: datetime) -> Job:
    """Starts the work. Raises `HandoverRefused` while accounts have no successor; asked twice, it is done once."""
    plan = BookHandover.objects.select_for_update().select_related("person").get(pk=handover_id)
    _check_complete(plan)
    return start_job(
        kind=JOB, key=f"book:{plan.pk}",
        payload={"handover_id": plan.pk, "by": actor.label, "membership_id": actor.membership_id},
        actor=actor, now=now, again=True,
    )  # fmt: skip


def _check_complete(plan: BookHandover) -> None:
    if plan.state == "dropped":
        raise HandoverRefused("This plan was dropped. Plan the hand-over anew.")
    if plan.state == "done":
        return
    _add_lines(plan)  # accounts that came since the plan was made
    sql.execute(sql.DROP_STALE_LINES, handover=plan.pk, person=plan.person_id)
    missing = plan.lines.filter(to_person=None).count()
    if missing:
        one = missing == 1
        raise HandoverRefused(
            f"{missing:,} account{' has' if one else 's have'} no successor. Choose one for each, or spread them."
        )
    left = plan.lines.exclude(to_person__in=active_people())
    gone = left.values_list("to_person__name", flat=True).first()
    if gone is not None:
        raise HandoverRefused(f"{gone} is no longer active and cannot take accounts. Choose another successor.")
    _check_rest(plan)


def _check_rest(plan: BookHandover) -> None:
    """Somebody must get what belongs to no account of the plan, and be there for those whom the person covers."""
    taker = taker_of_rest(plan)
    rest = sql.rest_of(plan.person_id)
    if not rest:
        return
    if taker is None or not _is_there(taker):
        much = ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for word, count in rest.items())
        raise HandoverRefused(f'Nobody gets what is left: {much}. Choose under "Everything else goes to" who takes it.')
    for absence in _covered(plan).select_related("person"):
        away = Absence.objects.filter(ended_at=None, from_on__lt=absence.until_on, until_on__gt=absence.from_on)
        if away.filter(person=taker).exists():
            raise HandoverRefused(
                f"{taker.name} cannot stand in for {absence.person.name} and is away in these days. "
                'Choose somebody else under "Everything else goes to", or end that absence.'
            )


def _is_there(person: Person) -> bool:
    return active_people().filter(pk=person.pk).exists()


def _covered(plan: BookHandover) -> QuerySet[Absence]:
    return Absence.objects.filter(deputy_id=plan.person_id, ended_at=None).order_by("pk")


@transaction.atomic
def carry_out(*, handover_id: int, actor: Actor, now: datetime) -> dict[str, int]:
    """Gives accounts, open tasks, open deals, waiting hand-offs and running plays to their successors.

    Work goes to the owner of its account, the rest to whoever the plan says. All of it or nothing; each piece has an
    audit row; done twice changes nothing. Escalations and renewals follow the account with their next sweep. The
    person is no longer active, away or a deputy afterwards. Raises `HandoverRefused`.
    """
    take_turns()
    plan = BookHandover.objects.select_for_update().select_related("person").get(pk=handover_id)
    if plan.state == "done":
        return dict(plan.moved)
    _check_complete(plan)
    taker = taker_of_rest(plan)
    _end_absences(plan, taker, actor=actor, now=now)
    accounts = _assign_accounts(plan, actor=actor, now=now)
    here: dict[str, Any] = {"person": plan.person_id, "rest": taker.pk if taker else None}
    why = plan.reason or f"{plan.person.name} hands over the book."
    said: dict[str, Any] = {"actor": actor, "now": now, "verb": "handed over", "reason": why}
    moved = {
        "tasks": sql.move(sql.HAND_OVER_TASKS, **said, **here),
        "opportunities": sql.move(sql.HAND_OVER_DEALS, **said, **here),
        "hand_offs": sql.move(sql.HAND_OVER_HANDOFFS, **said, **here),
        "plays": sql.move(sql.HAND_OVER_PLAYS, **said, **here),
    }
    sql.execute(sql.HAND_OVER_STEPS, **here)
    moved["accounts"] = accounts
    sql.execute(sql.DROP_DEPUTY, person=plan.person_id)
    plan.state, plan.done_at, plan.moved = "done", now, moved
    plan.save(update_fields=["state", "done_at", "moved"])
    Person.objects.filter(pk=plan.person_id).update(is_active=False)
    audit.record(actor=actor, at=now, verb="handed over book", subject=plan.person, after=moved, reason=why)
    return moved


def _end_absences(plan: BookHandover, taker: Person | None, *, actor: Actor, now: datetime) -> None:
    """What others hold for the person comes back first, to go over; those whom the person covers get a new deputy."""
    for own in Absence.objects.filter(person_id=plan.person_id, ended_at=None).order_by("pk"):
        end_absence(absence_id=own.pk, actor=actor, now=now)
    today = plan.tenant.today(now)
    for absence in _covered(plan):
        end_absence(absence_id=absence.pk, actor=actor, now=now)
        if taker is None or absence.until_on <= today or not _is_there(absence.person):
            continue
        try:
            set_absence(
                person_id=absence.person_id, deputy_id=taker.pk, from_on=absence.from_on, until_on=absence.until_on,
                actor=actor, now=now, today=today,
            )  # fmt: skip
        except AbsenceRefused as refusal:
            raise HandoverRefused(str(refusal)) from refusal


def _assign_accounts(plan: BookHandover, *, actor: Actor, now: datetime) -> int:
    """One statement for each successor: there are few of them, however large the book."""
    total = 0
    for person in Person.objects.filter(pk__in=plan.lines.values("to_person_id")).order_by("pk"):
        mine = Account.objects.filter(
            owner_id=plan.person_id, pk__in=plan.lines.filter(to_person_id=person.pk).values("account_id")
        )
        total += assign_owner(accounts=mine, owner=person, actor=actor, now=now)
    return total


@transaction.atomic
def start_due_handovers(*, today: date, now: datetime) -> int:
    """Starts the hand-overs whose day has come and whose plan is complete; the others wait and stand on the page."""
    started = 0
    for plan in BookHandover.objects.filter(state="planned", effective_on__lte=today).order_by("pk"):
        try:
            start_handover(handover_id=plan.pk, actor=Actor.system("Absences"), now=now)
        except HandoverRefused:
            continue
        started += 1
    return started
