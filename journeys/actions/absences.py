"""Absence mode: open work goes to the deputy in one act, and comes back on the day of return."""

from datetime import date, datetime
from typing import Final

from django.db import transaction

from accounts.models import Person
from accounts.queries.people import HasLeft, active_person
from core import audit
from core.actors import Actor
from core.models import Tenant
from core.tenancy import require_tenant_id
from core.versioning import take_turns
from journeys.actions import cover_sql as sql
from journeys.models import Absence
from journeys.queries.absences import aways
from journeys.rules.absences import AbsenceRefused, check_absence, check_against

SWEEP: Final = Actor.system("Absences")


@transaction.atomic
def set_absence(
    *, person_id: int, deputy_id: int, from_on: date, until_on: date, actor: Actor, now: datetime, today: date
) -> Absence:
    """The person is away until the day of return: what is due before it is the deputy's, from now on.

    Work that comes up meanwhile follows with the sweep. Raises `AbsenceRefused`, also for who has left, and
    `Person.DoesNotExist` for a stranger. Each piece of work that moved has an audit row.
    """
    take_turns()
    try:
        person, deputy = active_person(person_id), active_person(deputy_id)
    except HasLeft as gone:
        raise AbsenceRefused(str(gone)) from gone
    check_absence(person_id=person.pk, deputy_id=deputy.pk, from_on=from_on, until_on=until_on, today=today)
    check_against(
        aways(from_on=from_on, until_on=until_on),
        person_id=person.pk, deputy_id=deputy.pk, from_on=from_on, until_on=until_on,
    )  # fmt: skip
    _check_stands_in(person, from_on, until_on)
    absence = Absence.objects.create(
        person=person, deputy=deputy, from_on=from_on, until_on=until_on, created_at=now, created_by=actor.label
    )
    audit.record(
        actor=actor,
        at=now,
        verb="set absent",
        subject=person,
        after={"deputy_id": deputy.pk, "from_on": from_on, "until_on": until_on},
    )
    _cover(absence, actor=actor, now=now, today=today)
    return absence


def _check_stands_in(person: Person, from_on: date, until_on: date) -> None:
    """Whoever stands in for a colleague cannot go away in the same days: the colleague's work would be nobody's."""
    for other in Absence.objects.filter(
        deputy_id=person.pk, ended_at=None, from_on__lt=until_on, until_on__gt=from_on
    ).select_related("person"):
        raise AbsenceRefused(
            f"{person.name} stands in for {other.person.name} until {other.until_on:%-d %b %Y}. "
            "End that absence and enter it with another deputy first."
        )


def _cover(absence: Absence, *, actor: Actor, now: datetime, today: date) -> int:
    days = sql.window(
        person_id=absence.person_id,
        to_id=absence.deputy_id,
        from_on=absence.from_on,
        until_on=absence.until_on,
        today=today,
    )
    why = f"Away until {absence.until_on:%-d %b %Y}."
    zone = Tenant.objects.get(pk=require_tenant_id()).timezone
    tasks = sql.move(sql.COVER_TASKS, actor=actor, now=now, verb="covered", reason=why, **days)
    handoffs = sql.move(sql.COVER_HANDOFFS, actor=actor, now=now, verb="covered", reason=why, zone=zone, **days)
    sql.execute(sql.FOLLOW_STEPS, person=absence.person_id)
    if tasks or handoffs:
        before = absence.moved
        absence.moved = {
            "tasks": before.get("tasks", 0) + tasks,
            "hand_offs": before.get("hand_offs", 0) + handoffs,
        }
        absence.save(update_fields=["moved"])
    return tasks + handoffs


@transaction.atomic
def end_absence(*, absence_id: int, actor: Actor, now: datetime) -> int:
    """The person is back, or never goes: what is still open returns to them. Returns how much; ended twice is once."""
    absence = Absence.objects.select_for_update().get(pk=absence_id)
    if absence.ended_at is not None:
        return 0
    absence.ended_at = now
    absence.save(update_fields=["ended_at"])
    person = absence.person_id
    returned = sql.move(sql.RETURN_TASKS, actor=actor, now=now, verb="returned", reason="Back.", person=person)
    returned += sql.move(
        sql.RETURN_HANDOFFS, actor=actor, now=now, verb="returned", reason="Back.", person=person,
        since=absence.created_at,
    )  # fmt: skip
    sql.execute(sql.FOLLOW_STEPS, person=person)
    audit.record(actor=actor, at=now, verb="ended absence", subject=absence.person, after={"returned": returned})
    return returned


@transaction.atomic
def sweep_absences(*, today: date, now: datetime) -> dict[str, int]:
    """Covers what came up for those who are away, and returns the work of those who are back. Idempotent."""
    take_turns()
    covered = returned = 0
    for absence in Absence.objects.filter(ended_at=None).order_by("pk"):
        if absence.until_on <= today:
            returned += end_absence(absence_id=absence.pk, actor=SWEEP, now=now)
        else:
            covered += _cover(absence, actor=SWEEP, now=now, today=today)
    return {"covered": covered, "returned": returned}
