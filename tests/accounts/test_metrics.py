"""The revenue metrics against the vectors of the mission, and the identity that holds for any book."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions.ledger import refresh_revenue
from accounts.queries.revenue import MetricReport, metric_report, metric_rows
from accounts.rules.revenue import CONTRACTS, Unit, contract, evaluate
from core.management.base import CommandRefused
from core.models import Tenant
from tests.accounts.test_revenue_ledger import book

T0, T1 = date(2025, 9, 30), date(2025, 12, 31)
LATER = date(2026, 3, 2)
MID = date(2025, 11, 1)


def report_of(now: datetime, start: date = T0, end: date = T1) -> MetricReport:
    refresh_revenue(today=LATER, now=now)
    return metric_report(start, end)


def percent(report: MetricReport, key: str) -> str:
    value = report[key].value
    return "n/a" if value is None else f"{value * 100:.2f}"


@pytest.fixture
def v1(in_kestrel: Tenant) -> Tenant:
    old = date(2024, 1, 1)
    book("A", (old, None, 100_00), (MID, None, 20_00))
    book("B", (old, MID, 100_00), (MID, None, 80_00))
    book("C", (old, MID, 50_00))
    book("D", (old, None, 50_00))
    book("E", (MID, None, 70_00))
    book("F", (old, date(2025, 1, 1), 30_00), (MID, None, 30_00))
    return in_kestrel


@pytest.mark.capability("C10")
def test_v1_gives_the_retention_of_the_mission(v1: Tenant, now: datetime) -> None:
    report = report_of(now)
    assert percent(report, "grr_cohort") == "76.67"
    assert percent(report, "nrr_cohort") == "83.33"
    assert percent(report, "gross_arr_churn") == "23.33"
    assert percent(report, "net_arr_churn_including_reactivation") == "6.67"


@pytest.mark.capability("K1")
def test_v1_gives_churn_cohort_locked_and_snapshot_each_under_its_own_name(v1: Tenant, now: datetime) -> None:
    report = report_of(now)
    assert percent(report, "logo_churn") == "25.00"
    assert percent(report, "snapshot_account_churn") == "-25.00"
    assert percent(report, "snapshot_revenue_churn") == "-16.67"
    assert report["logo_churn"].contract.variant.startswith("cohort locked")
    assert report["snapshot_account_churn"].contract.variant.startswith("snapshot")


def test_v1_compared_at_both_ends_and_in_the_ledger(v1: Tenant, now: datetime) -> None:
    report = report_of(now)
    cohort = report.cohort
    assert (cohort.start_minor, cohort.churn_minor, cohort.contraction_minor) == (300_00, 50_00, 20_00)
    assert (cohort.expansion_minor, cohort.new_minor, cohort.returned_minor) == (20_00, 100_00, 30_00)
    assert cohort.end_minor == 350_00
    assert report.movements == {
        "new": 70_00,
        "expansion": 20_00,
        "contraction": -20_00,
        "churn": -50_00,
        "reactivation": 30_00,
        "price": 0,
        "fx": 0,
    }


def test_v2_a_dip_that_recovers_is_a_loss_in_movements_and_none_in_the_cohort(
    in_kestrel: Tenant, now: datetime
) -> None:
    book("A", (date(2024, 1, 1), None, 100_00), (date(2025, 10, 10), date(2025, 11, 10), 20_00))
    report = report_of(now)
    assert percent(report, "grr_cohort") == "100.00"
    assert percent(report, "grr_movement") == "80.00"


def test_v3_net_retention_counts_losses_and_growth(in_kestrel: Tenant, now: datetime) -> None:
    old = date(2024, 1, 1)
    book("Lost", (old, MID, 25_000_00))
    book("Smaller", (old, MID, 125_000_00), (MID, None, 100_000_00))
    book("Larger", (old, None, 850_000_00), (MID, None, 150_000_00))
    assert percent(report_of(now), "nrr_cohort") == "110.00"


@pytest.mark.capability("N3")
def test_v10_the_snapshot_of_accounts_is_ten_per_cent() -> None:
    churn = evaluate(contract("snapshot_account_churn"), numerator=1000 - 900, denominator=1000)
    assert churn.value == Decimal("0.1")


@pytest.mark.capability("N5")
def test_v10_the_snapshot_of_revenue_is_minus_eleven_per_cent_at_no_decimals(in_kestrel: Tenant, now: datetime) -> None:
    book("A", (date(2024, 1, 1), None, 275_000_00), (MID, None, 30_000_00))
    report = report_of(now)
    assert percent(report, "snapshot_revenue_churn") == "-10.91"
    assert f"{(report['snapshot_revenue_churn'].value or 0) * 100:.0f}" == "-11"


@pytest.mark.capability("N4")
def test_lost_over_gained_is_named_as_inconsistent_and_is_no_metric() -> None:
    assert "contradicts" in contract("snapshot_account_churn").definition
    assert not any("gained" in one.denominator for one in CONTRACTS)


def test_trials_count_in_the_base_only_where_the_name_says_so(in_kestrel: Tenant, now: datetime) -> None:
    old = date(2024, 1, 1)
    book("Pays", (old, None, 100_00))
    trial = book("Tries", (old, MID, 0), kind="trial")
    trial.contract_lines.create(contract=trial.contracts.get(), starts_on=MID, arr_minor=50_00, tenant=in_kestrel)
    report = report_of(now)
    assert percent(report, "nrr_cohort") == "100.00"
    assert percent(report, "nrr_cohort_including_zero_base") == "150.00"


def test_an_empty_base_is_not_available_and_says_why(in_kestrel: Tenant, now: datetime) -> None:
    book("New", (MID, None, 100_00))
    rate = report_of(now)["grr_cohort"]
    assert (rate.value, rate.reason) == (None, "No account had ARR at the start of the period.")


def test_an_end_is_the_first_day_without_service(in_kestrel: Tenant, now: datetime) -> None:
    book("A", (date(2024, 1, 1), T1, 100_00))
    report = report_of(now)
    assert report["arr_end"].numerator == 0
    assert report.movements["churn"] == -100_00


def test_the_rows_behind_each_figure_add_up_to_it(v1: Tenant, now: datetime) -> None:
    report = report_of(now)
    for metric in report.metrics:
        rows = metric_rows(metric.contract.key, T0, T1)
        assert sum(row.numerator for row in rows) == metric.numerator
        assert sum(row.denominator for row in rows) == (metric.denominator or 0)
    assert [row.account_name for row in metric_rows("logo_churn", T0, T1) if row.numerator] == ["C"]


def test_the_command_prints_the_contract_of_the_public_surface(v1: Tenant, now: datetime) -> None:
    refresh_revenue(today=LATER, now=now)
    out = StringIO()
    call_command("metrics", "--tenant", "kestrel", "--from", "2025-09-30", "--to", "2025-12-31", "--json", stdout=out)
    printed = json.loads(out.getvalue())
    assert printed["period"] == {"from": "2025-09-30", "to": "2025-12-31"}
    grr = printed["metrics"]["grr_cohort"]
    assert (round(grr["value"], 6), grr["numerator_minor"], grr["denominator_minor"], grr["version"]) == (
        0.766667,
        230_00,
        300_00,
        1,
    )
    assert printed["metrics"]["arr_end"]["value"] == 350_00
    assert printed["movements"]["reactivation"] == 30_00


def test_a_period_that_ends_before_it_starts_is_wrong_usage(kestrel: Tenant) -> None:
    with pytest.raises(CommandRefused, match="earlier date") as refusal:
        call_command("metrics", "--tenant", "kestrel", "--from", "2025-12-31", "--to", "2025-09-30")
    assert refusal.value.returncode == 2


BOOKS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 60), st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 5)),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=30)
@given(books=BOOKS, first=st.integers(0, 60), days=st.integers(0, 60))
def test_for_any_book_the_ends_the_movements_and_the_limits_hold(
    in_kestrel: Tenant,
    now: datetime,
    books: list[list[tuple[int, int | None, int]]],
    first: int,
    days: int,
) -> None:
    origin = date(2025, 1, 1)
    with transaction.atomic():
        for n, raw in enumerate(books):
            lines = [
                (origin + timedelta(a), None if d is None else origin + timedelta(a + d), arr) for a, d, arr in raw
            ]
            book(f"Account {n}", *lines)
        start = origin + timedelta(first)
        report = report_of(now, start, start + timedelta(days))
        arr_start, arr_end = report["arr_start"].numerator, report["arr_end"].numerator
        assert arr_start + sum(report.movements.values()) == arr_end
        c = report.cohort
        assert c.start_minor - c.churn_minor - c.contraction_minor + c.expansion_minor + c.new_minor == c.end_minor
        grr, nrr = report["grr_cohort"].value, report["nrr_cohort"].value
        assert (grr is None) == (arr_start == 0)
        if grr is not None and nrr is not None:
            assert grr <= 1
            assert grr <= nrr
            movement = report["grr_movement"].value
            assert movement is not None
            assert movement <= grr
        transaction.set_rollback(True)


def test_every_metric_says_what_it_is() -> None:
    assert len({one.key for one in CONTRACTS}) == len(CONTRACTS)
    assert all(one.definition and one.numerator and one.variant and one.unit in Unit for one in CONTRACTS)


def test_the_handbook_says_what_the_contracts_say() -> None:
    handbook = (Path(__file__).resolve().parents[2] / "docs/metrics.md").read_text()
    assert [one.key for one in CONTRACTS if f"`{one.key}` v{one.version}" not in handbook] == []
    assert [one.key for one in CONTRACTS if one.definition not in handbook or one.variant not in handbook] == []
