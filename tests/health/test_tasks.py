"""The doors of the worker: nightly once a day, changes within seconds."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from core.changes import changes_waiting, mark_changed
from core.jobs import run_job
from core.models import Job, Tenant
from health import tasks
from health.models import Score, ScoreHistory, ScoringState
from tests.factories.health import NOW, TODAY, account, one_input, publish_model, signals, ticket

pytestmark = pytest.mark.usefixtures("in_kestrel")


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_changed_account_is_scored_and_the_change_is_taken(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    for each in (one, other):
        signals(each, "usage", [60.0])
    publish_model(kestrel, one_input())
    mark_changed([one.pk])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 1
    assert list(Score.objects.values_list("account_id", "score")) == [(one.pk, 60.0)]
    assert not changes_waiting("health")
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 0


def test_a_workspace_without_a_model_lets_changes_go(kestrel: Tenant) -> None:
    mark_changed([account().pk])
    assert tasks.score_changes.run(tenant_id=kestrel.pk) == 0
    assert not changes_waiting("health")


def test_when_data_turns_out_to_have_ended_everybody_moves_to_its_last_day(kestrel: Tenant) -> None:
    one, other = account("One"), account("Other")
    publish_model(kestrel, one_input())
    mark_changed([one.pk, other.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert ScoringState.objects.get().as_of == TODAY
    last = TODAY - timedelta(days=400)
    signals(one, "usage", [60.0], until=last)
    signals(other, "usage", [30.0], until=last)
    mark_changed([one.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert sorted(Score.objects.values_list("score", "as_of")) == [(30.0, last), (60.0, last)]
    ticket(one, TODAY)
    mark_changed([one.pk])
    tasks.score_changes.run(tenant_id=kestrel.pk)
    assert set(Score.objects.values_list("as_of", flat=True)) == {TODAY}


def test_the_nightly_run_is_one_job_a_day_and_doing_it_twice_changes_nothing(kestrel: Tenant) -> None:
    signals(account(), "usage", [60.0])
    publish_model(kestrel, one_input())
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert tasks.nightly.run(tenant_id=kestrel.pk) == job_id
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "done"
    job = Job.objects.get(pk=job_id)
    assert job.result == {"as_of": TODAY.isoformat(), "accounts": 1, "scored": 1, "changed": 1}
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        next_id = tasks.nightly.run(tenant_id=kestrel.pk)
        assert next_id != job_id
        assert run_job(tenant_id=kestrel.pk, job_id=next_id) == "done"
    assert ScoreHistory.objects.count() == 1


def test_a_nightly_run_without_a_model_says_so_and_is_not_tried_again(kestrel: Tenant) -> None:
    job_id = tasks.nightly.run(tenant_id=kestrel.pk)
    assert run_job(tenant_id=kestrel.pk, job_id=job_id) == "failed"
    assert "no published score model" in Job.objects.get(pk=job_id).error
