"""Cadence, goals and packages are pure functions."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbr.contributions import DEFAULT_CADENCE, DEFAULT_TEMPLATE
from qbr.rules import (
    MADE_UP_FOR_DAYS,
    BadDocument,
    add_months,
    due_now,
    goal_progress,
    goal_reached,
    headline,
    package_hash,
    parse_cadence,
    parse_template,
    plain,
)

days = st.dates(min_value=date(2019, 1, 1), max_value=date(2032, 12, 31))


@pytest.mark.capability("Q6")
def test_a_fresh_cadence_is_quarterly_for_enterprise_and_semi_annual_for_mid_market() -> None:
    assert parse_cadence(DEFAULT_CADENCE).months == {"enterprise": 3, "mid_market": 6}
    assert parse_cadence(DEFAULT_CADENCE).prepare_days == 14


def test_the_fresh_template_leads_somewhere_and_keeps_usage_in_the_appendix() -> None:
    template = parse_template(DEFAULT_TEMPLATE)
    assert template.warnings == ()
    assert "usage" in {section.key for section in template.appendix}
    assert parse_template({"sections": [{"key": "summary"}]}).warnings == (
        "No section 'goals': a review without it is a status report.",
        "No section 'decisions': a review without it is a status report.",
    )


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 1, 31), None),  # 30 April is more than 14 days ahead
        (date(2026, 4, 15), None),
        (date(2026, 4, 16), date(2026, 4, 30)),  # the 31st of a short month, T−14
        (date(2026, 5, 20), date(2026, 4, 30)),  # missed, made up for
        (date(2026, 6, 15), None),  # missed for too long
        (date(2026, 7, 17), date(2026, 7, 31)),  # no drift from the short month before
    ],
)
def test_a_review_is_due_14_days_ahead_counted_from_the_anchor(today: date, expected: date | None) -> None:
    assert due_now(date(2026, 1, 31), 3, today, 14) == expected


@given(days, st.integers(1, 24), days, st.integers(1, 60))
def test_what_is_due_lies_in_the_window_and_a_whole_number_of_periods_after_the_anchor(
    anchor: date, months: int, today: date, prepare: int
) -> None:
    due = due_now(anchor, months, today, prepare)
    if due is not None:
        assert today - timedelta(days=MADE_UP_FOR_DAYS) <= due <= today + timedelta(days=prepare)
        assert due in {add_months(anchor, months * n) for n in range(1, 400)}


@pytest.mark.parametrize(
    ("baseline", "target", "actual", "reached", "progress"),
    [
        (31.2, 26.0, 24.6, True, 1.0),
        (0.0, 80.0, 34.0, False, 0.425),
        (14.0, 6.0, None, None, None),
        (None, 10.0, 10.0, True, 1.0),
        (5.0, 5.0, 4.0, False, 0.0),
    ],
)
def test_a_goal_is_reached_in_its_own_direction(
    baseline: float | None, target: float, actual: float | None, reached: bool | None, progress: float | None
) -> None:
    assert goal_reached(baseline, target, actual) is reached
    assert goal_progress(baseline, target, actual) == progress


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        ([], "No goals are agreed yet: that is what this review is for"),
        ([None, None], "2 goals agreed, nothing measured yet"),
        ([True], "The goal is reached"),
        ([True, True, True], "All 3 goals are reached"),
        ([True, True, False], "2 of 3 goals are reached"),
        ([True, None], "1 of 2 goals is reached"),
    ],
)
def test_the_headline_is_the_result(reached: list[bool | None], words: str) -> None:
    assert headline(reached) == words


def test_with_no_goal_reached_the_headline_says_how_far_the_furthest_is() -> None:
    assert headline([False, None], [0.934, None]) == "2 goals on the way, the furthest at 93 %"


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text(max_size=9)), max_size=6))
def test_the_hash_does_not_depend_on_the_order_of_keys(data: dict[str, object]) -> None:
    assert package_hash(data) == package_hash(dict(reversed(list(data.items()))))


def test_numbers_are_frozen_in_a_form_that_survives_the_database() -> None:
    assert [plain(value) for value in (None, 3, 3.0, 2.345678, 1e20)] == [None, 3, 3, 2.3457, 10**20]


@pytest.mark.parametrize(
    ("definition", "words"),
    [({}, "needs `months`"), ({"months": {"enterprise": 0}}, "from 1 to 24, not 0")],
)
def test_a_cadence_that_cannot_work_is_refused(definition: dict[str, object], words: str) -> None:
    with pytest.raises(BadDocument, match=words):
        parse_cadence(definition)
