"""What can be done with tasks, one and many."""

from datetime import date, datetime, timedelta

import pytest

from accounts.models import Account, Person
from core.actors import Actor
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.task_sweeps import close_tasks, insert_tasks, move_tasks
from journeys.actions.task_verbs import (
    TaskIsClosed,
    create_task,
    finish_task,
    reassign_task,
    reopen_task,
    snooze_task,
)
from journeys.choices import TaskState
from journeys.models import Task
from journeys.queries.task_lists import open_tasks, open_tasks_of
from journeys.rules.snoozing import SnoozeRefused

TODAY = date(2026, 3, 2)


@pytest.fixture
def account(in_kestrel: Tenant) -> Account:
    return Account.objects.create(name="Brightwater", name_key="brightwater")


@pytest.fixture
def mara(in_kestrel: Tenant) -> Person:
    return Person.objects.create(name="Mara Lindqvist", name_key="mara lindqvist")


@pytest.fixture
def task(account: Account, mara: Person, actor: Actor, now: datetime) -> Task:
    return create_task(actor=actor, now=now, title="Call", due_on=TODAY, account_id=account.pk, assignee_id=mara.pk)


def test_a_done_task_leaves_the_queue_and_undo_brings_it_back(
    task: Task, mara: Person, actor: Actor, now: datetime
) -> None:
    assert [t.pk for t in open_tasks_of(mara.pk, TODAY)] == [task.pk]
    finish_task(task_id=task.pk, actor=actor, now=now)
    assert list(open_tasks_of(mara.pk, TODAY)) == []
    reopen_task(task_id=task.pk, actor=actor, now=now)
    assert [t.pk for t in open_tasks_of(mara.pk, TODAY)] == [task.pk]
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True)) == [
        "created task",
        "finished task",
        "reopened task",
    ]


def test_done_twice_is_done_once(task: Task, actor: Actor, now: datetime) -> None:
    first = finish_task(task_id=task.pk, actor=actor, now=now)
    second = finish_task(task_id=task.pk, actor=Actor.system("other"), now=now + timedelta(hours=1))
    assert (second.closed_at, second.closed_by) == (first.closed_at, "test")


def test_a_task_that_a_rule_closed_can_neither_be_finished_nor_reopened(
    task: Task, actor: Actor, now: datetime
) -> None:
    Task.objects.filter(pk=task.pk).update(state=TaskState.OBSOLETE)
    with pytest.raises(TaskIsClosed):
        finish_task(task_id=task.pk, actor=actor, now=now)
    with pytest.raises(TaskIsClosed):
        reopen_task(task_id=task.pk, actor=actor, now=now)


def test_a_snoozed_task_returns_on_its_day(task: Task, actor: Actor, now: datetime) -> None:
    until = TODAY + timedelta(days=3)
    snooze_task(task_id=task.pk, until=until, reason="", actor=actor, now=now, today=TODAY)
    assert list(open_tasks(until - timedelta(days=1))) == []
    assert [t.pk for t in open_tasks(until)] == [task.pk]


def test_a_wait_of_more_than_seven_days_needs_a_reason(task: Task, actor: Actor, now: datetime) -> None:
    until = TODAY + timedelta(days=8)
    with pytest.raises(SnoozeRefused, match="reason"):
        snooze_task(task_id=task.pk, until=until, reason=" ", actor=actor, now=now, today=TODAY)
    snoozed = snooze_task(task_id=task.pk, until=until, reason="On leave", actor=actor, now=now, today=TODAY)
    assert (snoozed.snoozed_until, snoozed.snooze_reason) == (until, "On leave")


def test_a_task_cannot_wait_until_today(task: Task, actor: Actor, now: datetime) -> None:
    with pytest.raises(SnoozeRefused, match="after today"):
        snooze_task(task_id=task.pk, until=TODAY, reason="", actor=actor, now=now, today=TODAY)


def test_reassigning_writes_who_had_it_before(task: Task, mara: Person, actor: Actor, now: datetime) -> None:
    reassign_task(task_id=task.pk, assignee_id=None, actor=actor, now=now, reason="Absent")
    entry = AuditEntry.objects.get(verb="reassigned task")
    assert (entry.before, entry.after, entry.reason) == ({"assignee_id": mara.pk}, {"assignee_id": None}, "Absent")


def test_a_task_of_the_workspace_next_door_does_not_exist(
    kestrel: Tenant, heron: Tenant, actor: Actor, now: datetime
) -> None:
    with tenant_context(heron.pk):
        theirs = create_task(actor=actor, now=now, title="Theirs", due_on=TODAY)
    with tenant_context(kestrel.pk), pytest.raises(Task.DoesNotExist):
        finish_task(task_id=theirs.pk, actor=actor, now=now)


SELECT = """
SELECT account.id AS account_id, 'renewal' AS kind, 'Renewal of ' || account.name AS title, '' AS detail,
       %s::date AS due_on, 5 AS priority, account.owner_id AS assignee_id, NULL::bigint AS process_version_id,
       'renewal:' || account.id || ':90' AS origin_key, 'renewal' AS subject_kind, account.id AS subject_id
FROM accounts_account AS account WHERE account.tenant_id = %s
"""


def test_a_sweep_makes_each_task_once_however_often_it_runs(
    account: Account, in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    params = [TODAY, in_kestrel.pk]
    assert insert_tasks(select=SELECT, params=params, actor=actor, now=now) == 1
    assert insert_tasks(select=SELECT, params=params, actor=actor, now=now) == 0
    assert Task.objects.get().title == "Renewal of Brightwater"


def test_a_moved_date_moves_open_tasks_and_leaves_done_ones(
    account: Account, in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    insert_tasks(select=SELECT, params=[TODAY, in_kestrel.pk], actor=actor, now=now)
    made = Task.objects.get()
    move = "SELECT origin_key, %s::date AS due_on FROM journeys_task WHERE tenant_id = %s"
    later = TODAY + timedelta(days=30)
    assert move_tasks(select=move, params=[later, in_kestrel.pk], actor=actor, now=now) == 1
    assert move_tasks(select=move, params=[later, in_kestrel.pk], actor=actor, now=now) == 0
    finish_task(task_id=made.pk, actor=actor, now=now)
    assert move_tasks(select=move, params=[TODAY, in_kestrel.pk], actor=actor, now=now) == 0
    assert Task.objects.get().due_on == later


def test_closing_touches_open_tasks_only(task: Task, in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    done = create_task(actor=actor, now=now, title="Done", due_on=TODAY)
    finish_task(task_id=done.pk, actor=actor, now=now)
    select, params = "SELECT id FROM journeys_task WHERE tenant_id = %s", [in_kestrel.pk]
    assert close_tasks(select=select, params=params, actor=actor, now=now) == 1
    assert close_tasks(select=select, params=params, actor=actor, now=now) == 0
    assert dict(Task.objects.values_list("pk", "state")) == {task.pk: "obsolete", done.pk: "done"}
