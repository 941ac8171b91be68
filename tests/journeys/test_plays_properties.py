"""Whatever people do with a play, in whatever order and at whatever door, its parts agree with each other."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Person
from core.models import ProcessVersion, Tenant
from journeys.actions.plays import (
    StepIsOver,
    finish_step,
    move_plays,
    reassign_play,
    reopen_step,
    skip_step,
    stop_play,
    sweep_plays,
)
from journeys.actions.task_verbs import TaskIsClosed, finish_task, reopen_task
from journeys.models import PlaybookRun, RunStep, Task
from journeys.queries.plays.checks import plays_at_rest, steps_without_task, tasks_of_ended_plays
from journeys.rules.play_due import OVER, STATES
from journeys.rules.playbooks import parse_playbook
from tests.factories.plays import ACTOR, NOW, TODAY, account, at, person, play, publish_playbook, step

pytestmark = pytest.mark.usefixtures("in_kestrel")

KEYS = "abcdef"
NEVER = {"fact": "accounts.arr", "op": "lt", "value": 0}
ALWAYS = {"fact": "accounts.arr", "op": "gte", "value": 0}


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some steps in any order; each counts from the start, the anchor, or a step that stands before it in KEYS."""
    chosen = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=6, unique=True))
    made = []
    for key in chosen:
        before = [f"step:{other}" for other in chosen if other < key]
        source = draw(st.sampled_from(["start", "anchor", *before]))
        branch = draw(st.sampled_from([{}, {}, {}, {"only_if": ALWAYS}, {"only_if": NEVER}]))
        made.append(step(key, draw(st.integers(0, 30)), source, **branch))
    return made


ACTS = st.tuples(
    st.sampled_from(["finish", "skip", "reopen", "task", "task_back", "reassign", "move", "stop", "sweep"]),
    st.integers(0, 5),
)


def act(what: str, number: int, run: PlaybookRun, versions: list[ProcessVersion], people: list[Person]) -> None:
    day = TODAY + timedelta(days=number)
    rows = list(RunStep.objects.filter(run_id=run.pk).order_by("position", "pk"))
    row = rows[number % len(rows)]
    who: dict[str, Any] = {"actor": ACTOR, "now": at(day)}
    if what == "finish":
        finish_step(step_id=row.pk, person_id=people[0].pk, today=day, **who)
    elif what == "skip":
        skip_step(step_id=row.pk, reason="no need", today=day, **who)
    elif what == "reopen":
        reopen_step(step_id=row.pk, today=day, **who)
    elif what == "task" and row.task_id:
        finish_task(task_id=row.task_id, **who)
    elif what == "task_back" and row.task_id:
        reopen_task(task_id=row.task_id, **who)
    elif what == "reassign":
        reassign_play(run_id=run.pk, to_person_id=people[number % 2].pk, **who)
    elif what == "move":
        move_plays(version=versions[number % 2], run_ids=[run.pk], today=day, **who)
    elif what == "stop":
        stop_play(run_id=run.pk, reason="over", today=day, **who)
    elif what == "sweep":
        sweep_plays(tenant=run.tenant, today=day, now=at(day))


def assert_sound(run_id: int, done: dict[str, tuple[Any, ...]]) -> None:
    run = PlaybookRun.objects.select_related("version", "tenant").get(pk=run_id)
    rows = {one.key: one for one in RunStep.objects.filter(run_id=run_id).select_related("task")}
    assert [check(run.tenant, NOW) for check in (steps_without_task, tasks_of_ended_plays, plays_at_rest)] == [0, 0, 0]
    assert {one.state for one in rows.values()} <= set(STATES)
    waiting = [one for one in rows.values() if one.state in {"ahead", "open"}]
    if run.state == "running":
        assert len(waiting) > 0
        assert {one.task_id for one in waiting if one.state == "open"} == set(
            Task.objects.filter(subject_kind="play", subject_id=run_id, state="open").values_list("pk", flat=True)
        )
    if run.state == "finished":
        assert waiting == []
        assert run.ended_on is not None
    variant = parse_playbook(run.version.definition).variants[0]
    for spec in variant.steps:
        row = rows[spec.key]
        assert (row.done_on is not None) == (row.state in OVER)
        base = rows.get(spec.due.step) if spec.due else None
        if run.state == "running" and row.state == "ahead":
            waits = base is not None and base.state not in OVER
            # A branch is read a week before its step: until then it has a day and nothing else.
            assert waits or spec.only_if is not None
            assert (row.due_on is None) == waits
            assert waits or (row.due_on is not None and row.due_on > TODAY + timedelta(days=7))
            assert row.task is None or row.task.state != "open"
        if row.state == "open":
            assert row.due_on is not None
    for key, before in done.items():
        assert (rows[key].state, rows[key].done_on, rows[key].done_by_person_id) == before


@settings(max_examples=25)
@given(first=steps(), second=steps(), acts=st.lists(ACTS, max_size=14))
def test_steps_tasks_and_plays_agree_after_anything(
    kestrel: Tenant, first: list[dict[str, Any]], second: list[dict[str, Any]], acts: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        versions = [publish_playbook(steps=first), publish_playbook(steps=second)]
        people = [person("Maya"), person("Jonas")]
        run = play(account(owner=people[0]))
        assert_sound(run.pk, {})
        for what, number in acts:
            done = _done(run.pk) if what not in {"reopen", "task_back"} else {}
            try:
                with transaction.atomic():
                    act(what, number, run, versions, people)
            except (StepIsOver, TaskIsClosed):
                pass
            assert_sound(run.pk, done)
        transaction.set_rollback(True)


def _done(run_id: int) -> dict[str, tuple[Any, ...]]:
    rows = RunStep.objects.filter(run_id=run_id, state="done")
    return {one.key: (one.state, one.done_on, one.done_by_person_id) for one in rows}
