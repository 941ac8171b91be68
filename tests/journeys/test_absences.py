"""Absence mode: open work goes to the deputy in one act and comes back."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Person
from core.actors import Actor
from core.models import AuditEntry, Tenant
from journeys.actions.absences import end_absence, set_absence, sweep_absences
from journeys.actions.task_verbs import create_task, finish_task
from journeys.models import Handoff, Task
from journeys.queries.absences import absence_of, misplaced_cover
from journeys.rules.absences import AbsenceRefused

TODAY = date(2026, 3, 2)


def person(name: str) -> Person:
    return Person.objects.create(name=name, name_key=name.lower())


@pytest.fixture
def noor(in_kestrel: Tenant) -> Person:
    return person("Noor Haddad")


@pytest.fixture
def ilse(in_kestrel: Tenant) -> Person:
    return person("Ilse Maas")


@pytest.fixture
def account(noor: Person) -> Account:
    return Account.objects.create(name="Brightwater", name_key="brightwater", owner=noor)


def task(account: Account, who: Person, due_on: date, actor: Actor, now: datetime) -> Task:
    return create_task(
        actor=actor, now=now, title=f"Call by {due_on}", due_on=due_on, account_id=account.pk, assignee_id=who.pk
    )


def handoff(account: Account, who: Person, due_at: datetime, now: datetime) -> Handoff:
    return Handoff.objects.create(
        account=account, key="sales_to_cs", name="Sales to CS", origin_key=f"x{due_at}", to_person=who,
        created_at=now, due_at=due_at,
    )  # fmt: skip


def holder(one: Task) -> tuple[int | None, int | None]:
    one.refresh_from_db()
    return one.assignee_id, one.covered_for_id


@pytest.mark.capability("R1")
def test_everything_due_while_away_moves_in_one_act_and_each_piece_has_an_audit_row(
    account: Account, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    late, today, last_day, after = (
        task(account, noor, TODAY + timedelta(days=days), actor, now) for days in (-3, 0, 9, 10)
    )
    done = task(account, noor, TODAY, actor, now)
    finish_task(task_id=done.pk, actor=actor, now=now)
    of_ilse = task(account, ilse, TODAY, actor, now)
    clock = handoff(account, noor, now + timedelta(days=1), now)

    absence = set_absence(
        person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY, until_on=TODAY + timedelta(days=10),
        actor=actor, now=now, today=TODAY,
    )  # fmt: skip

    clock.refresh_from_db()
    assert [holder(one) for one in (late, today, last_day)] == [(ilse.pk, noor.pk)] * 3
    assert [holder(one) for one in (after, done)] == [(noor.pk, None)] * 2
    assert holder(of_ilse) == (ilse.pk, None)
    assert clock.to_person_id == ilse.pk
    assert absence.moved == {"tasks": 3, "hand_offs": 1}
    moved = AuditEntry.objects.filter(verb="covered").order_by("subject_type", "subject_id")
    assert [(one.subject_type, one.subject_id, one.before, one.after) for one in moved] == [
        ("journeys.handoff", clock.pk, {"to_person_id": noor.pk}, {"to_person_id": ilse.pk}),
        *(
            ("journeys.task", one.pk, {"assignee_id": noor.pk}, {"assignee_id": ilse.pk})
            for one in (late, today, last_day)
        ),
    ]
    assert Task.objects.filter(assignee=noor, state="open", due_on__lt=TODAY + timedelta(days=10)).count() == 0


def test_work_that_comes_up_meanwhile_follows_and_all_open_work_returns_on_the_day_of_return(
    account: Account, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    first = task(account, noor, TODAY + timedelta(days=2), actor, now)
    clock = handoff(account, noor, now + timedelta(days=1), now)
    back_on = TODAY + timedelta(days=5)
    set_absence(
        person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY, until_on=back_on, actor=actor, now=now, today=TODAY
    )
    new = task(account, noor, TODAY + timedelta(days=3), actor, now)

    assert sweep_absences(today=TODAY, now=now) == {"covered": 1, "returned": 0}
    assert sweep_absences(today=TODAY, now=now) == {"covered": 0, "returned": 0}
    assert holder(new) == (ilse.pk, noor.pk)
    answered = absence_of(noor.pk, TODAY)
    assert answered is not None
    assert answered.deputy == ilse

    finish_task(task_id=first.pk, actor=actor, now=now)
    assert sweep_absences(today=back_on, now=now + timedelta(days=5)) == {"covered": 0, "returned": 2}
    assert sweep_absences(today=back_on, now=now + timedelta(days=5)) == {"covered": 0, "returned": 0}
    clock.refresh_from_db()
    assert (holder(new), clock.to_person_id) == ((noor.pk, None), noor.pk)
    assert holder(first)[0] == ilse.pk, "who did it stays who did it"
    assert absence_of(noor.pk, back_on) is None
    assert misplaced_cover(back_on) == 0


def test_an_absence_to_come_moves_what_is_due_then_and_leaves_what_is_due_before(
    account: Account, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    before, inside = (task(account, noor, TODAY + timedelta(days=days), actor, now) for days in (1, 8))
    absence = set_absence(
        person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY + timedelta(days=7), until_on=TODAY + timedelta(days=14),
        actor=actor, now=now, today=TODAY,
    )  # fmt: skip
    assert (holder(before), holder(inside)) == ((noor.pk, None), (ilse.pk, noor.pk))
    assert end_absence(absence_id=absence.pk, actor=actor, now=now) == 1
    assert end_absence(absence_id=absence.pk, actor=actor, now=now) == 0
    assert holder(inside) == (noor.pk, None)


@pytest.mark.parametrize(
    ("from_days", "until_days", "why"),
    [(0, 0, "must be after"), (-9, -1, "over already"), (0, 500, "at most 400 days")],
)
def test_days_that_make_no_sense_are_refused(
    noor: Person, ilse: Person, actor: Actor, now: datetime, from_days: int, until_days: int, why: str
) -> None:
    with pytest.raises(AbsenceRefused, match=why):
        set_absence(
            person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY + timedelta(days=from_days),
            until_on=TODAY + timedelta(days=until_days), actor=actor, now=now, today=TODAY,
        )  # fmt: skip


def test_nobody_stands_in_who_is_away_and_nobody_goes_away_who_stands_in(
    noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    tomas = person("Tomás Ferreira")
    days = {"from_on": TODAY, "until_on": TODAY + timedelta(days=5), "actor": actor, "now": now, "today": TODAY}
    set_absence(person_id=noor.pk, deputy_id=ilse.pk, **days)  # type: ignore[arg-type]  # -- one window for all
    for who, deputy, why in (
        (noor, tomas, "away from 2 Mar 2026 until 7 Mar 2026 already"),
        (tomas, noor, "Noor Haddad is away from 2 Mar 2026 until 7 Mar 2026, too"),
        (ilse, tomas, "Ilse Maas stands in for Noor Haddad"),
        (tomas, tomas, "Nobody stands in for themselves"),
    ):
        with pytest.raises(AbsenceRefused, match=why):
            set_absence(person_id=who.pk, deputy_id=deputy.pk, **days)  # type: ignore[arg-type]  # -- as above


def test_a_namesake_next_door_keeps_the_work(
    account: Account, noor: Person, ilse: Person, heron: Tenant, actor: Actor, now: datetime, kestrel: Tenant
) -> None:
    # Numbers may agree between workspaces: the same number next door is somebody else.
    connection.cursor().execute("SELECT set_config('app.tenant_id', %s, true)", [str(heron.pk)])
    connection.cursor().execute(
        "INSERT INTO accounts_person (tenant_id, id, name, name_key, email_key, is_active) OVERRIDING SYSTEM VALUE "
        "VALUES (%s, %s, 'Noor Next Door', 'noor next door', '', true)",
        [heron.pk, noor.pk],
    )
    connection.cursor().execute(
        "INSERT INTO journeys_task (tenant_id, kind, title, detail, due_on, priority, state, assignee_id, origin_key, "
        "subject_kind, snooze_reason, created_at, closed_by) "
        "VALUES (%s, 'todo', 'Theirs', '', %s, 0, 'open', %s, '', '', '', %s, '')",
        [heron.pk, TODAY, noor.pk, now],
    )
    connection.cursor().execute("SELECT set_config('app.tenant_id', %s, true)", [str(kestrel.pk)])
    set_absence(
        person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY, until_on=TODAY + timedelta(days=3),
        actor=actor, now=now, today=TODAY,
    )  # fmt: skip
    connection.cursor().execute("SELECT set_config('app.tenant_id', %s, true)", [str(heron.pk)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignee_id FROM journeys_task WHERE tenant_id = %s", [heron.pk])
        assert cursor.fetchall() == [(noor.pk,)]
    connection.cursor().execute("SELECT set_config('app.tenant_id', %s, true)", [str(kestrel.pk)])


def test_ten_times_the_work_takes_the_same_statements(
    account: Account, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    counts = []
    for tasks, start in ((3, 0), (30, 20)):
        for _ in range(tasks):
            task(account, noor, TODAY + timedelta(days=start + 1), actor, now)
        with CaptureQueriesContext(connection) as seen:
            set_absence(
                person_id=noor.pk, deputy_id=ilse.pk, from_on=TODAY + timedelta(days=start),
                until_on=TODAY + timedelta(days=start + 5), actor=actor, now=now, today=TODAY,
            )  # fmt: skip
        counts.append(len(seen))
    assert counts[0] == counts[1]
