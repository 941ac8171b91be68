"""A won deal that turns out to be of another account, or of another kind: the win is where the deal says it is."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from journeys.actions.handoffs import sweep_handoffs
from journeys.actions.lifecycle import sweep_lifecycle
from journeys.actions.moves import move_opportunity
from journeys.actions.opportunities import update_opportunity
from journeys.models import FirstValue, Handoff, Opportunity, Task
from tests.factories import gates
from tests.factories.gates import ACTOR, NOW, TODAY, account, deal, stage

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": ACTOR, "today": TODAY, "now": NOW}


@pytest.fixture(autouse=True)
def workspace() -> Any:
    tenant: Tenant = gates.workspace()
    with tenant_context(tenant.pk):
        yield tenant


def won(of: Account | None, **values: Any) -> Opportunity:
    return move_opportunity(opportunity_id=deal(of=of, **values).pk, stage_id=stage("closed_won").pk, **BY)


def change(one: Opportunity, **values: Any) -> None:
    update_opportunity(opportunity_id=one.pk, values=values, **BY)
    sweep_lifecycle(today=TODAY, now=NOW)
    sweep_handoffs(**BY)


def handoffs() -> list[tuple[str, str]]:
    return list(Handoff.objects.order_by("pk").values_list("account__name", "state"))


def statuses() -> dict[str, str]:
    return dict(Account.objects.values_list("name", "status"))


def clocks() -> list[str]:
    return list(FirstValue.objects.values_list("account__name", flat=True))


def test_the_win_goes_with_its_deal_to_another_account() -> None:
    alder, birch = account("Alder", status="prospect"), account("Birch", status="prospect")
    one = won(alder)
    sweep_lifecycle(today=TODAY, now=NOW)
    assert (statuses(), clocks()) == ({"Alder": "customer", "Birch": "prospect"}, ["Alder"])
    change(one, account_id=birch.pk)
    assert (statuses(), clocks()) == ({"Alder": "prospect", "Birch": "customer"}, ["Birch"])
    assert handoffs() == [("Alder", "cancelled"), ("Birch", "waiting")]
    tasks = Task.objects.filter(subject_kind="handoff").order_by("pk").values_list("account__name", "state")
    assert list(tasks) == [("Alder", "obsolete"), ("Birch", "open")]
    told = AuditEntry.objects.get(verb="is no customer after all")
    assert (told.subject_id, told.reason) == (alder.pk, "The opportunity has another account.")
    change(one, account_id=alder.pk)
    assert (statuses(), clocks()) == ({"Alder": "customer", "Birch": "prospect"}, ["Alder"])
    assert handoffs() == [("Alder", "cancelled"), ("Birch", "cancelled"), ("Alder", "waiting")]


def test_an_account_that_is_named_only_after_the_win_is_a_customer_and_one_that_is_not_named_any_more_is_none() -> None:
    birch = account("Birch", status="prospect")
    one = won(None)
    change(one, account_id=birch.pk)
    assert (statuses(), clocks(), handoffs()) == ({"Birch": "customer"}, ["Birch"], [("Birch", "waiting")])
    change(one, account_id=None)
    assert (statuses(), clocks(), handoffs()) == ({"Birch": "prospect"}, [], [("Birch", "cancelled")])


def test_a_hand_off_that_was_accepted_stays_and_the_other_account_gets_its_own() -> None:
    alder, birch = account("Alder", status="prospect"), account("Birch", status="prospect")
    one = won(alder)
    Handoff.objects.update(state="accepted", answered_at=NOW)
    change(one, account_id=birch.pk)
    assert handoffs() == [("Alder", "accepted"), ("Birch", "waiting")]
    Handoff.objects.filter(state="waiting").update(state="accepted", answered_at=NOW)
    change(one, account_id=alder.pk)
    assert handoffs() == [("Alder", "accepted"), ("Birch", "accepted"), ("Alder", "waiting")]


@pytest.mark.parametrize(
    ("was", "becomes", "status", "states"),
    [
        ("new", "renewal", "prospect", ["cancelled"]),
        ("new", "expansion", "prospect", ["waiting"]),
        ("renewal", "new", "customer", ["waiting"]),
        ("expansion", "new", "customer", ["waiting"]),
    ],
)
def test_a_win_of_another_kind_brings_what_that_kind_brings(
    was: str, becomes: str, status: str, states: list[str]
) -> None:
    one = won(account("Alder", status="prospect"), kind=was)
    change(one, kind=becomes)
    assert (statuses(), [state for _, state in handoffs()]) == ({"Alder": status}, states)


def test_a_win_of_long_ago_makes_customers_but_brings_nobody_back_and_opens_no_hand_off() -> None:
    alder, birch = account("Alder", status="prospect"), account("Birch", status="churned")
    day = TODAY - timedelta(days=400)
    for name, of in (("One", alder), ("Two", birch)):
        one = deal(name, "closed_won", closed_on=day)
        one.visits.update(entered_on=day)
        change(one, account_id=of.pk)
    assert (statuses(), handoffs()) == ({"Alder": "customer", "Birch": "churned"}, [])
    alder.refresh_from_db()
    assert alder.customer_since == day


def test_a_deal_that_is_open_or_lost_changes_nobody() -> None:
    alder, birch = account("Alder", status="prospect"), account("Birch", status="prospect")
    for at in ("demo", "closed_lost"):
        change(deal(at, at, of=alder), account_id=birch.pk)
    assert (statuses(), handoffs()) == ({"Alder": "prospect", "Birch": "prospect"}, [])
