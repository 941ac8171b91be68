"""Plays end with the account: whoever leaves, on whatever path, leaves no running play and no open task of one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions.accounts import lose_customers
from accounts.models import Account
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.leaving import leave_journey
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.actions.moves import move_opportunity
from journeys.actions.plays import end_plays_of, finish_step, stop_play, sweep_plays
from journeys.actions.stages import place_accounts
from journeys.models import PlaybookRun, RunStep, Task
from journeys.queries.plays.checks import tasks_of_ended_plays
from tests.factories import gates
from tests.factories.at_once import meanwhile
from tests.factories.gates import ACTOR, NOW, TODAY, deal, stage
from tests.factories.plays import account, play, publish_playbook, step

BY: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}


@pytest.fixture
def tenant() -> Tenant:
    return gates.workspace()


@pytest.fixture
def inside(tenant: Tenant, db: None) -> Any:
    with tenant_context(tenant.pk):
        publish_playbook(steps=[step("mail", 2), step("call", 3, "step:mail")])
        yield tenant


def running(name: str, status: str = "customer") -> PlaybookRun:
    one = play(account(name, status=status))
    place_accounts(**BY)
    return one


def by_hand(run: PlaybookRun) -> str:
    leave_journey(account_ids=[run.account_id], reason="No budget", **BY)
    return "Left the journey: No budget"


def by_a_lost_deal(run: PlaybookRun) -> str:
    Account.objects.filter(pk=run.account_id).update(status="prospect")
    one = deal(of=run.account)
    move_opportunity(opportunity_id=one.pk, stage_id=stage("closed_lost").pk, close_reason="Price", leave=True, **BY)
    return "Left the journey: Lost: Price"


def by_a_file(run: PlaybookRun) -> str:
    Account.objects.filter(pk=run.account_id).update(status="churned")
    sweep_lifecycle(today=TODAY, now=NOW)
    return "Left the journey: Churned."


@pytest.mark.parametrize("leave", [by_hand, by_a_lost_deal, by_a_file])
def test_a_play_ends_with_the_reason_when_its_account_leaves(
    inside: Tenant, leave: Callable[[PlaybookRun], str]
) -> None:
    stays, goes = running("Alder"), running("Birch")
    reason = leave(goes)
    goes.refresh_from_db()
    assert (goes.state, goes.ended_on, goes.end_reason) == ("stopped", TODAY, reason)
    tasks = Task.objects.filter(subject_kind="play").order_by("pk").values_list("subject_id", "state")
    assert list(tasks) == [(stays.pk, "open"), (goes.pk, "obsolete")]
    told = AuditEntry.objects.get(verb="stopped play")
    assert (told.subject_id, told.reason) == (goes.pk, reason)
    assert tasks_of_ended_plays(inside, NOW) == 0
    stays.refresh_from_db()
    assert stays.state == "running"


def test_the_sweep_ends_the_play_of_who_churned_without_standing_in_a_stage(inside: Tenant) -> None:
    run = play(account("Alder", status="customer"))
    Account.objects.update(status="churned")
    assert sweep_plays(tenant=inside, today=TODAY, now=NOW).ended == 1
    assert sweep_plays(tenant=inside, today=TODAY, now=NOW).ended == 0
    run.refresh_from_db()
    assert (run.state, run.end_reason) == ("stopped", "The account has churned.")
    assert tasks_of_ended_plays(inside, NOW) == 0


def test_a_play_that_is_started_for_a_churned_account_goes_on(inside: Tenant) -> None:
    run = play(account("Alder", status="churned"))
    before = play(account("Birch", status="churned"))
    PlaybookRun.objects.filter(pk=before.pk).update(trace={})  # as before that was kept
    AuditEntry.objects.create(
        tenant_id=inside.pk,
        at=NOW - timedelta(days=1),
        actor_label="x",
        verb="churned",
        subject_type="accounts.account",
        subject_id=before.account_id,
    )
    assert sweep_plays(tenant=inside, today=TODAY, now=NOW).ended == 0
    assert set(PlaybookRun.objects.values_list("pk", "state")) == {(run.pk, "running"), (before.pk, "running")}


def test_a_play_that_is_to_win_an_account_back_outlives_its_stay(inside: Tenant) -> None:
    """A file says that the account has churned; before the next sweep somebody starts the play."""
    before = running("Alder")
    after = account("Birch", status="customer")
    place_accounts(**BY)
    Account.objects.update(status="churned")
    win_back = play(after)
    sweep_lifecycle(today=TODAY, now=NOW)
    assert set(PlaybookRun.objects.values_list("pk", "state")) == {(before.pk, "stopped"), (win_back.pk, "running")}


def test_many_plays_end_with_as_many_statements_as_two(inside: Tenant) -> None:
    runs = [running(f"A{n}") for n in range(12)]
    counts = []
    for some in (runs[:2], runs[2:]):
        with CaptureQueriesContext(connection) as caught:
            assert end_plays_of(account_ids=[one.account_id for one in some], reason="Gone", **BY) == len(some)
        counts.append(len(caught))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_who_works_on_a_play_while_its_account_leaves_is_told_or_leaves_no_task(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        publish_playbook(steps=[step("mail", 2), step("call", 3, "step:mail")])
        run = running("Alder")
        mail = RunStep.objects.get(key="mail").pk
    said = meanwhile(tenant, lambda: finish_step(step_id=mail, person_id=None, **BY), lambda: lose(run))
    assert said == [1], said
    with tenant_context(tenant.pk):
        run.refresh_from_db()
        states = list(Task.objects.filter(subject_kind="play").order_by("pk").values_list("state", flat=True))
        assert (run.state, states) == ("stopped", ["done", "obsolete"])


def lose(run: PlaybookRun) -> int:
    lose_customers(account_ids=[run.account_id], reason="Gone", actor=ACTOR, now=NOW)
    return leave_journey(account_ids=[run.account_id], reason="Gone", **BY)


@pytest.mark.django_db(transaction=True)
def test_a_play_that_somebody_stops_meanwhile_keeps_their_reason(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        publish_playbook(steps=[step("mail", 2)])
        run = running("Alder")
    said = meanwhile(tenant, lambda: stop_play(run_id=run.pk, reason="They asked", **BY), lambda: by_hand(run))
    assert said == ["Left the journey: No budget"]
    with tenant_context(tenant.pk):
        run.refresh_from_db()
        assert (run.state, run.end_reason) == ("stopped", "They asked")
        assert AuditEntry.objects.filter(verb="stopped play").count() == 1
