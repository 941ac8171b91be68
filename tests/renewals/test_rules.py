"""The renewal clock is a pure function of dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.contributions import DEFAULT_TIMELINE
from renewals.rules import (
    CATCH_UP,
    BadTimeline,
    OnTime,
    Weekend,
    catch_up_date,
    due_date,
    next_anniversary,
    parse_timeline,
    plan,
    step_date,
)

TIMELINE = parse_timeline(DEFAULT_TIMELINE)
days = st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 31))
offsets = st.integers(min_value=1, max_value=730)
weekends = st.sampled_from(list(Weekend))


@pytest.mark.capability("A6")
def test_a_fresh_timeline_has_the_four_steps_and_says_when_each_is_done() -> None:
    assert TIMELINE.offsets == (180, 90, 60, 30)
    assert [bool(step.done_when) for step in TIMELINE.steps] == [True] * 4


@pytest.mark.parametrize(
    ("due", "offset", "weekend", "expected"),
    [
        (date(2026, 3, 31), 30, Weekend.NEXT, date(2026, 3, 2)),  # Sunday 1 March → Monday
        (date(2026, 3, 31), 30, Weekend.PREVIOUS, date(2026, 2, 27)),  # → Friday
        (date(2026, 3, 31), 30, Weekend.KEEP, date(2026, 3, 1)),
        (date(2026, 3, 30), 30, Weekend.NEXT, date(2026, 3, 2)),  # Saturday → Monday
        (date(2026, 4, 1), 30, Weekend.NEXT, date(2026, 3, 2)),  # Monday stays
        (date(2026, 3, 2), 1, Weekend.NEXT, date(2026, 2, 27)),  # the Monday would be the due date itself
    ],
)
def test_a_step_on_a_weekend_moves_to_a_working_day(due: date, offset: int, weekend: Weekend, expected: date) -> None:
    assert step_date(due, offset, weekend) == expected


@given(days, offsets, weekends)
def test_a_step_lies_before_its_due_date_on_a_working_day_at_most_two_days_off(
    due: date, offset: int, weekend: Weekend
) -> None:
    day = step_date(due, offset, weekend)
    assert day < due
    assert abs((day - (due - timedelta(days=offset))).days) <= 2
    assert weekend == Weekend.KEEP or day.isoweekday() <= 5


@given(days, st.integers(min_value=1, max_value=800))
def test_a_plan_names_each_offset_once_and_only_days_that_are_not_over(seen: date, ahead: int) -> None:
    due = seen + timedelta(days=ahead)
    planned = plan(due, seen, TIMELINE)
    named = [offset for step in planned for offset in step.stands_for]
    assert sorted(named, reverse=True) == list(TIMELINE.offsets)
    assert all(step.on >= seen for step in planned)
    assert sum(step.offset_days == CATCH_UP for step in planned) <= 1


@pytest.mark.capability("W1")
def test_a_contract_seen_45_days_out_gets_the_30_day_step_and_one_catch_up_for_the_rest() -> None:
    planned = plan(date(2026, 4, 16), date(2026, 3, 2), TIMELINE)
    assert [(step.offset_days, step.on, step.stands_for) for step in planned] == [
        (CATCH_UP, date(2026, 3, 2), (180, 90, 60)),
        (30, date(2026, 3, 17), (30,)),
    ]


@given(days, st.integers(min_value=181, max_value=800), st.integers(min_value=0, max_value=3))
def test_being_seen_a_little_later_changes_nothing_while_no_step_was_due(due: date, ahead: int, late: int) -> None:
    seen = due - timedelta(days=ahead + 3)
    assert plan(due, seen + timedelta(days=late), TIMELINE) == plan(due, seen, TIMELINE)


@given(days, st.integers(min_value=1, max_value=30))
def test_the_catch_up_lies_before_the_due_date(seen: date, ahead: int) -> None:
    due = seen + timedelta(days=ahead)
    assert seen <= catch_up_date(seen, due, Weekend.NEXT) < due


@given(days, days)
def test_the_next_anniversary_is_ahead_by_at_most_a_year(start: date, today: date) -> None:
    day = next_anniversary(start, today)
    assert day > today
    assert start >= today or (day - today).days <= 366
    assert (day.month, day.day) in {(start.month, start.day), (2, 28)}


def test_a_contract_without_an_end_is_due_on_its_anniversary_also_when_it_began_on_29_february() -> None:
    assert due_date(date(2024, 2, 29), None, date(2026, 3, 2)) == date(2027, 2, 28)
    assert due_date(date(2024, 2, 29), None, date(2027, 3, 2)) == date(2028, 2, 29)
    assert due_date(date(2024, 2, 29), date(2026, 5, 1), date(2026, 3, 2)) == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({}, "needs `steps`"),
        ({"steps": [{"offset_days": 0, "title": "x"}], "catch_up_title": "c"}, "from 1 to 730, not 0"),
        ({"steps": [{"offset_days": 30}], "catch_up_title": "c"}, "needs a title"),
        ({"steps": [{"offset_days": 30, "title": "x"}] * 2, "catch_up_title": "c"}, "same offset_days"),
        ({"steps": [{"offset_days": 30, "title": "x"}]}, "catch_up_title"),
        ({"steps": [{"offset_days": 30, "title": "x"}], "catch_up_title": "c", "weekend": "skip"}, "next, previous"),
    ],
)
def test_a_timeline_that_cannot_work_is_refused_with_the_field(definition: dict[str, object], words: str) -> None:
    with pytest.raises(BadTimeline, match=words):
        parse_timeline(definition)


def test_a_rate_without_a_base_is_none_with_a_reason() -> None:
    nothing = OnTime(due=0, won=0, lost=0, open=0, won_on_time=0, won_in_final_week=0, automatic=0)
    assert (nothing.rate, nothing.strict_rate, nothing.final_week_share) == (None, None, None)
    assert nothing.why_not == "No renewal was due in the period."
