"""A policy opens exactly one escalation per episode and says why."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from core.models import AuditEntry, ProcessVersion, Tenant
from core.versioning import draft, publish
from escalations.actions import CloseRefused, EscalationSweep, close_escalation, sweep_escalations
from escalations.contributions import AT_RISK_NEAR_RENEWAL, DEFAULT_POLICY, publish_policy
from escalations.models import Escalation
from escalations.queries import (
    arr_at_risk,
    episodes_out_of_step,
    open_escalations,
    parse_checked,
    states_out_of_step,
    tasks_wrong,
)
from escalations.rules import BadPolicy, parse_policy, reason
from health.models import Score
from journeys.models import Task
from renewals.actions import sweep_renewals
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY


@pytest.fixture
def book(in_kestrel: Tenant) -> Tenant:
    make.publish_renewal_timeline(in_kestrel)
    publish_policy(in_kestrel, ACTOR, NOW)
    return in_kestrel


def at_risk(name: str, *, ends_in: int = 60, band: str = "red", **values: Any) -> Account:
    account = make.account(name, arr_minor=28_600_000, **values)
    make.contract(account, ends_on=make.ends_in(ends_in), learnt_on=TODAY)
    set_band(account, band)
    return account


def set_band(account: Account, band: str) -> None:
    version = ProcessVersion.objects.filter(kind="escalation_policy").first()
    Score.objects.update_or_create(
        tenant_id=account.tenant_id,
        account=account,
        defaults={
            "model_version": version, "as_of": TODAY, "computed_at": NOW, "score": 41.0, "band": band, "coverage": 1.0,
            "values": [], "sub_scores": [], "ages": [],
        },
    )  # fmt: skip


def sweep(tenant: Tenant, today: date = TODAY, *, renewals: bool = True) -> EscalationSweep:
    now = NOW + (today - TODAY)
    if renewals:
        sweep_renewals(tenant=tenant, actor=ACTOR, today=today, now=now)
    result = sweep_escalations(tenant=tenant, actor=ACTOR, today=today, now=now)
    assert (episodes_out_of_step(today), states_out_of_step(tenant, now), tasks_wrong(tenant, now)) == (0, 0, 0)
    return result


@pytest.mark.capability("E2")
def test_at_risk_and_close_to_renewal_opens_one_escalation_with_the_reason(book: Tenant) -> None:
    owner = make.person()
    account = at_risk("Corvid Robotics", ends_in=60, owner=owner)
    at_risk("Healthy near", band="green")
    at_risk("Red far", ends_in=91)
    assert sweep(book) == EscalationSweep(evaluated=3, opened=1, closed=0)
    escalation = Escalation.objects.get()
    assert (escalation.account, escalation.owner, escalation.tier, escalation.arr_at_risk_minor) == (
        account, owner, 2, 28_600_000,
    )  # fmt: skip
    assert escalation.respond_by == NOW + timedelta(hours=8)
    assert [(c["fact"], c["op"], c["value"], c["saw"]) for c in escalation.facts["conditions"]] == [
        ("health.band", "in", ["red"], "red"),
        ("renewals.days_to_renewal", "gte", 0, 60),
        ("renewals.days_to_renewal", "lte", 90, 60),
    ]
    assert reason(escalation.facts["conditions"]) == "At risk, 60 days to renewal"
    task = Task.objects.get(kind="escalation")
    assert (task.assignee, task.due_on, task.subject_id, task.origin_key) == (
        owner, TODAY, escalation.pk, f"escalation:{escalation.pk}",
    )  # fmt: skip
    assert str(task.process_version) == "At risk and close to renewal v1"


@pytest.mark.parametrize(("ends_in", "opened"), [(90, 1), (91, 0), (1, 1)])
def test_the_policy_holds_to_the_day(book: Tenant, ends_in: int, opened: int) -> None:
    at_risk("Alder", ends_in=ends_in)
    assert sweep(book).opened == opened


@pytest.mark.capability("E2")
def test_an_episode_opens_once_closes_when_it_is_over_and_the_next_one_opens_anew(book: Tenant) -> None:
    account = at_risk("Alder")
    assert [sweep(book).opened for _ in range(3)] == [1, 0, 0]
    set_band(account, "yellow")
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=1)
    first = Escalation.objects.get()
    assert (first.state, first.closed_because) == ("closed", "The condition is over.")
    assert Task.objects.get(kind="escalation").state == "obsolete"
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)
    set_band(account, "red")
    assert sweep(book).opened == 1
    assert Escalation.objects.count() == 2


def test_a_second_run_writes_nothing(book: Tenant) -> None:
    at_risk("Alder")
    sweep(book)
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)
    assert list(AuditEntry.objects.values_list("pk", flat=True)) == before


def test_closed_by_hand_it_stays_closed_while_the_condition_goes_on(book: Tenant) -> None:
    account = at_risk("Alder")
    sweep(book)
    escalation = Escalation.objects.get()
    with pytest.raises(CloseRefused, match="Say why"):
        close_escalation(escalation_id=escalation.pk, reason=" ", actor=ACTOR, now=NOW)
    close_escalation(escalation_id=escalation.pk, reason="Sponsor has agreed to renew", actor=ACTOR, now=NOW)
    assert Task.objects.get(kind="escalation").state == "obsolete"
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)
    set_band(account, "green")
    sweep(book)
    set_band(account, "red")
    assert sweep(book).opened == 1
    first = Escalation.objects.earliest("pk")
    assert first.closed_because == "Sponsor has agreed to renew"


def test_a_policy_that_is_no_longer_live_closes_what_it_opened(book: Tenant) -> None:
    at_risk("Alder")
    sweep(book)
    ProcessVersion.objects.filter(key=AT_RISK_NEAR_RENEWAL).update(state="retired")
    assert sweep(book).closed == 1
    assert Escalation.objects.get().closed_because == "The policy is no longer live."


def test_two_policies_are_two_escalations_and_the_arr_at_risk_counts_the_account_once(book: Tenant) -> None:
    definition = {**DEFAULT_POLICY, "criteria": {"fact": "health.band", "op": "eq", "value": "red"}}
    version = draft(kind="escalation_policy", key="red", name="Red", definition=definition, actor=ACTOR, now=NOW)
    publish(version=version, actor=ACTOR, now=NOW, reason="Test.")
    at_risk("Alder")
    assert sweep(book).opened == 2
    found = arr_at_risk()
    assert (found.escalations, found.accounts, found.arr_minor) == (2, 1, 28_600_000)


@pytest.mark.capability("E3")
def test_the_open_list_adds_up_to_the_arr_at_risk(book: Tenant) -> None:
    maya, noor = make.person("Maya"), make.person("Noor")
    for n in range(4):
        at_risk(f"A{n}", owner=maya if n % 2 else noor)
    at_risk("Fine", band="green")
    sweep(book)
    for owner in (None, maya.pk, noor.pk):
        listed = list(open_escalations(owner))
        figure = arr_at_risk(owner)
        assert (len(listed), sum(row.arr_at_risk_minor for row in listed)) == (figure.escalations, figure.arr_minor)
    assert arr_at_risk().arr_minor == 4 * 28_600_000


def test_churned_accounts_are_not_escalated(book: Tenant) -> None:
    at_risk("Gone", status="churned")
    assert sweep(book) == EscalationSweep(evaluated=0, opened=0, closed=0)


def test_the_sweep_is_a_fixed_number_of_statements(book: Tenant, django_assert_max_num_queries: Any) -> None:
    for n in range(25):
        at_risk(f"A{n}")
    sweep_renewals(tenant=book, actor=ACTOR, today=TODAY, now=NOW)
    with django_assert_max_num_queries(14):
        sweep_escalations(tenant=book, actor=ACTOR, today=TODAY, now=NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"criteria": {}}, "needs `criteria`"),
        ({"criteria": {"all": []}}, "every account would be escalated"),
        ({"criteria": {"fact": "health.mood", "op": "eq", "value": 1}}, "Unknown fact 'health.mood'"),
        ({"tier": 5}, "`tier` is a whole number from 1 to 4, not 5"),
        ({"respond_hours": "8"}, "`respond_hours`"),
        ({"task_title": ""}, "`task_title` is missing"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_with_the_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_checked({**DEFAULT_POLICY, **change})


def test_the_default_policy_is_sound() -> None:
    assert parse_policy(DEFAULT_POLICY).tier == 2
    with pytest.raises(BadPolicy):
        parse_policy({})
