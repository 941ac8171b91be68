"""Reviews are opened by cadence and their figures frozen, for any number of accounts at once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, Activity, Goal, Measure, Signal, Ticket
from core.models import AuditEntry, Tenant
from journeys.models import Task
from qbr.actions import (
    Assembled,
    QBRRefused,
    assemble_qbrs,
    cancel_qbr,
    hold_qbr,
    move_qbr,
    prepare_qbr,
    renew_package,
)
from qbr.contributions import publish_defaults
from qbr.models import QBR, QBRPackage
from qbr.queries import Period, held_this_quarter, latest_package, packages_for, wrong_hashes
from qbr.rules import due_now, package_hash
from renewals.actions import sweep_renewals
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY


@pytest.fixture
def book(in_kestrel: Tenant) -> Tenant:
    """The cadence has been live for a long time."""
    publish_defaults(in_kestrel, ACTOR, NOW - timedelta(days=300))
    return in_kestrel


def due_account(name: str = "Fjordline Shipping", segment: str = "enterprise", **values: Any) -> Account:
    """Due on 10 March 2026, eight days after the clock of the tests."""
    return make.account(
        name, segment=segment, customer_since=date(2025, 3, 10), created_at=NOW - timedelta(days=300), **values
    )


def assemble(tenant: Tenant, today: date = TODAY) -> Assembled:
    return assemble_qbrs(tenant=tenant, actor=ACTOR, today=today, now=NOW + (today - TODAY))


def figures(package: QBRPackage) -> dict[str, dict[str, Any]]:
    return {figure["key"]: figure for figure in package.data["figures"]}


@pytest.mark.capability("Q2")
@pytest.mark.parametrize(
    ("segment", "since", "due"),
    [
        ("enterprise", date(2025, 12, 10), date(2026, 3, 10)),
        ("enterprise", date(2025, 12, 17), None),  # 17 March is 15 days ahead
        ("mid_market", date(2025, 9, 10), date(2026, 3, 10)),
        ("mid_market", date(2025, 12, 10), None),
        ("small", date(2025, 12, 10), None),
        ("", date(2025, 12, 10), None),
    ],
)
def test_the_cadence_of_the_segment_says_what_is_due(book: Tenant, segment: str, since: date, due: date | None) -> None:
    make.account("Alder", segment=segment, customer_since=since, created_at=NOW - timedelta(days=300))
    assemble(book)
    assert list(QBR.objects.values_list("due_on", flat=True)) == ([due] if due else [])


def test_without_a_date_of_becoming_a_customer_the_first_contract_is_the_anchor(book: Tenant) -> None:
    account = make.account("Alder", segment="enterprise")
    make.contract(account, starts_on=date(2025, 12, 12))
    assemble(book)
    assert QBR.objects.get().due_on == date(2026, 3, 12)


def test_a_book_imported_today_is_not_flooded_with_reviews_of_the_past(book: Tenant) -> None:
    make.account("Alder", segment="enterprise", customer_since=date(2025, 11, 20), created_at=NOW)
    assert assemble(book) == Assembled(assembled=0, unchanged=0)


def test_a_cadence_that_goes_live_today_asks_for_no_review_of_the_past(in_kestrel: Tenant) -> None:
    publish_defaults(in_kestrel, ACTOR, NOW)
    make.account("Alder", segment="enterprise", customer_since=date(2025, 11, 20), created_at=NOW - timedelta(days=90))
    assert assemble(in_kestrel) == Assembled()


def test_a_second_run_writes_nothing(book: Tenant) -> None:
    due_account()
    assert assemble(book) == Assembled(assembled=1, unchanged=0)
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    assert assemble(book) == Assembled(assembled=0, unchanged=1)
    assert assemble(book, TODAY + timedelta(days=20)) == Assembled(assembled=0, unchanged=1)
    assert list(AuditEntry.objects.values_list("pk", flat=True)) == before
    assert (QBR.objects.count(), QBRPackage.objects.count(), Task.objects.count()) == (1, 1, 1)


def test_after_an_outage_the_reviews_are_those_of_no_outage(book: Tenant) -> None:
    for n in range(40):
        make.account(
            f"A{n}", segment="enterprise", customer_since=date(2025, 11, 20) + timedelta(days=n),
            created_at=NOW - timedelta(days=300),
        )  # fmt: skip
    assemble(book, TODAY + timedelta(days=10))
    late = set(QBR.objects.values_list("account_id", "due_on"))
    expected = {
        (account.pk, due)
        for account in Account.objects.all()
        for day in range(11)
        if (due := due_now(account.customer_since, 3, TODAY + timedelta(days=day), 14)) is not None
    }
    assert late >= {pair for pair in expected if pair[1] >= TODAY - timedelta(days=20)}
    assert late <= expected


@pytest.mark.capability("Q7")
def test_each_figure_carries_its_source_and_its_day_and_what_is_missing_says_why(book: Tenant) -> None:
    make.publish_renewal_timeline(book)
    account = due_account(owner=make.person())
    make.contract(account, starts_on=date(2025, 3, 10), ends_on=date(2026, 6, 1), arr_minor=39_800_000)
    usage = Measure.objects.create(key="active_users", name="Active users", unit="users", source="usage")
    Signal.objects.bulk_create(
        Signal(tenant=book, account=account, measure=usage, day=TODAY - timedelta(days=n), value=100 if n < 30 else 80)
        for n in range(150)
    )
    Ticket.objects.create(account=account, opened_at=NOW - timedelta(days=9), first_response_minutes=42)
    Activity.objects.create(account=account, kind="call", occurred_at=NOW - timedelta(days=3), subject="Call")
    Goal.objects.create(account=account, title="Faster", unit="hours", baseline=31.2, target=26, actual=24.6,
                        actual_on=date(2026, 2, 20), source="terminal feed")  # fmt: skip
    Goal.objects.create(account=account, title="Paper", unit="documents", baseline=14, target=6)
    sweep_renewals(tenant=book, actor=ACTOR, today=TODAY, now=NOW)
    assemble(book)
    package = QBRPackage.objects.get()
    found = figures(package)
    assert {key: found[key]["value"] for key in ("arr", "arr_change", "renewal_due", "renewal_amount")} == {
        "arr": 39_800_000, "arr_change": 0, "renewal_due": "2026-06-01", "renewal_amount": 39_800_000,
    }  # fmt: skip
    assert (found["usage.active_users"]["value"], found["usage.active_users"]["before"]) == (100, 80)
    assert (found["tickets_opened"]["value"], found["first_response"]["value"], found["contacts"]["value"]) == (
        1,
        42,
        1,
    )
    assert (found["satisfaction"]["value"], found["satisfaction"]["why_not"]) == (None, "No ticket in the period.")
    assert (found["health"]["value"], found["health"]["why_not"], found["health"]["internal"]) == (
        None, "Not scored yet.", True,
    )  # fmt: skip
    for figure in package.data["figures"]:
        assert figure["source"], figure
        assert figure["definition"], figure
        assert (figure["value"] is None) == bool(figure["why_not"]), figure
        assert figure["value"] is None or figure["as_of"], figure
    assert package.data["headline"] == "1 of 2 goals is reached"
    assert [(goal["title"], goal["reached"]) for goal in package.data["goals"]] == [("Faster", True), ("Paper", None)]
    assert set(package.data["missing"]) == {
        key for key, figure in found.items() if figure["value"] is None and not figure["internal"]
    }


@pytest.mark.capability("A8")
def test_an_account_with_no_data_gets_a_package_in_which_every_figure_says_so(book: Tenant) -> None:
    due_account()
    assemble(book)
    package = QBRPackage.objects.get()
    assert sorted(package.data["missing"]) == sorted(
        key for key, figure in figures(package).items() if not figure["internal"]
    )
    assert {figure["value"] for figure in figures(package).values()} == {None}
    assert package.data["headline"] == "No goals are agreed yet: that is what this review is for"


def test_a_package_cannot_be_changed_and_its_hash_is_that_of_its_content(book: Tenant) -> None:
    due_account()
    assemble(book)
    package = QBRPackage.objects.get()
    assert package.sha256 == package_hash(package.data)
    assert wrong_hashes(book, NOW) == 0
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        QBRPackage.objects.filter(pk=package.pk).update(sha256="0" * 64)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("UPDATE qbr_qbrpackage SET data = jsonb_set(data, '{headline}', '\"Better\"')")
        cursor.execute("SET ROLE rv_app")
    assert wrong_hashes(book, NOW) == 1


def test_the_csm_is_told_by_a_task(book: Tenant) -> None:
    owner = make.person()
    due_account(owner=owner)
    assemble(book)
    task = Task.objects.get()
    assert (task.kind, task.assignee, task.due_on, task.subject_id) == (
        "qbr",
        owner,
        date(2026, 3, 3),
        QBR.objects.get().pk,
    )


def test_twenty_packages_take_as_many_statements_as_one(book: Tenant) -> None:
    from django.test.utils import CaptureQueriesContext

    def statements(count: int, first: int) -> int:
        for n in range(first, first + count):
            account = due_account(f"A{n}")
            make.contract(account, starts_on=date(2025, 3, 10))
        with CaptureQueriesContext(connection) as captured:
            assert assemble(book).assembled == count
        return len(captured)

    assert statements(1, 0) == statements(20, 1)


@pytest.mark.capability("Q7")
@pytest.mark.slow
def test_200_packages_are_assembled_within_seconds(book: Tenant) -> None:
    import time

    for n in range(200):
        make.contract(due_account(f"A{n}"), starts_on=date(2025, 3, 10))
    started = time.perf_counter()
    assert assemble(book).assembled == 200
    assert time.perf_counter() - started < 60


def test_a_review_can_be_prepared_on_request_and_asking_twice_makes_one(book: Tenant) -> None:
    account = make.account("No segment")
    ask = {"tenant": book, "account_id": account.pk, "actor": ACTOR, "today": TODAY, "now": NOW}
    first = prepare_qbr(**ask)
    assert prepare_qbr(**ask) == first
    assert (first.due_on, first.period_start, QBRPackage.objects.count()) == (date(2026, 3, 16), date(2025, 12, 16), 1)


def test_without_a_cadence_nothing_is_prepared(in_kestrel: Tenant) -> None:
    account = make.account("Alder", segment="enterprise")
    assert assemble(in_kestrel) == Assembled()
    with pytest.raises(QBRRefused, match="Publish them first"):
        prepare_qbr(tenant=in_kestrel, account_id=account.pk, actor=ACTOR, today=TODAY, now=NOW)


def test_new_figures_make_a_further_package_and_the_same_figures_none(book: Tenant) -> None:
    account = due_account()
    assemble(book)
    qbr = QBR.objects.get()
    ask = {"tenant": book, "qbr_id": qbr.pk, "actor": ACTOR, "today": TODAY, "now": NOW}
    assert renew_package(**ask).number == 1
    make.contract(account, starts_on=date(2025, 3, 10))
    assert renew_package(**ask).number == 2
    latest = latest_package(qbr.pk)
    assert latest is not None
    assert latest.number == 2
    move_qbr(qbr_id=qbr.pk, actor=ACTOR, now=NOW)
    move_qbr(qbr_id=qbr.pk, actor=ACTOR, now=NOW)
    with pytest.raises(QBRRefused, match="stay as they are"):
        renew_package(**ask)


@pytest.mark.capability("K10")
def test_held_needs_people_and_an_outcome_and_cancelled_by_the_customer_is_its_own_bucket(book: Tenant) -> None:
    for n in range(3):
        due_account(f"A{n}")
    assemble(book)
    first, second, _ = QBR.objects.order_by("pk")
    held = {"qbr_id": first.pk, "held_on": TODAY, "attendees": "COO, Maya", "outcome": "Rollout agreed", "actor": ACTOR,
            "today": TODAY, "now": NOW}  # fmt: skip
    for missing, words in (("attendees", "Name who was there"), ("outcome", "what was agreed")):
        with pytest.raises(QBRRefused, match=words):
            hold_qbr(**{**held, missing: " "})
    with pytest.raises(QBRRefused, match="lies ahead"):
        hold_qbr(**{**held, "held_on": TODAY + timedelta(days=1)})
    hold_qbr(**held)
    cancel_qbr(qbr_id=second.pk, reason="Merger", actor=ACTOR, now=NOW)
    summary = held_this_quarter(None, TODAY)
    assert (summary.required, summary.held, summary.cancelled) == (3, 1, 1)
    assert summary.rate == pytest.approx(1 / 3)
    assert held_this_quarter(None, date(2026, 4, 1)).required == 0
    assert held_this_quarter(None, date(2025, 12, 31)).rate is None
    assert sorted(Task.objects.values_list("state", flat=True)) == ["obsolete", "obsolete", "open"]


def test_one_review_per_account_and_due_date(book: Tenant) -> None:
    due_account()
    assemble(book)
    qbr = QBR.objects.get()
    qbr.pk = None
    with pytest.raises(IntegrityError, match="qbr_once_per_due_date"), transaction.atomic():
        qbr.save()


def test_figures_look_back_as_many_days_as_the_period_has_in_the_zone_of_the_workspace(book: Tenant) -> None:
    account = due_account()
    midnight = datetime(2026, 3, 3, tzinfo=book.zone)  # the end of the day that the figures are as of
    first = datetime.combine(TODAY + timedelta(days=1) - timedelta(days=90), datetime.min.time(), tzinfo=book.zone)
    for moment in (first - timedelta(seconds=1), first, midnight - timedelta(seconds=1), midnight):
        Ticket.objects.create(account=account, opened_at=moment, external_id=str(moment))
        Activity.objects.create(account=account, kind="call", occurred_at=moment, subject="Call")
    assemble(book)
    package = QBRPackage.objects.get()
    found = figures(package)
    assert package.data["period"] == {"from": "2025-12-10", "to": "2026-03-10"}
    assert package.data["observed"] == {"from": "2025-12-03", "to": "2026-03-02"}
    assert [found[key]["value"] for key in ("tickets_opened", "tickets_open", "contacts", "last_contact")] == [
        2, 3, 2, "2026-03-02",
    ]  # fmt: skip


def test_contacts_reach_no_further_than_the_day_that_the_figures_are_as_of(book: Tenant) -> None:
    account = due_account()
    Ticket.objects.create(account=account, opened_at=NOW - timedelta(days=60))  # the day on which the feeds ended
    Activity.objects.create(account=account, kind="call", occurred_at=NOW - timedelta(days=61), subject="Call")
    Activity.objects.create(account=account, kind="call", occurred_at=NOW, subject="Call")
    figures_then = packages_for(book, {account.pk: Period(date(2025, 12, 10), date(2026, 3, 10))}, TODAY)
    found = {one["key"]: one for one in figures_then[account.pk]["figures"]}
    assert (found["contacts"]["value"], found["last_contact"]["value"]) == (1, "2025-12-31")


def test_open_reviews_and_their_tasks_go_to_the_new_owner_once(book: Tenant) -> None:
    old, new = make.person("Maya"), make.person("Noor")
    due_account("Alder", owner=old)
    held = due_account("Birch", owner=old)
    assemble(book)
    QBR.objects.filter(account=held).update(state="held")
    Task.objects.filter(account__name="Alder").update(assignee=make.person("Deputy"), covered_for=old)
    Account.objects.update(owner=new)
    assemble(book)
    assert dict(QBR.objects.values_list("account__name", "owner__name")) == {"Alder": "Noor", "Birch": "Maya"}
    task = Task.objects.get(account__name="Alder")
    assert (task.assignee, task.covered_for) == (new, None), "covered for the old owner, it is the new one's"
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    assemble(book)
    assert list(AuditEntry.objects.values_list("pk", flat=True)) == before


def test_the_clock_is_utc_in_storage(book: Tenant) -> None:
    due_account()
    assemble(book)
    assert QBRPackage.objects.get().frozen_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
