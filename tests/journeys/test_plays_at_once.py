"""Plays that several people and the sweep work on at once, and acts on many of their tasks."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.plays import finish_step, sweep_plays
from journeys.actions.task_bulk import finish_many, undo_many
from journeys.actions.task_verbs import finish_task
from journeys.models import PlaybookRun, RunStep, Task
from journeys.queries.plays.checks import plays_at_rest, steps_without_task, tasks_of_ended_plays
from tests.factories.plays import ACTOR, NOW, TODAY, account, play, publish_playbook, states, step, steps_of


def _finish_as_task(step_id: int) -> None:
    task_id = RunStep.objects.values_list("task_id", flat=True).get(pk=step_id)
    finish_task(task_id=task_id or 0, actor=ACTOR, now=NOW)


def _finish_in_bulk(step_id: int) -> None:
    task_id = RunStep.objects.values_list("task_id", flat=True).get(pk=step_id)
    finish_many(task_ids=[task_id or 0], actor=ACTOR, today=TODAY, now=NOW)


def _finish_as_step(step_id: int) -> None:
    finish_step(step_id=step_id, actor=ACTOR, person_id=None, today=TODAY, now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second", [_finish_as_task, _finish_in_bulk, _finish_as_step])
@pytest.mark.parametrize("first", [_finish_as_task, _finish_in_bulk])
def test_whoever_finishes_last_ends_the_play(first: Callable[[int], None], second: Callable[[int], None]) -> None:
    tenant = Tenant.objects.create(slug="twice", name="Twice", timezone="UTC")
    with tenant_context(tenant.pk):
        publish_playbook(steps=[step("mail", 2), step("call", 2)])
        run = play(account())
        mail, call = (one.pk for one in steps_of(run).values())
    halfway, faults = threading.Event(), []

    def begin() -> None:
        try:
            with tenant_context(tenant.pk):
                first(mail)
                halfway.set()
                time.sleep(0.4)  # the other one comes meanwhile
        except Exception as fault:  # noqa: BLE001 -- told by the test
            faults.append(fault)
        finally:
            halfway.set()
            connection.close()

    thread = threading.Thread(target=begin)
    thread.start()
    halfway.wait(10)
    with tenant_context(tenant.pk):
        second(call)
    thread.join()
    assert faults == []
    with tenant_context(tenant.pk):
        run.refresh_from_db()
        assert (run.state, states(run)) == ("finished", {"mail": "done", "call": "done"})


@pytest.mark.django_db(transaction=True)
def test_a_task_and_its_step_finished_at_once_do_not_wait_for_each_other() -> None:
    tenant = Tenant.objects.create(slug="twice", name="Twice", timezone="UTC")
    with tenant_context(tenant.pk):
        publish_playbook(steps=[step("mail", 2)])
        runs = [play(account(f"A{n}")) for n in range(12)]
        ids = [steps_of(run)["mail"].pk for run in runs]
    faults: list[Exception] = []

    def each(act: Callable[[int], None]) -> None:
        try:
            for step_id in ids:
                with tenant_context(tenant.pk):
                    act(step_id)
        except Exception as fault:  # noqa: BLE001 -- told by the test
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=each, args=[act]) for act in (_finish_as_task, _finish_as_step, _finish_in_bulk)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    with tenant_context(tenant.pk):
        assert PlaybookRun.objects.filter(state="finished").count() == len(ids)


@pytest.mark.usefixtures("in_kestrel")
def test_the_sweep_ends_a_play_that_has_nothing_left(kestrel: Tenant) -> None:
    publish_playbook(steps=[step("mail", 2)])
    run = play(account())
    RunStep.objects.filter(run=run).update(state="done", done_on=TODAY)  # as two at once once left it
    Task.objects.update(state="done", closed_at=NOW)
    assert plays_at_rest(kestrel, NOW) == 1
    assert sweep_plays(tenant=kestrel, today=TODAY, now=NOW).ended == 1
    assert PlaybookRun.objects.get().state == "finished"
    assert sweep_plays(tenant=kestrel, today=TODAY, now=NOW).ended == 0


@pytest.mark.usefixtures("in_kestrel")
def test_taking_back_many_steps_costs_as_many_statements_as_taking_back_two(kestrel: Tenant) -> None:
    publish_playbook(steps=[step("mail", 2), step("call", 3, "step:mail")])
    runs = [play(account(f"A{n}")) for n in range(22)]
    counts = []
    for some in (runs[:2], runs[2:]):
        ids = list(
            Task.objects.filter(subject_id__in=[run.pk for run in some], state="open").values_list("pk", flat=True)
        )
        bulk = finish_many(task_ids=ids, actor=ACTOR, today=TODAY, now=NOW)
        assert [states(run) for run in some] == [{"mail": "done", "call": "open"}] * len(some)
        with CaptureQueriesContext(connection) as caught:
            assert undo_many(token=bulk.token or 0, actor=ACTOR, today=TODAY, now=NOW) == len(some)
        counts.append(len(caught))
        assert [states(run) for run in some] == [{"mail": "open", "call": "ahead"}] * len(some)
    assert counts[0] == counts[1]
    assert [len(one.after["steps"]) for one in AuditEntry.objects.filter(verb="reopened steps").order_by("pk")] == [
        2,
        20,
    ]
    assert [check(kestrel, NOW) for check in (steps_without_task, tasks_of_ended_plays, plays_at_rest)] == [0, 0, 0]


@pytest.mark.usefixtures("in_kestrel")
def test_a_step_that_the_play_no_longer_has_stays_done_when_many_are_taken_back(kestrel: Tenant) -> None:
    publish_playbook(steps=[step("mail", 2)])
    runs = [play(account(f"A{n}")) for n in range(2)]
    bulk = finish_many(task_ids=list(Task.objects.values_list("pk", flat=True)), actor=ACTOR, today=TODAY, now=NOW)
    other = publish_playbook(steps=[step("call", 2)])
    PlaybookRun.objects.filter(pk=runs[0].pk).update(version=other)
    undo_many(token=bulk.token or 0, actor=ACTOR, today=TODAY, now=NOW)
    assert [states(run) for run in runs] == [{"mail": "done"}, {"mail": "open"}]
    assert tasks_of_ended_plays(kestrel, NOW) == 0
