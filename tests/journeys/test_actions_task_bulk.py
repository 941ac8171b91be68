"""Many tasks in one act, and the act taken back."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Person
from accounts.queries.people import HasLeft
from core.actors import Actor
from core.models import Tenant
from journeys.actions.absences import end_absence, set_absence, sweep_absences
from journeys.actions.task_bulk import NothingToUndo, assign_many, finish_many, snooze_many, undo_many
from journeys.actions.task_verbs import create_task, reopen_task
from journeys.models import Task
from journeys.rules.snoozing import SnoozeRefused

TODAY = date(2026, 3, 2)


@pytest.fixture
def maya(in_kestrel: Tenant) -> Person:
    return Person.objects.create(name="Maya", name_key="maya")


def make(actor: Actor, now: datetime, count: int, **values: object) -> list[int]:
    return [create_task(actor=actor, now=now, title=f"Task {n}", due_on=TODAY, **values).pk for n in range(count)]


@pytest.mark.capability("K5")
def test_many_are_done_and_taken_back_with_one_statement_each(maya: Person, actor: Actor, now: datetime) -> None:
    few, many = make(actor, now, 2), make(actor, now, 40)
    counts = []
    for ids in (few, many):
        with CaptureQueriesContext(connection) as caught:
            bulk = finish_many(task_ids=ids, actor=actor, today=TODAY, now=now)
        counts.append(len(caught))
        assert (bulk.done, bulk.passed_over) == (len(ids), 0)
    assert counts[0] == counts[1]
    assert Task.objects.filter(state="done").count() == 42
    assert bulk.token is not None
    assert undo_many(token=bulk.token, actor=actor, today=TODAY, now=now) == 40
    assert undo_many(token=bulk.token, actor=actor, today=TODAY, now=now) == 0
    assert Task.objects.filter(state="open").count() == 40


def test_closed_tasks_and_handoffs_are_passed_over(maya: Person, actor: Actor, now: datetime) -> None:
    ids = [*make(actor, now, 2), *make(actor, now, 1, kind="handoff", subject_kind="handoff", subject_id=7)]
    finish_many(task_ids=ids[:1], actor=actor, today=TODAY, now=now)
    bulk = finish_many(task_ids=ids, actor=actor, today=TODAY, now=now)
    assert (bulk.done, bulk.passed_over) == (1, 2)
    assert finish_many(task_ids=[], actor=actor, today=TODAY, now=now).token is None


def test_snoozed_ones_come_back_with_what_they_had(maya: Person, actor: Actor, now: datetime) -> None:
    ids = make(actor, now, 3)
    with pytest.raises(SnoozeRefused):
        snooze_many(task_ids=ids, until=TODAY + timedelta(days=30), reason="", actor=actor, today=TODAY, now=now)
    first = snooze_many(task_ids=ids[:1], until=TODAY + timedelta(days=2), reason="", actor=actor, today=TODAY, now=now)
    second = snooze_many(
        task_ids=ids, until=TODAY + timedelta(days=5), reason="Fair", actor=actor, today=TODAY, now=now
    )
    assert second.token is not None
    undo_many(token=second.token, actor=actor, today=TODAY, now=now)
    days = dict(Task.objects.values_list("pk", "snoozed_until"))
    assert [days[pk] for pk in ids] == [TODAY + timedelta(days=2), None, None]
    assert first.done == 1


def test_given_away_and_taken_back_but_not_what_was_worked_on_since(maya: Person, actor: Actor, now: datetime) -> None:
    ids = make(actor, now, 2)
    given = assign_many(task_ids=ids, assignee_id=maya.pk, actor=actor, today=TODAY, now=now)
    finish_many(task_ids=ids[:1], actor=actor, today=TODAY, now=now)
    assert given.token is not None
    assert undo_many(token=given.token, actor=actor, today=TODAY, now=now) == 1
    assert dict(Task.objects.values_list("pk", "assignee_id")) == {ids[0]: maya.pk, ids[1]: None}
    with pytest.raises(Person.DoesNotExist):
        assign_many(task_ids=ids, assignee_id=10**6, actor=actor, today=TODAY, now=now)
    Person.objects.filter(pk=maya.pk).update(is_active=False)
    with pytest.raises(HasLeft, match="Maya has left"):
        assign_many(task_ids=ids, assignee_id=maya.pk, actor=actor, today=TODAY, now=now)


def test_what_was_given_away_stays_there_when_an_absence_ends_and_undo_covers_again(
    maya: Person, actor: Actor, now: datetime
) -> None:
    deputy, other = (Person.objects.create(name=name, name_key=name.lower()) for name in ("Deputy", "Other"))
    absence = set_absence(
        person_id=maya.pk, deputy_id=deputy.pk, from_on=TODAY, until_on=TODAY + timedelta(days=7), actor=actor,
        now=now, today=TODAY,
    )  # fmt: skip
    ids = make(actor, now, 3, assignee_id=maya.pk)
    sweep_absences(today=TODAY, now=now)
    assert Task.objects.filter(assignee=deputy, covered_for=maya).count() == 3
    assign_many(task_ids=ids[:1], assignee_id=other.pk, actor=actor, today=TODAY, now=now)
    kept = assign_many(task_ids=ids[1:2], assignee_id=deputy.pk, actor=actor, today=TODAY, now=now)
    taken = assign_many(task_ids=ids[2:], assignee_id=other.pk, actor=actor, today=TODAY, now=now)
    assert (kept.done, Task.objects.filter(covered_for=None).count()) == (1, 3)
    assert taken.token is not None
    assert undo_many(token=taken.token, actor=actor, today=TODAY, now=now) == 1
    assert list(Task.objects.filter(pk=ids[2]).values_list("assignee", "covered_for")) == [(deputy.pk, maya.pk)]
    end_absence(absence_id=absence.pk, actor=actor, now=now)
    assert dict(Task.objects.values_list("pk", "assignee_id")) == {ids[0]: other.pk, ids[1]: deputy.pk, ids[2]: maya.pk}


def test_a_snooze_taken_back_waits_for_the_reply_again(maya: Person, actor: Actor, now: datetime) -> None:
    ids = make(actor, now, 1)
    Task.objects.update(awaits_reply_since=now)
    snoozed = snooze_many(task_ids=ids, until=TODAY + timedelta(days=2), reason="", actor=actor, today=TODAY, now=now)
    assert Task.objects.get().awaits_reply_since is None
    assert snoozed.token is not None
    undo_many(token=snoozed.token, actor=actor, today=TODAY, now=now)
    assert Task.objects.get().awaits_reply_since == now


def test_only_the_one_who_did_it_takes_it_back(maya: Person, actor: Actor, now: datetime) -> None:
    bulk = finish_many(task_ids=make(actor, now, 1), actor=actor, today=TODAY, now=now)
    assert bulk.token is not None
    for token, who in ((bulk.token, Actor.system("somebody else")), (10**9, actor)):
        with pytest.raises(NothingToUndo):
            undo_many(token=token, actor=who, today=TODAY, now=now)


def test_what_was_reopened_and_done_again_stays_done(maya: Person, actor: Actor, now: datetime) -> None:
    ids = make(actor, now, 1)
    bulk = finish_many(task_ids=ids, actor=actor, today=TODAY, now=now)
    reopen_task(task_id=ids[0], actor=actor, now=now)
    finish_many(task_ids=ids, actor=actor, today=TODAY, now=now + timedelta(minutes=1))
    assert bulk.token is not None
    assert undo_many(token=bulk.token, actor=actor, today=TODAY, now=now) == 0
