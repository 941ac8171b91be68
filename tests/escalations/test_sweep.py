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
from escalations.rules import BadPolicy, parse_policy, reason, seen, unless_known_otherwise
from escalations.views import hidden_facts
from health.models import Score
from journeys.models import Task
from renewals.actions import decide_renewal, sweep_renewals
from renewals.models import Renewal
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


@pytest.mark.capability("E2")
def test_a_renewal_that_passes_undecided_stays_escalated_until_somebody_decides(book: Tenant) -> None:
    at_risk("Alder", ends_in=2)
    assert sweep(book).opened == 1
    for day in (2, 3, 30):
        assert sweep(book, TODAY + timedelta(days=day)) == EscalationSweep(evaluated=1, opened=0, closed=0)
    late = TODAY + timedelta(days=30)
    decide_renewal(renewal_id=Renewal.objects.get(state="open").pk, won=True, final_minor=1, reason="", actor=ACTOR,
                   today=late, now=NOW + timedelta(days=30))  # fmt: skip
    assert sweep(book, late).closed == 1


def test_a_late_renewal_is_escalated_and_the_reason_says_late(book: Tenant) -> None:
    at_risk("Alder", ends_in=2, band="green")
    sweep(book)
    set_band(Account.objects.get(), "red")
    assert sweep(book, TODAY + timedelta(days=7)).opened == 1
    assert reason(Escalation.objects.get().facts["conditions"]) == "At risk, renewal 5 days late"


@pytest.mark.parametrize("gone", ["none", "deleted"])
def test_a_score_that_turns_unknown_ends_no_escalation_and_opens_none(book: Tenant, gone: str) -> None:
    account = at_risk("Alder")
    assert sweep(book).opened == 1
    if gone == "none":
        set_band(account, "none")
    else:
        Score.objects.all().delete()
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)
    set_band(account, "red")
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)
    set_band(account, "yellow")
    assert sweep(book).closed == 1
    set_band(account, "none")
    assert sweep(book) == EscalationSweep(evaluated=1, opened=0, closed=0)


def test_unknown_scores_keep_negated_conditions_from_being_over_too() -> None:
    leaf = {"fact": "health.score", "op": "gt", "value": 50}
    unknown = {"fact": "health.score", "op": "is_unknown"}
    other = {"fact": "renewals.days_to_renewal", "op": "lte", "value": 90}
    assert unless_known_otherwise({"all": [leaf, other]}) == {"all": [{"any": [leaf, unknown]}, other]}
    assert unless_known_otherwise({"not": leaf}) == {"not": {"all": [leaf, {"not": unknown}]}}


def test_open_escalations_and_their_tasks_go_to_the_new_owner_once(book: Tenant) -> None:
    old, new, helper = make.person("Maya"), make.person("Noor"), make.person("Lea")
    mine, lent, covered = at_risk("Alder", owner=old), at_risk("Birch", owner=old), at_risk("Cedar", owner=old)
    sweep(book)
    Task.objects.filter(kind="escalation", account=lent).update(assignee=helper)
    Task.objects.filter(kind="escalation", account=covered).update(assignee=helper, covered_for=old)
    Account.objects.update(owner=new)
    sweep(book)
    assert set(Escalation.objects.values_list("owner_id", flat=True)) == {new.pk}
    tasks = Task.objects.filter(kind="escalation")
    assert [tasks.get(account=account).assignee for account in (mine, lent, covered)] == [new, helper, new]
    assert not tasks.exclude(covered_for=None).exists(), "the end of the absence would take it back"
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    sweep(book)
    assert list(AuditEntry.objects.values_list("pk", flat=True)) == before


def test_the_values_of_facts_that_are_money_can_be_hidden() -> None:
    trace = [{"fact": "accounts.arr", "label": "ARR", "op": "gte", "value": 100, "saw": 28_600_000}]
    assert reason(trace, {"accounts.arr"}) == "Arr Hidden"
    assert [(one.rule, one.saw) for one in seen(trace, {"accounts.arr"})] == [("is at least Hidden", "Hidden")]
    assert hidden_facts("support_agent") >= {"accounts.arr", "renewals.amount"}
    assert hidden_facts("csm") == frozenset()


def test_churned_accounts_are_not_escalated(book: Tenant) -> None:
    at_risk("Gone", status="churned")
    assert sweep(book) == EscalationSweep(evaluated=0, opened=0, closed=0)


def test_the_sweep_is_a_fixed_number_of_statements(book: Tenant, django_assert_max_num_queries: Any) -> None:
    for n in range(25):
        at_risk(f"A{n}")
    sweep_renewals(tenant=book, actor=ACTOR, today=TODAY, now=NOW)
    with django_assert_max_num_queries(17):
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
