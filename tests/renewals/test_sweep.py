"""The sweep over a workspace: exactly one renewal per active contract, exactly one task per offset."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.choices import AccountStatus
from accounts.models import Account, Contract, ContractLine, Outcome, Product
from core.changes import take_changes
from core.models import AuditEntry, Tenant
from core.versioning import draft, publish
from journeys.actions.task_verbs import finish_task
from journeys.models import Task
from renewals.actions import RenewalSweep, decide_renewal, sweep_renewals
from renewals.actions.sweep_sql import _ON
from renewals.contributions import DEFAULT_TIMELINE
from renewals.models import Renewal, RenewalStep
from renewals.queries import (
    active_contracts_without_renewal,
    open_tasks_of_closed_renewals,
    steps_with_a_wrong_task,
)
from renewals.rules import Weekend, next_anniversary, parse_timeline, plan, step_date
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

NOTHING = RenewalSweep()


@pytest.fixture
def book(in_kestrel: Tenant) -> Tenant:
    make.publish_renewal_timeline(in_kestrel)
    return in_kestrel


def sweep(tenant: Tenant, today: date = TODAY) -> RenewalSweep:
    now = datetime.combine(today, NOW.time(), tzinfo=UTC)
    return sweep_renewals(tenant=tenant, actor=ACTOR, today=today, now=now)


def steps_of(renewal: Renewal) -> dict[int, tuple[date, str]]:
    return {
        step.offset_days: (step.task.due_on, step.task.state)
        for step in RenewalStep.objects.filter(renewal=renewal).select_related("task")
    }


def assert_sound(tenant: Tenant, today: date) -> None:
    now = datetime.combine(today, NOW.time(), tzinfo=UTC)
    broken = [
        check(tenant, now)
        for check in (active_contracts_without_renewal, steps_with_a_wrong_task, open_tasks_of_closed_renewals)
    ]
    assert broken == [0, 0, 0]


@pytest.mark.capability("W5")
def test_an_active_contract_has_exactly_one_open_renewal(book: Tenant) -> None:
    owner = make.person()
    active = make.contract(make.account(owner=owner), ends_on=make.ends_in(300), arr_minor=900_000)
    endless = make.contract(make.account("Birch"), starts_on=date(2024, 5, 20))
    make.contract(make.account("Cedar", status=AccountStatus.CHURNED), ends_on=make.ends_in(300))
    make.contract(make.account("Dogwood"), ends_on=make.ends_in(0))
    make.contract(make.account("Elm"), starts_on=make.ends_in(1), ends_on=make.ends_in(300))
    make.contract(make.account("Fir"), ends_on=make.ends_in(300), arr_minor=0)
    assert sweep(book).renewals_opened == 2
    found = Renewal.objects.order_by("due_on").values_list("contract_id", "due_on", "basis", "amount_minor", "owner_id")
    assert list(found) == [
        (endless.pk, date(2026, 5, 20), "anniversary", 1_200_000, None),
        (active.pk, make.ends_in(300), "end_date", 900_000, owner.pk),
    ]
    assert_sound(book, TODAY)


@pytest.mark.capability("W5")
def test_the_database_itself_refuses_a_second_open_renewal_of_a_contract(book: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(300))
    sweep(book)
    twin = Renewal.objects.get()
    twin.pk, twin.due_on = None, make.ends_in(400)
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="renewal_one_open_per_contract"), transaction.atomic():
        twin.save()


@pytest.mark.capability("W1")
def test_for_1000_contracts_there_is_exactly_one_task_per_offset_however_often_the_sweep_runs(book: Tenant) -> None:
    accounts = Account.objects.bulk_create(
        [Account(tenant=book, name=f"A{n}", name_key=f"a{n}", created_at=NOW) for n in range(1000)]
    )
    contracts = Contract.objects.bulk_create(
        [
            Contract(tenant=book, account=account, starts_on=date(2025, 6, 1), ends_on=make.ends_in(200 + n % 300),
                     currency="EUR", created_at=NOW)
            for n, account in enumerate(accounts)
        ]
    )  # fmt: skip
    ContractLine.objects.bulk_create(
        [
            ContractLine(tenant=book, contract=contract, account_id=contract.account_id, starts_on=date(2025, 6, 1),
                         ends_on=contract.ends_on, arr_minor=100)
            for contract in contracts
        ]
    )  # fmt: skip
    first = sweep(book)
    assert (first.renewals_opened, first.tasks_created) == (1000, 4000)
    assert [sweep(book) for _ in range(10)] == [NOTHING] * 10
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.offset_days, count(*), count(DISTINCT s.renewal_id) FROM renewals_renewalstep s "
            "JOIN journeys_task t ON t.tenant_id = s.tenant_id AND t.id = s.task_id GROUP BY 1 ORDER BY 1 DESC"
        )
        assert cursor.fetchall() == [(180, 1000, 1000), (90, 1000, 1000), (60, 1000, 1000), (30, 1000, 1000)]
    assert Task.objects.count() == 4000


def test_a_second_run_writes_no_row_at_all(book: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(45))
    sweep(book)
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    assert sweep(book) == NOTHING
    assert list(AuditEntry.objects.values_list("pk", flat=True)) == before


@pytest.mark.capability("W1")
def test_a_contract_learnt_of_45_days_out_gets_only_what_can_still_be_done(book: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(45), learnt_on=TODAY)
    assert sweep(book).tasks_created == 2
    assert steps_of(Renewal.objects.get()) == {
        0: (TODAY, "open"),
        30: (date(2026, 3, 17), "open"),
    }
    catch_up = Task.objects.get(origin_key__endswith=":0")
    assert catch_up.detail == "Stands for the steps 180, 90, 60 days before the due date."
    assert str(catch_up.process_version) == "Renewal timeline v1"


@pytest.mark.capability("W1")
def test_when_the_end_date_moves_open_tasks_move_and_done_ones_stay(book: Tenant) -> None:
    contract = make.contract(make.account(), ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(book)
    renewal = Renewal.objects.get()
    before = steps_of(renewal)
    done = Task.objects.get(origin_key=f"renewal:{renewal.pk}:180")
    finish_task(task_id=done.pk, actor=ACTOR, now=NOW)
    Contract.objects.filter(pk=contract.pk).update(ends_on=make.ends_in(230))
    ContractLine.objects.filter(contract=contract).update(ends_on=make.ends_in(230))
    moved = sweep(book)
    assert (moved.renewals_opened, moved.tasks_created, moved.tasks_moved, moved.tasks_closed) == (0, 0, 3, 0)
    renewal.refresh_from_db()
    assert renewal.due_on == make.ends_in(230)
    after = steps_of(renewal)
    assert after[180] == (before[180][0], "done")
    assert {offset: after[offset] for offset in (90, 60, 30)} == {
        offset: (step_date(make.ends_in(230), offset, Weekend.NEXT), "open") for offset in (90, 60, 30)
    }
    assert sweep(book) == NOTHING


def test_a_missed_step_comes_back_when_the_end_date_moves_so_far_that_it_lies_ahead_again(book: Tenant) -> None:
    contract = make.contract(make.account(), ends_on=make.ends_in(45), learnt_on=TODAY)
    sweep(book)
    Contract.objects.filter(pk=contract.pk).update(ends_on=make.ends_in(75))
    assert sweep(book).tasks_created == 1
    assert sorted(steps_of(Renewal.objects.get())) == [0, 30, 60]


def test_after_three_days_of_outage_the_result_equals_no_outage(kestrel: Tenant, heron: Tenant) -> None:
    from core.tenancy import tenant_context

    def run(tenant: Tenant, days: list[int]) -> list[tuple[object, ...]]:
        tenant.timezone = "UTC"
        with tenant_context(tenant.pk):
            make.publish_renewal_timeline(tenant)
            for n, ahead in enumerate((31, 32, 60, 61, 62, 91, 183, 400)):
                make.contract(make.account(f"A{n}"), ends_on=make.ends_in(ahead), learnt_on=TODAY)
            make.contract(make.account("Late"), ends_on=make.ends_in(62), learnt_on=make.ends_in(1))
            make.contract(make.account("Endless"), starts_on=date(2024, 3, 4), learnt_on=date(2024, 3, 4))
            for day in days:
                sweep(tenant, make.ends_in(day))
            assert_sound(tenant, make.ends_in(days[-1]))
            return list(
                RenewalStep.objects.order_by("renewal__account__name", "renewal__due_on", "offset_days").values_list(
                    "renewal__account__name", "renewal__due_on", "renewal__state", "offset_days", "task__due_on",
                    "task__state",
                )
            )  # fmt: skip

    assert run(heron, [0, 4]) == run(kestrel, [0, 1, 2, 3, 4])


def test_an_endless_contract_rolls_over_on_its_anniversary_and_the_next_renewal_opens(book: Tenant) -> None:
    make.contract(make.account(), starts_on=date(2024, 3, 20))
    sweep(book)
    rolled = sweep(book, date(2026, 3, 20))
    assert (rolled.renewals_decided, rolled.renewals_opened) == (1, 1)
    first, second = Renewal.objects.order_by("due_on")
    assert (first.due_on, first.state, first.is_automatic) == (date(2026, 3, 20), "won", True)
    assert first.decided_at == datetime(2026, 3, 19, 23, 0, tzinfo=UTC)  # midnight in Berlin
    assert (second.due_on, second.state) == (date(2027, 3, 20), "open")
    assert {state for _, state in steps_of(first).values()} == {"obsolete"}
    assert_sound(book, date(2026, 3, 20))


def test_a_renewal_past_its_due_date_stays_open_until_somebody_decides(book: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(10))
    sweep(book)
    assert sweep(book, make.ends_in(40)) == NOTHING
    assert Renewal.objects.get().state == "open"


@pytest.mark.parametrize(("product", "state"), [("Atlas", "won"), ("Borealis", "open")])
def test_a_following_contract_for_the_same_product_decides_the_renewal(book: Tenant, product: str, state: str) -> None:
    products = {name: Product.objects.create(name=name, name_key=name.lower()) for name in ("Atlas", "Borealis")}
    account = make.account()
    ending = make.contract(account, ends_on=make.ends_in(10))
    ContractLine.objects.filter(contract=ending).update(product=products["Atlas"])
    sweep(book)
    following = make.contract(account, starts_on=make.ends_in(12), ends_on=make.ends_in(377), arr_minor=1_500_000)
    ContractLine.objects.filter(contract=following).update(product=products[product])
    sweep(book, make.ends_in(14))
    decided = Renewal.objects.get(contract=ending)
    assert (decided.state, decided.final_minor) == (state, 1_500_000 if state == "won" else None)
    assert_sound(book, make.ends_in(14))


def test_the_renewals_of_a_churned_account_are_lost_and_its_tasks_closed(book: Tenant) -> None:
    account = make.account()
    make.contract(account, ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(book)
    Account.objects.filter(pk=account.pk).update(status=AccountStatus.CHURNED)
    over = sweep(book)
    assert (over.renewals_decided, over.tasks_closed) == (1, 4)
    assert Renewal.objects.values_list("state", "reason").get() == ("lost", "The account has churned.")


def test_what_the_clock_decides_leaves_one_outcome_that_scores_are_tested_against(book: Tenant) -> None:
    ran_on = make.contract(make.account("Alder"), starts_on=date(2024, 3, 10))
    gone = make.account("Birch")
    make.contract(gone, ends_on=make.ends_in(40))
    dropped = make.contract(make.account("Cedar"), ends_on=make.ends_in(40))
    smaller = make.contract(make.account("Dogwood"), ends_on=make.ends_in(5))
    make.contract(smaller.account, starts_on=make.ends_in(5), ends_on=make.ends_in(400), arr_minor=500)
    sweep(book)
    Account.objects.filter(pk=gone.pk).update(status=AccountStatus.CHURNED)
    ContractLine.objects.filter(contract=dropped).delete()
    take_changes("health", limit=100)
    later = TODAY + timedelta(days=10)
    sweep(book, later)
    outcomes = {one.account.name: (one.kind, one.day, one.amount_minor) for one in Outcome.objects.all()}
    assert outcomes == {
        "Alder": ("renewed", date(2026, 3, 10), 1_200_000),
        "Birch": ("churned", later, 0),
        "Dogwood": ("contracted", make.ends_in(5), 500),
    }
    assert ran_on.account_id in take_changes("health", limit=100)
    assert sweep(book, later) == NOTHING
    assert (Outcome.objects.count(), take_changes("health", limit=100)) == (3, [])


def test_a_contract_that_loses_its_revenue_drops_its_renewal_and_gets_a_new_one_when_it_has_revenue_again(
    book: Tenant,
) -> None:
    contract = make.contract(make.account(), ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(book)
    ContractLine.objects.filter(contract=contract).update(arr_minor=0)
    sweep(book)
    assert Renewal.objects.get().state == "dropped"
    ContractLine.objects.filter(contract=contract).update(arr_minor=500)
    assert sweep(book).tasks_created == 4
    assert sorted(Renewal.objects.values_list("state", flat=True)) == ["dropped", "open"]
    assert_sound(book, TODAY)


def test_a_renewal_follows_the_owner_of_its_account_and_so_do_the_tasks_that_were_not_given_away(book: Tenant) -> None:
    old, new, helper = make.person("Old Owner"), make.person("New Owner"), make.person("Helping Hand")
    account = make.account(owner=old)
    make.contract(account, ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(book)
    Task.objects.filter(origin_key__endswith=":30").update(assignee=helper)
    Task.objects.filter(origin_key__endswith=":60").update(assignee=helper, covered_for=old)
    Account.objects.filter(pk=account.pk).update(owner=new)
    assert sweep(book).renewals_updated == 4
    assert Renewal.objects.get().owner == new
    assert sorted(Task.objects.values_list("assignee__name", flat=True)) == ["Helping Hand", *["New Owner"] * 3]
    assert not Task.objects.exclude(covered_for=None).exists()


def test_a_renewal_decided_early_is_not_opened_again_but_the_next_one_is_when_the_contract_is_extended(
    book: Tenant,
) -> None:
    contract = make.contract(make.account(), ends_on=make.ends_in(45))
    sweep(book)
    decide_renewal(
        renewal_id=Renewal.objects.get().pk, won=True, final_minor=100, reason="", actor=ACTOR, today=TODAY, now=NOW
    )
    assert sweep(book) == NOTHING
    assert_sound(book, TODAY)
    Contract.objects.filter(pk=contract.pk).update(ends_on=make.ends_in(410))
    ContractLine.objects.filter(contract=contract).update(ends_on=make.ends_in(410))
    assert sweep(book).renewals_opened == 1


def test_without_a_timeline_renewals_are_kept_and_no_tasks_are_made(in_kestrel: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(45))
    assert sweep(in_kestrel) == RenewalSweep(renewals_opened=1)


def test_a_timeline_that_goes_live_later_plans_the_renewals_that_are_open(in_kestrel: Tenant) -> None:
    make.contract(make.account(), ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(in_kestrel)
    make.publish_renewal_timeline(in_kestrel)
    assert sweep(in_kestrel).tasks_created == 4
    assert sweep(in_kestrel) == NOTHING


def test_a_new_version_adds_its_new_offset_where_it_still_lies_ahead_and_leaves_planned_steps_alone(
    book: Tenant,
) -> None:
    make.contract(make.account("Near"), ends_on=make.ends_in(100), learnt_on=TODAY)
    make.contract(make.account("Far"), ends_on=make.ends_in(200), learnt_on=TODAY)
    sweep(book)
    definition = {**DEFAULT_TIMELINE, "steps": [*DEFAULT_TIMELINE["steps"], {"offset_days": 120, "title": "Look"}]}
    version = draft(kind="renewal_timeline", key="standard", name="Renewal timeline", definition=definition,
                    actor=ACTOR, now=NOW)  # fmt: skip
    publish(version=version, actor=ACTOR, now=NOW, reason="Test.")
    assert sweep(book).tasks_created == 1
    assert Task.objects.get(origin_key__endswith=":120").account.name == "Far"
    assert sweep(book) == NOTHING


def test_the_sweep_is_a_fixed_number_of_statements(book: Tenant, django_assert_max_num_queries: object) -> None:
    for n in range(20):
        make.contract(make.account(f"A{n}"), ends_on=make.ends_in(45))
    with django_assert_max_num_queries(25):  # type: ignore[operator]  # -- a fixture without a type
        sweep(book)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(
    st.dates(min_value=date(2024, 1, 1), max_value=date(2028, 12, 31)),
    st.integers(min_value=1, max_value=400),
    st.sampled_from(list(Weekend)),
)
def test_the_statement_places_a_step_where_the_rule_does(due: date, offset: int, weekend: Weekend) -> None:
    expression = _ON.format(day="(%(due)s::date - %(offset)s)", due="%(due)s::date", weekend="%(weekend)s")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}", {"due": due, "offset": offset, "weekend": weekend.value})
        assert cursor.fetchone() == (step_date(due, offset, weekend),)


def test_the_sweep_plans_what_the_rule_plans(book: Tenant) -> None:
    timeline = parse_timeline(DEFAULT_TIMELINE)
    for ahead in range(1, 200, 7):
        make.contract(make.account(f"A{ahead}"), ends_on=make.ends_in(ahead), learnt_on=TODAY)
    for back in range(0, 360, 23):
        make.contract(make.account(f"B{back}"), starts_on=TODAY - timedelta(days=800 + back), learnt_on=TODAY)
    sweep(book)
    for renewal in Renewal.objects.select_related("contract"):
        expected = {step.offset_days: (step.on, "open") for step in plan(renewal.due_on, TODAY, timeline)}
        assert steps_of(renewal) == expected
        if renewal.contract.ends_on is None:
            assert renewal.due_on == next_anniversary(renewal.contract.starts_on, TODAY)
