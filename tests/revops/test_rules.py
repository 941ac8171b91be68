"""Rank rules v1: every part has its reason, and the parts add up."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revops.dashboards.rules import Item, group, rank

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
AVERAGE = 20_000_000


def points(item: Item) -> dict[str, int]:
    return {part.label: part.points for part in rank(item, now=NOW, today=TODAY, average_arr_minor=AVERAGE).parts}


def test_the_example_of_the_reference_design_adds_up_to_its_score() -> None:
    item = Item(
        due_on=TODAY,
        respond_by=NOW + timedelta(minutes=102),
        is_escalation=True,
        arr_minor=41_200_000,
        band="red",
        fall=19.5,
        renewal_on=TODAY + timedelta(days=66),
    )
    ranked = rank(item, now=NOW, today=TODAY, average_arr_minor=AVERAGE)
    assert [(part.label, part.points) for part in ranked.parts] == [
        ("Reply clock", 40),
        ("Value", 22),
        ("Health", 20),
        ("Renewal", 14),
    ]
    assert ranked.score == 96


@given(
    due=st.integers(-400, 400),
    reply=st.none() | st.integers(-100_000, 100_000),
    arr=st.none() | st.integers(0, 10**12),
    band=st.sampled_from(["red", "yellow", "green", "none", ""]),
    fall=st.floats(-100, 100),
    renewal=st.none() | st.integers(-400, 800),
    priority=st.integers(0, 200),
    average=st.integers(0, 10**11),
)
def test_the_parts_always_add_up_and_stay_within_their_limits(
    due: int,
    reply: int | None,
    arr: int | None,
    band: str,
    fall: float,
    renewal: int | None,
    priority: int,
    average: int,
) -> None:
    item = Item(
        due_on=TODAY + timedelta(days=due),
        respond_by=None if reply is None else NOW + timedelta(minutes=reply),
        arr_minor=arr,
        band=band,
        fall=fall,
        renewal_on=None if renewal is None else TODAY + timedelta(days=renewal),
        priority=priority,
    )
    ranked = rank(item, now=NOW, today=TODAY, average_arr_minor=average)
    assert ranked.score == sum(part.points for part in ranked.parts)
    assert 0 <= ranked.score <= 40 + 22 + 20 + 18 + 20
    assert all(part.points and part.why for part in ranked.parts)


@pytest.mark.parametrize(
    ("days", "expected"), [(-20, 35), (-3, 28), (-1, 26), (0, 20), (1, 12), (2, 12), (3, 6), (7, 6)]
)
def test_the_later_a_task_is_the_higher_it_stands(days: int, expected: int) -> None:
    found = points(Item(due_on=TODAY + timedelta(days=days)))
    assert next(iter(found.values())) == expected


@pytest.mark.parametrize(
    ("left", "expected"), [(-5, 18), (0, 18), (30, 18), (31, 16), (60, 16), (90, 14), (180, 6), (181, None)]
)
def test_a_near_renewal_adds_points_by_its_distance(left: int, expected: int | None) -> None:
    assert points(Item(due_on=TODAY, renewal_on=TODAY + timedelta(days=left))).get("Renewal") == expected


def test_value_is_measured_against_the_average_account_of_the_book() -> None:
    item = Item(due_on=TODAY, arr_minor=AVERAGE)
    assert points(item)["Value"] == 11
    assert points(item._replace(arr_minor=AVERAGE * 5))["Value"] == 22
    assert "Value" not in points(item._replace(arr_minor=0))


def test_a_row_stands_under_now_when_late_or_when_its_clock_runs_out_today() -> None:
    def group_of(item: Item) -> str:
        return group(item, now=NOW, today=TODAY)

    assert group_of(Item(due_on=TODAY - timedelta(days=1))) == "now"
    assert group_of(Item(due_on=TODAY, respond_by=NOW + timedelta(hours=3))) == "now"
    assert group_of(Item(due_on=TODAY, respond_by=NOW + timedelta(hours=30))) == "today"
    assert group_of(Item(due_on=TODAY)) == "today"
    assert group_of(Item(due_on=TODAY + timedelta(days=3))) == "week"
